"""What a sealed token says once it is open: a card, for one use, for a short time.

Source of the fields: G guides/resources/payment-data-cryptography, read 2026-11-22. Google's
reference accepts a message without an expiry, or one that is no JSON; a payment can't.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from batua.gateways.googlepay.codes import CARD, CRYPTOGRAM_3DS
from batua.gateways.googlepay.strict_json import parse_object
from batua.gateways.googlepay.tokens.shape import TOKEN_CHARS_MAX, TokenRefused, milliseconds

__all__ = ["CardMessage", "parse_message"]

_MESSAGE_ID_CHARS_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMessage:
    """A card that its payer gave us for one payment. Never stored, never logged, never shown.

    ``cryptogram`` is empty where ``number`` is the card's own; ``eci`` may be empty.
    ``expires_ms`` is when the message stops to count, in unix milliseconds.
    """

    message_id: str
    expires_ms: int
    number: str = field(repr=False)
    expiry_month: int = field(repr=False)
    expiry_year: int = field(repr=False)
    cryptogram: str = field(repr=False)
    eci: str = field(repr=False)


def parse_message(
    text: str, *, auth_methods: Collection[str], gateway_merchant_id: str, now_ms: int
) -> CardMessage:
    """Read an opened token. Raises ``TokenRefused``, whose text repeats nothing of the message.

    ``auth_methods`` are those that we asked for. ``gateway_merchant_id`` is the merchant for whom
    a ``gateway:`` recipient acts, or empty.
    """
    message = parse_object(text, chars_max=TOKEN_CHARS_MAX)
    if message is None:
        raise TokenRefused("the message is not a JSON object")
    expires_ms = milliseconds(message.get("messageExpiration"))
    if expires_ms <= now_ms:
        raise TokenRefused("the message has expired", failure_code="token_expired")
    if gateway_merchant_id and message.get("gatewayMerchantId") != gateway_merchant_id:
        raise TokenRefused("the message is for another merchant")
    if message.get("paymentMethod") != CARD:
        raise TokenRefused("the message is not of a card")
    details = message.get("paymentMethodDetails")
    if not isinstance(details, dict):
        raise TokenRefused("the message has no card")
    method = details.get("authMethod")
    if method not in auth_methods:
        raise TokenRefused("the card was authenticated in a way that was not asked for")
    return CardMessage(
        message_id=_short(message.get("messageId"), _MESSAGE_ID_CHARS_MAX),
        expires_ms=expires_ms,
        number=_number(details.get("pan")),
        expiry_month=_whole(details.get("expirationMonth"), 1, 12),
        expiry_year=_whole(details.get("expirationYear"), 2000, 2999),
        cryptogram=_short(details.get("cryptogram"), 256) if method == CRYPTOGRAM_3DS else "",
        # Only Visa has one, and not always.
        eci=_short(details["eciIndicator"], 2) if details.get("eciIndicator") else "",
    )


def _short(value: Any, chars_max: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= chars_max:
        raise TokenRefused("a field of the message is missing, or too long")
    return value


def _number(value: Any) -> str:
    number = _short(value, 19)
    # ISO/IEC 7812: up to 19 digits; no scheme that Google Pay carries has fewer than 12.
    if not number.isascii() or not number.isdigit() or len(number) < 12:
        raise TokenRefused("the card has no number")
    return number


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise TokenRefused("the card has no expiry date")
    return value
