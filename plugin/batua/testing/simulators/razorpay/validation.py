"""What Razorpay refuses before it does anything, in its own words where they are known."""

from __future__ import annotations

import re
from typing import Any

from batua.contract import is_currency
from batua.testing.simulators.razorpay.entities import Document, Refused

__all__ = ["check_capture", "check_id", "check_idempotency_key", "check_order", "check_refund"]

_ORDER_FIELDS = frozenset(
    {"amount", "currency", "receipt", "notes", "payment_capture", "payment", "unique_receipt"}
)
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
