"""Refunds of top-ups: the money and its bonus are held before the gateway is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batua.contract import Support
from batua.errors import Conflict, InsufficientFunds
from batua.ledger import AccountName, Book, Need, Record, account_needs
from batua.ledger.lots import spared, unspent_of, without_bonus
from batua.payments import (
    Capture,
    Destination,
    NewRefund,
    Refund,
    bonus_hold,
    can_refund,
    insert_refund,
    known_refund,
)
from batua.wallets.bonuses import BonusLeft, bonus_left, bonus_needs, share_of
from batua.wallets.tables import TopUp

__all__ = ["RequestTopUpRefund"]


@dataclass(frozen=True, slots=True)
class RequestTopUpRefund:
    """Hold a top-up's money and its bonus, and reserve its refund. The gateway is called later.

    What was spent of the bonus is deducted from what can be refunded. Raises ``Conflict``
    (``refund_exceeds_refundable``, ``refund_unsupported``), and ``InsufficientFunds`` when the
    money is spent.
    """

    top_up_id: str
    new: NewRefund
    support: Mapping[str, Support]

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(TopUp, "id", self.top_up_id)
        yield need
        yield Need(Refund, "id", self.new.id)
        yield Need(Capture, "top_up_id", self.top_up_id)
        if not book.missing([need]):
            top_up = book.need(*need)
            yield from account_needs(AccountName.wallet_of(top_up))
            yield from bonus_needs(book, top_up)

    def decide(self, book: Book) -> Record:
        if (known := known_refund(book, self.new, self.top_up_id)) is not None:
            return known
        top_up = book.need(TopUp, "id", self.top_up_id)
        wallet = book.account(AccountName.wallet_of(top_up))
        bonus, rest = bonus_left(book, top_up), _rest(top_up)
        amount = self._amount(book, top_up, rest, bonus, wallet)
        capture = self._capture(book, amount)
        self._require_support(capture, amount)
        name = AccountName.wallet_of(top_up)
        takes = without_bonus(wallet, book.lots(name), amount)
        book.hold(self.new.id, name, amount, refund_id=self.new.id, takes=takes)
        share = share_of(bonus.free, amount=amount, of=rest - bonus.spent)
        taken = self._hold_bonus(book, top_up, share)
        for row in (top_up, capture):
            book.update(row, refund_reserved=row["refund_reserved"] + amount)
        return insert_refund(
            book,
            self.new,
            subject=top_up,
            capture=capture,
            destination="source",
            amounts=(0, amount, amount),
            bonus=taken,
        )

    def _amount(
        self, book: Book, top_up: Record, rest: int, bonus: BonusLeft, wallet: Record
    ) -> int:
        most = rest - bonus.spent
        if self.new.amount is not None:
            amount = self.new.amount
        else:
            amount = min(most, spared(wallet, book.lots(AccountName.wallet_of(top_up))))
            if amount <= 0 < most:
                raise InsufficientFunds(
                    owner=wallet["owner"], amount=most, available=0, currency=wallet["currency"]
                )
        if not 0 < amount <= most:
            spent = f", after {bonus.spent} of its bonus that is spent" if bonus.spent else ""
            raise Conflict(
                "refund_exceeds_refundable",
                f"Top-up {self.top_up_id!r} has {max(0, most)} {top_up['currency']} left to refund "
                f"(minor units{spent}), not {amount}.",
            )
        return amount

    def _hold_bonus(self, book: Book, top_up: Record, share: int) -> int:
        name, hold_id = AccountName.wallet_of(top_up), bonus_hold(self.new.id)
        takes = unspent_of(book.lots(name), self.top_up_id, share)
        held = sum(amount for _, amount in takes)
        if held:
            book.hold(hold_id, name, held, refund_id=self.new.id, takes=takes)
        return held

    def _require_support(self, capture: Record, amount: int) -> None:
        if not can_refund(self.support, capture, amount):
            raise Conflict(
                "refund_unsupported",
                f"The gateway {capture['gateway']!r} can't refund {amount} of this top-up.",
            )

    def _capture(self, book: Book, amount: int) -> Record:
        for capture in book.find(Capture, "top_up_id", self.top_up_id):
            gone = capture["refunded"] + capture["refund_reserved"] + capture["disputed"]
            rest = capture["amount"] - gone
            if capture["destination"] == Destination.WALLET and amount <= rest:
                return capture
        raise Conflict(
            "refund_exceeds_refundable",
            f"Top-up {self.top_up_id!r} was paid by more than one payment: none of them has "
            f"{amount} left. Refund them one by one.",
        )


def _rest(top_up: Record) -> int:
    gone = top_up["refunded"] + top_up["refund_reserved"] + top_up["disputed"]
    return int(top_up["credited"] - gone)
