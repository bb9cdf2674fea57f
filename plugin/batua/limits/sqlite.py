"""Counts beside a SQLite shop: a file of its own that is never synced, ``<database>.limits``.

A power cut may lose counts, or the file: then it is made anew, which is no harm. A process that is
killed loses none.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

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
T = TypeVar("T")

log = logging.getLogger(__name__)

SWEEP = "delete from batua_call_count where ends_at <= ?1"


class SQLiteCounts:
    """One statement a trip, in a thread of its own."""

    def __init__(self, database_path: Path) -> None:
        self._path = database_path.with_name(f"{database_path.name}.limits")
        self._renew()

    async def add(self, calls: Mapping[Window, int]) -> Mapping[Window, int]:
        rows = [(caller, ends_at, count) for (caller, ends_at), count in calls.items()]
        bound = msgspec.json.encode(rows).decode()

        def added(connection: sqlite3.Connection) -> dict[Window, int]:
            self._prepare(connection)
            found = connection.execute(ADD, (bound,)).fetchall()
            return {Window(caller, ends_at): count for caller, ends_at, count in found}

        return await self._run(added)

    async def sweep(self, ended_by: int) -> None:
        def swept(connection: sqlite3.Connection) -> None:
            self._prepare(connection)
            connection.execute(SWEEP, (ended_by,))

        await self._run(swept)

    async def close(self) -> None:
        await self._connection.close()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._connection.run(work)
        except sqlite3.DatabaseError as error:
            if not _is_malformed(error):
                raise
            log.warning("the counts of calls in %s begin anew: %s", self._path, error)
        broken = self._connection
        self._renew()
        await broken.close()
        await asyncio.to_thread(_discard, self._path)
        return await self._connection.run(work)

    def _renew(self) -> None:
        self._connection = SQLiteConnection(self._path, read_only=False)
        self._is_prepared = False

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not self._is_prepared:
            for statement in PREPARE:
                connection.execute(statement)
            self._is_prepared = True


def _is_malformed(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is none of SQLite's. All else that may go wrong has a class of its own."""
    return type(error) is sqlite3.DatabaseError


def _discard(path: Path) -> None:
    """Remove a file that is malformed, unless another process has made it anew by now."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not _is_sound(path):
            for suffix in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
    finally:
        os.close(folder)


def _is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        try:
            found: str = connection.execute("pragma integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if not _is_malformed(error):
                raise
            return False
    return found == "ok"
