"""Counts beside a SQLite shop: a file of its own that is never synced, ``<database>.limits``.

A power cut may lose counts, which is no harm; a process that is killed loses none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec

from batua.database import SQLiteConnection
from batua.limits.counts import Window

__all__ = ["SQLiteCounts"]

PREPARE = (
    "pragma synchronous = off",
    "create table if not exists batua_call_count (caller text not null, ends_at integer not null,"
    " calls integer not null, primary key (caller, ends_at)) strict, without rowid",
)
ADD = """
    insert into batua_call_count (caller, ends_at, calls)
    select value ->> 0, value ->> 1, value ->> 2 from json_each(?1) where true
    on conflict (caller, ends_at) do update set calls = batua_call_count.calls + excluded.calls
    returning caller, ends_at, calls
"""
SWEEP = "delete from batua_call_count where ends_at <= ?1"


class SQLiteCounts:
    """One statement a trip, in a thread of its own."""

    def __init__(self, database_path: Path) -> None:
        path = database_path.with_name(f"{database_path.name}.limits")
        self._connection = SQLiteConnection(path, read_only=False)
        self._is_prepared = False

    async def add(self, calls: Mapping[Window, int]) -> Mapping[Window, int]:
        rows = [(caller, ends_at, count) for (caller, ends_at), count in calls.items()]
        bound = msgspec.json.encode(rows).decode()

        def added(connection: sqlite3.Connection) -> dict[Window, int]:
            self._prepare(connection)
            found = connection.execute(ADD, (bound,)).fetchall()
            return {Window(caller, ends_at): count for caller, ends_at, count in found}

        return await self._connection.run(added)

    async def sweep(self, ended_by: int) -> None:
        def swept(connection: sqlite3.Connection) -> None:
            self._prepare(connection)
            connection.execute(SWEEP, (ended_by,))

        await self._connection.run(swept)

    async def close(self) -> None:
        await self._connection.close()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not self._is_prepared:
            for statement in PREPARE:
                connection.execute(statement)
            self._is_prepared = True
