"""SQLite, the embedded default: one writer connection a process, a few readers, all in threads.

``BEGIN IMMEDIATE`` (T13), synchronous FULL (T14), a busy timeout, foreign keys on.  WAL mode only
where the library is free of the WAL-reset bug; else a rollback journal, in which COMMIT may be
BUSY because of readers and is tried again.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
from piccolo.engine.base import Engine

from batua.database.core import (
    Database,
    Dialect,
    Lookup,
    OpenTransactions,
    Reader,
    Row,
    Statement,
    Transaction,
    Write,
)
from batua.database.piccolo import SafeSQLiteEngine
from batua.database.sqlite_connection import BUSY_TIMEOUT_S, Connection, reachable
from batua.errors import CommitUnknown, DatabaseUnavailable
from batua.failpoints import reach

__all__ = ["SQLiteDatabase"]

READERS = 3


class _Statements:
    """Reads and writes on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        (rows,) = await self._fetch_all([(sql, args)])
        return rows

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        return await self._fetch_all(_selects(lookups))

    async def _fetch_all(self, queries: Sequence[Statement]) -> list[Sequence[Row]]:
        work = _reading(queries)
        reach("database.asking")
        rows = await self._connection.run(work)
        reach("database.answered")
        return rows

    async def execute(self, sql: str, *args: Any) -> int:
        statement, values = _native(sql), _bind(args)
        reach("database.asking")
        count = await self._connection.run(
            lambda connection: connection.execute(statement, values).rowcount
        )
        reach("database.answered")
        return count

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        bound = _bound(writes)
        reach("database.asking")
        asyncio.get_running_loop().call_soon(meanwhile)
        await self._connection.run(
            lambda connection: self._connection.batches.run(connection, bound)
        )
        reach("database.answered")

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        statement, values = _native(sql), [_bind(row) for row in rows]
        reach("database.asking")
        count = await self._connection.run(
            lambda connection: connection.executemany(statement, values).rowcount
        )
        reach("database.answered")
        return count


class SQLiteDatabase(Database):
    """A shop in one file."""

    dialect = Dialect.SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = Connection(path, read_only=False)
        self._readers = [Connection(path, read_only=True) for _ in range(READERS)]
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        self._lock = asyncio.Lock()
        self._open_transactions = OpenTransactions()
        self._engine: SafeSQLiteEngine | None = None

    async def open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        await self._writer.run(lambda connection: connection.execute("select 1").fetchone())
        for reader in self._readers:
            self._idle.put_nowait(reader)

    async def close(self) -> None:
        for connection in (self._writer, *self._readers):
            await connection.close()

    def abandon(self) -> None:
        """A file on this machine answers: there is nobody to leave."""

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        reach("database.acquiring")
        reader = await self._idle.get()
        try:
            return await _Statements(reader).fetch(sql, *args)
        finally:
            self._idle.put_nowait(reader)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        reach("database.acquiring")
        reader = await self._idle.get()
        try:
            try:
                reach("database.beginning")
                await reader.run(lambda connection: connection.execute("begin"))
                reach("database.begun")
                yield _Statements(reader)
            finally:
                await _rolled_back(reader)
        finally:
            self._idle.put_nowait(reader)

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        select = _reading(_selects(lookups))

        def at_one_moment(connection: sqlite3.Connection) -> list[Sequence[Row]]:
            _give_up_what_was_left(connection)
            connection.execute("begin")
            try:
                return select(connection)
            finally:
                _roll_back(connection)

        reach("database.acquiring")
        async with self._lock:
            reach("database.asking")
            rows = await self._writer.run(at_one_moment)
            reach("database.answered")
        return rows

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        bound = _bound(writes)

        def all_or_nothing(connection: sqlite3.Connection) -> None:
            # One statement, which commits by itself. Each further call of SQLite would wait for
            # the interpreter, which the event loop has meanwhile.
            _give_up_what_was_left(connection)
            try:
                self._writer.batches.run(connection, bound)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR"):
                    raise CommitUnknown(f"SQLite could not write all: {error}") from error
                raise

        reach("database.acquiring")
        async with self._lock:
            reach("database.committing")
            asyncio.get_running_loop().call_soon(meanwhile)
            with reachable():
                await _settled(self._writer.submit(all_or_nothing))
            reach("database.committed")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        task = self._open_transactions.enter()
        try:
            reach("database.acquiring")
            async with self._lock:
                reach("database.beginning")
                await self._begin()
                try:
                    reach("database.begun")
                    yield _Statements(self._writer)
                    reach("database.committing")
                except BaseException:
                    await _rolled_back(self._writer)
                    raise
                await _settled(self._writer.submit(_commit))
                reach("database.committed")
        finally:
            self._open_transactions.leave(task)

    async def _begin(self) -> None:
        beginning = self._writer.submit(_begin_anew)
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await _rolled_back(self._writer)
            raise
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailable(f"SQLite could not begin: {error}") from error

    def as_json(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        values = itemgetter(*columns)
        plain = [
            [_written(value) if type(value) is datetime else value for value in values(row)]
            for row in rows
        ]
        return msgspec.json.encode(plain).decode()

    def connections(self) -> tuple[int, int]:
        is_writing = self._lock.locked()
        idle = self._idle.qsize()
        return READERS - idle + is_writing, idle + (not is_writing)

    def piccolo_engine(self) -> Engine[Any]:
        if self._engine is None:
            self._engine = SafeSQLiteEngine(path=str(self.path), timeout=BUSY_TIMEOUT_S)
        return self._engine


def _selects(lookups: Sequence[Lookup]) -> list[Statement]:
    return [
        (f"select * from {each.table} where {each.condition(Dialect.SQLITE, '$1')}", (each.values,))
        for each in lookups
    ]


def _reading(queries: Sequence[Statement]) -> Callable[[sqlite3.Connection], list[Sequence[Row]]]:
    """What runs all of ``queries`` in the connection's thread."""
    bound = [(_native(sql), _bind(args)) for sql, args in queries]
    return lambda connection: [connection.execute(*each).fetchall() for each in bound]


async def _settled(commit: asyncio.Future[None]) -> None:
    # A cancelled task still learns what became of its COMMIT before it goes.
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        await asyncio.wait({commit})
        commit.exception()
        raise


async def _rolled_back(connection: Connection) -> None:
    # On its way before anything can go wrong here: the writer may not stay in its transaction.
    rollback = connection.submit(_roll_back)
    reach("database.rolling_back")
    with reachable():
        await asyncio.shield(rollback)
    reach("database.rolled_back")


def _begin_anew(connection: sqlite3.Connection) -> None:
    _give_up_what_was_left(connection)
    connection.execute("begin immediate")


def _give_up_what_was_left(connection: sqlite3.Connection) -> None:
    # A rollback that failed, on a disk that did, has left its transaction open. What came after it
    # would be answered as committed, and be in that.
    _roll_back(connection)


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("commit")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("rollback")
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise DatabaseUnavailable(f"SQLite could not commit: {error}") from error
        raise CommitUnknown(f"COMMIT failed and left no transaction: {error}") from error


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")


@lru_cache(maxsize=1024)
def _native(sql: str) -> str:
    return re.sub(r"\$(\d+)", r"?\1", sql)


def _bind(args: Sequence[Any]) -> list[Any]:
    return [_value(arg) for arg in args]


def _bound(writes: Sequence[Write]) -> list[Write]:
    return [write._replace(args=_bind(write.args)) for write in writes]


def _value(arg: Any) -> Any:
    if isinstance(arg, (list, tuple)):
        return msgspec.json.encode([_plain(item) for item in arg]).decode()
    return _plain(arg)


def _plain(value: Any) -> Any:
    return _written(value) if isinstance(value, datetime) else value


@lru_cache(maxsize=64)
def _written(time: datetime) -> str:
    # One width for all, so that text compares as time does. A group's rows share their time.
    return time.astimezone(UTC).isoformat(" ", "microseconds")
