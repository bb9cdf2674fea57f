"""The rules of Razorpay's states: what a request does to orders, payments and refunds.

Sources: MD:api/orders/entity.md, api/payments/entity.md, api/payments/capture.md and
api/refunds/*.md of Razorpay's docs @ab3bda5f, read 2026-11-22.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from batua.testing.simulators.razorpay.entities import (
    Document,
    Refused,
    new_order,
    new_payment,
    new_refund,
    public,
)
from batua.testing.simulators.razorpay.store import Store
from batua.testing.simulators.razorpay.validation import (
    check_capture,
    check_id,
    check_idempotency_key,
    check_order,
    check_refund,
)

__all__ = ["Books"]

_NOT_FOUND = "The id provided does not exist"
_FAILURE = {
    "error_code": "BAD_REQUEST_ERROR",
    "error_description": "Payment was unsuccessful due to a temporary issue.",
    "error_source": "gateway",
    "error_step": "payment_response",
    "error_reason": "payment_failed",
    "vpa": "failure@razorpay",
    "upi": {"vpa": "failure@razorpay"},
}

Emit = Callable[[str, Document], None]


class Books:
    """Every change is one database transaction, together with the webhooks that it fires."""

    def __init__(self, store: Store, *, key_secret: str, now: Callable[[], int]) -> None:
        self.store = store
        self.emit: Emit = lambda _event, _parts: None
        self._key_secret = key_secret.encode()
        self._now = now

    def create_order(self, body: Document, *, strict_receipts: bool) -> Document:
        """A new order, or by ``unique_receipt`` the one of that receipt.

        The docs conflict on a repeated receipt: ``strict_receipts`` always refuses it.
        """
        check_order(body)
        with self.store.transaction():
            twin = self._order_of_receipt(body.get("receipt"))
            if twin is not None and (strict_receipts or body.get("unique_receipt") is True):
                same = all(twin[name] == body[name] for name in ("amount", "currency"))
                if strict_receipts or not same:
                    raise Refused("Order receipt should be unique.", field="receipt")
                return public(twin)
            order = new_order(body, self._now(), is_automatic=_is_automatic(body))
            self.store.put("order", order, parent=order["receipt"] or "")
            return public(order)

    def order(self, order_id: str) -> Document:
        return self._found("order", order_id)

    def orders(self, receipt: str | None) -> list[Document]:
        return self.store.all("order", receipt)

    def payment(self, payment_id: str) -> Document:
        return self._found("payment", payment_id)

    def payments(self, order_id: str | None = None) -> list[Document]:
        return self.store.all("payment", order_id)

    def refund(self, refund_id: str) -> Document:
        return self._found("refund", refund_id)

    def refunds(self, payment_id: str | None = None) -> list[Document]:
        return self.store.all("refund", payment_id)

    def signature(self, payment: Document) -> str:
        """What Checkout hands to the browser: HMAC of ``order_id|payment_id``."""
        message = f"{payment['order_id']}|{payment['id']}".encode()
        return hmac.new(self._key_secret, message, sha256).hexdigest()

    def is_payable(self, order: Document) -> bool:
        """Not once paid, nor while one of its payments is authorized."""
        waiting = (payment["status"] == "authorized" for payment in self.payments(order["id"]))
        return order["status"] != "paid" and not any(waiting)

    def pay(
        self,
        order_id: str,
        outcome: str,
        *,
        amount: int | None = None,
        currency: str | None = None,
    ) -> Document:
        """One try of a payer. Never asks whether the order may be paid: its callers do."""
        with self.store.transaction():
            order = self.order(order_id)
            payment = new_payment(
                order,
                order["amount"] if amount is None else amount,
                currency or order["currency"],
                self._now(),
            )
            order["attempts"] += 1
            order["status"] = "paid" if order["status"] == "paid" else "attempted"
            self.store.put("order", order)
            self.store.put("payment", payment, parent=order_id)
            if outcome == "captured":
                return self._capture(payment)
            payment["status"] = outcome
            payment |= _FAILURE if outcome == "failed" else {}
            self.store.put("payment", payment)
            self.emit(f"payment.{outcome}", {"payment": public(payment)})
            return payment

    def capture(self, payment_id: str, body: Document) -> Document:
        check_capture(body)
        with self.store.transaction():
            payment = self.payment(payment_id)
            if payment["status"] in {"captured", "refunded"}:
                raise Refused(
                    "Your payment has been declined as the order is already paid.", reason="NA"
                )
            if payment["status"] != "authorized":
                raise Refused("Only payments which have been authorized can be captured")
            asked = (body["amount"], body.get("currency", payment["currency"]))
            if asked != (payment["amount"], payment["currency"]):
                raise Refused("Capture amount must be equal to the amount authorized")
            return public(self._capture(payment))

    def create_refund(
        self, payment_id: str, body: Document, *, key: str | None, outcome: str
    ) -> Document:
        """A refund; the same ``key`` with the same body gives the same refund again."""
        if key is not None:
            check_idempotency_key(key)
        request = json.dumps([payment_id, body], sort_keys=True)
        with self.store.transaction():
            used = self.store.get("refund_key", key) if key is not None else None
            if used is not None:
                return public(self._repeated(used, request))
            refund = self._refund(self.payment(payment_id), body)
            if key is not None:
                self.store.put("refund_key", {"id": key, "for": request, "refund": refund["id"]})
            created = public(refund)
            self._emit_refund("refund.created", refund)
            if outcome != "pending":
                self._settle(refund, outcome)
            return created

    def settle_refund(self, refund_id: str, status: str) -> Document:
        """A pending refund reaches its end, or a processed one fails after all."""
        with self.store.transaction():
            refund = self.refund(refund_id)
            if refund["status"] != status:
                self._settle(refund, status)
            return public(refund)

    def _found(self, kind: str, document_id: str) -> Document:
        check_id(document_id)
        document = self.store.get(kind, document_id)
        if document is None:
            raise Refused(_NOT_FOUND)
        return document

    def _order_of_receipt(self, receipt: Any) -> Document | None:
        return next(iter(self.store.all("order", receipt)), None) if receipt else None

    def _capture(self, payment: Document) -> Document:
        share = (payment["amount"] * 2 + 50) // 100
        tax = (share * 18 + 50) // 100
        payment |= {"status": "captured", "captured": True, "fee": share + tax, "tax": tax}
        payment["acquirer_data"] = {"rrn": "267567962619"}
        order = self.order(payment["order_id"])
        is_first = order["status"] != "paid"
        order["status"] = "paid"
        order["amount_paid"] = order["amount_paid"] + payment["amount"]
        order["amount_due"] = max(0, order["amount"] - order["amount_paid"])
        self.store.put("payment", payment)
        self.store.put("order", order)
        self.emit("payment.captured", {"payment": public(payment)})
        if is_first:
            self.emit("order.paid", {"payment": public(payment), "order": public(order)})
        return payment

    def _refund(self, payment: Document, body: Document) -> Document:
        check_refund(body, payment["currency"])
        if payment["refund_status"] == "full":
            raise Refused("The payment has been fully refunded already.")
        if payment["status"] != "captured":
            raise Refused("The payment status should be captured for action to be taken")
        rest = payment["amount"] - payment["amount_refunded"]
        amount = rest if body.get("amount") is None else body["amount"]
        if amount > rest:
            raise Refused("The refund amount provided is greater than amount captured.")
        refund = new_refund(payment, body, amount, self._now())
        self.store.put("refund", refund, parent=payment["id"])
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

    def _settle(self, refund: Document, status: str) -> None:
        was_failed = refund["status"] == "failed"
        refund["status"] = status
        if status == "processed":
            refund["acquirer_data"] = {"arn": "10000000000000"}
        self.store.put("refund", refund)
        if was_failed != (status == "failed"):
            payment = self.payment(refund["payment_id"])
            self._add_refunded(payment, refund["amount"] if was_failed else -refund["amount"])
        self._emit_refund(f"refund.{status}", refund)

    def _add_refunded(self, payment: Document, amount: int) -> None:
        payment["amount_refunded"] += amount
        is_full = payment["amount_refunded"] >= payment["amount"]
        partial = "partial" if payment["amount_refunded"] else None
        payment["refund_status"] = "full" if is_full else partial
        # A partial refund leaves the payment captured.
        payment["status"] = "refunded" if is_full else "captured"
        self.store.put("payment", payment)

    def _emit_refund(self, event: str, refund: Document) -> None:
        payment = self.payment(refund["payment_id"])
        self.emit(event, {"refund": public(refund), "payment": public(payment)})


def _is_automatic(body: Document) -> bool:
    settings = body.get("payment")
    if isinstance(settings, dict) and "capture" in settings:
        return bool(settings["capture"] == "automatic")
    return bool(body.get("payment_capture", True))
