"""Captures, authorizations and refunds: what moves money.

Source: SPEC payments_payment_v2 and checkout_orders_v2, read 2026-11-22.
"""

from __future__ import annotations

from batua.testing.simulators.paypal.books import DAYS, Books
from batua.testing.simulators.paypal.documents import (
    new_authorization,
    new_capture,
    new_refund,
    receivable,
)
from batua.testing.simulators.paypal.errors import Document, conflict, not_found, unprocessable
from batua.testing.simulators.paypal.money import minor, money
from batua.testing.simulators.paypal.validation import check_follow_up, check_request_id

__all__ = ["TAKEN", "Payments", "is_lost"]

TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
"""The states of a capture whose money was taken."""

_KEPT_S = 45 * DAYS
"""SPEC payments_payment_v2, ``PayPal-Request-Id``."""

_TOLD = {
    "COMPLETED": ("PAYMENT.CAPTURE.COMPLETED", "Payment completed for"),
    "PENDING": ("PAYMENT.CAPTURE.PENDING", "Payment pending for"),
}


class Payments:
    """``take`` and ``promise`` are called inside a transaction, the rest opens its own."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store
        self._faults = books.faults

    def capture(self, capture_id: str) -> Document:
        return self._books.found("capture", capture_id)

    def authorization(self, authorization_id: str) -> Document:
        return self._books.found("authorization", authorization_id)

    def refund_of(self, refund_id: str) -> Document:
        """A refund, or what PayPal took back by itself, which has the same shape."""
        found = self._store.get("refund", refund_id) or self._store.get("reversal", refund_id)
        if found is None:
            raise not_found()
        return found

    def take(
        self,
        order: Document,
        amount: Document,
        outcome: str,
        *,
        authorization: Document | None = None,
    ) -> Document:
        """A capture: ``outcome`` is completed, pending or declined. Uses up ``authorization``."""
        capture = new_capture(order, amount, outcome.upper(), self._books.now)
        if authorization is not None:
            capture["_authorization"] = authorization["id"]
            is_part = minor(amount) < minor(authorization["amount"])
            authorization["status"] = "PARTIALLY_CAPTURED" if is_part else "CAPTURED"
            self._books.changed("authorization", authorization)
        self._store.put("capture", capture, parent=order["id"])
        self._tell_of(capture)
        return capture

    def promise(self, order: Document) -> Document:
        """An authorization of the order's whole amount."""
        authorization = new_authorization(order, self._books.now)
        self._store.put("authorization", authorization, parent=order["id"])
        self._tell_of_authorization("CREATED", authorization)
        return authorization

    def settle_capture(self, capture_id: str, status: str) -> Document:
        """A pending capture reaches its end: ``completed`` or ``declined``."""
        with self._store.transaction():
            capture = self.capture(capture_id)
            if capture["status"] != "PENDING":
                raise unprocessable("TRANSACTION_REFUSED")
            capture["status"] = status.upper()
            capture.pop("status_details")
            if status == "completed":
                capture |= receivable(capture["amount"])
            self._tell_of(self._books.changed("capture", capture))
            return capture

    def capture_authorization(
        self, authorization_id: str, body: Document, request_id: str | None
    ) -> tuple[Document, bool]:
        """Once, and no more than was authorized; the bool says that it is new."""
        check_request_id(request_id, is_required=False)
        check_follow_up(body, accepts_inr=self._faults["accepts_inr"])
        deed = f"capture {authorization_id}"
        with self._books.once(deed, request_id, kept_s=_KEPT_S) as once:
            if once.result is not None:
                return self.capture(once.result), False
            authorization = self.authorization(authorization_id)
            if authorization["status"] == "VOIDED":
                raise unprocessable("AUTHORIZATION_VOIDED")
            if authorization["status"] != "CREATED":
                raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED")
            amount = body.get("amount") or authorization["amount"]
            _check_within(amount, authorization["amount"])
            order = self._books.found("order", authorization["_order"])
            outcome = self._faults["capture_outcome"]
            capture = self.take(order, amount, outcome, authorization=authorization)
            once.result = capture["id"]
            return capture, True

    def void(self, authorization_id: str) -> Document:
        with self._store.transaction():
            authorization = self.authorization(authorization_id)
            if authorization["status"] == "VOIDED":
                raise unprocessable("PREVIOUSLY_VOIDED")
            if authorization["status"] != "CREATED":
                raise unprocessable("PREVIOUSLY_CAPTURED")
            authorization["status"] = "VOIDED"
            self._books.changed("authorization", authorization)
            self._tell_of_authorization("VOIDED", authorization)
            return authorization

    def refund(
        self, capture_id: str, body: Document, request_id: str | None
    ) -> tuple[Document, bool]:
        """All of the rest, or the part in ``body``; the bool says that it is new."""
        check_request_id(request_id, is_required=False)
        check_follow_up(body, accepts_inr=self._faults["accepts_inr"])
        with self._books.once(f"refund {capture_id}", request_id, kept_s=_KEPT_S) as once:
            if once.result is not None:
                return self.refund_of(once.result), False
            if self._faults["refund_busy"]:
                raise conflict()
            refund = self._refund(self.capture(capture_id), body)
            once.result = refund["id"]
            return refund, True

    def settle_refund(self, refund_id: str, status: str) -> Document:
        """``completed`` or ``failed``, also after the other. No event is known for a failure."""
        with self._store.transaction():
            refund = self._books.found("refund", refund_id)
            if refund["status"] == status.upper():
                return refund
            refund["status"] = status.upper()
            refund.pop("status_details", None)
            if status == "failed":
                refund["status_details"] = {"reason": "ECHECK"}
            self._books.changed("refund", refund)
            self._refresh(self.capture(refund["_capture"]))
            self._tell_of_refund(refund)
            return refund

    def refunded(self, capture: Document) -> int:
        """Minor units that were refunded, or will be."""
        refunds = self._store.all("refund", capture["id"])
        return sum(minor(one["amount"]) for one in refunds if one["status"] != "FAILED")

    def _refund(self, capture: Document, body: Document) -> Document:
        if capture["status"] == "PENDING":
            raise unprocessable("PENDING_CAPTURE")
        if capture["status"] not in TAKEN:
            raise unprocessable("REFUND_NOT_ALLOWED")
        if any(is_lost(dispute) for dispute in self._store.all("dispute", capture["id"])):
            raise unprocessable("REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK")
        before, currency = self.refunded(capture), capture["amount"]["currency_code"]
        rest = minor(capture["amount"]) - before
        if rest == 0:
            raise unprocessable("CAPTURE_FULLY_REFUNDED")
        amount = body.get("amount") or money(rest, currency)
        if amount["currency_code"] != currency:
            raise unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH")
        if minor(amount) > rest:
            raise unprocessable("REFUND_AMOUNT_EXCEEDED")
        self._check_refund_invoice(body.get("invoice_id"))
        status = self._faults["refund_outcome"].upper()
        # As PayPal writes it, however it was written in the request.
        amount = money(minor(amount), currency)
        refund = new_refund(
            capture, body, amount, refunded=before, status=status, now=self._books.now
        )
        self._store.put("refund", refund, parent=capture["id"])
        self._refresh(capture)
        self._tell_of_refund(refund)
        return refund

    def _check_refund_invoice(self, invoice_id: str | None) -> None:
        if invoice_id and self._faults["refuse_duplicate_invoices"]:
            used = (one.get("invoice_id") for one in self._store.all("refund"))
            if invoice_id in used:
                raise unprocessable("DUPLICATE_INVOICE_ID")

    def _refresh(self, capture: Document) -> None:
        refunded = self.refunded(capture)
        is_full = refunded >= minor(capture["amount"])
        partly = "PARTIALLY_REFUNDED" if refunded else "COMPLETED"
        capture["status"] = "REFUNDED" if is_full else partly
        self._books.changed("capture", capture)

    def _tell_of(self, capture: Document) -> None:
        # Both names of a declined one are in use, so a switch decides.
        declined = f"PAYMENT.CAPTURE.{self._faults['declined_event']}", "Payment denied for"
        name, words = _TOLD.get(capture["status"], declined)
        shown = self._books.views.capture(capture)
        self._books.tell(name, "capture", f"{words} {_written(capture['amount'])}", shown)

    def _tell_of_authorization(self, what: str, authorization: Document) -> None:
        self._books.tell(
            f"PAYMENT.AUTHORIZATION.{what}",
            "authorization",
            f"Authorization {what.lower()} for {_written(authorization['amount'])}",
            self._books.views.authorization(authorization),
        )

    def _tell_of_refund(self, refund: Document) -> None:
        if refund["status"] == "COMPLETED":
            self._books.tell(
                "PAYMENT.CAPTURE.REFUNDED",
                "refund",
                f"A {_written(refund['amount'])} capture payment was refunded",
                self._books.views.refund(refund),
            )


def is_lost(dispute: Document) -> bool:
    """Whether the seller's money for it is gone."""
    outcome = dispute.get("dispute_outcome", {}).get("outcome_code")
    return bool(outcome == "RESOLVED_BUYER_FAVOUR")


def _check_within(amount: Document, authorized: Document) -> None:
    is_other = amount["currency_code"] != authorized["currency_code"]
    if is_other or minor(amount) > minor(authorized):
        raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED")


def _written(amount: Document) -> str:
    return f"{amount['value']} {amount['currency_code']}"
