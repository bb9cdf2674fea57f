"""Reading Razorpay's JSON: pure functions, no I/O.

Tolerant where Razorpay is loose (``notes`` as ``[]``, ``""`` for null, fields missing), strict
where money is read: an amount must be an int, and a status must be one that we know.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

from batua.contract import Money

__all__ = [
    "Entity",
    "Unreadable",
    "items",
    "known",
    "moment",
    "money",
    "note",
    "required",
    "signature_matches",
    "text",
    "webhook_secrets",
]

T = TypeVar("T")

Entity = Mapping[str, Any]


class Unreadable(ValueError):
    """Razorpay's JSON lacks what we must know, or says it in a way that we don't trust."""


def webhook_secrets(setting: str) -> tuple[bytes, ...]:
    """The secrets of a comma separated setting. Empty parts are ignored: "" is no secret."""
    return tuple(part.strip().encode() for part in setting.split(",") if part.strip())


def signature_matches(secret: bytes, message: bytes, signature: object) -> bool:
    """Whether ``signature`` is the lower-case hex HMAC-SHA256 of ``message``; never raises.

    Source: MD:webhooks/validate-test.md and the SDK's utility, 2026-11-22.
    """
    if not isinstance(signature, str) or not signature.isascii():
        return False
    expected = hmac.new(secret, message, sha256).hexdigest().encode()
    return hmac.compare_digest(expected, signature.encode())


def items(collection: Entity) -> list[Entity]:
    """The entities of a list answer. Raises ``Unreadable`` where there is no list of objects."""
    found = collection.get("items")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unreadable("a collection without items")
    return found


def money(entity: Entity) -> Money:
    """The entity's amount in minor units. Raises ``Unreadable`` for anything but a plain int."""
    amount, currency = entity.get("amount"), entity.get("currency")
    if type(amount) is not int or amount < 0 or not isinstance(currency, str):
        raise Unreadable("an amount that is not a plain integer with its currency")
    try:
        return Money(amount, currency)
    except ValueError as error:
        raise Unreadable(str(error)) from error


def known(table: Mapping[str, T], entity: Entity) -> T:
    found = table.get(text(entity, "status"))
    if found is None:
        raise Unreadable("a status that we don't know")
    return found


def required(entity: Entity, name: str) -> str:
    value = text(entity, name)
    if not value:
        raise Unreadable(f"{name} is missing")
    return value


def text(entity: Entity, name: str) -> str:
    value = entity.get(name)
    return value if isinstance(value, str) else ""


def note(entity: Entity, name: str) -> str:
    """A note, or "": empty notes are a list."""
    notes = entity.get("notes")
    return text(notes, name) if isinstance(notes, dict) else ""


def moment(seconds: object) -> datetime | None:
    if type(seconds) is not int:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
