"""How checks read: tables in pages, and rules that are one SELECT of the rows that break them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from batua.dialect import Dialect
from batua.ledger.proof.findings import Finding, Findings

__all__ = ["Books", "Progress", "Reader", "Row", "Rule", "Source", "apply", "ignored"]

Row = Mapping[str, Any]

Progress = Callable[[str, int, int], None]
"""Told which step the proof is at, and how much of how much of it is done."""


class Reader(Protocol):
    """Reads one moment of a database. SQL has ``$1`` placeholders."""

    async def fetch(self, sql: str, /, *args: Any) -> Sequence[Row]: ...


class Books(Protocol):
    """What can be proved: a shop's open ``Database``, or a copy (``open_books``)."""

    @property
    def dialect(self) -> Dialect: ...

    def snapshot(self) -> AbstractAsyncContextManager[Reader]: ...


def ignored(step: str, done: int, total: int) -> None:
    """The progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Source:
    """One snapshot of the database."""

    reader: Reader
    dialect: Dialect
    page_rows: int
    progress: Progress = ignored

    def time(self, column: str) -> str:
        """A time as it is stored: SQLite's converter would raise on garbage."""
        if self.dialect is Dialect.SQLITE:
            return f"cast({column} as text) as {column.rpartition('.')[2]}"
        return column

    async def pages(
        self, columns: str, table: str, key: str, *, first: int | str, joins: str = ""
    ) -> AsyncIterator[Sequence[Row]]:
        """All rows ``r`` whose ``key`` is beyond ``first``, by key, a page at a time.

        The page is cut before ``joins``, and its size stands in the text: a database that plans
        for any number of rows would join whole tables for every page.
        """
        last: Any = first
        cut = f"where {key} > $1 order by {key} limit {self.page_rows}"
        sql = f"select {columns} from {table} r {cut}"
        if joins:
            sql = f"select {columns} from (select * from {table} {cut}) r {joins} order by r.{key}"
        while rows := await self.reader.fetch(sql, last):
            yield rows
            last = rows[-1][key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An invariant in SQL, the same text for both dialects.

    ``sql`` selects the rows that break it: their primary key as ``row_key``, where they stand in
    the ledger as ``at_seq`` if anywhere, and what ``message`` names. It compares with ``is
    distinct from``, so that a null breaks a rule instead of passing it. ``adds_up`` are the
    tables whose amounts it sums.
    """

    invariant: str
    table: str
    sql: str
    message: str
    adds_up: tuple[str, ...] = ()
    is_warning: bool = False


async def apply(
    step: str, rules: Iterable[Rule], source: Source, findings: Findings, *args: Any
) -> None:
    """Find the rows that break ``rules``. All of them take the same ``args``."""
    wanted = [rule for rule in rules if findings.unreadable.isdisjoint(rule.adds_up)]
    for done, rule in enumerate(wanted):
        source.progress(step, done, len(wanted))
        await _apply(rule, source, findings, *args)
    source.progress(step, len(wanted), len(wanted))


async def _apply(rule: Rule, source: Source, findings: Findings, *args: Any) -> None:
    # Materialized, or a database that expects many broken rows walks the whole table in the order
    # of its keys to find the first of them, each row somewhere else on the disk.
    broken = f"with broken as materialized ({rule.sql}) select * from broken"
    rows = await source.reader.fetch(f"{broken} order by row_key limit {findings.limit}", *args)
    for row in rows:
        values = {name: _exact(value) for name, value in dict(row).items()}
        finding = Finding(
            rule.invariant,
            rule.table,
            str(values["row_key"]),
            rule.message.format(**values),
            rule.is_warning,
        )
        findings.add(finding, seq=values.get("at_seq"))


def _exact(value: Any) -> Any:
    """PostgreSQL sums whole numbers into a numeric, which would be written as ``1E+4``."""
    return int(value) if isinstance(value, Decimal) else value
