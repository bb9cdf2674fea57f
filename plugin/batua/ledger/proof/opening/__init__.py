"""Opens a shop's database, or a copy of one, for the proof alone: nothing can be written.

The writer's own connections set the journal mode, take part in checkpoints and make a file that
is not there. A backup on a read-only disk bears none of that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from batua.errors import ConfigurationError
from batua.ledger.proof.opening.postgres import PostgresBooks, opened_postgres
from batua.ledger.proof.opening.sqlite import SQLiteBooks, opened_sqlite

__all__ = ["open_books"]


@asynccontextmanager
async def open_books(url: str) -> AsyncIterator[SQLiteBooks | PostgresBooks]:
    """The database at ``url``, read-only.

    Raises ``ConfigurationError`` for what is no database of ours, and ``DatabaseUnavailable`` for
    one that can't be read now.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        async with opened_sqlite(Path(rest[1:])) as copy:
            yield copy
    elif separator and scheme in {"postgresql", "postgres"}:
        async with opened_postgres(url) as server:
            yield server
    else:
        raise ConfigurationError(
            "the database must be sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://…"
        )
