"""Which database a URL means."""

from __future__ import annotations

from pathlib import Path

from batua.database.core import Database
from batua.database.postgres import PostgresDatabase
from batua.database.sqlite import SQLiteDatabase
from batua.errors import ConfigurationError

__all__ = ["open_database"]


def open_database(url: str, *, pool_size: int = 10) -> Database:
    """The database at ``url``, not yet opened.

    Raises ``ConfigurationError`` for a URL that is neither ``sqlite:///…`` nor ``postgresql://…``.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return SQLiteDatabase(Path(rest[1:]))
    if separator and scheme in {"postgresql", "postgres"}:
        return PostgresDatabase(url, pool_size=pool_size)
    raise ConfigurationError(
        "BATUA_DATABASE_URL must be sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://…"
    )
