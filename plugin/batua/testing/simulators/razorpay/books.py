"""The rules of Razorpay's states: what a request does to orders and payments.

Sources: MD:api/orders/entity.md, api/payments/entity.md and api/payments/capture.md of Razorpay's
docs @ab3bda5f, read 2026-11-22.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from batua.testing.simulators.kit.faults import Faults
from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.razorpay.entities import (
    NOT_FOUND,
    Document,
    Refused,
    new_order,
    new_payment,
    public,
)
from batua.testing.simulators.razorpay.validation import check_capture, check_id, check_order

__all__ = ["Books"]

_FAILURE = {
    "error_code": "BAD_REQUEST_ERROR",
    "error_description": "Payment was unsuccessful due to a temporary issue.",
    "error_source": "gateway",
    "error_step": "payment_response",
    "error_reason": "payment_failed",
}
_NO_FAILURE = dict.fromkeys(_FAILURE)

Emit = Callable[[str, Document], None]
Saved = Callable[[Document, Document], None]


class Books:
    """Every change is one database transaction, together with the webhooks that it fires.

    ``on_mandate`` is called with an order that asks for a mandate and a payment that succeeded on
    it, inside the transaction.
    """

    def __init__(
        self,
        store: Store,
        faults: Faults,
        *,
        key_secret: str,
        now: Callable[[], int],
        emit: Emit,
    ) -> None:
        self.store = store
        self.faults = faults
        self.now = now
        self.emit = emit
        self.on_mandate: Saved = lambda _order, _payment: None
        self._key_secret = key_secret.encode()

    def create_order(self, body: Document) -> Document:
        """A new order, or by ``unique_receipt`` the one of that receipt.

        The docs conflict on a repeated receipt; see ``Switches``.
        """
        check_order(body)
        is_strict: bool = self.faults["strict_receipts"]
        is_flagged = body.get("unique_receipt") is True
        wants_one = is_flagged and not self.faults["ignores_unique_receipt"]
        with self.store.transaction():
            if body.get("customer_id"):
                self.found("customer", body["customer_id"])
            twin = self._order_of_receipt(body.get("receipt"))
            if twin is not None and (is_strict or wants_one):
                same = all(twin[name] == body[name] for name in ("amount", "currency"))
                if is_strict or not same:
                    raise Refused("Order receipt should be unique.", field="receipt")
                return public(twin)
            order = new_order(body, self.now(), is_automatic=_is_automatic(body))
            self.store.put("order", order, parent=order["receipt"] or "")
            return public(order)

    def order(self, order_id: str) -> Document:
        return self.found("order", order_id)

    def orders(self, receipt: str | None) -> list[Document]:
        return self.store.all("order", receipt)

    def payment(self, payment_id: str) -> Document:
        return self.found("payment", payment_id)

    def payments(self, order_id: str | None = None) -> list[Document]:
        return self.store.all("payment", order_id)

    def found(self, kind: str, document_id: str) -> Document:
        """The document, or ``Refused`` in Razorpay's words."""
        check_id(document_id)
        document = self.store.get(kind, document_id)
        if document is None:
            raise Refused(NOT_FOUND)
        return document

    def shown(self, payment: Document) -> Document:
        """The payment as answers and events show it, with the oddities of the samples."""
        odd: Document = {}
        if self.faults["blank_errors"] and payment["error_code"] is None:
            odd = dict.fromkeys(_FAILURE, "")
        if self.faults["odd_captured"] and payment["status"] in {"authorized", "failed"}:
            odd["captured"] = True
        return public(payment | odd)

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
            payment = self.begin(
                order,
                amount=order["amount"] if amount is None else amount,
                currency=currency or order["currency"],
            )
            return self.advance(payment, outcome)

    def begin(self, order: Document, *, amount: int, currency: str, **facts: Any) -> Document:
        """A payment whose end is not known yet; called inside a transaction."""
        payment = new_payment(order, amount, currency, self.now()) | facts
        order["attempts"] += 1
        order["status"] = "paid" if order["status"] == "paid" else "attempted"
        self.store.put("order", order)
        self.store.put("payment", payment, parent=order["id"])
        return payment

    def advance(self, payment: Document, outcome: str) -> Document:
        """Bring a payment on, inside a transaction: also a failed one, which is then late."""
        if payment["status"] == outcome or outcome == "created":
            return payment
        if payment["status"] == "failed":
            payment |= {"late_authorized": True, **_NO_FAILURE}
        if outcome != "failed":
            self._save_instrument(payment)
        if outcome == "captured":
            return self._capture(payment)
        payment["status"] = outcome
        if outcome == "failed":
            payment |= _FAILURE | {"vpa": "failure@razorpay", "upi": {"vpa": "failure@razorpay"}}
        self.store.put("payment", payment)
        self.emit(f"payment.{outcome}", {"payment": self.shown(payment)})
        return payment

    def advance_by_id(self, payment_id: str, outcome: str) -> Document:
        """What comes late: a created or failed payment goes on. ``Refused`` for any other."""
        with self.store.transaction():
            payment = self.payment(payment_id)
            if payment["status"] not in {"created", "failed"}:
                raise Refused(f"a payment that is {payment['status']} does not come late")
            return self.shown(self.advance(payment, outcome))

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
            return self.shown(self._capture(payment))

    def _order_of_receipt(self, receipt: Any) -> Document | None:
        return next(iter(self.store.all("order", receipt)), None) if receipt else None

    def _save_instrument(self, payment: Document) -> None:
        order = self.order(payment["order_id"])
        if order.get("_mandate") and payment["token_id"] is None:
            self.on_mandate(order, payment)

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
        self.emit("payment.captured", {"payment": self.shown(payment)})
        if is_first:
            self.emit("order.paid", {"payment": self.shown(payment), "order": public(order)})
        return payment


def _is_automatic(body: Document) -> bool:
    settings = body.get("payment")
    if isinstance(settings, dict) and "capture" in settings:
        return bool(settings["capture"] == "automatic")
    return bool(body.get("payment_capture", True))
