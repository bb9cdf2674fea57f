"""Disputes: a payer's bank wants a capture back.

The money is taken back when the dispute opens, for what is spent meanwhile would be lost; a won
dispute restores all of it, to the lot that each paisa came from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from batua.clock import NewId
from batua.contract import DisputeResult, DisputeStatus
from batua.errors import Conflict
from batua.events import EventType, Recorder
from batua.ledger import AccountName, Book, Movement, Need, Record
from batua.payments.capturing import Applied
from batua.payments.clawbacks import Clawback, Clawed
from batua.payments.freezing import freeze, unfreeze
from batua.payments.purposes import Destination, Purposes
from batua.payments.states import advance_dispute
from batua.payments.tables import Capture, Dispute
from batua.payments.taking_back import Told, give_back, take_back

__all__ = ["ApplyDispute"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyDispute:
    """Take in a provider's word on a dispute. Moves money: back when it opens, or forth.

    ``actor`` is who of the staff has said it in the provider's place.

    Raises ``Conflict`` (``dispute_differs``) for another amount than before, or more than was
    captured.
    """

    gateway: str
    result: DisputeResult
    purposes: Purposes
    new_id: NewId
    actor: str = ""

    def needs(self, book: Book) -> Iterable[Need]:
        yield from self._told.needs(book)
        of = Need(Capture, "provider_payment_id", self.result.provider_payment_id)
        if not book.missing([of]) and (capture := self._told.capture(book)) is not None:
            yield Need(Dispute, "customer_id", capture["customer_id"])

    def decide(self, book: Book) -> Applied:
        capture = self._told.capture(book)
        if capture is None:
            return Applied.UNMATCHED
        if capture["mode"] != self.result.mode:
            return Applied.WRONG_MODE
        dispute = self._told.row(book)
        self._require_same(capture, dispute)
        if dispute is None:
            dispute = self._insert(book, capture)
            if self.result.status is DisputeStatus.WON:
                return Applied.APPLIED  # over before we ever heard of it
            self._open(book, dispute, capture)
            if self.result.status is DisputeStatus.LOST:
                self._lose(book, dispute, capture)
            return Applied.APPLIED
        before = dispute["status"]
        if (before, self.result.status) == (DisputeStatus.WON, DisputeStatus.LOST):
            raise Conflict("dispute_was_won", f"Dispute {dispute['id']!r} was won, and now lost?")
        status = advance_dispute(before, self.result.status)
        if status == before:
            return Applied.NOTHING_NEW
        book.update(dispute, status=str(status), closed_at=book.now, updated_at=book.now)
        if status is DisputeStatus.LOST:
            self._lose(book, dispute, capture)
        else:
            self._win(book, dispute, capture)
        return Applied.APPLIED

    def _require_same(self, capture: Record, dispute: Record | None) -> None:
        amount = self.result.amount
        most = capture["amount"] if dispute is None else dispute["amount"]
        is_same = dispute is None or amount.amount == most
        if amount.currency != capture["currency"] or amount.amount > most or not is_same:
            raise Conflict(
                "dispute_differs",
                f"The provider says {amount} of dispute {self.result.provider_dispute_id!r}, "
                f"which is of {most} {capture['currency']}.",
            )

    def _open(self, book: Book, dispute: Record, capture: Record) -> None:
        log.error("dispute %s of %s", dispute["id"], capture["provider_payment_id"])
        purpose = self._told.purpose(capture)
        clawed = take_back(book, self._clawback(dispute, capture), purpose)
        book.update(
            dispute,
            bonus_amount=clawed.bonus,
            clawed_back=clawed.refunds,
            froze=self._freeze(book, dispute, capture, clawed),
        )
        self._record(book, EventType.DISPUTE_OPENED, dispute)
        purpose.disputed(book, capture, is_lost=False)

    def _lose(self, book: Book, dispute: Record, capture: Record) -> None:
        log.error("dispute %s is lost", dispute["id"])
        gateway, currency = dispute["gateway"], dispute["currency"]
        book.post(
            Movement(
                id=f"{dispute['id']}.lost",
                kind="dispute_lost",
                debit=AccountName.dispute(gateway, currency),
                credit=AccountName.gateway(gateway, currency),
                amount=dispute["amount"],
                reason=dispute["reason"] or "dispute",
                actor=self._actor,
                occurred_at=self.result.occurred_at,
                order_id=capture["order_id"],
                top_up_id=capture["top_up_id"],
                payment_id=capture["payment_id"],
            )
        )
        self._told.purpose(capture).disputed(book, capture, is_lost=True)
        self._record(book, EventType.DISPUTE_LOST, dispute)

    def _win(self, book: Book, dispute: Record, capture: Record) -> None:
        log.warning("dispute %s is won", dispute["id"])
        clawed = Clawed(bonus=dispute["bonus_amount"], refunds=dispute["clawed_back"])
        give_back(book, self._clawback(dispute, capture), clawed, self._told.purpose(capture))
        if dispute["froze"] and not self._others_freeze(book, dispute):
            unfreeze(book, AccountName.wallet_of(capture), Recorder(self.new_id))
        self._record(book, EventType.DISPUTE_WON, dispute)

    def _record(self, book: Book, type: EventType, dispute: Record) -> None:
        Recorder(self.new_id).record(book, type, dispute)

    def _freeze(self, book: Book, dispute: Record, capture: Record, clawed: Clawed) -> bool:
        """What is left of a wallet that was paid with disputed money stays where it is.

        One that staff have frozen is theirs to thaw.
        """
        wallet = book.account(AccountName.wallet_of(capture))
        is_active = wallet["status"] == "active"
        was_released = capture["destination"] == Destination.SUSPENSE and clawed.refunds > 0
        if capture["destination"] != Destination.WALLET and not was_released:
            return False
        freeze(book, AccountName.wallet_of(capture), Recorder(self.new_id))
        return is_active or self._others_freeze(book, dispute)

    def _others_freeze(self, book: Book, dispute: Record) -> bool:
        return any(
            row["froze"] and row["status"] != DisputeStatus.WON and row["id"] != dispute["id"]
            for row in book.find(Dispute, "customer_id", dispute["customer_id"])
            if row["currency"] == dispute["currency"]
        )

    def _clawback(self, dispute: Record, capture: Record) -> Clawback:
        return Clawback(
            id=dispute["id"],
            kind="dispute",
            capture=capture,
            into=AccountName.dispute(self.gateway, capture["currency"]),
            amount=dispute["amount"],
            reason=self.result.reason or "dispute",
            actor=self._actor,
            occurred_at=self.result.occurred_at,
        )

    def _insert(self, book: Book, capture: Record) -> Record:
        is_open = self.result.status is DisputeStatus.OPEN
        return book.insert(
            Dispute,
            id=self.new_id("dsp"),
            gateway=self.gateway,
            mode=str(self.result.mode),
            provider_dispute_id=self.result.provider_dispute_id,
            capture_id=capture["id"],
            order_id=capture["order_id"],
            top_up_id=capture["top_up_id"],
            customer_id=capture["customer_id"],
            amount=self.result.amount.amount,
            currency=capture["currency"],
            status=str(self.result.status),
            reason=self.result.reason,
            bonus_amount=0,
            clawed_back=0,
            froze=False,
            opened_at=self.result.occurred_at or book.now,
            closed_at=None if is_open else book.now,
        )

    @property
    def _actor(self) -> str:
        return self.actor or f"gateway:{self.gateway}"

    @property
    def _told(self) -> Told:
        known = Need(Dispute, "provider_dispute_id", self.result.provider_dispute_id)
        return Told(self.gateway, self.result.provider_payment_id, known, self.purposes)
