"""Money as PayPal writes it: decimal strings, with decimals that differ from ISO 4217's."""

from __future__ import annotations

import re

from batua.contract import GatewayRejected, Money, minor_digits
from batua.gateways.paypal.codes import CURRENCIES, DIGITS, MINIMUMS
from batua.gateways.paypal.reading import Unreadable, dictionary, text

__all__ = ["money", "money_value", "refuse_uncollectable", "signed_money"]

_VALUE = re.compile(r"(?P<sign>-?)(?=[0-9.])(?P<whole>[0-9]{0,16})(?:\.(?P<part>[0-9]{1,6}))?")
"""SPEC ``money``, without what no amount needs: 32 characters of it."""


def refuse_uncollectable(amount: Money) -> None:
    """Raise ``GatewayRejected`` for an amount that PayPal would refuse or can't write."""
    if amount.currency == "INR":
        raise GatewayRejected(
            "PayPal takes no rupees: since April 2021 nobody in India can be paid in INR by it",
            failure_code="CURRENCY_NOT_SUPPORTED",
        )
    if amount.currency not in CURRENCIES:
        raise GatewayRejected(
            f"PayPal does not take {amount.currency}", failure_code="CURRENCY_NOT_SUPPORTED"
        )
    if amount.amount < MINIMUMS.get(amount.currency, 1):
        raise GatewayRejected(
            f"{amount} is less than PayPal takes", failure_code="CANNOT_BE_ZERO_OR_NEGATIVE"
        )
    money_value(amount)


def money_value(amount: Money) -> dict[str, str]:
    """PayPal's way to write an amount: a string in whole units, with the decimals that it allows.

    Raises ``GatewayRejected`` for a part of a forint, a yen or a New Taiwan dollar.
    """
    digits = minor_digits(amount.currency)
    places = DIGITS.get(amount.currency, digits)
    written, rest = divmod(amount.amount, 10 ** (digits - places))
    if rest or written < 0:
        raise GatewayRejected(
            f"PayPal can't write {amount.amount} minor units of {amount.currency}",
            failure_code="DECIMALS_NOT_SUPPORTED",
        )
    whole, part = divmod(written, 10**places)
    value = f"{whole}.{part:0{places}d}" if places else str(whole)
    return {"currency_code": amount.currency, "value": value}


def money(value: object) -> Money:
    """An amount that must not be negative. Raises ``Unreadable`` for anything but a decimal."""
    amount = signed_money(value)
    if amount.amount < 0:
        raise Unreadable("a negative amount")
    return amount


def signed_money(value: object) -> Money:
    """An amount as the transaction search writes it: what left the account is negative."""
    entity = dictionary(value)
    found = _VALUE.fullmatch(text(entity, "value"))
    if found is None:
        raise Unreadable("an amount that is not a plain decimal string")
    currency = text(entity, "currency_code")
    try:
        digits = minor_digits(currency)
        part = found["part"] or ""
        if part[digits:].strip("0"):
            raise Unreadable(f"an amount finer than the minor unit of {currency}")
        minor = int(found["whole"] or "0") * 10**digits + int(
            part[:digits].ljust(digits, "0") or "0"
        )
        return Money(-minor if found["sign"] else minor, currency)
    except ValueError as error:
        raise Unreadable(str(error)) from error
