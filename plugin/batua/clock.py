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
_LOW_70 = (1 << 70) - 1
_RANDOM_BYTES = 11
_IDS_AHEAD = 256
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)

# What the system gave, and no id has used yet: asking it for every id took as long as the rest.
# Taking the last of a list is one step, so two threads never have the same.
_random: list[bytes] = []
os.register_at_fork(after_in_child=_random.clear)


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """An id such as ``ord_01kb2…``: 48 bits of milliseconds, then 82 random bits.

    Ids sort by the time of their making, which keeps database indexes compact, and can't be
    guessed.  Four characters of prefix and 26 of base 32: 30 in all.
    """
    # Ten bits at a time, and out of numbers of a machine's size: this runs several times for every
    # payment.
    try:
        random = int.from_bytes(_random.pop())
    except IndexError:
        random = int.from_bytes(_more_random())
    first = int(time.time() * 1000) << 12 | random >> 76
    last = random & _LOW_70
    return (
        f"{prefix}_{_PAIRS[first >> 50]}{_PAIRS[first >> 40 & 1023]}{_PAIRS[first >> 30 & 1023]}"
        f"{_PAIRS[first >> 20 & 1023]}{_PAIRS[first >> 10 & 1023]}{_PAIRS[first & 1023]}"
        f"{_PAIRS[last >> 60]}{_PAIRS[last >> 50 & 1023]}{_PAIRS[last >> 40 & 1023]}"
        f"{_PAIRS[last >> 30 & 1023]}{_PAIRS[last >> 20 & 1023]}{_PAIRS[last >> 10 & 1023]}"
        f"{_PAIRS[last & 1023]}"
    )


def _more_random() -> bytes:
    drawn = os.urandom(_IDS_AHEAD * _RANDOM_BYTES)
    parts = [drawn[at : at + _RANDOM_BYTES] for at in range(0, len(drawn), _RANDOM_BYTES)]
    _random.extend(parts[1:])
    return parts[0]
