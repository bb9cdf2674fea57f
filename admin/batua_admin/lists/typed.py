"""What a person types to find an amount, a number or a time: ``>2500``, ``100..200``, ``2026-11``.

Whatever is typed stands for a span: an amount for itself alone, a day for all of it.  So there is
one way to compare, and ``2026-11`` finds a month as ``=`` and what came after it as ``>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from babel.numbers import get_currency_symbol

from batua.contract import AMOUNT_MAX, active_currencies, minor_digits

__all__ = ["Operator", "Span", "Unreadable", "parse_amount", "parse_number", "parse_time"]

SIGNS = {
    ">=": "gte", "≥": "gte", "<=": "lte", "≤": "lte", "!=": "ne", "≠": "ne",
    ">": "gt", "<": "lt", "=": "e",
}  # fmt: skip
"""Longer ones first. The words are those of the panel's select."""

Operator = str


class Unreadable(ValueError):
    """What was typed means nothing here. The sentence says what would."""


@dataclass(frozen=True, slots=True)
class Span:
    """From ``low`` up to but not including ``high``, and how to compare with it.

    ``currency`` is that of an amount.
    """

    operator: Operator
    low: Any
    high: Any
    currency: str = ""


def parse_amount(typed: str, operator: Operator, shop: str) -> Span:
    """An amount in the currency that stands before or behind it, or in the shop's own."""
    currencies = set()

    def read(text: str) -> tuple[int, int]:
        currency, digits = _split_currency(text, shop)
        currencies.add(currency)
        amount = _minor_units(digits, currency)
        return amount, amount + 1

    operator, low, high = _parse(typed, operator, read)
    if len(currencies) > 1:
        raise Unreadable("Write both amounts in one currency.")
    return Span(operator, low, high, currencies.pop())


def parse_number(typed: str, operator: Operator) -> Span:
    """A whole number."""

    def read(text: str) -> tuple[int, int]:
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise Unreadable(f"{text!r} is no whole number.")
        return int(text), int(text) + 1

    return Span(*_parse(typed, operator, read))


def parse_time(typed: str, operator: Operator) -> Span:
    """A year, month, day, minute or second in UTC."""
    return Span(*_parse(typed, operator, _read_time))


def _parse(
    typed: str, operator: Operator, read: Callable[[str], tuple[Any, Any]]
) -> tuple[Operator, Any, Any]:
    text = typed.strip()
    first, dots, last = text.partition("..")
    if dots:
        return operator, read(first.strip())[0], read(last.strip())[1]
    for sign, meant in SIGNS.items():
        if text.startswith(sign):
            return meant, *read(text.removeprefix(sign).strip())
    return operator, *read(text)


# --- amounts -------------------------------------------------------------------------------------


@cache
def _symbols() -> dict[str, str]:
    """Every way the panel writes a currency, longest first, with its code."""
    codes = active_currencies()
    written = {get_currency_symbol(code, locale="en_IN"): code for code in codes}
    written |= {code: code for code in codes}
    return dict(sorted(written.items(), key=lambda pair: -len(pair[0])))


def _split_currency(text: str, shop: str) -> tuple[str, str]:
    text = re.sub(r"[\s,]", "", text)
    sign = "-" if text.startswith("-") else ""
    text = text.removeprefix("-")
    for symbol, code in _symbols().items():
        bare = re.sub(r"\s", "", symbol)
        if text.startswith(bare):
            return code, sign + text.removeprefix(bare)
        if text.endswith(bare):
            return code, sign + text.removesuffix(bare)
    return shop, sign + text


def _minor_units(digits: str, currency: str) -> int:
    try:
        if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,6})?", digits):
            raise InvalidOperation
        amount = Decimal(digits).scaleb(minor_digits(currency))
        if amount != amount.to_integral_value() or abs(amount) > AMOUNT_MAX:
            raise InvalidOperation
    except InvalidOperation:
        raise Unreadable(
            f"{digits!r} is no amount in {currency}: write 2500, 2,500.00, >2500 or 100..200."
        ) from None
    return int(amount)


# --- times ---------------------------------------------------------------------------------------

TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d?)(-(?P<day>\d\d?)"
    r"([ T](?P<hour>\d\d?):(?P<minute>\d\d)(:(?P<second>\d\d)(\.\d+)?)?)?)?)?( ?(UTC|Z|\+00:00))?",
    re.ASCII,
)


def _read_time(text: str) -> tuple[datetime, datetime]:
    match = TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        parts = {name: int(value) for name, value in match.groupdict().items() if value}
        low = datetime(**{"month": 1, "day": 1, **parts}, tzinfo=UTC)
        return low, _after(low, parts)
    except (ValueError, OverflowError):
        raise Unreadable(
            f"{text!r} is no time: write 2026-11, 2026-11-28, 2026-11-28 12:03 (UTC) or"
            " 2026-11-01..2026-11-15."
        ) from None


def _after(low: datetime, parts: dict[str, int]) -> datetime:
    """When the span is over that was named by so many parts."""
    for name, length in (
        ("second", timedelta(seconds=1)), ("minute", timedelta(minutes=1)),
        ("day", timedelta(days=1)),
    ):  # fmt: skip
        if name in parts:
            return low + length
    if "month" in parts:
        return low.replace(year=low.year + low.month // 12, month=low.month % 12 + 1)
    return low.replace(year=low.year + 1)
