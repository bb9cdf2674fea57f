"""A SQLite connection in a thread of its own, and which journal mode is safe for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from batua.database.sqlite_batches import Batches
from batua.errors import ConfigurationError, DatabaseUnavailable

__all__ = ["BUSY_TIMEOUT_S", "Connection", "has_wal_reset_bug", "reachable"]

BUSY_TIMEOUT_S = 10.0
CACHE_KIB = 32_768
"""What the writer keeps of the file, instead of 2 MiB: a shop's indexes are bigger than that."""

T = TypeVar("T")


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this SQLite may lose committed writes in WAL mode (fixed in 3.51.3 and backports)."""
    fixed = (
        version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    )
    return not fixed


class Connection:
    """A connection that lives in a thread of its own; calls run there one after another."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self.batches = Batches()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batua-sqlite")
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in the thread. A cancelled caller leaves it running, and in order."""
        with reachable():
            return await asyncio.shield(self.submit(work))

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, lambda: work(self._opened()))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=True)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            detect_types=sqlite3.PARSE_DECLTYPES,
            cached_statements=512,
        )
        connection.row_factory = sqlite3.Row
        _set_journal_mode(connection, self._path)
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        if self._read_only:
            connection.execute("pragma query_only = on")
        else:
            connection.execute(f"pragma cache_size = -{CACHE_KIB}")
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _set_journal_mode(connection: sqlite3.Connection, path: Path) -> None:
    version = sqlite3.sqlite_version
    wanted = "delete" if has_wal_reset_bug(sqlite3.sqlite_version_info) else "wal"
    try:
        connection.execute(f"pragma journal_mode = {wanted}").fetchone()
    except sqlite3.OperationalError:
        (mode,) = connection.execute("pragma journal_mode").fetchone()
        if mode == "wal" and wanted == "delete":
            raise ConfigurationError(
                f"{path} is in WAL mode and in use by another process, and this process has SQLite "
                f"{version}, which may lose committed writes there. Install pysqlite3 and import "
                "batua.fixed_sqlite first, or stop the other process."
            ) from None
        raise


@contextmanager
def reachable() -> Iterator[None]:
    # Busy, full and I/O errors pass; a misspelled column does not.
    passing = {"SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_LOCKED", "SQLITE_CANTOPEN"}
    try:
        yield
    except sqlite3.OperationalError as error:
        name = getattr(error, "sqlite_errorname", "")
        if any(name.startswith(prefix) for prefix in passing):
            raise DatabaseUnavailable(f"SQLite: {error}") from error
        raise


def _to_datetime(value: bytes) -> datetime:
    return datetime.fromisoformat(value.decode())


# The same converters as Piccolo's, so that it does not matter who registers last.
sqlite3.register_converter("TIMESTAMPTZ", _to_datetime)
sqlite3.register_converter("BOOLEAN", lambda value: value == b"1")
