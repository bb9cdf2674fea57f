"""Razorpay's customers, mandates and charges without a payer; and payments opened in a UPI app.

Sources: MD:api/customers/create.md, api/payments/recurring-payments/upi/*.md and
payments/payment-gateway/s2s-integration/payment-methods/upi/intent.md, @ab3bda5f. Refusals whose
text is not published are worded by us.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from batua.contract import minor_digits
from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.entities import (
    NOT_FOUND,
    Document,
    Refused,
    new_customer,
    new_token,
    public,
)
from batua.testing.simulators.razorpay.validation import check_customer, check_debit, check_upi

__all__ = ["TokenBooks"]


class TokenBooks:
    """Every change is one database transaction, together with the webhooks that it fires."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store
        books.on_mandate = self._save

    def create_customer(self, body: Document) -> Document:
        """A new customer, or by ``fail_existing`` "0" the one with exactly these details."""
        check_customer(body)
        details = {name: body.get(name) for name in ("name", "email", "contact")}
        with self._store.transaction():
            twins = [
                each
                for each in self._store.all("customer")
                if all(each[name] == value for name, value in details.items())
            ]
            if twins and str(body.get("fail_existing", "1")) != "0":
                raise Refused("Customer already exists for the merchant", reason="NA", step="NA")
            customer = twins[0] if twins else new_customer(body, self._books.now())
            self._store.put("customer", customer)
            return public(customer)

    def customer(self, customer_id: str) -> Document:
        return self._books.found("customer", customer_id)

    def tokens(self, customer_id: str) -> list[Document]:
        return self._store.all("token", self.customer(customer_id)["id"])

    def token(self, customer_id: str, token_id: str) -> Document:
        token = self._books.found("token", token_id)
        if token["_customer_id"] != customer_id:
            raise Refused(NOT_FOUND)
        return token

    def move_token(self, token_id: str, status: str) -> Document:
        """The bank or the payer confirms, rejects, pauses or cancels a mandate."""
        with self._store.transaction():
            token = self._books.found("token", token_id)
            self._move(token, status)
            return public(token)

    def charge(self, body: Document) -> Document:
        """A debit without the payer: accepted, not done. The end comes by webhook."""
        check_debit(body)
        with self._store.transaction():
            token = self.token(body["customer_id"], body["token"])
            order = self._payable_order(body)
            if token["recurring_details"]["status"] != "confirmed":
                raise Refused("The token is not confirmed", reason="NA")
            if body["amount"] > token["max_amount"]:
                raise Refused("Amount exceeds maximum amount allowed")
            payment = self._begin(order, body, token_id=token["id"])
            self._books.advance(payment, self._books.faults["debit_outcome"])
            return {
                "razorpay_payment_id": payment["id"],
                "razorpay_order_id": order["id"],
                "razorpay_signature": self._books.signature(payment),
            }

    def open_upi(self, body: Document) -> Document:
        """A payment that waits for a UPI app, and the link that opens it there."""
        check_upi(body)
        with self._store.transaction():
            payment = self._begin(self._payable_order(body), body)
            digits = minor_digits(payment["currency"])
            query = {
                "pa": "success@razorpay",
                "pn": "Simulator",
                "tr": payment["id"].removeprefix("pay_"),
                "tn": body.get("description") or "Payment",
                "am": f"{payment['amount'] / 10**digits:.{digits}f}",
                "cu": payment["currency"],
            }
            link = f"upi://pay?{urlencode(query, quote_via=quote)}"
            return {"razorpay_payment_id": payment["id"], "link": link}

    def _payable_order(self, body: Document) -> Document:
        order = self._books.order(body["order_id"])
        if not self._books.is_payable(order):
            raise Refused(
                "Your payment has been declined as the order is already paid.", reason="NA"
            )
        if (body["amount"], body["currency"]) != (order["amount"], order["currency"]):
            raise Refused("Your payment amount is different from your order amount.")
        return order

    def _begin(self, order: Document, body: Document, **facts: Any) -> Document:
        return self._books.begin(
            order,
            amount=body["amount"],
            currency=body["currency"],
            email=body["email"],
            contact=body["contact"],
            description=body.get("description"),
            notes=body.get("notes") or {},
            customer_id=body.get("customer_id"),
            **facts,
        )

    def _save(self, order: Document, payment: Document) -> None:
        token = new_token(order["_mandate"], order["_customer_id"], self._books.now())
        payment |= {"token_id": token["id"], "customer_id": order["_customer_id"]}
        self._move(token, self._books.faults["token_outcome"])

    def _move(self, token: Document, status: str) -> None:
        token["recurring_details"] = {"status": status, "failure_reason": None}
        self._store.put("token", token, parent=token["_customer_id"])
        if status != "initiated":
            self._books.emit(f"token.{status}", {"token": public(token)})
