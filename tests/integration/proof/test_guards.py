"""A trigger that is missing or does not fire is found, and so is what it should have refused."""

import sqlite3

import pytest

from batua.database import Dialect
from batua.ledger.proof import open_books, prove
from tests.integration.proof.broken import broken_rows
from tests.support.books import ACCOUNT, ENTRY, ORDER, TRANSFER, check

APPEND_ONLY = ("batua_transfer", "batua_entry", "batua_lot_entry", "batua_audit")

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
"""Each engine has triggers of its own, and no shop is made to skip a test of the other's."""


async def run(database, *statements):
    async with database.transaction() as transaction:
        for statement in statements:
            await transaction.execute(statement)


async def found_in(database):
    """What is found, as the invariant, the table without batua_ and whether it is broken."""
    proof = await check(database)
    assert all(finding.row == "(triggers)" for finding in proof.findings)
    return [
        (each.invariant, each.table.removeprefix("batua_"), not each.is_warning)
        for each in proof.findings
    ]


# --- append-only --------------------------------------------------------------------------------


@ON_SQLITE
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("event", ["update", "delete", "replace"])
async def test_a_table_of_sqlite_that_takes_edits_is_broken(shop, table, event):
    await run(shop, f"drop trigger {table}_no_{event}")
    (finding,) = (await check(shop)).findings
    assert (finding.invariant, finding.table, finding.is_warning) == ("I18", table, False)
    assert f"refuses {event}:" in finding.message


@ON_POSTGRES
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    ("trigger", "said"), [("no_change", "update or delete"), ("no_truncate", "truncate")]
)
async def test_a_table_of_postgres_that_takes_edits_is_broken(shop, table, trigger, said):
    await run(shop, f"drop trigger {table}_{trigger} on {table}")
    (finding,) = (await check(shop)).findings
    assert (finding.invariant, finding.table, finding.is_warning) == ("I18", table, False)
    assert f"refuses {said}:" in finding.message


ASLEEP_SQLITE = {
    "of one column": "before update of reason on batua_transfer begin"
    " select raise(abort, 'no'); end",
    "under a condition": "before update on batua_transfer when 0 begin"
    " select raise(abort, 'no'); end",
    "that does nothing": "before update on batua_transfer begin select 1; end",
    "that comes after": "after update on batua_transfer begin select raise(abort, 'no'); end",
    "of another table": "before update on batua_order begin select raise(abort, 'no'); end",
}


@ON_SQLITE
@pytest.mark.parametrize("name", ASLEEP_SQLITE)
async def test_a_trigger_of_sqlite_that_guards_less_does_not_count(shop, name):
    trigger = "batua_transfer_no_update"
    await run(shop, f"drop trigger {trigger}", f"create trigger {trigger} {ASLEEP_SQLITE[name]}")
    assert await found_in(shop) == [("I18", "transfer", True)]


@ON_SQLITE
async def test_a_trigger_against_replacing_that_asks_for_another_row_does_not_count(shop):
    trigger = "batua_entry_no_replace"
    condition = "when exists (select 1 from batua_entry where id = new.account_id)"
    await run(
        shop,
        f"drop trigger {trigger}",
        f"create trigger {trigger} before insert on batua_entry {condition}"
        " begin select raise(abort, 'no'); end",
    )
    assert await found_in(shop) == [("I18", "entry", True)]


REFUSE = "for each row execute function batua_refuse_change()"
ASLEEP_POSTGRES = {
    "disabled": ["alter table batua_transfer disable trigger batua_transfer_no_change"],
    "disabled with all others of the user": ["alter table batua_transfer disable trigger user"],
    "fired by replication alone": [
        "alter table batua_transfer enable replica trigger batua_transfer_no_change",
    ],
    "of one column": [
        "drop trigger batua_transfer_no_change on batua_transfer",
        "create trigger batua_transfer_no_change before delete or update of reason"
        f" on batua_transfer {REFUSE}",
    ],
    "under a condition": [
        "drop trigger batua_transfer_no_change on batua_transfer",
        "create trigger batua_transfer_no_change before delete or update on batua_transfer"
        f" for each row when (old.seq < 0) {REFUSE.removeprefix('for each row ')}",
    ],
}


@ON_POSTGRES
@pytest.mark.parametrize("name", ASLEEP_POSTGRES)
async def test_a_trigger_of_postgres_that_guards_less_does_not_count(shop, name):
    await run(shop, *ASLEEP_POSTGRES[name])
    assert ("I18", "transfer", True) in await found_in(shop)


@ON_POSTGRES
async def test_a_function_that_refuses_nothing_guards_no_table(shop):
    await run(
        shop,
        "create or replace function batua_refuse_change() returns trigger language plpgsql"
        " as $$ begin return new; end $$",
    )
    assert await found_in(shop) == [
        ("I18", table.removeprefix("batua_"), True) for table in APPEND_ONLY
    ]


@ON_POSTGRES
async def test_a_trigger_that_always_fires_counts(shop):
    await run(shop, "alter table batua_transfer enable always trigger batua_transfer_no_change")
    assert await found_in(shop) == []


@ON_POSTGRES
async def test_a_database_in_which_no_trigger_fires_is_broken(shop, database_url):
    (row,) = await shop.fetch("select current_database()::text as name")
    put_to_sleep = f'alter database "{row["name"]}" set session_replication_role = replica'
    await run(shop, put_to_sleep)
    async with open_books(database_url) as books:
        proof = await prove(books)
    found = [each.table for each in proof.findings if each.invariant == "I18"]
    assert found == list(APPEND_ONLY)
    assert not proof.is_sound


@ON_POSTGRES
async def test_where_citus_is_installed_grants_may_stand_in_for_triggers(shop):
    await run(
        shop,
        # No server of ours has Citus: its row in the catalog stands for it.
        "insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable,"
        " extversion) values (99999, 'citus', 10, 11, false, '1')",
        "alter table batua_transfer disable trigger user",
        "alter table batua_account disable trigger user",
    )
    proof = await check(shop)
    assert proof.is_sound
    assert {(each.invariant, each.table) for each in proof.findings} == {
        ("I18", "batua_transfer"), ("I22", "batua_transfer"), ("I22", "batua_account"),
    }  # fmt: skip


# --- parents ------------------------------------------------------------------------------------

PARENT_TRIGGERS = {
    # name: how many findings, whether what it lets through could hide
    "batua_entry_has_parents": (2, False),
    "batua_transfer_has_parents": (2, False),
    "batua_order_has_parents": (1, False),
    "batua_account_stays": (1, False),
    "batua_account_keeps_its_key": (2, True),
    "batua_customer_stays": (1, False),
    "batua_customer_keeps_its_key": (1, False),
    "batua_order_keeps_its_key": (1, True),
    "batua_account_stays_whole": (1, False),
    "batua_customer_stays_whole": (1, False),
}


@ON_POSTGRES
async def test_every_trigger_that_stands_for_a_foreign_key_is_looked_at(shop):
    triggers = await shop.fetch("select tgname::text as name from pg_trigger")
    kinds = ("_has_parents", "_stays", "_stays_whole", "_keeps_its_key")
    assert {each["name"] for each in triggers if each["name"].endswith(kinds)} == set(
        PARENT_TRIGGERS
    )


@ON_POSTGRES
@pytest.mark.parametrize(
    "change", ["drop trigger {0} on {1}", "alter table {1} disable trigger {0}"]
)
@pytest.mark.parametrize("trigger", PARENT_TRIGGERS)
async def test_a_trigger_that_stands_for_a_foreign_key_is_missed(shop, trigger, change):
    table = "_".join(trigger.split("_")[:2])
    await run(shop, change.format(trigger, table))
    count, hides = PARENT_TRIGGERS[trigger]
    expected = ("I22", table.removeprefix("batua_"), hides)
    assert await found_in(shop) == [expected] * count


@ON_POSTGRES
async def test_a_function_that_looks_for_fewer_parents_is_missed(shop):
    (row,) = await shop.fetch(
        "select pg_get_functiondef('batua_entry_require_parents'::regproc) as made"
    )
    await run(shop, row["made"].replace("added.account_id", "added.id"))
    (finding,) = (await check(shop)).findings
    assert "looks for the batua_account of a new row's account_id" in finding.message


@ON_POSTGRES
@pytest.mark.parametrize(
    ("table", "statement"),
    [
        (
            "account",
            ACCOUNT + "owner = 'eve', key = 'wallet:eve:INR' where key = 'wallet:binod:INR'",
        ),
        ("order", ORDER + "customer_id = 'binod' where id = 'ord_wallet'"),
    ],
)
async def test_what_is_given_to_somebody_else_shows_by_its_trigger_alone(shop, table, statement):
    """Why those triggers are no mere warning: no hash covers whose an account or an order is."""
    await run(shop, f"drop trigger batua_{table}_keeps_its_key on batua_{table}", statement)
    assert set(await found_in(shop)) == {("I22", table, True)}


ORPHANS = {
    "an entry of no account": ("batua_entry", "4", ENTRY + "account_id = 99 where id = 4"),
    "an entry of no transfer": (
        "batua_entry", "51", "insert into batua_entry values (51, 2, 26, -5, 0)",
    ),
    "a transfer from no account": (
        "batua_transfer", "4", TRANSFER + "debit_account = 99 where seq = 4",
    ),
    "a transfer to no account": (
        "batua_transfer", "4", TRANSFER + "credit_account = 99 where seq = 4",
    ),
    "an order of nobody": (
        "batua_order", "ord_open", ORDER + "customer_id = 'gone' where id = 'ord_open'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORPHANS)
async def test_an_orphan_is_found_though_every_trigger_stands(shop, name):
    table, row, statement = ORPHANS[name]
    await plant(shop, statement)
    proof = await check(shop)
    assert ("I22", table, row) in broken_rows(proof)
    assert all(finding.row != "(triggers)" for finding in proof.findings)


async def plant(database, statement):
    """Run a statement that no trigger and no foreign key sees, and leave all of them standing."""
    if database.dialect is Dialect.POSTGRES:
        await run(database, "set local session_replication_role = replica", statement)
        return
    connection = sqlite3.connect(database.path)
    connection.execute("pragma foreign_keys = off")
    triggers = connection.execute(
        "select name, sql from sqlite_master where type = 'trigger'"
    ).fetchall()
    for trigger, _ in triggers:
        connection.execute(f"drop trigger {trigger}")
    connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


@ON_POSTGRES
async def test_an_order_of_nobody_taken_without_its_trigger_is_found(shop):
    columns = (
        "amount, currency, description, items, status, paid_from_wallet,"
        " paid_by_gateway, refunded, refund_reserved, created_by, created_at, updated_at, version"
    )
    await run(
        shop,
        "drop trigger batua_order_has_parents on batua_order",
        f"insert into batua_order (id, reference, customer_id, {columns})"
        f" select 'ord_x', 'x', 'gone', {columns} from batua_order where id = 'ord_open'",
    )
    proof = await check(shop)
    assert broken_rows(proof) == [("I22", "batua_order", "ord_x")]
