"""Enter an act in the log beside its effect: both are committed, or neither."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from piccolo.table import Table

from batua.audit.acting import Act, current_act
from batua.audit.personal import PERSONAL, PERSONAL_COLUMNS
from batua.audit.tables import AuditEntry, AuditHead
from batua.ledger import Book, Engine, Need, Operation, Record
from batua.ledger.tables import primary_key
from batua.redaction import SECRET

__all__ = ["HASHED", "Note", "note_act", "noted", "recorded"]

A = TypeVar("A")

HEAD = Need(AuditHead, "id", 1)

HASHED = (
    "seq", "id", "actor", "role", "address", "act", "subject", "reason", "asked",
    "before", "after", "transfer_seq", "head_hash",
)  # fmt: skip
"""The columns of an entry that its hash covers, in this order, after its time."""

UNTOLD = frozenset({"version", "created_at", "updated_at", "hash"})
"""Columns that say nothing of what somebody did."""

UNTOLD_TABLES = frozenset(
    {
        "batua_idempotency", "batua_entry", "batua_lot_entry", "batua_hold_lot", "batua_outbox",
        "batua_event",
    }
)  # fmt: skip
"""Tables that follow from the others."""

State = dict[str, dict[str, Any]]


def recorded(operation: Operation[A]) -> Operation[A]:
    """``operation``, entered in the log with it where a member of staff is acting."""
    act = current_act()
    if act is None or isinstance(operation, Note | Noted):
        return operation
    return Recorded(operation, act)


def noted(operation: Operation[A]) -> Operation[A]:
    """The same for one that changes nothing that the log would tell of: it is entered anyway."""
    act = current_act()
    return operation if act is None else Noted(operation, act)


async def note_act(engine: Engine) -> None:
    """Enter what a member of staff does, if one acts and nothing of it is entered yet."""
    act = current_act()
    if act is not None:
        await engine.submit(Note(act))


@dataclass(frozen=True, slots=True)
class Note:
    """Nothing but the entry, for an act whose effect is not the engine's."""

    act: Act
    before: State = field(default_factory=dict)
    after: State = field(default_factory=dict)

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield from _needs(self.act)

    def decide(self, book: Book) -> None:
        if book.get(AuditEntry, "id", self.act.id) is None:
            _enter(book, self.act, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Noted(Generic[A]):
    """An operation and its entry, which says nothing but that it was done."""

    operation: Operation[A]
    act: Act

    def needs(self, book: Book) -> Iterable[Need]:
        yield from self.operation.needs(book)
        yield from _needs(self.act)

    def decide(self, book: Book) -> A:
        answer = self.operation.decide(book)
        Note(self.act).decide(book)
        return answer


@dataclass(frozen=True, slots=True)
class Recorded(Generic[A]):
    """An operation and its entry. The first of an act that changes anything enters it."""

    recorded: Operation[A]
    act: Act

    def needs(self, book: Book) -> Iterable[Need]:
        yield from self.recorded.needs(book)
        yield from _needs(self.act)

    def decide(self, book: Book) -> A:
        if book.get(AuditEntry, "id", self.act.id) is not None:
            return self.recorded.decide(book)
        known = [(row, dict(row)) for row in book.rows()]
        staged = len(book.inserted)
        answer = self.recorded.decide(book)
        before, after = _differences(known, book.inserted[staged:])
        if after:
            _enter(book, self.act, before, after)
        return answer

    @property
    def claim(self) -> Any:
        """The recorded operation's idempotency claim, if it has one, for the log of commits."""
        return getattr(self.recorded, "claim", None)

    @property
    def operation(self) -> Any:
        """What the log of commits calls this."""
        return getattr(self.recorded, "operation", self.recorded)


def _needs(act: Act) -> Iterable[Need]:
    yield HEAD
    yield Need(AuditEntry, "id", act.id)


def _differences(
    known: list[tuple[Record, dict[str, Any]]], inserted: Iterable[Record]
) -> tuple[State, State]:
    """What the rows said before, and what those and the new ones say now."""
    before: State = {}
    after: State = {}
    for row, was in known:
        changed = [name for name in was if was[name] != row[name] and name not in UNTOLD]
        if changed and _is_told(row):
            name = _name(row)
            before[name] = {column: _shown(row, column, was[column]) for column in changed}
            after[name] = {column: _shown(row, column, row[column]) for column in changed}
    for row in inserted:
        if _is_told(row):
            after[_name(row)] = {
                column: _shown(row, column, value)
                for column, value in row.items()
                if column not in UNTOLD and value not in (None, "")
            }
    return before, after


def _shown(row: Record, column: str, value: Any) -> Any:
    """That there is a secret is told; the log never forgets, so sealed it is too much as well."""
    if value in (None, ""):
        return value
    if column in _secret_columns(row.table):
        return SECRET
    personal = PERSONAL_COLUMNS.get(row.table._meta.tablename, frozenset())
    return PERSONAL if column in personal else value


@cache
def _secret_columns(table: type[Table]) -> frozenset[str]:
    return frozenset(
        column._meta.db_column_name for column in table._meta.columns if column._meta.secret
    )


def _is_told(row: Record) -> bool:
    return row.table._meta.tablename not in UNTOLD_TABLES


def _name(row: Record) -> str:
    return f"{row.table._meta.tablename} {row[primary_key(row.table)]}"


def _enter(book: Book, act: Act, before: State, after: State) -> None:
    head = book.need(*HEAD)
    values: dict[str, Any] = {
        "seq": head["seq"] + 1,
        "id": act.id,
        "created_at": book.now,
        "actor": act.actor.name,
        "role": str(act.actor.role),
        "address": act.actor.address,
        "act": act.word,
        "subject": act.subject,
        "reason": act.reason,
        "asked": act.asked,
        "before": msgspec.json.encode(before).decode(),
        "after": msgspec.json.encode(after).decode(),
        "transfer_seq": book.head["transfer_seq"],
        "head_hash": book.head["head_hash"],
    }
    values["hash"] = entry_hash(head["hash"], values)
    book.insert(AuditEntry, **values)
    book.update(head, seq=values["seq"], hash=values["hash"])


def entry_hash(previous: str, entry: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the previous hash and a JSON array of the entry's columns.

    The time is ISO 8601 in UTC with microseconds.
    """
    at: datetime = entry["created_at"]
    columns = (entry[name] for name in HASHED)
    time = at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(msgspec.json.encode([previous, time, *columns])).hexdigest()
