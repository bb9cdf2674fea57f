"""Reads pages of a list, their number, single rows and names, all within a bounded time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from batua.database import Database, Reader, Row
from batua.dialect import Dialect
from batua_admin.lists.catalogue import find
from batua_admin.lists.columns import Column, Kind, Listed
from batua_admin.lists.finding import Found, Refused, has_part

__all__ = ["DEPTH", "SECONDS_MAX", "Page", "Reading"]

DEPTH = 100_000
"""So many rows can be counted one by one and turned over to; whoever needs more filters."""
SECONDS_MAX = 5
LABEL_MAX = 60
"""Characters of a name where it is a link: the panel would show a long one whole."""

Page = tuple[Sequence[Row], Mapping[str, Mapping[Any, str]]]
"""Rows, and by column what the rows that they lead to are called."""


class Reading:
    """The lists of one shop, read through its database."""

    def __init__(
        self, database: Database, *, depth: int = DEPTH, seconds_max: float = SECONDS_MAX
    ) -> None:
        self._database = database
        self._depth = depth
        self._seconds_max = seconds_max

    async def rows(
        self, listed: Listed, found: Found, columns: Sequence[Column], order: str, *,
        limit: int, offset: int,
    ) -> Page:  # fmt: skip
        """A page of the rows that are found. Raises ``Refused`` when it is too deep."""
        if offset > self._depth:
            raise Refused(f"Nobody turns over more than {self._depth:,} rows: filter them instead.")
        sorting = _sorting(listed, found, order)
        sql = (
            f"{_select(listed, columns)}{found.where}"
            f" order by {sorting} limit {limit} offset {offset}"
        )
        async with self._moment() as reader:
            rows = await reader.fetch(sql, *found.args)
            return rows, await self._labels(reader, rows, columns)

    async def row(self, listed: Listed, key: str | int) -> Page | None:
        """One row with everything that is no secret."""
        columns, found = list(listed.columns.values()), Found(self._database.dialect)
        found.conditions.append(f"t.{listed.key} = {found.bind(key)}")
        async with self._moment() as reader:
            rows = await reader.fetch(f"{_select(listed, columns)}{found.where}", *found.args)
            return (rows, await self._labels(reader, rows, columns)) if rows else None

    async def count(self, listed: Listed, found: Found) -> int:
        """How many are found: exactly, or beyond ``DEPTH`` as many as PostgreSQL expects."""
        source = f"from {listed.tablename} t{found.where}"
        async with self._moment() as reader:
            counted = await reader.fetch_one(
                f"select count(*) as n from (select 1 {source} limit {self._depth + 1}) as seen",
                *found.args,
            )
            count = int(counted["n"]) if counted else 0
            if count <= self._depth:
                return count
            return max(count, await self._expected(reader, source, found))

    async def _expected(self, reader: Reader, source: str, found: Found) -> int:
        if self._database.dialect is Dialect.SQLITE:
            row = await reader.fetch_one(f"select count(*) as n {source}", *found.args)
            return int(row["n"]) if row else 0
        row = await reader.fetch_one(f"explain (format json) select 1 {source}", *found.args)
        plan = json.loads(row["QUERY PLAN"]) if row else []
        return int(plan[0]["Plan"]["Plan Rows"]) if plan else 0

    async def names(
        self, listed: Listed, search: str, *, limit: int, offset: int
    ) -> dict[str | int, str]:
        """Rows that can be chosen to find others by: the newest, or those that ``search`` finds."""
        found = Found(self._database.dialect, [listed.only] if listed.only else [])
        if search:
            found.conditions.append(_is_called(listed, found, search))
        sql = (
            f"select {', '.join(f't.{name}' for name in _label_columns(listed))}"
            f" from {listed.tablename} t{found.where}"
            f" order by t.{listed.newest} desc limit {limit} offset {offset}"
        )
        async with self._moment() as reader:
            rows = await reader.fetch(sql, *found.args)
        return {row[listed.key]: _label(listed, row) for row in rows}

    async def _labels(
        self, reader: Reader, rows: Sequence[Row], columns: Iterable[Column]
    ) -> dict[str, dict[Any, str]]:
        """What the rows are called that ``rows`` lead to: one query a list that they lead to."""
        links = {each.name: each.link.to for each in columns if each.link}
        labels: dict[str, dict[Any, str]] = {}
        for to in set(links.values()):
            names = [name for name, target in links.items() if target == to]
            keys = {row[name] for row in rows for name in names} - {None}
            labels[to] = await self._called(reader, to, list(keys)) if keys else {}
        return {name: labels[to] for name, to in links.items()}

    async def _called(self, reader: Reader, to: str, keys: list[Any]) -> dict[Any, str]:
        listed = find(to)
        if listed is None:
            raise LookupError(f"there is no list {to!r}")
        dialect = self._database.dialect
        bound: Any = keys if dialect is Dialect.POSTGRES else json.dumps(keys)
        type_ = "bigint" if listed.has_number else "text"
        rows = await reader.fetch(
            f"select {', '.join(f't.{name}' for name in _label_columns(listed))}"
            f" from {listed.tablename} t where {dialect.in_list(f't.{listed.key}', '$1', type_)}",
            bound,
        )
        return {row[listed.key]: _label(listed, row) for row in rows}

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[Reader]:
        async with self._database.snapshot() as reader:
            if self._database.dialect is Dialect.POSTGRES:
                await reader.fetch(
                    "select set_config('statement_timeout', $1, true)",
                    f"{self._seconds_max * 1000:.0f}",
                )
            yield reader


def _select(listed: Listed, columns: Iterable[Column]) -> str:
    read = [f"{each.sql} as {each.name}" for each in columns]
    if any(each.kind is Kind.AMOUNT for each in columns):
        read.append(f"{listed.currency} as its_currency")
    return f"select {', '.join(read)} from {listed.tablename} t"


def _sorting(listed: Listed, found: Found, order: str) -> str:
    """What to order by; the key comes last, so that no page has a row of another."""
    columns, terms = listed.columns, []
    for term in order.split(","):
        name, way = term.removeprefix("-"), "desc" if term.startswith("-") else "asc"
        column = columns.get(name)
        if column is None or column.kind is Kind.BYTES or not (
            listed.is_fast(name) or name == listed.newest
        ):  # fmt: skip
            raise Refused(f"{listed.name} can't be ordered by {name!r}.")
        instead = next((listed.sorted_with[each] for each in found.columns
                        if each in listed.sorted_with), "")  # fmt: skip
        if name == listed.newest and instead:
            terms.append(f"t.{instead} {way}")
        terms.append(f"{column.sql} {way}")
    if listed.key not in order.replace("-", "").split(","):
        terms.append(f"t.{listed.key} {way}")
    return ", ".join(terms)


# --- what a row is called ------------------------------------------------------------------------


def _label_columns(listed: Listed) -> list[str]:
    return list(dict.fromkeys([listed.key, *listed.label.split()]))


def _label(listed: Listed, row: Row) -> str:
    """``Asha (asha)``: the first that it has, and the second beside it."""
    words = [str(row[name]) for name in listed.label.split() if row[name] not in (None, "")]
    first, *beside = [word if len(word) <= LABEL_MAX else f"{word[:LABEL_MAX]}…" for word in words]
    return f"{first} ({beside[0]})" if beside else first


def _is_called(listed: Listed, found: Found, search: str) -> str:
    columns = listed.columns
    conditions = []
    for name in _label_columns(listed):
        column = columns[name]
        if column.kind is Kind.NUMBER:
            if search.isascii() and search.isdigit() and len(search) < 19:
                conditions.append(f"{column.sql} = {found.bind(int(search))}")
        elif listed.is_searched:
            conditions.append(has_part(found, column.sql, search))
        else:
            conditions.append(f"{column.sql} = {found.bind(search)}")
    return " or ".join(conditions) or "false"
