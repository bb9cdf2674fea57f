"""Forwards, back and forwards again, and what the schema itself refuses."""

from __future__ import annotations

import asyncio
import sqlite3

import asyncpg
import pytest

from batua.bootstrap import TABLES
from batua.clock import utc_now
from batua.database import Dialect, migrate, migrations, open_database, pending
from batua.errors import ConfigurationError
from tests.support.ledger import insert_transfer

SHUT_OUT_OR_LET_IN = {
    "batua_revocation": "(id, changed_in, jti, created_at, created_by)"
    " values ('1', 1, '1', $1, 'staff')",
    "batua_disabled_customer": "(id, changed_in, customer_id, disabled_at, disabled_by)"
    " values ('1', 1, 'c', $1, 'staff')",
    "batua_api_key": "(id, name, secret_sha256, permissions, created_at, created_by)"
    f" values ('1', 'shop', '{64 * 'a'}', 'read', $1, 'staff')",
}
REFUSED = (asyncpg.IntegrityConstraintViolationError, sqlite3.IntegrityError)


@pytest.fixture
async def empty(empty_url, open_more):
    return await open_more(empty_url)


async def back_to(database, newest):
    for name in reversed(migrations()):
        if name == newest:
            return
        assert await migrate(database, back=True) == [name]


async def tables_of(database):
    sql = {
        Dialect.SQLITE: "select name from sqlite_master where type = 'table'"
        " and name not like 'sqlite_%'",
        Dialect.POSTGRES: "select tablename as name from pg_tables where schemaname = 'public'",
    }[database.dialect]
    return {row["name"] for row in await database.fetch(sql)}


async def columns_of(database, table):
    sql = {
        Dialect.SQLITE: "select name from pragma_table_info($1)",
        Dialect.POSTGRES: "select column_name as name from information_schema.columns"
        " where table_schema = 'public' and table_name = $1",
    }[database.dialect]
    return {row["name"] for row in await database.fetch(sql, table)}


async def test_asking_what_is_pending_writes_nothing(empty):
    await pending(empty)
    assert await tables_of(empty) == set()


async def test_forwards_twice_is_forwards_once(empty):
    assert await pending(empty) == list(migrations())
    assert await migrate(empty) == list(migrations())
    before = await tables_of(empty)
    assert await migrate(empty) == []
    assert await pending(empty) == []
    assert await tables_of(empty) == before
    head = await empty.fetch("select * from batua_ledger")
    assert len(head) == 1
    assert head[0]["transfer_seq"] == 0


async def test_back_leaves_nothing_and_forwards_again_makes_it_anew(empty):
    await migrate(empty)
    before = await tables_of(empty)
    for name in reversed(migrations()):
        assert await migrate(empty, back=True) == [name]
    assert await tables_of(empty) == {"batua_migration"}
    assert await migrate(empty, back=True) == []
    assert await migrate(empty) == list(migrations())
    assert await tables_of(empty) == before


async def test_three_at_once_migrate_once(empty_url):
    databases = [open_database(empty_url) for _ in range(3)]
    for database in databases:
        await database.open()
    done = await asyncio.gather(*(migrate(database) for database in databases))
    assert sorted(name for names in done for name in names) == sorted(migrations())
    rows = await databases[0].fetch("select name from batua_migration")
    assert sorted(row["name"] for row in rows) == sorted(migrations())
    for database in databases:
        await database.close()


async def test_a_migration_that_fails_half_way_leaves_nothing(empty):
    async with empty.transaction() as transaction:
        # The last table of the foundation is in its way.
        await transaction.execute("create table batua_session (id integer)")
    with pytest.raises((asyncpg.DuplicateTableError, sqlite3.OperationalError)):
        await migrate(empty)
    assert "batua_account" not in await tables_of(empty)
    assert await pending(empty) == list(migrations())


async def test_a_database_from_the_future_is_refused(database):
    async with database.transaction() as transaction:
        await transaction.execute(
            "insert into batua_migration (name, applied_at) values ('9999_later', $1)", utc_now()
        )
    for ask in (lambda: migrate(database), lambda: migrate(database, back=True),
                lambda: pending(database)):  # fmt: skip
        with pytest.raises(ConfigurationError, match="does not know: 9999_later"):
            await ask()


async def test_going_back_past_a_ledger_that_holds_transfers_is_refused(database):
    await insert_transfer(database)
    await back_to(database, migrations()[0])
    with pytest.raises(ConfigurationError, match="batua_transfer, which has rows"):
        await migrate(database, back=True)
    assert len(await database.fetch("select seq from batua_transfer")) == 1


async def test_going_back_past_who_is_shut_out_or_has_a_key_is_refused(database):
    await back_to(database, "0008_identity")
    for table, row in SHUT_OUT_OR_LET_IN.items():
        async with database.transaction() as transaction:
            await transaction.execute(f"insert into {table} {row}", utc_now())
        with pytest.raises(ConfigurationError, match=f"would drop {table}, which has rows"):
            await migrate(database, back=True)
        async with database.transaction() as transaction:
            await transaction.execute(f"delete from {table}")
    assert await migrate(database, back=True) == ["0008_identity"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
async def test_a_class_has_the_columns_of_its_table(database, table):
    ours = {column._meta.db_column_name for column in table._meta.columns}
    assert ours == await columns_of(database, table._meta.tablename)


CHANGES = {
    "update transfer": "update batua_transfer set amount = 2",
    "update transfer reason": "update batua_transfer set reason = 'better so'",
    "delete transfer": "delete from batua_transfer",
    "update entry": "update batua_entry set balance_after = 0",
    "delete entry": "delete from batua_entry",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
async def test_history_is_append_only(database, statement):
    await insert_transfer(database)
    before = await history_of(database)
    with pytest.raises(REFUSED, match="append-only: post a reversing transfer"):
        async with database.transaction() as transaction:
            await transaction.execute(statement)
    assert await history_of(database) == before


@pytest.mark.parametrize("table", ["batua_transfer", "batua_entry"])
async def test_postgres_history_can_not_be_truncated(postgres_url, open_more, table):
    database = await open_more(postgres_url)
    await insert_transfer(database)
    with pytest.raises(REFUSED, match="append-only"):
        async with database.transaction() as transaction:
            await transaction.execute(f"truncate {table} cascade")
    assert len(await database.fetch(f"select * from {table}")) > 0


REPLACEMENTS = [
    "insert or replace into batua_transfer select seq, id, kind, debit_account, credit_account,"
    " 99, currency, order_id, top_up_id, payment_id, refund_id, reverses, reason, actor,"
    " approved_by, occurred_at, created_at, hash from batua_transfer",
    # By its other unique column: the old row would go just the same.
    "insert or replace into batua_transfer select seq + 1, id, kind, debit_account,"
    " credit_account, 99, currency, order_id, top_up_id, payment_id, refund_id, reverses,"
    " reason, actor, approved_by, occurred_at, created_at, hash from batua_transfer",
    "replace into batua_entry select id, account_id, transfer_seq, amount, 99 from batua_entry",
    "insert or replace into batua_entry select id + 2, account_id, transfer_seq, amount, 99"
    " from batua_entry where amount > 0",
    "insert into batua_entry select id, account_id, transfer_seq, amount, 99 from batua_entry"
    " where true on conflict (id) do update set balance_after = 99",
]


@pytest.mark.parametrize("statement", REPLACEMENTS)
async def test_sqlite_history_can_not_be_replaced(sqlite_url, open_more, statement):
    database = await open_more(sqlite_url)
    await insert_transfer(database)
    before = await history_of(database)
    with pytest.raises(REFUSED):
        async with database.transaction() as transaction:
            await transaction.execute(statement)
    assert await history_of(database) == before


async def history_of(database):
    transfers = await database.fetch("select * from batua_transfer order by seq")
    entries = await database.fetch("select * from batua_entry order by id")
    return [tuple(row) if isinstance(row, sqlite3.Row) else tuple(row.values())
            for row in (*transfers, *entries)]  # fmt: skip


BROKEN = {
    "a transfer of nothing": ({"amount": 0}, {}),
    "a transfer of less than nothing": ({"amount": -1}, {}),
    "a transfer to itself": ({"credit_account": 1}, {}),
    "a transfer between nobodies": ({"credit_account": 99}, {}),
    "a currency of two letters": ({"currency": "IN"}, {}),
    "an amount past what JSON keeps": ({"amount": 9_000_000_000_000_001}, {}),
    "an entry of nothing": ({}, {"amount": 0}),
    "an entry under another's id": ({}, {"id": 7}),
    "an entry of no transfer": ({}, {"transfer_seq": 2, "id": 4}),
    "an entry of nobody": ({}, {"account_id": 99}),
    "a transfer from nobody": ({"debit_account": 99}, {}),
}


@pytest.mark.parametrize(("transfer", "credit"), BROKEN.values(), ids=BROKEN.keys())
async def test_the_schema_refuses(database, transfer, credit):
    with pytest.raises(REFUSED):
        await insert_transfer(database, transfer=transfer, credit=credit)
    assert await database.fetch("select * from batua_transfer") == []


@pytest.mark.parametrize(
    "change",
    [
        "posted = -1",
        "held = 101",
        "held = -1",
        "status = 'gone'",
        "key = 'wallet:other:INR'",
        "version = 0",
    ],
)
async def test_an_account_that_can_not_be_is_refused(database, change):
    await insert_transfer(database)
    with pytest.raises(REFUSED):
        async with database.transaction() as transaction:
            await transaction.execute(f"update batua_account set {change} where id = 2")


ORDER_OF_NOBODY = (
    "insert into batua_order (id, reference, customer_id, amount, currency, description, items,"
    " status, created_by, created_at, updated_at, version)"
    " values ('ord', 'A-1', 'nobody', 1, 'INR', '', '[]', 'pending', 'test',"
    " '2026-11-27 12:00:00.000000+00:00',"
    " '2026-11-27 12:00:00.000000+00:00', 1)"
)


async def test_an_order_of_nobody_is_refused(database):
    with pytest.raises(REFUSED):
        async with database.transaction() as transaction:
            await transaction.execute(ORDER_OF_NOBODY)
    assert await database.fetch("select id from batua_order") == []


@pytest.mark.parametrize(
    "statement",
    [
        "delete from batua_account where id = 1",
        "update batua_account set id = 9 where id = 1",
        "delete from batua_customer",
        "update batua_customer set id = 'other'",
        "update batua_order set customer_id = 'somebody'",
    ],
)
async def test_what_other_rows_name_stays_where_it_is(database, statement):
    await insert_transfer(database)
    async with database.transaction() as transaction:
        await transaction.execute(
            "insert into batua_customer (id, name, phone, language, created_at, updated_at,"
            " version) values ('nobody', '', '', 'en',"
            " '2026-11-27 12:00:00.000000+00:00', '2026-11-27 12:00:00.000000+00:00', 1)"
        )
        await transaction.execute(ORDER_OF_NOBODY)
    with pytest.raises(REFUSED):
        async with database.transaction() as transaction:
            await transaction.execute(statement)


async def test_health_counts_what_waits_for_a_person_by_an_index(database):
    """Not by a walk through every event that ever came."""
    explain = {Dialect.SQLITE: "explain query plan", Dialect.POSTGRES: "explain"}
    async with database.transaction() as transaction:
        if database.dialect is Dialect.POSTGRES:
            await transaction.execute("set local enable_seqscan = off")
        plan = await transaction.fetch(
            f"{explain[database.dialect]} select count(*) from batua_inbox"
            " where status in ('quarantined', 'dead')"
        )
    assert "batua_inbox_attention" in str([tuple(dict(row).values()) for row in plan])
