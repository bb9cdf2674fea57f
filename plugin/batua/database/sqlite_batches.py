"""Several writes in one statement of SQLite: the body of a trigger.

Python's ``sqlite3`` lets go of the interpreter for each statement and has to get it back after it.
Beside a busy event loop the dozen statements of a group waited for that as long as they worked.
SQLite has no procedures, so a temporary view's INSTEAD OF trigger is one: an INSERT runs all of it.
"""

from __future__ import annotations

import re
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from batua.database.core import Write
from batua.errors import StaleRow

__all__ = ["Batches"]

KEPT_MAX = 100
"""Triggers that a connection keeps, as asyncpg keeps that many prepared statements."""

STALE = "guarded rows had changed"

_PLACEHOLDER = re.compile(r"\$(\d+)")

_Kind = tuple[tuple[str, int, str, bool], ...]
"""What two batches have in common that one trigger can run: all but the values."""


class _Batch(NamedTuple):
    name: str
    making: tuple[str, str]
    insert: str


class Batches:
    """The batches that one connection knows. Used in the connection's thread alone."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Kind, _Batch] = OrderedDict()
        self._numbers = count(1)

    def run(self, connection: sqlite3.Connection, writes: Sequence[Write]) -> None:
        """Run ``writes`` in order. Their arguments are bound already.

        Raises ``StaleRow``, and none of them happened, when one changes fewer rows than it must.
        """
        batch = self._batch(connection, writes)
        try:
            self._insert(connection, batch, list(_values(writes)))
        except sqlite3.IntegrityError as error:
            if str(error).endswith(STALE):
                raise StaleRow(str(error)) from error
            raise

    def _batch(self, connection: sqlite3.Connection, writes: Sequence[Write]) -> _Batch:
        kind = tuple(
            (write.sql, len(write.args), write.table, write.rows is not None) for write in writes
        )
        batch = self._known.get(kind)
        if batch is None:
            batch = self._known[kind] = _make(f"batua_batch_{next(self._numbers)}", kind)
            if len(self._known) > KEPT_MAX:
                _, oldest = self._known.popitem(last=False)
                connection.execute(f"drop view if exists temp.{oldest.name}")
        self._known.move_to_end(kind)
        return batch

    def _insert(self, connection: sqlite3.Connection, batch: _Batch, values: Sequence[Any]) -> None:
        try:
            connection.execute(batch.insert, values)
        except sqlite3.OperationalError as error:
            # New, taken back with the transaction in which it was made, or never finished.
            missing = f"no such table: temp.{batch.name}"
            without_trigger = f"cannot modify {batch.name} because it is a view"
            if not str(error).endswith((missing, without_trigger)):
                raise
            connection.execute(f"drop view if exists temp.{batch.name}")
            for statement in batch.making:
                connection.execute(statement)
            connection.execute(batch.insert, values)


def _make(name: str, kind: _Kind) -> _Batch:
    body: list[str] = []
    place = 0
    for sql, args, table, is_counted in kind:
        body.append(_PLACEHOLDER.sub(partial(_column, place), sql))
        place += args
        if is_counted:
            place += 1
            raising = f"raise(abort, '{table}: {STALE}')"
            body.append(f"select {raising} where changes() <> new.v{place}")
    columns = [f"v{number}" for number in range(1, place + 1)]
    view = f"{name} ({', '.join(columns)}) as select {', '.join('null' for _ in columns)}"
    trigger = f"{name}_runs instead of insert on {name} begin {'; '.join(body)}; end"
    return _Batch(
        name,
        (f"create temp view {view}", f"create temp trigger {trigger}"),
        f"insert into temp.{name} values ({', '.join('?' for _ in columns)})",
    )


def _column(before: int, found: re.Match[str]) -> str:
    return f"new.v{before + int(found[1])}"


def _values(writes: Iterable[Write]) -> Iterable[Any]:
    """The values of a batch, as its view has them."""
    for write in writes:
        yield from write.args
        if write.rows is not None:
            yield write.rows
