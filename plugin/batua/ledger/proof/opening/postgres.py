"""A PostgreSQL database, in one read-only transaction at a time. A hot standby will do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from batua.dialect import Dialect
from batua.errors import DatabaseUnavailable
from batua.ledger.proof.source import Row
from batua.pooler import split_pooler

__all__ = ["PostgresBooks", "opened_postgres"]

SETTINGS = (
    # Nobody waits for us, and what is read while a page is checked may take its time.
    "set local statement_timeout = 0",
    "set local idle_in_transaction_session_timeout = 0",
    # A key that is counted ten million times is hashed in memory, or on disk beyond this.
    "set local work_mem = '64MB'",
    "set local jit = off",
    "set local timezone = 'UTC'",
)


class PostgresBooks:
    """Reads one database over one connection."""

    dialect = Dialect.POSTGRES

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, /, *args: Any) -> Sequence[Row]:
        """All rows. Raises ``DatabaseUnavailable`` when the server is gone."""
        with _reachable():
            rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        return rows

    async def fetch_one(self, sql: str, /, *args: Any) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresBooks]:
        """Several reads of one moment, which can't write."""
        transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
        with _reachable():
            await transaction.start()
        try:
            for setting in SETTINGS:
                await self._connection.execute(setting)
            yield self
        finally:
            with _reachable():
                await transaction.rollback()


@asynccontextmanager
async def opened_postgres(url: str) -> AsyncIterator[PostgresBooks]:
    """The database at ``url``. Raises ``DatabaseUnavailable``."""
    direct, is_pooled = split_pooler(url)
    with _reachable():
        # Behind a pooler what was prepared is another session's in the next transaction.
        connection = await (
            asyncpg.connect(direct, statement_cache_size=0)
            if is_pooled
            else asyncpg.connect(direct)
        )
    try:
        yield PostgresBooks(connection)
    finally:
        await connection.close(timeout=10)


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(f"PostgreSQL: {error}") from error
