"""Top-ups: money from outside into a wallet. As a purpose of payments, pure; as a service, not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from batua.clock import NewId
from batua.contract import Money, Support
from batua.errors import Conflict
from batua.ledger import AccountName, Book, Movement, Need, Record, account_needs, require_active
from batua.ledger.lots import without_bonus
from batua.ledger.tables import Hold, Transfer
from batua.outbox import Announcer
from batua.payments import (
    Capture,
    Destination,
    NewPayment,
    NewRefund,
    Placement,
    Refund,
    insert_payment,
    insert_refund,
    known_refund,
)
from batua.wallets.customers import Newcomers, customer_need, ensure_customer
from batua.wallets.tables import TopUp

__all__ = ["OpenTopUp", "RequestTopUpRefund", "TopUpPurpose", "TopUpStatus"]


class TopUpStatus(StrEnum):
    """Where a top-up stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    SUSPENSE = "suspense"


WANTS_MONEY = frozenset(
    {TopUpStatus.PENDING, TopUpStatus.PROCESSING, TopUpStatus.FAILED, TopUpStatus.EXPIRED,
     TopUpStatus.SUSPENSE}
)  # fmt: skip
"""States in which the first capture completes the top-up, however late it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTopUp:
    """Write a top-up and its payment, before the gateway hears of it. Moves no money."""

    id: str
    customer_id: str
    money: Money
    payment: NewPayment
    return_url: str
    newcomers: Newcomers
    new_id: NewId

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(TopUp, "id", self.id)
        yield customer_need(self.customer_id)
        yield from account_needs(AccountName.wallet(self.customer_id, self.money.currency))

    def decide(self, book: Book) -> Record:
        if (known := book.get(TopUp, "id", self.id)) is not None:
            return known
        ensure_customer(book, self.customer_id, self.newcomers, self.new_id)
        wallet = book.account(AccountName.wallet(self.customer_id, self.money.currency))
        require_active(wallet)
        top_up = book.insert(
            TopUp,
            id=self.id,
            customer_id=self.customer_id,
            amount=self.money.amount,
            currency=self.money.currency,
            gateway=self.payment.gateway,
            status=str(TopUpStatus.PENDING),
            credited=0,
            refunded=0,
            refund_reserved=0,
            return_url=self.return_url,
            failure="",
            expires_at=book.clock + timedelta(seconds=self.payment.expires_s),
            created_at=book.now,
            updated_at=book.now,
        )
        insert_payment(book, self.payment)
        return top_up


@dataclass(frozen=True, slots=True)
class TopUpPurpose:
    """A top-up, as its payments and refunds see it."""

    announcer: Announcer

    def needs(self, subject_id: str, book: Book) -> Iterable[Need]:
        need = Need(TopUp, "id", subject_id)
        yield need
        if not book.missing([need]):
            top_up = book.need(TopUp, "id", subject_id)
            yield from account_needs(_wallet(top_up))
            yield from account_needs(AccountName.gateway(top_up["gateway"], top_up["currency"]))

    def place(self, book: Book, payment: Record) -> Placement:
        top_up = book.need(TopUp, "id", payment["top_up_id"])
        if top_up["status"] in WANTS_MONEY:
            is_late = top_up["status"] == TopUpStatus.EXPIRED
            return Placement(Destination.WALLET, "late_capture" if is_late else "top_up")
        return Placement(Destination.WALLET, "second_capture")

    def captured(self, book: Book, capture: Record) -> None:
        top_up = book.need(TopUp, "id", capture["top_up_id"])
        if capture["destination"] == Destination.SUSPENSE:
            if top_up["status"] in WANTS_MONEY:
                book.update(top_up, status=str(TopUpStatus.SUSPENSE), updated_at=book.now)
            return
        status = top_up["status"]
        if status in WANTS_MONEY:
            status = TopUpStatus.SUCCEEDED
        elif status == TopUpStatus.REFUNDED:
            status = TopUpStatus.PARTIALLY_REFUNDED
        book.update(
            top_up,
            status=str(status),
            credited=top_up["credited"] + capture["amount"],
            failure="",
            updated_at=book.now,
        )
        self.announcer.credited(book, capture)

    def not_paid(self, book: Book, payment: Record, *, expired: bool) -> None:
        top_up = book.need(TopUp, "id", payment["top_up_id"])
        if top_up["status"] in {TopUpStatus.PENDING, TopUpStatus.PROCESSING, TopUpStatus.FAILED}:
            status = TopUpStatus.EXPIRED if expired else TopUpStatus.FAILED
            failure = top_up["failure"] if expired else payment["failure"]
            book.update(top_up, status=str(status), failure=failure, updated_at=book.now)

    def approved(self, book: Book, refund: Record) -> None:
        """All of it goes to the source: there is nothing to pay at once."""

    def rejected(self, book: Book, refund: Record) -> None:
        self.source_failed(book, refund, was_posted=False)

    def source_refunded(self, book: Book, refund: Record) -> None:
        top_up, capture = self._of(book, refund)
        book.capture_hold(
            book.need(Hold, "id", refund["id"]),
            Movement(
                id=f"{refund['id']}.source",
                kind="top_up_refund",
                debit=_wallet(top_up),
                credit=AccountName.gateway(refund["gateway"], refund["currency"]),
                amount=refund["source_amount"],
                reason=refund["reason"],
                actor=refund["requested_by"],
                approved_by=refund["approved_by"],
                top_up_id=top_up["id"],
                payment_id=capture["payment_id"],
                refund_id=refund["id"],
            ),
        )
        amount = refund["source_amount"]
        for row in (top_up, capture):
            book.update(
                row,
                refunded=row["refunded"] + amount,
                refund_reserved=row["refund_reserved"] - amount,
            )
        whole = top_up["refunded"] == top_up["credited"]
        status = TopUpStatus.REFUNDED if whole else TopUpStatus.PARTIALLY_REFUNDED
        book.update(top_up, status=str(status), updated_at=book.now)
        self.announcer.refund_succeeded(book, refund, f"top-up {top_up['id']}")

    def source_failed(self, book: Book, refund: Record, *, was_posted: bool) -> None:
        top_up, capture = self._of(book, refund)
        amount = refund["source_amount"]
        column = "refunded" if was_posted else "refund_reserved"
        for row in (top_up, capture):
            book.update(row, **{column: row[column] - amount})
        if was_posted:
            self._reverse(book, refund, top_up, capture)
            status = TopUpStatus.PARTIALLY_REFUNDED if top_up["refunded"] else TopUpStatus.SUCCEEDED
            book.update(top_up, status=str(status), updated_at=book.now)
        else:
            book.void_hold(book.need(Hold, "id", refund["id"]), _wallet(top_up))

    def _reverse(self, book: Book, refund: Record, top_up: Record, capture: Record) -> None:
        book.post(
            Movement(
                id=f"{refund['id']}.reversal",
                kind="reversal_of_top_up_refund",
                debit=AccountName.gateway(refund["gateway"], refund["currency"]),
                credit=_wallet(top_up),
                amount=refund["source_amount"],
                reason="refund_failed_at_provider",
                actor=f"gateway:{refund['gateway']}",
                top_up_id=top_up["id"],
                payment_id=capture["payment_id"],
                refund_id=refund["id"],
                reverses=book.need(Transfer, "id", f"{refund['id']}.source")["seq"],
            )
        )

    def _of(self, book: Book, refund: Record) -> tuple[Record, Record]:
        return (
            book.need(TopUp, "id", refund["top_up_id"]),
            book.need(Capture, "id", refund["capture_id"]),
        )


@dataclass(frozen=True, slots=True)
class RequestTopUpRefund:
    """Hold a top-up's money in the wallet and reserve its refund. The gateway is called later.

    Raises ``Conflict`` (``refund_exceeds_refundable``, ``refund_unsupported``), and
    ``InsufficientFunds`` when the money is spent.
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
            yield from account_needs(_wallet(book.need(TopUp, "id", self.top_up_id)))

    def decide(self, book: Book) -> Record:
        if (known := known_refund(book, self.new, self.top_up_id)) is not None:
            return known
        top_up = book.need(TopUp, "id", self.top_up_id)
        rest = top_up["credited"] - top_up["refunded"] - top_up["refund_reserved"]
        amount = rest if self.new.amount is None else self.new.amount
        if not 0 < amount <= rest:
            raise Conflict(
                "refund_exceeds_refundable",
                f"Top-up {self.top_up_id!r} has {rest} {top_up['currency']} left to refund "
                f"(minor units), not {amount}.",
            )
        capture = self._capture(book, amount)
        self._require_support(capture, amount)
        wallet = book.account(_wallet(top_up))
        takes = without_bonus(wallet, book.lots(_wallet(top_up)), amount)
        book.hold(self.new.id, _wallet(top_up), amount, refund_id=self.new.id, takes=takes)
        for row in (top_up, capture):
            book.update(row, refund_reserved=row["refund_reserved"] + amount)
        return insert_refund(
            book,
            self.new,
            subject=top_up,
            capture=capture,
            destination="source",
            amounts=(0, amount, amount),
        )

    def _require_support(self, capture: Record, amount: int) -> None:
        support = self.support.get(capture["gateway"], Support.NONE)
        is_whole = amount == capture["amount"]
        if support is not Support.PARTIAL and not (support is Support.FULL_ONLY and is_whole):
            raise Conflict(
                "refund_unsupported",
                f"The gateway {capture['gateway']!r} can't refund {amount} of this top-up.",
            )

    def _capture(self, book: Book, amount: int) -> Record:
        for capture in book.find(Capture, "top_up_id", self.top_up_id):
            rest = capture["amount"] - capture["refunded"] - capture["refund_reserved"]
            if capture["destination"] == Destination.WALLET and amount <= rest:
                return capture
        raise Conflict(
            "refund_exceeds_refundable",
            f"Top-up {self.top_up_id!r} was paid by more than one payment: none of them has "
            f"{amount} left. Refund them one by one.",
        )


def _wallet(top_up: Record) -> AccountName:
    return AccountName.wallet(top_up["customer_id"], top_up["currency"])
