"""A simulator's books on disk: what was answered survives a killed process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Store"]

_TABLE = """
CREATE TABLE IF NOT EXISTS simulator (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS simulator_parent ON simulator (kind, parent);
CREATE INDEX IF NOT EXISTS simulator_kind ON simulator (kind);
"""


class Store:
    """Documents by kind and id, in the order of their creation. ``path`` None keeps memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            # Requests are answered in one event loop, whose thread may not be this one.
            self._connection = sqlite3.connect(
                self._path or ":memory:", isolation_level=None, check_same_thread=False, timeout=5
            )
            self._connection.execute("PRAGMA journal_mode = WAL").fetchall()
            # In WAL mode NORMAL loses nothing when only the process dies.
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_TABLE)
        return self._connection

    def close(self) -> None:
        """Close the file; the next use opens it again. Memory is kept, or it would be lost."""
        if self._connection is not None and self._path is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, committed when the block ends. Nothing may be awaited inside it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def clear(self) -> None:
        """Forget every document."""
        self._database.execute("DELETE FROM simulator")

    def put(self, kind: str, document: dict[str, Any], *, parent: str = "") -> None:
        """Insert the document, or replace the one of this id. ``parent`` is set only once."""
        self._database.execute(
            "INSERT INTO simulator (kind, id, parent, document) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document",
            (kind, document["id"], parent, json.dumps(document)),
        )

    def get(self, kind: str, document_id: str) -> dict[str, Any] | None:
        row = self._database.execute(
            "SELECT document FROM simulator WHERE kind = ? AND id = ?", (kind, document_id)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str, parent: str | None = None, *, skip: int = 0) -> list[dict[str, Any]]:
        """The documents of a kind, oldest first, but for the ``skip`` first ones.

        ``parent`` narrows them.
        """
        narrowed, values = ("", [kind]) if parent is None else (" AND parent = ?", [kind, parent])
        rows = self._database.execute(
            f"SELECT document FROM simulator WHERE kind = ?{narrowed} ORDER BY seq"
            " LIMIT -1 OFFSET ?",
            [*values, skip],
        )
        return [json.loads(document) for (document,) in rows]

    def newest(self, kind: str, *, before: str | None = None) -> Iterator[dict[str, Any]]:
        """The documents of a kind, newest first, read one by one: a page of thousands is quick.

        ``before`` is the id of one that is there: only what is older than it. Nothing may be put
        or awaited meanwhile.
        """
        rows = self._database.execute(
            "SELECT document FROM simulator WHERE kind = :kind AND (:before IS NULL OR"
            " seq < (SELECT seq FROM simulator WHERE kind = :kind AND id = :before))"
            " ORDER BY seq DESC",
            {"kind": kind, "before": before},
        )
        for (document,) in rows:
            yield json.loads(document)

    def counts(self) -> dict[str, int]:
        """How many documents of each kind there are: so that a second one is seen."""
        rows = self._database.execute("SELECT kind, COUNT(*) FROM simulator GROUP BY kind")
        return dict(rows.fetchall())
