"""PostgreSQL, for production: READ COMMITTED on a pool of asyncpg connections.

The connection's ``search_path`` says which shop it serves: no schema name stands in any SQL, so
that a shop can be a schema, and with Citus a schema can be a node.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
import msgspec
from piccolo.engine.base import Engine

from batua.database.core import (
    Database,
    Dialect,
    Lookup,
    OpenTransactions,
    Reader,
    Row,
    Transaction,
    Write,
)
from batua.database.piccolo import SafePostgresEngine
from batua.errors import CommitUnknown, DatabaseUnavailable, InvariantViolated, StaleRow
from batua.failpoints import reach

__all__ = ["PostgresDatabase"]

IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
"""A process that stopped while it held the head lock loses it after this."""


BY_KEY = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""Off where we write. What a transaction reads and changes, it finds by key: a plan that was made
and kept while a table was new and empty would walk all of it (until autovacuum looks at it)."""

BEGIN = "begin isolation level read committed" + "".join(
    f"; set local {name} = off" for name in BY_KEY
)
"""In one message."""

SINGLE_STATEMENTS = {
    "default_transaction_isolation": "read committed",
    **dict.fromkeys(BY_KEY, "off"),
}
"""The same for connections on which each statement is a transaction of its own."""

SINGLE_STATEMENTS_AT_ONCE = 2
"""Connections for those. A process has one engine, and that one group at a time."""

UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""What asyncpg raises when the server is gone, going, starting, full or has dropped us."""


class _Statements:
    """Reads and writes on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        reach("database.asking")
        with _reachable():
            rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        reach("database.answered")
        return rows

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        reach("database.asking")
        with _reachable():
            row: Row | None = await self._connection.fetchrow(sql, *args)
        reach("database.answered")
        return row

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        # Rows of a table are values of its type, and come back as rows.
        columns = (
            f"(select array_agg({each.table}) from {each.table}"
            f" where {each.condition(Dialect.POSTGRES, f'${place}')})"
            for place, each in enumerate(lookups, 1)
        )
        (found,) = await self.fetch(
            f"select {', '.join(columns)}", *(each.values for each in lookups)
        )
        return [rows or [] for rows in found.values()]

    async def execute(self, sql: str, *args: Any) -> int:
        reach("database.asking")
        with _reachable(), _stale():
            tag = await self._connection.execute(sql, *args)
        reach("database.answered")
        return _row_count(tag)

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_soon(meanwhile)
        for each in writes:
            each.check(await self.execute(each.sql, *each.args))

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        reach("database.asking")
        with _reachable():
            await self._connection.executemany(sql, rows)
        reach("database.answered")
        return -1


class PostgresDatabase(Database):
    """A shop in a PostgreSQL database, or in one schema of it."""

    dialect = Dialect.POSTGRES

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._url = url
        self._pool_size = pool_size
        self._pool: Any = None
        self._singles: Any = None
        self._open_transactions = OpenTransactions()
        self._engine: SafePostgresEngine | None = None

    async def open(self) -> None:
        self._pool = await self._open_pool(1, self._pool_size, {})
        self._singles = await self._open_pool(0, SINGLE_STATEMENTS_AT_ONCE, SINGLE_STATEMENTS)

    def _open_pool(self, smallest: int, biggest: int, settings: Mapping[str, str]) -> Any:
        return asyncpg.create_pool(
            self._url,
            min_size=smallest,
            max_size=biggest,
            reset=_leave_as_it_is,
            server_settings={
                "application_name": "batua",
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "timezone": "UTC",
                **settings,
            },
        )

    async def close(self) -> None:
        for pool in (self._pool, self._singles):
            if pool is not None:
                await pool.close()

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        with _reachable():
            rows: Sequence[Row] = await self._pool.fetch(sql, *args)
        return rows

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        async with _acquired(self._pool) as connection:
            with _reachable():
                await connection.execute("begin isolation level repeatable read read only")
            try:
                yield _Statements(connection)
            finally:
                await _roll_back(connection)

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        async with _acquired(self._singles) as connection:
            return await _Statements(connection).look_up(lookups)

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        (write,) = writes  # one statement commits by itself
        async with _acquired(self._singles) as connection:
            reach("database.committing")
            asyncio.get_running_loop().call_soon(meanwhile)
            with _stale():
                tag = await _to_its_end(connection, write.sql, *write.args)
            write.check(_row_count(tag))
            reach("database.committed")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        task = self._open_transactions.enter()
        try:
            async with _acquired(self._pool) as connection:
                reach("database.beginning")
                with _reachable():
                    await connection.execute(BEGIN)
                try:
                    reach("database.begun")
                    yield _Statements(connection)
                except BaseException:
                    await _roll_back(connection)
                    raise
                await _commit(connection)
        finally:
            self._open_transactions.leave(task)

    def as_json(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        del columns  # a recordset takes what it names, and leaves the rest
        return msgspec.json.encode(rows).decode()

    def piccolo_engine(self) -> Engine[Any]:
        if self._engine is None:
            self._engine = SafePostgresEngine(self._pool)
        return self._engine


@asynccontextmanager
async def _acquired(pool: Any) -> AsyncIterator[Any]:
    with _reachable():
        connection = await pool.acquire()
    try:
        yield connection
    finally:
        # A connection that dies on its way back is the pool's loss. What was committed on it
        # is committed: an error here would tell the caller that nothing happened.
        with suppress(*UNREACHABLE):
            await pool.release(connection)


async def _leave_as_it_is(connection: Any) -> None:
    """Nothing of ours changes a session; asyncpg's own reset costs a trip for every transaction.

    An open transaction is still rolled back when its connection comes back to the pool.
    """


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        raise DatabaseUnavailable(f"PostgreSQL: {error}") from error


@contextmanager
def _stale() -> Iterator[None]:
    try:
        yield
    except asyncpg.SerializationError as error:
        raise StaleRow(str(error)) from error


def _drop(connection: Any) -> None:
    # A connection that was lost has left the pool already and can't be terminated again.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _roll_back(connection: Any) -> None:
    try:
        rollback = asyncio.ensure_future(connection.execute("rollback"))
    except asyncpg.InterfaceError:
        return  # it was lost, and has left the pool already
    try:
        await asyncio.shield(rollback)
    except asyncio.CancelledError:
        await _settle(rollback)
        raise
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        # A connection that can't roll back has lost its transaction with its session.
        _drop(connection)


async def _commit(connection: Any) -> None:
    reach("database.committing")
    answer = await _to_its_end(connection, "COMMIT;")
    if answer != "COMMIT":
        # PostgreSQL answers ROLLBACK, and no error, when a statement before had failed.
        raise InvariantViolated(f"COMMIT was answered with {answer}: nothing was committed")
    reach("database.committed")


async def _to_its_end(connection: Any, sql: str, *args: Any) -> str:
    """Run a statement that commits. Raises ``CommitUnknown`` if no answer came.

    Cancelling it on the wire may commit all the same (trap T8): it runs to its end.
    """
    with _reachable():  # a connection that is known to be gone is not even tried
        commit = asyncio.ensure_future(connection.execute(sql, *args))
    try:
        answer: str = await asyncio.shield(commit)
    except asyncio.CancelledError:
        await _settle(commit)
        raise
    except asyncpg.PostgresConnectionError as error:
        _drop(connection)
        raise CommitUnknown(f"the connection was lost during COMMIT: {error}") from error
    except asyncpg.PostgresError as error:
        if isinstance(error, asyncpg.OperatorInterventionError):
            _drop(connection)
            raise CommitUnknown(f"COMMIT was interrupted: {error}") from error
        raise
    except (OSError, asyncpg.InterfaceError) as error:
        _drop(connection)
        raise CommitUnknown(f"the connection was lost during COMMIT: {error}") from error
    return answer


async def _settle(statement: asyncio.Future[Any]) -> None:
    """Wait for what is on the wire, however often the waiting is cancelled.

    A connection that goes back to the pool in the middle of a statement is nobody's any more.
    """
    while not statement.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({statement})
    if not statement.cancelled():
        statement.exception()


def _row_count(tag: str) -> int:
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0
