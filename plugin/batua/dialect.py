"""The two SQLs that we speak."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from functools import cache

__all__ = ["Dialect"]


class Dialect(StrEnum):
    """What differs between them is written down per dialect."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"

    def in_list(self, column: str, placeholder: str, type_: str = "text") -> str:
        """``column`` is one of a list that is bound to ``placeholder``."""
        if self is Dialect.POSTGRES:
            return f"{column} = any({placeholder}::{type_}[])"
        return f"{column} in (select value from json_each({placeholder}))"

    def rows(self, columns: Mapping[str, str], placeholder: str) -> str:
        """Rows that are bound as one JSON text (``Database.as_json``): columns with their types.

        One argument for all rows of a table: arrays cost several times more to bind on
        PostgreSQL, and SQLite gets the whole of them in one step.
        """
        if self is Dialect.POSTGRES:
            typed = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
            return f"json_to_recordset({placeholder}::json) as new ({typed})"
        values = ", ".join(f"value ->> {place} as {name}" for place, name in enumerate(columns))
        return f"(select {values} from {_each_row()}({placeholder})) as new"


@cache
def _each_row() -> str:
    # https://sqlite.org/json1.html, read 2026-11-27: since 3.51.0 a row comes as it was parsed.
    # Before, it is written out as text, and parsed again for each of its columns.
    return "jsonb_each" if sqlite3.sqlite_version_info >= (3, 51) else "json_each"
