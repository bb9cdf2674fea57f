"""Time and ids: the two things that a test must be able to choose."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "NewId", "new_id", "utc_now"]

Clock = Callable[[], datetime]
NewId = Callable[[str], str]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o or u


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """An id such as ``ord_01kb2…``: 48 bits of milliseconds, then 82 random bits.

    Ids sort by the time of their making, which keeps database indexes compact, and can't be
    guessed.  Four characters of prefix and 26 of base 32: 30 in all.
    """
    milliseconds = int(utc_now().timestamp() * 1000)
    number = (milliseconds << 82) | (int.from_bytes(os.urandom(11)) & ((1 << 82) - 1))
    digits = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{prefix}_{digits}"
