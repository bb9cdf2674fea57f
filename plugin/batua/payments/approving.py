"""The second person: refunds over the limit wait for somebody who is not the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from batua.errors import Conflict, Forbidden
from batua.ledger import Book, Need, Record, hold_needs
from batua.payments.new_refunds import bonus_hold
from batua.payments.purposes import Purposes
from batua.payments.rescheduling import FIRST_POLL_S
from batua.payments.states import RefundStatus
from batua.payments.suspense import refunding_needs, refunding_of
from batua.payments.tables import Capture, Refund

__all__ = ["DecideRefund", "require_second_person"]


def require_second_person(requested_by: str, approver: str) -> None:
    """Raises ``Forbidden`` (``self_approval``) when both are the same person."""
    if requested_by == approver:
        raise Forbidden(
            "self_approval", "Somebody else must decide on this: you asked for it yourself."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRefund:
    """Approve or reject a refund that waits. Approved, its wallet part is paid at once.

    Raises ``Forbidden`` for the person who asked, and ``Conflict`` when it does not wait, or may
    not be approved for the payer's bank takes the payment back (``payment_disputed``); the same
    decision of the same person is done already and answers the same.
    """

    refund_id: str
    approver: str
    approve: bool
    purposes: Purposes

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Refund, "id", self.refund_id)
        yield need
        yield from hold_needs(self.refund_id)
        yield from hold_needs(bonus_hold(self.refund_id))
        if book.missing([need]):
            return
        yield from refunding_needs(book, book.need(*need), self.purposes)

    def decide(self, book: Book) -> Record:
        refund = book.need(Refund, "id", self.refund_id)
        is_rejected = refund["status"] == RefundStatus.REJECTED
        if refund["approved_by"] == self.approver and is_rejected is not self.approve:
            return refund
        if refund["status"] != RefundStatus.AWAITING_APPROVAL:
            raise Conflict(
                "not_awaiting_approval", f"Refund {self.refund_id!r} is {refund['status']}."
            )
        require_second_person(refund["requested_by"], self.approver)
        if self.approve:
            _require_undisputed(book, refund)
        sends = self.approve and refund["source_amount"]
        book.update(
            refund,
            status=str(RefundStatus.PENDING if self.approve else RefundStatus.REJECTED),
            approved_by=self.approver,
            next_poll_at=book.clock + timedelta(seconds=FIRST_POLL_S) if sends else None,
            updated_at=book.now,
        )
        refunding = refunding_of(book, refund, self.purposes)
        if self.approve:
            refunding.approved(book, refund)
        else:
            refunding.rejected(book, refund)
        return refund


def _require_undisputed(book: Book, refund: Record) -> None:
    capture = refund["capture_id"] and book.need(Capture, "id", refund["capture_id"])
    if capture and capture["disputed"]:
        raise Conflict(
            "payment_disputed",
            f"The payment of refund {refund['id']!r} is in dispute: its bank may give it back. "
            "Reject the refund, or wait for the dispute's end.",
        )
