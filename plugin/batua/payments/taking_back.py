"""A clawback as a whole: the money, the capture's own counters, and those of its subject. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batua.ledger import AccountName, Book, Need, Record
from batua.payments.clawbacks import Clawback, Clawed, clawback_needs, undo_clawback
from batua.payments.purposes import Destination, Purpose, Purposes
from batua.payments.tables import Capture, Refund

__all__ = ["Told", "give_back", "refunds_of", "take_back"]


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
        capture = clawback.capture
        suspense = AccountName.suspense(capture["gateway"], capture["currency"])
        clawback.post(book, "suspense", suspense, clawback.amount)
        clawed = Clawed()
    else:
        clawed = purpose.claw_back(book, clawback)
    _count(book, clawback, clawed, purpose, sign=1)
    return clawed


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
