"""PostgreSQL, for production: READ COMMITTED on a pool of asyncpg connections.

The connection's ``search_path`` says which shop it serves: no schema name stands in any SQL, so
that a shop can be a schema, and with Citus a schema can be a node.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
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
    Statement,
    Transaction,
)
from batua.database.piccolo import SafePostgresEngine
from batua.errors import CommitUnknown, DatabaseUnavailable, InvariantViolated
from batua.failpoints import reach

__all__ = ["PostgresDatabase"]

IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
"""A process that stopped while it held the head lock loses it after this."""


BEGIN = (
    "begin isolation level read committed; set local enable_seqscan = off;"
    " set local enable_hashjoin = off; set local enable_mergejoin = off"
)
"""In one message. What a transaction reads and changes, it finds by key: a plan that was made and
kept while a table was new and empty would walk the whole of it (until autovacuum looks at it)."""

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
        with _reachable():
            tag = await self._connection.execute(sql, *args)
        reach("database.answered")
        return _row_count(tag)

    async def execute_all(
        self, statements: Sequence[Statement], meanwhile: Callable[[], object]
    ) -> list[int]:
        *first, (sql, args) = statements
        counts = [await self.execute(each[0], *each[1]) for each in first]
        asyncio.get_running_loop().call_soon(meanwhile)
        return [*counts, await self.execute(sql, *args)]

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
        self._open_transactions = OpenTransactions()
        self._engine: SafePostgresEngine | None = None

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._pool_size,
            reset=_leave_as_it_is,
            server_settings={
                "application_name": "batua",
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "timezone": "UTC",
            },
        )

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        with _reachable():
            rows: Sequence[Row] = await self._pool.fetch(sql, *args)
        return rows

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        async with self._acquired() as connection:
            with _reachable():
                await connection.execute("begin isolation level repeatable read read only")
            try:
                yield _Statements(connection)
            finally:
                await _roll_back(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        task = self._open_transactions.enter()
        try:
            async with self._acquired() as connection:
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

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Any]:
        with _reachable():
            connection = await self._pool.acquire()
        try:
            yield connection
        finally:
            # A connection that dies on its way back is the pool's loss. What was committed on it
            # is committed: an error here would tell the caller that nothing happened.
            with suppress(*UNREACHABLE):
                await self._pool.release(connection)

    def as_json(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        del columns  # a recordset takes what it names, and leaves the rest
        return msgspec.json.encode(rows).decode()

    def piccolo_engine(self) -> Engine[Any]:
        if self._engine is None:
            self._engine = SafePostgresEngine(self._pool)
        return self._engine


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
    # Cancelling a COMMIT on the wire may commit all the same (trap T8): it runs to its end.
    reach("database.committing")
    with _reachable():  # a connection that is known to be gone is not even tried
        commit = asyncio.ensure_future(connection.execute("COMMIT;"))
    try:
        answer = await asyncio.shield(commit)
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
    if answer != "COMMIT":
        # PostgreSQL answers ROLLBACK, and no error, when a statement before had failed.
        raise InvariantViolated(f"COMMIT was answered with {answer}: nothing was committed")
    reach("database.committed")


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
