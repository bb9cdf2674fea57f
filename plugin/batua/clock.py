"""Time and ids: the two things that a test must be able to choose."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "NewId", "new_id", "utc_now"]

Clock = Callable[[], datetime]
NewId = Callable[[str], str]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o or u
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """An id such as ``ord_01kb2…``: 48 bits of milliseconds, then 82 random bits.

    Ids sort by the time of their making, which keeps database indexes compact, and can't be
    guessed.  Four characters of prefix and 26 of base 32: 30 in all.
    """
    milliseconds = int(time.time() * 1000)
    number = (milliseconds << 82) | (int.from_bytes(os.urandom(11)) & ((1 << 82) - 1))
    # Ten bits at a time: this runs several times for every payment.
    digits = "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])
    return f"{prefix}_{digits}"
