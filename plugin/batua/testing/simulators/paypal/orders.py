"""Orders: made by the shop, approved by the payer, captured by the shop.

Source: SPEC checkout_orders_v2, read 2026-11-22.
"""

from __future__ import annotations

from batua.testing.simulators.paypal.books import HOURS, Books
from batua.testing.simulators.paypal.documents import new_order, wallet
from batua.testing.simulators.paypal.errors import Document, unprocessable
from batua.testing.simulators.paypal.money import minor, money
from batua.testing.simulators.paypal.payments import TAKEN, Payments
from batua.testing.simulators.paypal.validation import (
    check_order,
    check_request_id,
    paypal_source,
)
from batua.testing.simulators.paypal.vault import Vault

__all__ = ["Orders"]

_KEPT_S = 6 * HOURS
"""SPEC checkout_orders_v2, ``PayPal-Request-Id``."""


class Orders:
    """An order that is COMPLETED has payments, of whatever status; SPEC order_status."""

    def __init__(self, books: Books, payments: Payments, vault: Vault) -> None:
        self._books = books
        self._store = books.store
        self._faults = books.faults
        self._payments = payments
        self._vault = vault

    def order(self, order_id: str) -> Document:
        return self._books.found("order", order_id)

    def create(self, body: Document, request_id: str | None) -> tuple[Document, bool]:
        """A new order, or the one of that request id; the bool says that it is new.

        With a ``vault_id`` its money is taken at once.
        """
        check_request_id(request_id, is_required=bool(body.get("payment_source")))
        check_order(body, accepts_inr=self._faults["accepts_inr"])
        with self._books.once("order", request_id, kept_s=_KEPT_S) as once:
            if once.result is not None:
                return self.order(once.result), False
            is_action = bool(paypal_source(body)) and self._faults["payer_action"]
            status = "PAYER_ACTION_REQUIRED" if is_action else "CREATED"
            order = new_order(body, self._books.now, status=status)
            self._check_invoice(order)
            self._vault.check(order)
            self._store.put("order", order, parent=order["purchase_units"][0].get("invoice_id", ""))
            if order["_vault_id"]:
                self._charge(order)
            once.result = order["id"]
            return order, True

    def capture(self, order_id: str, request_id: str | None) -> tuple[Document, bool]:
        """Takes the money of an order that its payer has approved; the bool says: just now."""
        check_request_id(request_id, is_required=False)
        with self._books.once(f"capture {order_id}", request_id, kept_s=_KEPT_S) as once:
            order = self.order(order_id)
            if once.result is not None:
                return order, False
            self._check_ready(order, "CAPTURE", "ORDER_ALREADY_CAPTURED")
            self._complete(order)
            once.result = order_id
            return order, True

    def authorize(self, order_id: str, request_id: str | None) -> tuple[Document, bool]:
        """Promises the money of an order that its payer has approved; the bool says: just now."""
        check_request_id(request_id, is_required=False)
        with self._books.once(f"authorize {order_id}", request_id, kept_s=_KEPT_S) as once:
            order = self.order(order_id)
            if once.result is not None:
                return order, False
            self._check_ready(order, "AUTHORIZE", "ORDER_ALREADY_AUTHORIZED")
            self._payments.promise(order)
            self._finish(order)
            once.result = order_id
            return order, True

    def approve(self, order_id: str) -> Document:
        """The payer agrees. Takes no money: the shop has to capture."""
        with self._store.transaction():
            return self._approve(self.order(order_id))

    def pay_elsewhere(self, order_id: str, amount: int | None, currency: str | None) -> Document:
        """The payer agrees and somebody else captures for the shop. Returns the capture."""
        with self._store.transaction():
            order = self._approve(self.order(order_id))
            asked = order["purchase_units"][0]["amount"]
            paid = money(
                minor(asked) if amount is None else amount, currency or asked["currency_code"]
            )
            promised = self._payments.promise(order) if order["intent"] == "AUTHORIZE" else None
            return self._complete(order, paid, promised)

    def fail(self, order_id: str) -> Document:
        """A try that is declined. The payer may try again. Returns the declined capture."""
        with self._store.transaction():
            order = self._approve(self.order(order_id))
            capture = self._payments.take(order, order["purchase_units"][0]["amount"], "declined")
            order["status"] = "PAYER_ACTION_REQUIRED"
            self._books.changed("order", order)
            return capture

    def _approve(self, order: Document) -> Document:
        if order["status"] == "COMPLETED":
            raise unprocessable("ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            order["status"] = "APPROVED"
            order["payment_source"] = {"paypal": wallet()}
            self._books.changed("order", order)
            self._tell("APPROVED", "An order has been approved by buyer", order)
        return order

    def _charge(self, order: Document) -> None:
        """A saved instrument pays without its payer."""
        if self._faults["capture_refusal"]:
            raise unprocessable(self._faults["capture_refusal"])
        order["payment_source"] = {"paypal": wallet()}
        if order["intent"] == "AUTHORIZE":
            self._payments.promise(order)
            self._finish(order)
        else:
            self._complete(order)

    def _complete(
        self,
        order: Document,
        paid: Document | None = None,
        promised: Document | None = None,
    ) -> Document:
        amount = paid or order["purchase_units"][0]["amount"]
        outcome = self._faults["capture_outcome"]
        capture = self._payments.take(order, amount, outcome, authorization=promised)
        if capture["status"] != "DECLINED":
            self._vault.save_of(order)
        self._finish(order)
        return capture

    def _finish(self, order: Document) -> None:
        order["status"] = "COMPLETED"
        self._books.changed("order", order)
        self._tell("COMPLETED", "Checkout Order Completed", order)

    def _check_ready(self, order: Document, intent: str, done: str) -> None:
        if order["intent"] != intent:
            raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT")
        if order["status"] == "COMPLETED":
            raise unprocessable(done)
        if order["status"] != "APPROVED":
            raise unprocessable("ORDER_NOT_APPROVED")
        if self._faults["capture_refusal"]:
            raise unprocessable(self._faults["capture_refusal"])
        self._check_invoice(order)

    def _check_invoice(self, order: Document) -> None:
        """An invoice can be paid once, where the account's settings say so."""
        invoice_id = order["purchase_units"][0].get("invoice_id")
        if not invoice_id or not self._faults["refuse_duplicate_invoices"]:
            return
        twins = (one for one in self._store.all("order", invoice_id) if one["id"] != order["id"])
        captures = (one for twin in twins for one in self._store.all("capture", twin["id"]))
        if any(capture["status"] in TAKEN | {"PENDING"} for capture in captures):
            raise unprocessable("DUPLICATE_INVOICE_ID")

    def _tell(self, what: str, summary: str, order: Document) -> None:
        shown = self._books.views.order(order)
        self._books.tell(f"CHECKOUT.ORDER.{what}", "checkout-order", summary, shown)
