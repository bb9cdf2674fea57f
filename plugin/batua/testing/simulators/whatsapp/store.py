"""The messages that the simulator took, in a SQLite file or in memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from batua.testing.simulators.whatsapp.faults import PlannedStatus

__all__ = ["Message", "MessageStore", "Report"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, recipient TEXT NOT NULL,
    template TEXT NOT NULL, language TEXT NOT NULL, parameters TEXT NOT NULL, text TEXT NOT NULL,
    callback TEXT, status TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS reports (
    seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL, status TEXT NOT NULL, error_code INTEGER,
    is_sent INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS reports_by_message ON reports (message_id, is_sent);
"""
_COLUMNS = "id, recipient, template, language, parameters, text, callback, status, created_at"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as ``GET /_control/messages`` shows it."""

    id: str
    to: str
    template: str
    language: str
    parameters: list[str]
    text: str
    biz_opaque_callback_data: str | None
    status: str
    created_at: str


class Report(NamedTuple):
    """A status webhook that is still to be sent."""

    seq: int
    status: str
    error_code: int | None


class MessageStore:
    """One connection, used from the event loop only. Every write is committed at once."""

    def __init__(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file. What is in memory is gone."""
        self._connection.close()

    def add(self, message: Message, planned: Sequence[PlannedStatus]) -> None:
        """Keep a message and the statuses that are to be reported of it: both or neither."""
        row = (
            message.id,
            message.to,
            message.template,
            message.language,
            json.dumps(message.parameters),
            message.text,
            message.biz_opaque_callback_data,
            message.status,
            message.created_at,
        )
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                f"INSERT INTO messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row
            )
            self._connection.executemany(
                "INSERT INTO reports (message_id, status, error_code) VALUES (?, ?, ?)",
                [(message.id, status, code) for status, code in planned],
            )

    def messages(self, *, newest: int | None = None) -> list[Message]:
        """Oldest first: all, or only the ``newest`` ones."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM messages ORDER BY seq DESC LIMIT ?",
            (-1 if newest is None else newest,),
        )
        return [_message(row) for row in rows][::-1]

    def message(self, message_id: str) -> Message:
        """The message with this id. Raises ``LookupError``."""
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM messages WHERE id = ?", (message_id,)
        ).fetchone()
        if row is None:
            raise LookupError(message_id)
        return _message(row)

    def unreported(self) -> list[str]:
        """The ids of the messages of which a status is still to be reported."""
        rows = self._connection.execute(
            "SELECT message_id FROM reports WHERE is_sent = 0 GROUP BY message_id ORDER BY min(seq)"
        )
        return [message_id for (message_id,) in rows]

    def reports(self, message_id: str) -> list[Report]:
        """The statuses that are still to be reported of a message, in order."""
        rows = self._connection.execute(
            "SELECT seq, status, error_code FROM reports"
            " WHERE message_id = ? AND is_sent = 0 ORDER BY seq",
            (message_id,),
        )
        return [Report(*row) for row in rows]

    def reach(self, message_id: str, status: str) -> None:
        """The message got this far, whether or not anyone listens."""
        self._connection.execute(
            "UPDATE messages SET status = ? WHERE id = ?", (status, message_id)
        )

    def mark_sent(self, report: Report) -> None:
        """The webhook of this report was answered with 200."""
        self._connection.execute("UPDATE reports SET is_sent = 1 WHERE seq = ?", (report.seq,))


def _message(row: tuple[str, ...]) -> Message:
    message_id, to, template, language, parameters, text, callback, status, created_at = row
    return Message(
        id=message_id,
        to=to,
        template=template,
        language=language,
        parameters=json.loads(parameters),
        text=text,
        biz_opaque_callback_data=callback,
        status=status,
        created_at=created_at,
    )
