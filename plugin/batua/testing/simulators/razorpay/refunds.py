"""Razorpay's refunds, and the automatic return of what nobody captured.

Sources: MD:api/refunds.md, api/refunds/*.md and razorpay.com/docs/webhooks/refunds, 2026-11-22.
"""

from __future__ import annotations

import json

from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.entities import Document, Refused, new_refund, public
from batua.testing.simulators.razorpay.validation import check_idempotency_key, check_refund

__all__ = ["RefundBooks"]


class RefundBooks:
    """Every change is one database transaction, together with the webhooks that it fires."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store
        self._faults = books.faults

    def refund(self, refund_id: str) -> Document:
        return self._books.found("refund", refund_id)

    def refunds(self, payment_id: str | None = None) -> list[Document]:
        return self._store.all("refund", payment_id)

    def create(self, payment_id: str, body: Document, *, key: str | None) -> Document:
        """A refund; the same ``key`` with the same body gives the same refund again."""
        if key is not None:
            check_idempotency_key(key)
        if not self._faults["refund_keys_work"]:
            key = None
        request = json.dumps([payment_id, body], sort_keys=True)
        with self._store.transaction():
            used = self._store.get("refund_key", key) if key is not None else None
            if used is not None:
                return public(self._repeated(used, request))
            refund = self._begun(self._books.payment(payment_id), body)
            if key is not None:
                self._store.put("refund_key", {"id": key, "for": request, "refund": refund["id"]})
            created = public(refund)
            self._emit("refund.created", refund)
            self._choose_speed(refund)
            if self._faults["refund_outcome"] != "pending":
                self._settle(refund, self._faults["refund_outcome"])
            return created

    def settle(self, refund_id: str, status: str) -> Document:
        """A pending refund reaches its end, or a processed one fails after all."""
        with self._store.transaction():
            refund = self.refund(refund_id)
            if refund["status"] != status:
                self._settle(refund, status)
            return public(refund)

    def return_authorizations(self) -> list[Document]:
        """Give back every authorized payment that nobody captured in time, as refunds."""
        with self._store.transaction():
            waiting = [each for each in self._books.payments() if each["status"] == "authorized"]
            return [public(self._returned(payment)) for payment in waiting]

    def _returned(self, payment: Document) -> Document:
        refund = new_refund(payment, {}, payment["amount"], self._books.now())
        refund |= {"status": "processed", "acquirer_data": {"arn": "10000000000000"}}
        payment |= {
            "status": "refunded",
            "refund_status": "full",
            "amount_refunded": payment["amount"],
        }
        self._store.put("refund", refund, parent=payment["id"])
        self._store.put("payment", payment)
        self._emit("refund.created", refund)
        self._emit("refund.processed", refund)
        return refund

    def _begun(self, payment: Document, body: Document) -> Document:
        check_refund(body, payment["currency"])
        if payment["refund_status"] == "full":
            raise Refused("The payment has been fully refunded already.")
        if payment["status"] != "captured":
            raise Refused("The payment status should be captured for action to be taken")
        rest = payment["amount"] - payment["amount_refunded"]
        amount = rest if body.get("amount") is None else body["amount"]
        if amount > rest:
            raise Refused("The refund amount provided is greater than amount captured.")
        refund = new_refund(payment, body, amount, self._books.now())
        self._store.put("refund", refund, parent=payment["id"])
        self._add_refunded(payment, amount)
        return refund

    def _repeated(self, used: Document, request: str) -> Document:
        if used["for"] != request:
            raise Refused(
                "Different request with the same idempotency key has already been processed.",
                status=409,
                reason="NA",
                step="NA",
            )
        return self.refund(used["refund"])

    def _choose_speed(self, refund: Document) -> None:
        if refund["speed_requested"] != "optimum":
            return
        refund["speed_processed"] = "instant" if self._faults["instant_refunds"] else "normal"
        self._store.put("refund", refund)
        if refund["speed_processed"] == "normal":
            self._emit("refund.speed_changed", refund)

    def _settle(self, refund: Document, status: str) -> None:
        was_failed = refund["status"] == "failed"
        refund["status"] = status
        if status == "processed":
            refund["acquirer_data"] = {"arn": "10000000000000"}
        self._store.put("refund", refund)
        if was_failed != (status == "failed"):
            payment = self._books.payment(refund["payment_id"])
            self._add_refunded(payment, refund["amount"] if was_failed else -refund["amount"])
        self._emit(f"refund.{status}", refund)

    def _add_refunded(self, payment: Document, amount: int) -> None:
        payment["amount_refunded"] += amount
        is_full = payment["amount_refunded"] >= payment["amount"]
        partial = "partial" if payment["amount_refunded"] else None
        payment["refund_status"] = "full" if is_full else partial
        # A partial refund leaves the payment captured.
        payment["status"] = "refunded" if is_full else "captured"
        self._store.put("payment", payment)

    def _emit(self, event: str, refund: Document) -> None:
        payment = self._books.payment(refund["payment_id"])
        self._books.emit(event, {"refund": public(refund), "payment": self._books.shown(payment)})
