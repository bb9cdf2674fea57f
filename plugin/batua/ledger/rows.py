"""What a book is made of: rows, and how an operation says which of them it wants. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from piccolo.table import Table

__all__ = ["Need", "NotLoaded", "Record"]


class Need(NamedTuple):
    """Rows that an operation wants loaded: those of ``table`` whose ``column`` is ``value``.

    ``only`` is a condition in SQL that leaves rows out, such as ``remaining > 0``.
    """

    table: type[Table]
    column: str
    value: str | int
    only: str = ""


class NotLoaded(Exception):
    """An operation reads what was not loaded for it: it is run again, alone."""


class Record(dict[str, Any]):
    """A row, with what was done to it since it was loaded."""

    __slots__ = ("changed", "is_new", "table")

    def __init__(self, table: type[Table], values: Mapping[str, Any], *, is_new: bool) -> None:
        super().__init__(values)
        self.table = table
        self.is_new = is_new
        self.changed: frozenset[str] = frozenset()
