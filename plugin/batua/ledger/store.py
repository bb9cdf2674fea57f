"""How a book is loaded and written: a few set-based statements, in either SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from piccolo.columns import BigInt, Boolean, Column, Integer, Text, Timestamptz
from piccolo.table import Table

from batua.database import Database, Dialect, Lookup, Row, Storage, Transaction, Write
from batua.errors import InvariantViolated
from batua.ledger.book import Book
from batua.ledger.rows import Need, Record
from batua.ledger.tables import STAMPED, columns_of, primary_key

__all__ = ["load", "lock_head", "write"]

HEAD = Lookup("batua_ledger", "id", "integer", "", [1])
HEAD_SQL = (
    "update batua_ledger set transfer_seq = $1, account_seq = $2, head_hash = $3, last_at = $4,"
    " version = version + 1 where id = 1 and ledger_id = $5 and version = $6"
)
HEAD_VALUES = 6
NOW = "$4"
"""The time of the group, as the head gets it."""

WITHOUT = {**dict.fromkeys(STAMPED, NOW), "version": "1"}
"""What a column gets that a new row leaves out, unless that is null."""


async def lock_head(database: Database, transaction: Transaction) -> dict[str, Any]:
    """Take the ledger's lock, in a statement of its own, and read the head under it.

    On SQLite the transaction holds the lock already.
    """
    suffix = " for update" if database.dialect is Dialect.POSTGRES else ""
    return _the_head(
        await transaction.fetch_one(f"select * from batua_ledger where id = 1{suffix}")
    )


def _the_head(row: Row | None) -> dict[str, Any]:
    if row is None:
        raise InvariantViolated("batua_ledger has lost its one row")
    return dict(row)


async def load(storage: Storage, book: Book, needs: Iterable[Need]) -> None:
    """Load rows by table and column, all in one trip: with the head, if the book has none yet."""
    wanted: dict[tuple[type[Table], str, str], list[str | int]] = defaultdict(list)
    for table, column, value, only in needs:
        wanted[table, column, only].append(value)
    # In one order, so that the same kinds of needs are the same statement.
    places = sorted(wanted.items(), key=lambda item: (item[0][0]._meta.tablename, *item[0][1:]))
    lookups = [
        Lookup(table._meta.tablename, column, _pg_type(table, column), only, values)
        for (table, column, only), values in places
    ]
    if not book.head:
        *answers, heads = await storage.look_up([*lookups, HEAD])
        book.open(_the_head(heads[0] if heads else None))
    else:
        answers = await storage.look_up(lookups)
    for ((table, column, only), values), rows in zip(places, answers, strict=True):
        book.add_all(table, column, only, values, rows)


async def write(
    database: Database,
    storage: Storage,
    book: Book,
    tables: Sequence[type[Table]],
    meanwhile: Callable[[], object],
) -> None:
    """Write everything that was staged, parents before children, and move the head.

    What is given up comes before what takes its place: a unique index may allow only one.
    ``meanwhile`` is called once, when the database has all of it to work on. Raises
    ``StaleRow``, and nothing was written, when the head or another guarded row had changed:
    somebody else wrote, or somebody wrote past the engine.
    """
    inserted = _by_table(book.inserted)
    updated = _by_table(book.updated.values())
    if strangers := (inserted.keys() | updated.keys()) - set(tables):
        raise InvariantViolated(f"no write order for {sorted(map(str, strangers))}")
    updates = [
        _Update(table, changed, rows)
        for table in tables
        for changed, rows in _alike(updated.get(table, ())).items()
    ]
    insertions = [(table, inserted[table]) for table in tables if table in inserted]
    if database.dialect is Dialect.POSTGRES:
        writes = [_in_one_statement(database, book, updates, insertions)]
    else:
        writes = _one_by_one(database, book, updates, insertions)
    await storage.write_all(writes, meanwhile)


class _Update(NamedTuple):
    """Rows of one table in which the same columns changed."""

    table: type[Table]
    changed: tuple[str, ...]
    rows: list[Record]

    @property
    def columns(self) -> tuple[str, ...]:
        return (primary_key(self.table), "version", *self.changed)


_Insertion = tuple[type[Table], list[Record]]


def _one_by_one(
    database: Database, book: Book, updates: list[_Update], insertions: list[_Insertion]
) -> list[Write]:
    dialect = database.dialect
    return [
        Write(HEAD_SQL, _head_values(book), "batua_ledger", 1),
        *(
            Write(
                _update_sql(dialect, each.table, each.changed, 1),
                (database.as_json(each.rows, each.columns),),
                each.table._meta.tablename,
                len(each.rows),
            )
            for each in updates
        ),
        *(
            Write(_insert_sql(dialect, table, 1), (database.as_json(rows, columns_of(table)),))
            for table, rows in insertions
        ),
    ]


def _in_one_statement(
    database: Database, book: Book, updates: list[_Update], insertions: list[_Insertion]
) -> Write:
    """A transaction by itself: it counts what it changed, and fails when that is too little."""
    sql = _group_sql(
        tuple((each.table, each.changed) for each in updates),
        tuple(table for table, _ in insertions),
    )
    return Write(
        sql,
        (
            *_head_values(book),
            *(len(each.rows) for each in updates),
            # Of what changed only that is sent: the rest of its row is there.
            *(
                database.as_json(
                    [{column: row[column] for column in each.columns} for row in each.rows],
                    each.columns,
                )
                for each in updates
            ),
            *(database.as_json(rows, columns_of(table)) for table, rows in insertions),
        ),
    )


@cache
def _group_sql(
    updates: tuple[tuple[type[Table], tuple[str, ...]], ...], insertions: tuple[type[Table], ...]
) -> str:
    # The head is asked for first, so that its row is the first that is locked.
    names = ["batua_ledger", *(table._meta.tablename for table, _ in updates)]
    first = HEAD_VALUES + 1
    wanted = ["1", *(f"${place}" for place in range(first, first + len(updates)))]
    parts = [f"w0 as ({HEAD_SQL} returning 1)"]
    place = first + len(updates)
    for number, (table, changed) in enumerate(updates, 1):
        update = _update_sql(Dialect.POSTGRES, table, changed, place)
        parts.append(f"w{number} as ({update} returning 1)")
        place += 1
    for table in insertions:
        parts.append(f"w{len(parts)} as ({_insert_sql(Dialect.POSTGRES, table, place)})")
        place += 1
    required = ", ".join(
        f"batua_require_changed('{name}', {count}, (select count(*) from w{number}))"
        for number, (name, count) in enumerate(zip(names, wanted, strict=True))
    )
    return f"with {', '.join(parts)} select {required}"


def _head_values(book: Book) -> tuple[Any, ...]:
    counted = (book.head[column] for column in ("transfer_seq", "account_seq", "head_hash"))
    return (*counted, book.now, book.head["ledger_id"], book.head["version"])


@cache
def _insert_sql(dialect: Dialect, table: type[Table], place: int) -> str:
    columns = columns_of(table)
    rows = dialect.rows(_types(table, columns), f"${place}")
    chosen = list(columns)
    if dialect is Dialect.POSTGRES:
        chosen = [f"coalesce({each}, {WITHOUT[each]})" if each in WITHOUT else each
                  for each in columns]  # fmt: skip
    return (
        f"insert into {table._meta.tablename} ({', '.join(columns)})"
        f" select {', '.join(chosen)} from {rows}"
    )


@cache
def _update_sql(dialect: Dialect, table: type[Table], changed: tuple[str, ...], place: int) -> str:
    key, name = primary_key(table), table._meta.tablename
    rows = dialect.rows(_types(table, (key, "version", *changed)), f"${place}")
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
