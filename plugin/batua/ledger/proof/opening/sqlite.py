"""A SQLite file, opened so that neither it nor anything beside it is written."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batua.dialect import Dialect
from batua.errors import ConfigurationError, DatabaseUnavailable
from batua.ledger.proof.source import Row

__all__ = ["SQLiteBooks", "opened_sqlite"]

BUSY_TIMEOUT_S = 10.0
CACHE_KIB = 65_536


class SQLiteBooks:
    """Reads one file, in a thread of its own."""

    dialect = Dialect.SQLITE

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batua-proof")
        # Nobody has the file open: read it as it lies, and see afterwards that it still does.
        self._is_alone = not _in_use(path)
        self._seen = _fingerprint(path)
        self._connection = _connected(path, is_alone=self._is_alone)

    async def close(self) -> None:
        """Stop whatever still runs, and let go of the file."""
        self._connection.interrupt()
        self._thread.shutdown()
        self._connection.close()

    async def fetch(self, sql: str, /, *args: Any) -> Sequence[Row]:
        """All rows. Raises ``DatabaseUnavailable``, for a malformed file too."""
        statement = re.sub(r"\$(\d+)", r"?\1", sql)
        values = [_bound(arg) for arg in args]
        try:
            rows: Sequence[Row] = await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: self._connection.execute(statement, values).fetchall()
            )
        except sqlite3.DatabaseError as error:
            raise DatabaseUnavailable(f"{self._path} can't be read: {error}") from error
        return rows

    async def fetch_one(self, sql: str, /, *args: Any) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SQLiteBooks]:
        """Several reads of one moment.

        Raises ``DatabaseUnavailable`` if a file that nobody had open was written meanwhile: what
        was read is then of no one moment, and proves nothing.
        """
        await self.fetch("begin")
        try:
            yield self
        finally:
            await self.fetch("rollback")
        if self._is_alone and (_in_use(self._path) or _fingerprint(self._path) != self._seen):
            raise DatabaseUnavailable(f"{self._path} was opened by another process: run it again")


@asynccontextmanager
async def opened_sqlite(path: Path) -> AsyncIterator[SQLiteBooks]:
    """The file at ``path``. Raises ``ConfigurationError`` if there is none."""
    if not path.is_file():  # noqa: ASYNC240 - a local file, once
        raise ConfigurationError(f"there is no database at {path}")
    books = SQLiteBooks(path)
    try:
        await books.fetch("pragma query_only = on")
        await books.fetch(f"pragma cache_size = -{CACHE_KIB}")
        yield books
    finally:
        await books.close()


def _connected(path: Path, *, is_alone: bool) -> sqlite3.Connection:
    mode = "immutable=1" if is_alone else "mode=ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,  # it is used in one thread, and closed in another
    )
    connection.row_factory = sqlite3.Row
    return connection


def _in_use(path: Path) -> bool:
    """Whether a process has the file open in WAL mode, or left it with changes beside it."""
    log, journal, index = (path.with_name(path.name + end) for end in ("-wal", "-journal", "-shm"))
    is_pending = any(each.exists() and each.stat().st_size > 0 for each in (log, journal))
    return is_pending or index.exists() or not _is_wal(path)


def _is_wal(path: Path) -> bool:
    # Byte 18 of the header says which version may write: 2 is WAL (sqlite.org/fileformat.html,
    # section 1.3). Such a file can't be opened at all where nothing can be made beside it; one
    # with a rollback journal can, and takes part in its locks.
    with path.open("rb") as file:
        return file.read(19)[18:] == b"\x02"


def _fingerprint(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _bound(arg: Any) -> Any:
    # Times as they are stored, in their one width.
    if isinstance(arg, datetime):
        return arg.astimezone(UTC).isoformat(" ", "microseconds")
    return arg
