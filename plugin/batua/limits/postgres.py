"""Counts in the shop's PostgreSQL: an unlogged table, so that no count waits for the disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batua.database import PostgresDatabase
from batua.limits.counts import Window

__all__ = ["PostgresCounts"]

ADD = """
    insert into batua_call_count (caller, ends_at, calls)
    select * from unnest($1::text[], $2::bigint[], $3::bigint[])
    on conflict (caller, ends_at) do update set calls = batua_call_count.calls + excluded.calls
    returning caller, ends_at, calls
"""
SWEEP = """
    delete from batua_call_count where (caller, ends_at) in (
        select caller, ends_at from batua_call_count where ends_at <= $1
        for update skip locked
    )
"""


class PostgresCounts:
    """One statement a trip, on a connection that nobody else uses."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._pool: Any = None

    async def add(self, calls: Mapping[Window, int]) -> Mapping[Window, int]:
        # In one order, so that two processes can't wait for each other's rows.
        windows = sorted(calls)
        rows = await (await self._opened()).fetch(
            ADD,
            [window.caller for window in windows],
            [window.ends_at for window in windows],
            [calls[window] for window in windows],
        )
        return {Window(caller, ends_at): count for caller, ends_at, count in rows}

    async def sweep(self, ended_by: int) -> None:
        # Another process may be sweeping: what it has locked is its own.
        await (await self._opened()).fetch(SWEEP, ended_by)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def _opened(self) -> Any:
        if self._pool is None:
            self._pool = await self._database.pool_beside(1)
        return self._pool
