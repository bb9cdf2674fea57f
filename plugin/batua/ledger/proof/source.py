"""How checks read: tables in pages, and rules that are one SELECT of the rows that break them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from batua.database import Dialect, Reader, Row
from batua.ledger.proof.findings import Finding, Findings

__all__ = ["Rule", "Source", "apply"]


@dataclass(frozen=True, slots=True)
class Source:
    """One snapshot of the database."""

    reader: Reader
    dialect: Dialect
    page_rows: int

    def time(self, column: str) -> str:
        """A time as it is stored: SQLite's converter would raise on garbage."""
        if self.dialect is Dialect.SQLITE:
            return f"cast({column} as text) as {column.rpartition('.')[2]}"
        return column

    async def pages(
        self, columns: str, table: str, key: str, *, first: int | str
    ) -> AsyncIterator[Sequence[Row]]:
        """All rows whose ``key`` is beyond ``first``, by key, a page at a time."""
        last: Any = first
        name = key.rpartition(".")[2]
        sql = f"select {columns} from {table} where {key} > $1 order by {key} limit $2"
        while rows := await self.reader.fetch(sql, last, self.page_rows):
            yield rows
            last = rows[-1][name]


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


async def apply(rules: Iterable[Rule], source: Source, findings: Findings, *args: Any) -> None:
    """Find the rows that break ``rules``. All of them take the same ``args``."""
    for rule in rules:
        if findings.unreadable.isdisjoint(rule.adds_up):
            await _apply(rule, source, findings, *args)


async def _apply(rule: Rule, source: Source, findings: Findings, *args: Any) -> None:
    sql = f"{rule.sql} order by row_key limit {findings.limit}"
    for row in await source.reader.fetch(sql, *args):
        values = dict(row)
        finding = Finding(
            rule.invariant,
            rule.table,
            str(values["row_key"]),
            rule.message.format(**values),
            rule.is_warning,
        )
        findings.add(finding, seq=values.get("at_seq"))
