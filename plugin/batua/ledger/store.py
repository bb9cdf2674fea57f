"""How a book is loaded and written: a few set-based statements per table, in either SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from piccolo.columns import BigInt, Boolean, Bytea, Column, Integer, Timestamptz
from piccolo.table import Table

from batua.database import Database, Dialect, Transaction
from batua.errors import InvariantViolated, StaleRow
from batua.ledger.book import Book, Need, Record
from batua.ledger.tables import columns_of, primary_key

__all__ = ["load", "lock_head", "write"]


async def lock_head(database: Database, transaction: Transaction) -> dict[str, Any]:
    """Take the ledger's lock, in a statement of its own, and read the head under it.

    On SQLite the transaction holds the lock already.
    """
    suffix = " for update" if database.dialect is Dialect.POSTGRES else ""
    head = await transaction.fetch_one(f"select * from batua_ledger where id = 1{suffix}")
    if head is None:
        raise InvariantViolated("batua_ledger has lost its one row")
    return dict(head)


async def load(
    database: Database, transaction: Transaction, book: Book, needs: Iterable[Need]
) -> None:
    """Load rows by table and column, one statement each."""
    wanted: dict[tuple[type[Table], str, str], list[Need]] = defaultdict(list)
    for need in needs:
        wanted[need.table, need.column, need.only].append(need)
    for (table, column, only), group in wanted.items():
        rows = await transaction.fetch(
            _select(database, table, column, only), [need.value for need in group]
        )
        # A row that two needs reach is one record, or one change would hide the other.
        known = book.records(table)
        key = primary_key(table)
        found: dict[Any, list[Record]] = defaultdict(list)
        for row in rows:
            record = known.get(row[key]) or Record(table, row, is_new=False)
            found[row[column]].append(record)
        for need in group:
            book.add(need, found[need.value])


@cache
def _select(database: Database, table: type[Table], column: str, only: str) -> str:
    condition = database.in_list(column, "$1", _pg_type(table, column))
    also = f" and {only}" if only else ""
    return f"select * from {table._meta.tablename} where {condition}{also}"


async def write(
    database: Database, transaction: Transaction, book: Book, tables: Sequence[type[Table]]
) -> None:
    """Write everything that was staged, parents before children, and move the head.

    Raises ``StaleRow`` when a guarded row had changed, which the head lock rules out: somebody
    wrote past the engine.
    """
    inserted: dict[type[Table], list[Record]] = defaultdict(list)
    for row in book.inserted:
        inserted[row.table].append(row)
    updated: dict[type[Table], list[Record]] = defaultdict(list)
    for row in book.updated.values():
        updated[row.table].append(row)
    if strangers := (inserted.keys() | updated.keys()) - set(tables):
        raise InvariantViolated(f"no write order for {sorted(map(str, strangers))}")
    for table in tables:
        # What is given up comes before what takes its place: a unique index may allow only one.
        if table in updated:
            await _update(database, transaction, table, updated[table])
        if table in inserted:
            await _insert(database, transaction, table, inserted[table])
    await _move_head(transaction, book)


async def _move_head(transaction: Transaction, book: Book) -> None:
    moved = await transaction.execute(
        "update batua_ledger set transfer_seq = $1, account_seq = $2, head_hash = $3, last_at = $4"
        " where id = 1 and ledger_id = $5",
        book.head["transfer_seq"],
        book.head["account_seq"],
        book.head["head_hash"],
        book.now,
        book.head["ledger_id"],
    )
    if moved != 1:
        raise StaleRow("batua_ledger: the head row was changed or removed")


async def _insert(
    database: Database, transaction: Transaction, table: type[Table], rows: list[Record]
) -> None:
    columns = columns_of(table)
    names = ", ".join(columns)
    if database.dialect is Dialect.SQLITE:
        places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
        await transaction.execute_many(
            f"insert into {table._meta.tablename} ({names}) values ({places})",
            [[row[column] for column in columns] for row in rows],
        )
        return
    await transaction.execute(
        f"insert into {table._meta.tablename} ({names})"
        f" select * from unnest({_casts(table, columns)})",
        *([row[column] for row in rows] for column in columns),
    )


async def _update(
    database: Database, transaction: Transaction, table: type[Table], rows: list[Record]
) -> None:
    alike: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for row in rows:
        alike[tuple(sorted(row.changed))].append(row)
    for changed, group in alike.items():
        count = await _update_alike(database, transaction, table, changed, group)
        if count != len(group):
            raise StaleRow(
                f"{table._meta.tablename}: {len(group) - count} guarded rows had changed"
            )


async def _update_alike(
    database: Database,
    transaction: Transaction,
    table: type[Table],
    changed: tuple[str, ...],
    rows: list[Record],
) -> int:
    key = primary_key(table)
    columns = (key, "version", *changed)
    if database.dialect is Dialect.SQLITE:
        settings = ", ".join(f"{column} = ${place}" for place, column in enumerate(changed, 3))
        return await transaction.execute_many(
            f"update {table._meta.tablename} set {settings}, version = version + 1"
            f" where {key} = $1 and version = $2",
            [[row[column] for column in columns] for row in rows],
        )
    settings = ", ".join(f"{column} = new.{column}" for column in changed)
    return await transaction.execute(
        f"update {table._meta.tablename} as old set {settings}, version = old.version + 1"
        f" from unnest({_casts(table, columns)}) as new ({', '.join(columns)})"
        f" where old.{key} = new.{key} and old.version = new.version",
        *([row[column] for row in rows] for column in columns),
    )


_PG_TYPES: dict[type[Column], str] = {
    BigInt: "bigint",
    Integer: "integer",
    Boolean: "boolean",
    Timestamptz: "timestamptz",
    Bytea: "bytea",
}


@cache
def _pg_type(table: type[Table], column: str) -> str:
    return _PG_TYPES.get(type(table._meta.get_column_by_name(column)), "text")


def _casts(table: type[Table], columns: Iterable[str]) -> str:
    return ", ".join(
        f"${place}::{_pg_type(table, column)}[]" for place, column in enumerate(columns, 1)
    )
