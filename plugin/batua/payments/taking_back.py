"""A clawback as a whole: the money, the capture's own counters, and those of its subject. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batua.ledger import AccountName, Book, Need, Record
from batua.payments.clawbacks import Clawback, Clawed, clawback_needs, undo_clawback
from batua.payments.purposes import Destination, Purpose, Purposes
from batua.payments.states import RefundStatus
from batua.payments.suspense import in_suspense
from batua.payments.tables import Capture, Refund

__all__ = ["Told", "give_back", "refunds_of", "take_back", "to_wallet"]

PAID_TO_WALLET = frozenset(
    {RefundStatus.PENDING, RefundStatus.UNKNOWN, RefundStatus.SUCCEEDED, RefundStatus.FAILED}
)
"""The wallet's part of a refund is paid at once, whatever becomes of the rest."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider speaks of: a capture of ours, and a row that tells of it, if there is one.

    ``telling`` finds the row, a refund's or a dispute's, by the provider's id.
    """

    gateway: str
    provider_payment_id: str
    telling: Need
    purposes: Purposes

    def needs(self, book: Book) -> Iterable[Need]:
        """All that taking back, or giving back, reads and writes."""
        yield self._capture
        yield self.telling
        if book.missing([self._capture, self.telling]):
            return
        capture, row = self.capture(book), self.row(book)
        if capture is not None:
            subject = capture["order_id"] or capture["top_up_id"]
            yield from self.purpose(capture).needs(subject, book)
            yield from clawback_needs(book, row["id"] if row else None, capture)
            yield refunds_of(capture)

    def capture(self, book: Book) -> Record | None:
        """The capture, if it is this gateway's and we have got it."""
        return self._own(book, self._capture)

    def row(self, book: Book) -> Record | None:
        """The row that tells of it, if there is one."""
        return self._own(book, self.telling)

    def purpose(self, capture: Record) -> Purpose:
        """What the capture was for."""
        return self.purposes["order" if capture["order_id"] else "top_up"]

    @property
    def _capture(self) -> Need:
        return Need(Capture, "provider_payment_id", self.provider_payment_id)

    def _own(self, book: Book, need: Need) -> Record | None:
        found = book.find(*need)
        return next((row for row in found if row["gateway"] == self.gateway), None)


def refunds_of(capture: Record) -> Need:
    """The refunds of the order or top-up that a capture is of."""
    if capture["order_id"]:
        return Need(Refund, "order_id", capture["order_id"])
    return Need(Refund, "top_up_id", capture["top_up_id"])


def take_back(book: Book, clawback: Clawback, purpose: Purpose) -> Clawed:
    """Take it from whoever has it by now, and count it."""
    if clawback.capture["destination"] == Destination.SUSPENSE:
        clawed = _claw_back_suspense(book, clawback)
    else:
        clawed = purpose.claw_back(book, clawback)
    _count(book, clawback, clawed, purpose, sign=1)
    return clawed


def to_wallet(book: Book, capture: Record) -> int:
    """What was refunded to the wallet out of a capture, and is there still as far as we know."""
    refunds = (
        refund["capture_amount"] - refund["source_amount"]
        for refund in book.find(*refunds_of(capture))
        if refund["capture_id"] == capture["id"] and refund["status"] in PAID_TO_WALLET
    )
    return int(sum(refunds) - capture["clawed_back"])


def _claw_back_suspense(book: Book, clawback: Clawback) -> Clawed:
    """Out of suspense, then out of the wallet that it was released to; the rest is a loss.

    A dispute takes what a refund has reserved too: the two are of the same money, and a provider
    makes but one of them.
    """
    capture, amount = clawback.capture, clawback.amount
    kept = 0 if clawback.is_dispute else capture["refund_reserved"]
    there = min(amount, max(0, in_suspense(capture) - kept))
    released = min(amount - there, to_wallet(book, capture))
    if there:
        suspense = AccountName.suspense(capture["gateway"], capture["currency"])
        clawback.post(book, "suspense", suspense, there)
    if released:
        clawback.from_wallet(book, released)
    if loss := amount - there - released:
        clawback.post(book, "loss", AccountName.dispute_loss(capture["currency"]), loss)
    return Clawed(refunds=released)


def give_back(book: Book, clawback: Clawback, clawed: Clawed, purpose: Purpose) -> None:
    """It was not so, or is so no more: everything goes where it came from."""
    undo_clawback(book, clawback.id, reason=clawback.reason, actor=clawback.actor)
    _count(book, clawback, clawed, purpose, sign=-1)


def _count(book: Book, clawback: Clawback, clawed: Clawed, purpose: Purpose, *, sign: int) -> None:
    capture = clawback.capture
    refunded = -clawed.refunds if clawback.is_dispute else clawback.amount - clawed.refunds
    book.update(
        capture,
        refunded=capture["refunded"] + sign * refunded,
        clawed_back=capture["clawed_back"] + sign * clawed.refunds,
        disputed=capture["disputed"] + sign * clawback.amount * clawback.is_dispute,
    )
    if capture["destination"] != Destination.SUSPENSE:
        purpose.clawed_back(book, clawback, clawed, sign=sign)
