"""How a tally is loaded from its tables, and written to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from piccolo.columns import BigInt
from piccolo.table import Table

from batua.database import Database, Dialect, Reader, Row, Transaction
from batua.errors import InvariantViolated
from batua.insight.facts import read_facts
from batua.insight.tables import CohortFigure, CustomerFigure, CustomerMonth, DayFigure
from batua.insight.tally import MonthKey, Tally, WalletKey
from batua.ledger.tables import columns_of

__all__ = ["TABLES", "forget", "read_counted", "rows_of", "tally_next", "write_tally"]


class _Kept(NamedTuple):
    """Where a part of a tally stands; ``is_added`` to what stands there, or in its place."""

    part: str
    is_added: bool


TABLES: Mapping[type[Table], _Kept] = {
    DayFigure: _Kept("days", is_added=True),
    CohortFigure: _Kept("cohorts", is_added=True),
    CustomerFigure: _Kept("wallets", is_added=False),
    CustomerMonth: _Kept("months", is_added=False),
}


async def read_counted(reader: Reader) -> Tally:
    """An empty tally that goes on where the tables end."""
    row = await reader.fetch_one("select seq, at from batua_insight")
    if row is None:
        raise InvariantViolated("batua_insight has lost its one row")
    return Tally(row["seq"], row["at"])


async def tally_next(reader: Reader, dialect: Dialect, limit: int) -> Tally:
    """What the next ``limit`` transfers add to the tables. Reads one moment, if ``reader`` does."""
    tally = await read_counted(reader)
    facts = await read_facts(reader, dialect, tally.seq, limit)
    months = {
        MonthKey(fact.customer, fact.currency, fact.month)
        for fact in facts
        if fact.figure is not None and fact.customer is not None
    }
    wallets = {WalletKey(key.customer_id, key.currency) for key in months}
    tally.resume(
        await _fetch(reader, dialect, CustomerFigure, wallets),
        await _fetch(reader, dialect, CustomerMonth, months),
    )
    for fact in facts:
        tally.add(fact)
    return tally


async def write_tally(
    database: Database, transaction: Transaction, tally: Tally, *, before: Tally
) -> None:
    """Bring the tables up to the tally, which has gone on from ``before``.

    Whoever counted the same meanwhile was first: then nothing is written.
    """
    is_first = await transaction.execute(
        "update batua_insight set seq = $2, at = $3 where id = 1 and seq = $1",
        before.seq,
        tally.seq,
        tally.at,
    )
    if not is_first:
        return
    for table, kept in TABLES.items():
        rows = rows_of(tally, table)
        if rows:
            await transaction.execute(
                _upsert(table, database.dialect, kept), database.as_json(rows, columns_of(table))
            )


async def forget(transaction: Transaction) -> None:
    """Empty the tables: the next that is counted is the first transfer."""
    await transaction.execute("update batua_insight set seq = 0 where id = 1")
    for table in TABLES:
        await transaction.execute(f"delete from {table._meta.tablename}")


def rows_of(tally: Tally, table: type[Table]) -> list[dict[str, Any]]:
    """The part of a tally that stands in ``table``, as its rows."""
    part: Mapping[Any, Any] = getattr(tally, TABLES[table].part)
    return [{"id": ":".join(key), **key._asdict(), **asdict(value)} for key, value in part.items()]


def _upsert(table: type[Table], dialect: Dialect, kept: _Kept) -> str:
    name, columns = table._meta.tablename, columns_of(table)
    types = {
        column._meta.db_column_name: "bigint" if isinstance(column, BigInt) else "text"
        for column in table._meta.columns
    }
    listed = ", ".join(columns)
    sets = ", ".join(
        f"{column} = {f'{name}.{column} + ' if kept.is_added else ''}excluded.{column}"
        for column, type_ in types.items()
        if type_ == "bigint" or not kept.is_added
    )
    # "where true" tells SQLite that what follows belongs to the insert.
    return (
        f"insert into {name} ({listed}) select {listed} from {dialect.rows(types, '$1')}"
        f" where true on conflict (id) do update set {sets}"
    )


async def _fetch(reader: Reader, dialect: Dialect, table: type[Table], keys: set[Any]) -> list[Row]:
    if not keys:
        return []
    listed = dialect.in_list("id", "$1")
    ids = sorted(":".join(key) for key in keys)
    return list(await reader.fetch(f"select * from {table._meta.tablename} where {listed}", ids))
