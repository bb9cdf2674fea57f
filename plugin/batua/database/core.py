"""What a database is to the rest of Batua."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from piccolo.engine.base import Engine

from batua.dialect import Dialect
from batua.errors import NestedTransaction

__all__ = [
    "Database",
    "Dialect",
    "Lookup",
    "OpenTransactions",
    "Reader",
    "Row",
    "Statement",
    "Storage",
    "Transaction",
    "Write",
]

Row = Mapping[str, Any]
Statement = tuple[str, Sequence[Any]]
"""SQL with ``$1`` placeholders, and their arguments."""


class Write(NamedTuple):
    """A statement that writes, and how many rows of ``table``; None if it sees to that itself."""

    sql: str
    args: Sequence[Any]
    table: str = ""
    rows: int | None = None


class Lookup(NamedTuple):
    """The rows of ``table`` whose ``column`` (of an SQL ``type``) is one of ``values``.

    ``only`` is a condition in SQL that leaves rows out, or empty.
    """

    table: str
    column: str
    type: str
    only: str
    values: Sequence[str | int]

    def condition(self, dialect: Dialect, placeholder: str) -> str:
        """What stands after WHERE, with ``values`` bound to ``placeholder``."""
        listed = dialect.in_list(self.column, placeholder, self.type)
        return f"{listed} and {self.only}" if self.only else listed


class Reader(Protocol):
    """Reads. SQL has ``$1`` placeholders; a list as argument is for ``Dialect.in_list``."""

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]: ...

    async def fetch_one(self, sql: str, *args: Any) -> Row | None: ...


class Storage(Protocol):
    """What a group of operations is loaded from and written to.

    A transaction; or the database itself, where each call is a transaction of its own.
    """

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        """The rows of each, all of one moment and in one trip."""

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        """Run all of ``writes`` in order: on PostgreSQL outside a transaction, only one.

        ``meanwhile`` is called once, when the database has them to work on. Raises ``StaleRow``
        when one changes fewer rows than it must, and nothing of them is ever committed; outside
        a transaction also ``CommitUnknown``, when they were sent and no answer came.
        """


class Transaction(Reader, Storage, Protocol):
    """A database transaction, for reads and writes of the one task that opened it."""

    async def execute(self, sql: str, *args: Any) -> int:
        """Run one statement; returns the number of rows that it changed."""

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row of arguments; the number of rows changed, if known."""


class Database(ABC):
    """One shop's database. Nothing about it is global to the process."""

    dialect: Dialect

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def abandon(self) -> None:
        """Leave a database that is silent: whoever waits for it is told that it is unreachable.

        What was to be committed is then unknown. Nothing else is to be done after it but ``close``.
        """

    @abstractmethod
    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        """Read what is committed."""

    async def fetch_one(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    @abstractmethod
    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        """See ``Storage``."""

    @abstractmethod
    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        """See ``Storage``."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A read-write transaction, committed at the end of the block.

        SQLite: ``BEGIN IMMEDIATE`` on the one writer. PostgreSQL: READ COMMITTED. Raises
        ``NestedTransaction`` inside another one of the same task, and ``CommitUnknown`` when
        COMMIT was sent and no answer came.
        """

    @abstractmethod
    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        """Several reads of one moment."""

    @abstractmethod
    def connections(self) -> tuple[int, int]:
        """How many connections are in use, and how many idle."""

    @abstractmethod
    def piccolo_engine(self) -> Engine[Any]:
        """The engine that the generated panel reads through."""

    @abstractmethod
    def as_json(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        """These columns of ``rows``, to be bound for ``Dialect.rows``."""


class OpenTransactions:
    """Remembers which task has a transaction open, so that nesting fails instead of hiding."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def enter(self) -> asyncio.Task[Any]:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a transaction needs a running asyncio task")
        if task in self._tasks:
            raise NestedTransaction("this task has a transaction open already; pass it on instead")
        self._tasks.add(task)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
