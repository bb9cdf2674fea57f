"""What Razorpay refuses before it does anything, in its own words where they are known."""

from __future__ import annotations

import re
from typing import Any

from batua.contract import is_currency
from batua.testing.simulators.razorpay.entities import Document, Refused

__all__ = [
    "check_capture",
    "check_customer",
    "check_debit",
    "check_id",
    "check_idempotency_key",
    "check_order",
    "check_refund",
    "check_upi",
]

_ORDER_FIELDS = frozenset(
    "amount currency receipt notes payment_capture payment unique_receipt"  # noqa: SIM905
    " customer_id method token notification".split()
)
_MANDATE_FIELDS = frozenset(
    "max_amount expire_at frequency recurring_value recurring_type".split()  # noqa: SIM905
)
_FREQUENCIES = frozenset(
    "daily weekly fortnightly bimonthly monthly quarterly half_yearly yearly"  # noqa: SIM905
    " as_presented".split()
)
_MANDATE_MOST = 20_000_000
_CUSTOMER_FIELDS = frozenset({"name", "email", "contact", "fail_existing", "gstin", "notes"})
_PAYER_FIELDS = frozenset({"email", "contact", "amount", "currency", "order_id"})
_DEBIT_FIELDS = _PAYER_FIELDS | {"customer_id", "token", "recurring"}
_UPI_FIELDS = _PAYER_FIELDS | {"method", "upi"}
_FREE_FIELDS = frozenset({"description", "notes", "ip", "referer", "user_agent"})
_REFUND_FIELDS = frozenset({"amount", "speed", "notes", "receipt"})
_CAPTURE_FIELDS = frozenset({"amount", "currency"})
_ID = re.compile(r"[a-z]+_[A-Za-z0-9]{14}")
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")


def check_order(body: Document) -> None:
    """``Refused`` with the texts of S2S:error-index and MD:api/orders/create.md, 2026-11-22."""
    _check_fields(body, _ORDER_FIELDS)
    _check_currency(body.get("currency"))
    _check_amount(body.get("amount"), body["currency"])
    receipt = body.get("receipt")
    if receipt is not None and (not isinstance(receipt, str) or len(receipt) > 40):
        raise Refused("The receipt may not be greater than 40 characters.", field="receipt")
    _check_notes(body.get("notes"))
    if "token" in body:
        _check_mandate(body)


def check_customer(body: Document) -> None:
    _check_fields(body, _CUSTOMER_FIELDS)
    name, contact = body.get("name"), body.get("contact")
    if name is not None and not 3 <= len(str(name)) <= 50:
        raise Refused("The name must be between 3 and 50 characters.", field="name")
    if contact is not None and len(re.sub(r"\D", "", str(contact))) < 8:
        raise Refused(
            "Contact number should be at least 8 digits, including country code",
            field="contact",
            step="NA",
            reason="invalid_contact_number",
        )
    _check_notes(body.get("notes"))


def check_debit(body: Document) -> None:
    """A charge of a token: every field is mandatory but the free ones."""
    _check_payment(body, _DEBIT_FIELDS)
    if body["recurring"] not in (True, "1"):
        raise Refused("The recurring field must be true.", field="recurring")


def check_upi(body: Document) -> None:
    _check_payment(body, _UPI_FIELDS)
    if body["method"] != "upi" or body["upi"] != {"flow": "intent"}:
        raise Refused("Only the intent flow of UPI is simulated.", field="upi")


def check_capture(body: Document) -> None:
    _check_fields(body, _CAPTURE_FIELDS)
    _check_amount(body.get("amount"), body.get("currency", "INR"))


def check_refund(body: Document, currency: str) -> None:
    _check_fields(body, _REFUND_FIELDS)
    if body.get("amount") is not None:
        _check_amount(body["amount"], currency)
    if body.get("speed", "normal") not in {"normal", "optimum"}:
        raise Refused("The selected speed is invalid.", field="speed")
    _check_notes(body.get("notes"))


def check_id(value: str) -> None:
    if not _ID.fullmatch(value):
        raise Refused(f"{value} is not a valid id")


def check_idempotency_key(key: str) -> None:
    """At least ten of letters, digits, hyphen, underscore; the wording is our own."""
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Refused(
            "The idempotency key must have at least 10 letters, digits, hyphens or underscores.",
            reason="NA",
            step="NA",
        )


def _check_payment(body: Document, wanted: frozenset[str]) -> None:
    _check_fields(body, wanted | _FREE_FIELDS)
    for name in sorted(wanted):
        if not body.get(name):
            raise Refused(f"The {name} field is required.", field=name)
    _check_amount(body["amount"], body["currency"])
    _check_notes(body.get("notes"))


def _check_mandate(body: Document) -> None:
    """MD:api/payments/recurring-payments/upi/create-authorization-transaction.md."""
    mandate = body["token"]
    if not isinstance(mandate, dict):
        raise Refused("The token must be an array.", field="token")
    _check_fields(mandate, _MANDATE_FIELDS)
    if body["currency"] != "INR":
        raise Refused("The currency should be INR when method is upi", field="currency")
    for name in ("customer_id", "method"):
        if not body.get(name):
            raise Refused(f"The {name} field is required.", field=name)
    most = mandate.get("max_amount")
    if type(most) is not int or not 100 <= most <= _MANDATE_MOST:
        raise Refused("The max amount is not allowed.", field="max_amount")
    if type(mandate.get("expire_at")) is not int:
        raise Refused("The expire at field is required.", field="expire_at")
    if mandate.get("frequency") not in _FREQUENCIES:
        raise Refused("The selected frequency is invalid.", field="frequency")


def _check_fields(body: Document, known: frozenset[str]) -> None:
    unknown = sorted(body.keys() - known)
    if unknown:
        raise Refused(
            f"{', '.join(unknown)} is/are not required and should not be sent",
            reason="extra_field_sent",
        )


def _check_currency(currency: Any) -> None:
    if not isinstance(currency, str) or not is_currency(currency):
        raise Refused("Currency is not supported", field="currency")


def _check_amount(amount: Any, currency: str) -> None:
    if amount is None:
        raise Refused("The amount field is required.", field="amount")
    if type(amount) is not int:
        raise Refused("The amount must be an integer.", field="amount")
    if currency == "INR" and amount < 100:
        raise Refused("The amount must be at least INR 1.00", field="amount")
    if amount < 1:
        raise Refused(
            "Order amount less than minimum amount allowed",
            field="amount",
            step="order_creation",
            reason="amount_less_than_minimum_amount",
        )
    if currency in {"KWD", "BHD", "OMR"} and amount % 10:
        raise Refused("The last digit of the amount must be 0.", field="amount")


def _check_notes(notes: Any) -> None:
    if notes is None or notes == []:
        return
    if not isinstance(notes, dict):
        raise Refused("The notes must be an array.", field="notes")
    if len(notes) > 15:
        raise Refused("Number of fields in notes should be less than or equal to 15", field="notes")
    if any(len(str(part)) > 256 for pair in notes.items() for part in pair):
        raise Refused("The notes may not be greater than 256 characters.", field="notes")
