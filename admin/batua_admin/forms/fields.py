"""What staff type into a form, read strictly."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from babel.numbers import get_currency_symbol
from pydantic import AfterValidator, BeforeValidator, Field

from batua.contract import AMOUNT_MAX, minor_digits
from batua.errors import InvalidRequest
from batua.redaction import has_card_number

__all__ = ["Amount", "Note", "OptionalAmount", "Words", "amount_of"]


def _without_card(value: str) -> str:
    if has_card_number(value):
        raise ValueError(str(InvalidRequest.card_number("This")))
    return value


WithoutCard = AfterValidator(_without_card)
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"), WithoutCard]
Note = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$"), WithoutCard]
Amount = Annotated[str, Field(min_length=1, max_length=40)]
OptionalAmount = Annotated[str, Field(max_length=40), BeforeValidator(lambda value: value or "")]
"""A text: 250 rupees are ``250``, ``250.00`` or ``₹250.00``, and how many digits an amount has is
known once its currency is."""

WRITTEN = re.compile(r"([0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}|[0-9]{1,16})(\.[0-9]+)?", re.ASCII)


def amount_of(text: str, currency: str) -> int:
    """Minor units. Raises ``InvalidRequest`` (``invalid_amount``), which shows how to write it."""
    bare = text.strip()
    for sign in (currency, get_currency_symbol(currency, locale="en_IN")):
        bare = bare.removeprefix(sign).removesuffix(sign).strip()
    digits = minor_digits(currency)
    if WRITTEN.fullmatch(bare):
        amount = Decimal(bare.replace(",", "")).scaleb(digits)
        if amount == amount.to_integral_value() and 0 < amount <= AMOUNT_MAX:
            return int(amount)
    example = "250" if digits == 0 else f"250 or 250.{'0' * digits}"
    raise InvalidRequest(
        f"{text!r} is no amount in {currency}: write it as {example}.",
        pointer="/amount",
        code="invalid_amount",
    )
