"""Rows that a group has loaded, and what it has staged so far. Nothing of money yet. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from piccolo.table import Table

from batua.errors import InvariantViolated
from batua.ledger.rows import Need, NotLoaded, Record
from batua.ledger.tables import primary_key

__all__ = ["StagedRows"]

Row = Mapping[str, Any]

_Index = dict[Any, list[Record]]
"""What was found by one column: value by value, the rows that have it."""


class StagedRows:
    """The rows of a group, by what they were asked for; new and changed ones can be taken back."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.inserted: list[Record] = []
        self.updated: dict[int, Record] = {}
        self._found: defaultdict[type[Table], dict[tuple[str, str], _Index]] = defaultdict(dict)
        self._undo: list[Callable[[], object]] = []
        self.reads = 0
        """How often it was asked for rows. Needs that ask for none are the same a second time."""

    def missing(self, needs: Iterable[Need]) -> set[Need]:
        """Those of ``needs`` that were not loaded yet."""
        if not self._found:
            self.reads += 1
            return set(needs)
        return {need for need in needs if not self.is_loaded(need)}

    def is_loaded(self, need: Need) -> bool:
        """Whether the rows of ``need`` are here."""
        self.reads += 1
        table, column, value, only = need
        index = self._found[table].get((column, only))
        return index is not None and value in index

    def add(self, need: Need, rows: Iterable[Record]) -> None:
        """Take in what was loaded for ``need``."""
        table, column, value, only = need
        self._found[table].setdefault((column, only), {})[value] = list(rows)

    def add_all(
        self, table: type[Table], column: str, only: str, values: Iterable[Any], rows: Iterable[Row]
    ) -> None:
        """Take in ``rows``: all that there are for the needs of ``values`` in one ``column``.

        A row that two needs reach is one record, or one change would hide the other.
        """
        known, key = self.records(table), primary_key(table)
        index = self._found[table].setdefault((column, only), {})
        for value in values:
            index[value] = []
        for row in rows:
            index[row[column]].append(known.get(row[key]) or Record(table, row))

    def rows(self) -> list[Record]:
        """Every row that was loaded or staged, each once."""
        tables = list(self._found)
        return [row for table in tables for row in self.records(table).values()]

    def records(self, table: type[Table]) -> dict[Any, Record]:
        """Every row of ``table`` that the book has, by primary key."""
        key = primary_key(table)
        return {
            row[key]: row
            for index in self._found[table].values()
            for found in index.values()
            for row in found
        }

    def find(
        self, table: type[Table], column: str, value: str | int, only: str = ""
    ) -> list[Record]:
        """The rows of a need, with what the group has staged. Raises ``NotLoaded``."""
        self.reads += 1
        try:
            return self._found[table][column, only][value]
        except KeyError:
            raise NotLoaded(f"{table._meta.tablename}.{column} = {value!r}") from None

    def get(
        self, table: type[Table], column: str, value: str | int, only: str = ""
    ) -> Record | None:
        """The one row of a need on a unique column, or None. Raises ``NotLoaded``."""
        rows = self.find(table, column, value, only)
        return rows[0] if rows else None

    def need(self, table: type[Table], column: str, value: str | int, only: str = "") -> Record:
        """The one row that must be there. Raises ``NotLoaded`` or ``InvariantViolated``."""
        row = self.get(table, column, value, only)
        if row is None:
            raise InvariantViolated(f"{table._meta.tablename} has no row {column} = {value!r}")
        return row

    def insert(self, table: type[Table], **values: Any) -> Record:
        """Stage a new row. It may leave out what a ``Record`` knows by itself."""
        row = Record(table, values, now=self.now)
        self.inserted.append(row)
        self._undo.append(self.inserted.pop)
        if table in self._found:
            for (column, _), index in self._found[table].items():
                rows = index.get(row[column])
                if rows is not None:
                    rows.append(row)
                    self._undo.append(rows.pop)
        return row

    def update(self, row: Record, **changes: Any) -> None:
        """Stage changes to a row; its ``version`` guards the write."""
        before = {column: row[column] for column in changes}
        if row.is_new:
            self._undo.append(partial(row.update, before))
            row.update(changes)
            return
        self._undo.append(partial(self._take_back, row, before, row.changed))
        row.update(changes)
        row.changed = row.changed.union(changes)
        self.updated[id(row)] = row

    def _take_back(self, row: Record, before: dict[str, Any], changed: frozenset[str]) -> None:
        row.update(before)
        row.changed = changed
        if not changed:
            self.updated.pop(id(row), None)

    def reopen(self, need: Need, row: Record) -> None:
        """Let ``row`` be found by ``need``, whose condition it meets by now."""
        rows = self.find(*need)
        if not any(known is row for known in rows):
            rows.append(row)
            self._undo.append(rows.pop)

    def mark(self) -> int:
        """A place to come back to."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take back everything that was staged after ``mark``."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def settle(self) -> None:
        """Take nothing back any more.

        What could be taken back holds on to the book, and the book to that: thousands of objects
        a group would wait for the garbage collector.
        """
        self._undo.clear()
