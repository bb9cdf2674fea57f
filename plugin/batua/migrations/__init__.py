"""The one migration history, in order. It serves every engine and goes forwards and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from batua.dialect import Dialect
from batua.migrations import m0001_foundation as m0001

__all__ = ["MIGRATIONS", "Migration"]


class Migration(NamedTuple):
    """One step of the schema: the statements that take it, and those that take it back."""

    name: str
    forwards: Callable[[Dialect], list[str]]
    backwards: Callable[[Dialect], list[str]]


MIGRATIONS = (Migration(m0001.NAME, m0001.forwards, m0001.backwards),)
