"""Money: an integer of minor units beside its ISO 4217 currency, and nothing else.

The number of digits behind the decimal point comes from the Unicode CLDR data that Babel
ships.  A provider that counts differently carries its own table in its adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

__all__ = [
    "AMOUNT_MAX",
    "Money",
    "active_currencies",
    "format_money",
    "is_currency",
    "minor_digits",
]

AMOUNT_MAX = 9_000_000_000_000_000
"""The largest amount in minor units: below 2**53, so that no JSON reader loses a paisa."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units with its currency, such as ``Money(50000, "INR")`` for ₹500.00.

    Raises ``TypeError`` for an amount that is not exactly an ``int`` (a bool is refused) and
    ``ValueError`` for an amount out of range or a currency that is not in use.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"amount must be an int, got {type(self.amount).__name__}")
        if not -AMOUNT_MAX <= self.amount <= AMOUNT_MAX:
            raise ValueError(f"amount must be within {AMOUNT_MAX} minor units, got {self.amount}")
        if not is_currency(self.currency):
            raise ValueError(f"currency must be an ISO 4217 code in use, got {self.currency!r}")

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)


@cache
def active_currencies() -> frozenset[str]:
    """The ISO 4217 codes that are legal tender somewhere today, by CLDR's territory data."""
    territories: Mapping[str, list[tuple[str, object, object, bool]]] = get_global(
        "territory_currencies"
    )
    return frozenset(
        code
        for spans in territories.values()
        for code, _start, end, tender in spans
        if end is None and tender
    )


def is_currency(code: str) -> bool:
    """Whether ``code`` is a currency in use, spelled in capitals."""
    return code in active_currencies()


def minor_digits(currency: str) -> int:
    """How many digits the minor unit has: 2 for INR, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def format_money(amount: int, currency: str, locale: str = "en_IN") -> str:
    """The amount as people of ``locale`` write it: ``format_money(250000, "INR")`` is ₹2,500.00."""
    digits = minor_digits(currency)
    # The only place where an amount becomes a Decimal: on its way to a person's eyes.
    written: str = format_currency(Decimal(amount).scaleb(-digits), currency, locale=locale)
    return written
