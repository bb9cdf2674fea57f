"""Reading PayPal's JSON: tolerant of what is missing, strict about what we must know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

__all__ = [
    "Entity",
    "Unreadable",
    "dictionary",
    "entities",
    "known",
    "moment",
    "required",
    "text",
]

T = TypeVar("T")

Entity = Mapping[str, Any]


class Unreadable(ValueError):
    """PayPal's JSON lacks what we must know, or says it in a way that we don't trust."""


def entities(entity: Entity, name: str) -> list[Entity]:
    """The objects of a list that may be missing. Raises ``Unreadable`` for any other thing."""
    found = entity.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unreadable(f"{name} is no list of objects")
    return found


def dictionary(value: object) -> Entity:
    return value if isinstance(value, dict) else {}


def known(table: Mapping[str, T], status: str) -> T:
    found = table.get(status)
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


def moment(value: object) -> datetime | None:
    """A time in UTC, or None for one that does not exist: samples have a 19th month."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        return None
