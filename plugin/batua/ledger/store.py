"""How a book is loaded and written: a few set-based statements, in either SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from piccolo.columns import BigInt, Boolean, Column, Integer, Text, Timestamptz
from piccolo.table import Table

from batua.database import Database, Dialect, Lookup, Statement, Transaction
from batua.errors import InvariantViolated, StaleRow
from batua.ledger.book import Book
from batua.ledger.rows import Need, Record
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


async def load(transaction: Transaction, book: Book, needs: Iterable[Need]) -> None:
    """Load rows by table and column, all in one trip."""
    wanted: dict[tuple[type[Table], str, str], list[Need]] = defaultdict(list)
    for need in needs:
        wanted[need.table, need.column, need.only].append(need)
    # In one order, so that the same kinds of needs are the same statement.
    places = sorted(wanted.items(), key=lambda item: (item[0][0]._meta.tablename, *item[0][1:]))
    answers = await transaction.look_up(
        [
            Lookup(
                table._meta.tablename,
                column,
                _pg_type(table, column),
                only,
                [need.value for need in group],
            )
            for (table, column, only), group in places
        ]
    )
    for ((table, column, _), group), rows in zip(places, answers, strict=True):
        # A row that two needs reach is one record, or one change would hide the other.
        known, key = book.records(table), primary_key(table)
        found: dict[Any, list[Record]] = defaultdict(list)
        for row in rows:
            record = known.get(row[key]) or Record(table, row, is_new=False)
            found[row[column]].append(record)
        for need in group:
            book.add(need, found[need.value])


async def write(
    database: Database,
    transaction: Transaction,
    book: Book,
    tables: Sequence[type[Table]],
    meanwhile: Callable[[], object],
) -> None:
    """Write everything that was staged, parents before children, and move the head.

    What is given up comes before what takes its place: a unique index may allow only one.
    ``meanwhile`` is called once, when the database has all of it to work on. Raises
    ``StaleRow`` when a guarded row had changed, which the head lock rules out: somebody wrote
    past the engine.
    """
    inserted = _by_table(book.inserted)
    updated = _by_table(book.updated.values())
    if strangers := (inserted.keys() | updated.keys()) - set(tables):
        raise InvariantViolated(f"no write order for {sorted(map(str, strangers))}")
    guarded: list[tuple[str, int, Statement]] = []
    for table in tables:
        for changed, rows in _alike(updated.get(table, ())).items():
            columns = (primary_key(table), "version", *changed)
            rows_json = database.as_json(rows, columns)
            sql = _update_sql(database.dialect, table, changed)
            guarded.append((table._meta.tablename, len(rows), (sql, (rows_json,))))
    insertions = [
        (table, database.as_json(inserted[table], columns_of(table)))
        for table in tables
        if table in inserted
    ]
    updates = [statement for _, _, statement in guarded]
    counts = await transaction.execute_all(
        [*updates, *_finish(database, book, insertions)], meanwhile
    )
    # Its last statement moves the head.
    expected = [(name, rows) for name, rows, _ in guarded] + [("batua_ledger", 1)]
    for (name, wanted), count in zip(expected, [*counts[: len(updates)], counts[-1]], strict=True):
        if count != wanted:
            raise StaleRow(f"{name}: {wanted - count} guarded rows had changed")


def _finish(
    database: Database, book: Book, insertions: list[tuple[type[Table], str]]
) -> list[Statement]:
    """What inserts the new rows and moves the head: on PostgreSQL all in one statement."""
    head = (
        *(book.head[column] for column in ("transfer_seq", "account_seq", "head_hash")),
        book.now,
        book.head["ledger_id"],
    )
    if database.dialect is Dialect.POSTGRES:
        tables = tuple(table for table, _ in insertions)
        bound = (rows for _, rows in insertions)
        return [(_finish_sql(database.dialect, tables), (*bound, *head))]
    single = [(_insert_sql(database.dialect, table, 1), (rows,)) for table, rows in insertions]
    return [*single, (_finish_sql(database.dialect, ()), head)]


@cache
def _finish_sql(dialect: Dialect, tables: tuple[type[Table], ...]) -> str:
    insertions = [
        f"n{place} as ({_insert_sql(dialect, table, place)})"
        for place, table in enumerate(tables, 1)
    ]
    first = len(tables) + 1
    settings = ", ".join(
        f"{column} = ${place}"
        for place, column in enumerate(
            ("transfer_seq", "account_seq", "head_hash", "last_at"), first
        )
    )
    before = f"with {', '.join(insertions)} " if insertions else ""
    return f"{before}update batua_ledger set {settings} where id = 1 and ledger_id = ${first + 4}"


@cache
def _insert_sql(dialect: Dialect, table: type[Table], place: int) -> str:
    names = ", ".join(columns_of(table))
    rows = dialect.rows(_types(table, columns_of(table)), f"${place}")
    return f"insert into {table._meta.tablename} ({names}) select {names} from {rows}"


@cache
def _update_sql(dialect: Dialect, table: type[Table], changed: tuple[str, ...]) -> str:
    key, name = primary_key(table), table._meta.tablename
    rows = dialect.rows(_types(table, (key, "version", *changed)), "$1")
    settings = ", ".join(f"{column} = new.{column}" for column in changed)
    return (
        f"update {name} set {settings}, version = {name}.version + 1 from {rows}"
        f" where {name}.{key} = new.{key} and {name}.version = new.version"
    )


def _by_table(rows: Iterable[Record]) -> dict[type[Table], list[Record]]:
    by_table: defaultdict[type[Table], list[Record]] = defaultdict(list)
    for row in rows:
        by_table[row.table].append(row)
    return by_table


def _alike(rows: Iterable[Record]) -> dict[tuple[str, ...], list[Record]]:
    """Rows of one table, by which of their columns changed."""
    alike: defaultdict[tuple[str, ...], list[Record]] = defaultdict(list)
    for row in rows:
        alike[tuple(sorted(row.changed))].append(row)
    return alike


_PG_TYPES: dict[type[Column], str] = {
    BigInt: "bigint",
    Integer: "integer",
    Boolean: "boolean",
    Timestamptz: "timestamptz",
    Text: "text",
}


def _types(table: type[Table], columns: Iterable[str]) -> dict[str, str]:
    return {column: _pg_type(table, column) for column in columns}


@cache
def _pg_type(table: type[Table], column: str) -> str:
    return _PG_TYPES[type(table._meta.get_column_by_name(column))]
