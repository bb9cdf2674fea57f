"""Where calls are counted for rate limits. SQLite counts in a file of its own."""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0009_call_counts"


def forwards(dialect: Dialect) -> list[str]:
    """Add the table, unlogged: a count is written for every request, and worth no disk's time."""
    if dialect is Dialect.SQLITE:
        return []
    return [
        """create unlogged table batua_call_count (
            caller text not null,
            ends_at bigint not null,
            calls bigint not null,
            primary key (caller, ends_at)
        ) with (fillfactor = 50)""",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop it."""
    return [] if dialect is Dialect.SQLITE else ["drop table batua_call_count"]
