"""What a book is made of: rows, and how an operation says which of them it wants. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from piccolo.table import Table

from batua.ledger.tables import STAMPED, nullable_columns

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
    """A row, with what was done to it since it was loaded.

    A new one leaves out what goes without saying: nothing where a column may be null, ``now``
    where it is the time of its writing, and its first version.  What is left out is not sent.
    """

    __slots__ = ("changed", "is_new", "now", "table")

    def __init__(
        self, table: type[Table], values: Mapping[str, Any], *, now: datetime | None = None
    ) -> None:
        super().__init__(values)
        self.table = table
        self.now = now
        self.is_new = now is not None
        self.changed: frozenset[str] = frozenset()

    def __missing__(self, column: str) -> Any:
        if self.is_new:
            if column in STAMPED:
                return self.now
            if column == "version":
                return 1
            if column in nullable_columns(self.table):
                return None
        raise KeyError(f"{self.table._meta.tablename}.{column}")
