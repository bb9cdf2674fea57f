"""PostgreSQL, for production: READ COMMITTED on a pool of asyncpg connections.

The connection's ``search_path`` says which shop it serves: no schema name stands in any SQL, so
that a shop can be a schema, and with Citus a schema can be a node.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
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
from batua.database.postgres_ends import (
    UNREACHABLE,
    commit,
    reachable,
    roll_back,
    run_to_its_end,
    stale,
)
from batua.failpoints import reach
from batua.pooler import split_pooler

__all__ = ["PostgresDatabase"]

log = logging.getLogger(__name__)

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

POOLED_BEGIN = f"{BEGIN}; set local idle_in_transaction_session_timeout = {{}}"
"""The same behind a pooler, where a session's settings are another's in the next transaction."""

SINGLE_STATEMENTS_AT_ONCE = 2
"""Connections for those. A process has one engine, and that one group at a time."""

CONNECT_S_MAX = 10.0
"""How long a server may take to let us in: one that is frozen accepts, and says nothing."""


class _Statements:
    """Reads and writes on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        reach("database.asking")
        with reachable():
            rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        reach("database.answered")
        return rows

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        reach("database.asking")
        with reachable():
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
        with reachable(), stale():
            tag = await self._connection.execute(sql, *args)
        reach("database.answered")
        return _row_count(tag)

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_soon(meanwhile)
        for each in writes:
            await self.execute(each.sql, *each.args)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        reach("database.asking")
        with reachable():
            await self._connection.executemany(sql, rows)
        reach("database.answered")
        return -1


class PostgresDatabase(Database):
    """A shop in a PostgreSQL database, or in one schema of it."""

    dialect = Dialect.POSTGRES

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._url, self._is_pooled = split_pooler(url)
        self._pool_size = pool_size
        self._pool: Any = None
        self._singles: Any = None
        self._pools: list[Any] = []
        self._open_transactions = OpenTransactions()
        self._engine: SafePostgresEngine | None = None

    async def open(self) -> None:
        self._pool = await self._open_pool(1, self._pool_size, {})
        self._singles = await self._open_pool(0, SINGLE_STATEMENTS_AT_ONCE, SINGLE_STATEMENTS)

    def pool_beside(self, connections: int) -> Any:
        """Connections for what must not wait for the others, once they are needed. Await it."""
        return self._open_pool(0, connections, {})

    def _open_pool(self, smallest: int, biggest: int, settings: Mapping[str, str]) -> Any:
        # What a pooler keeps for us, and what only a session of our own does.
        kept = {"application_name": "batua", "timezone": "UTC"}
        idle = {"idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS)}
        pool = asyncpg.create_pool(
            self._url,
            min_size=smallest,
            max_size=biggest,
            timeout=CONNECT_S_MAX,
            reset=_leave_as_it_is,
            server_settings=kept if self._is_pooled else {**kept, **idle, **settings},
            **({"statement_cache_size": 0} if self._is_pooled else {}),
        )
        self._pools.append(pool)
        return pool

    @property
    def _begin(self) -> str:
        return POOLED_BEGIN.format(IDLE_IN_TRANSACTION_TIMEOUT_MS) if self._is_pooled else BEGIN

    async def close(self) -> None:
        for pool in (self._pool, self._singles):
            if pool is not None:
                with suppress(*UNREACHABLE):  # then there is nothing left to close
                    await pool.close()

    def abandon(self) -> None:
        log.error("PostgreSQL does not answer: whatever still waits for it is given up")
        for pool in self._pools:
            with suppress(asyncpg.InterfaceError):  # one that was never opened, or is closed
                pool.terminate()

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        reach("database.asking")
        with reachable():
            rows: Sequence[Row] = await self._pool.fetch(sql, *args)
        reach("database.answered")
        return rows

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        async with _acquired(self._pool) as connection:
            reach("database.beginning")
            with reachable():
                await connection.execute("begin isolation level repeatable read read only")
            try:
                reach("database.begun")
                yield _Statements(connection)
            finally:
                await roll_back(connection)

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        async with _acquired(self._singles) as connection:
            return await _Statements(connection).look_up(lookups)

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        (write,) = writes  # one statement commits by itself
        async with _acquired(self._singles) as connection:
            reach("database.committing")
            asyncio.get_running_loop().call_soon(meanwhile)
            with stale():
                await run_to_its_end(connection, write.sql, *write.args)
            reach("database.committed")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        task = self._open_transactions.enter()
        try:
            async with _acquired(self._pool) as connection:
                reach("database.beginning")
                with reachable():
                    await connection.execute(self._begin)
                try:
                    reach("database.begun")
                    yield _Statements(connection)
                except BaseException:
                    await roll_back(connection)
                    raise
                await commit(connection)
        finally:
            self._open_transactions.leave(task)

    def as_json(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        del columns  # a recordset takes what it names, and leaves the rest
        return msgspec.json.encode(rows).decode()

    def connections(self) -> tuple[int, int]:
        pools = (self._pool, self._singles)
        idle = sum(pool.get_idle_size() for pool in pools)
        return sum(pool.get_size() for pool in pools) - idle, idle

    def piccolo_engine(self) -> Engine[Any]:
        if self._engine is None:
            self._engine = SafePostgresEngine(self._pool)
        return self._engine


@asynccontextmanager
async def _acquired(pool: Any) -> AsyncIterator[Any]:
    reach("database.acquiring")
    with reachable():
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


def _row_count(tag: str) -> int:
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0
