"""What PayPal refuses before it does anything.

Sources: SPEC checkout_orders_v2 (400, 422, money, purchase_unit_request) and payments_payment_v2
(captures.refund-400, -422), 2026-11-22.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from batua.testing.simulators.paypal.errors import Document, invalid, unprocessable
from batua.testing.simulators.paypal.money import CURRENCIES, WHOLE_CURRENCIES

__all__ = ["check_follow_up", "check_order", "check_request_id", "paypal_source"]

_VALUE = re.compile(r"((-?[0-9]+)|(-?([0-9]+)?[.][0-9]+))")
_REFUND_CUSTOM_ID = re.compile(r"[A-Za-z0-9\-_.,]*")
_UNIT = "/purchase_units/0"


def check_order(body: Document, *, accepts_inr: bool) -> None:
    """One purchase unit, as the simulator's only limit of its own."""
    if body.get("intent") not in {"CAPTURE", "AUTHORIZE"}:
        raise invalid("INVALID_PARAMETER_VALUE", "A parameter value is not valid.", "/intent")
    units = body.get("purchase_units")
    if not isinstance(units, list) or not units:
        raise _missing("/purchase_units")
    if len(units) > 1 or not isinstance(units[0], dict):
        raise invalid(
            "INVALID_ARRAY_MAX_ITEMS", "This simulator takes one unit.", "/purchase_units"
        )
    check_money(units[0].get("amount"), f"{_UNIT}/amount", accepts_inr=accepts_inr)
    _check_text(units[0], "reference_id", 256, f"{_UNIT}/reference_id")
    _check_text(units[0], "description", 127, f"{_UNIT}/description")
    _check_text(units[0], "custom_id", 127, f"{_UNIT}/custom_id")
    _check_text(units[0], "invoice_id", 127, f"{_UNIT}/invoice_id")
    _check_text(units[0], "soft_descriptor", 22, f"{_UNIT}/soft_descriptor")


def check_follow_up(body: Document, *, accepts_inr: bool) -> None:
    """A refund, or the capture of an authorization. Without ``amount`` it is all of the rest."""
    if "amount" in body:
        check_money(body["amount"], "/amount", accepts_inr=accepts_inr)
    _check_text(body, "custom_id", 127, "/custom_id")
    _check_text(body, "invoice_id", 127, "/invoice_id")
    _check_text(body, "note_to_payer", 255, "/note_to_payer")
    if not _REFUND_CUSTOM_ID.fullmatch(body.get("custom_id") or ""):
        raise _syntax("/custom_id")


def check_money(amount: Any, field: str, *, accepts_inr: bool) -> None:
    if not isinstance(amount, dict):
        raise _missing(field)
    value, currency = amount.get("value"), amount.get("currency_code")
    if value is None or currency is None:
        raise _missing(f"{field}/{'value' if value is None else 'currency_code'}")
    if not isinstance(value, str) or len(value) > 32 or not _VALUE.fullmatch(value):
        raise _syntax(f"{field}/value")
    if not isinstance(currency, str) or len(currency) != 3:
        raise _length(f"{field}/currency_code")
    if currency not in CURRENCIES and not (currency == "INR" and accepts_inr):
        raise unprocessable("INVALID_CURRENCY_CODE", f"{field}/currency_code")
    if currency in WHOLE_CURRENCIES and "." in value:
        raise unprocessable("DECIMALS_NOT_SUPPORTED", f"{field}/value")
    if len(value.partition(".")[2]) > 2:
        raise unprocessable("DECIMAL_PRECISION", f"{field}/value")
    if Decimal(value) <= 0:
        raise unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", f"{field}/value")


def check_request_id(request_id: str | None, *, is_required: bool) -> None:
    """1 to 108 characters, the Orders API's limit; needed to process a payment source."""
    if request_id is None and is_required:
        raise invalid(
            "PAYPAL_REQUEST_ID_REQUIRED",
            "A PayPal-Request-Id is required if you are trying to process payment for an Order.",
        )
    if request_id is not None and not 1 <= len(request_id) <= 108:
        raise _length("PayPal-Request-Id")


def paypal_source(body: Document) -> Document:
    """``payment_source.paypal`` of an order, or nothing."""
    source = body.get("payment_source")
    wallet = source.get("paypal") if isinstance(source, dict) else None
    return wallet if isinstance(wallet, dict) else {}


def _check_text(body: Document, name: str, longest: int, field: str) -> None:
    text = body.get(name)
    if text is None:
        return
    if not isinstance(text, str):
        raise _syntax(field)
    if len(text) > longest:
        raise _length(field)


def _missing(field: str) -> Exception:
    return invalid("MISSING_REQUIRED_PARAMETER", "A required parameter is missing.", field)


def _syntax(field: str) -> Exception:
    return invalid(
        "INVALID_PARAMETER_SYNTAX",
        "The value of a field does not conform to the expected format.",
        field,
    )


def _length(field: str) -> Exception:
    return invalid(
        "INVALID_STRING_LENGTH", "The value of a field is either too short or too long", field
    )
