"""PayPal's money: a string value beside its currency, counted by PayPal's own table of digits."""

from __future__ import annotations

from decimal import Decimal

from batua.contract import minor_digits
from batua.testing.simulators.paypal.errors import Document

__all__ = ["CURRENCIES", "WHOLE_CURRENCIES", "fee_of", "minor", "money"]

WHOLE_CURRENCIES = frozenset({"HUF", "JPY", "TWD"})
"""No decimals allowed. DOC: developer.paypal.com/api/rest/reference/currency-codes, 2026-11-22."""

CURRENCIES = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS",
        "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
    }
)  # fmt: skip
"""The same page's table. INR is apart: since 2021-04-01 no Indian account may receive it."""


def money(amount: int, currency: str) -> Document:
    """PayPal's money of ``amount`` minor units. ``ValueError`` where PayPal has no such coin."""
    if amount % _step(currency):
        raise ValueError(f"PayPal takes no decimals in {currency}")
    places = 0 if currency in WHOLE_CURRENCIES else 2
    value = Decimal(amount).scaleb(-minor_digits(currency))
    return {"currency_code": currency, "value": f"{value:.{places}f}"}


def minor(amount: Document) -> int:
    """The minor units of PayPal's money."""
    return int(Decimal(amount["value"]).scaleb(minor_digits(amount["currency_code"])))


def fee_of(amount: int, currency: str) -> int:
    """3.49 % and 49 minor units, never more than ``amount``.

    That is the 3.98 of 100.00 in PayPal's samples (DOC: webhook event samples, 2026-11-22).
    """
    fee = amount * 349 // 10_000 + 49
    return min(amount, fee - fee % _step(currency))


def _step(currency: str) -> int:
    """The smallest amount in minor units that PayPal can write down."""
    places = 0 if currency in WHOLE_CURRENCIES else 2
    return int(10 ** (minor_digits(currency) - places))
