"""Our transactions, on both engines: what commits, what does not, and what nobody can know."""

# A transaction is entered inside pytest.raises, or its COMMIT could not fail there.
# ruff: noqa: PT012

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import pytest

from batua.database import Dialect, Write, open_database
from batua.database.core import OpenTransactions
from batua.database.sqlite_connection import has_wal_reset_bug
from batua.errors import (
    CommitUnknown,
    ConfigurationError,
    DatabaseUnavailable,
    NestedTransaction,
)
from tests.support.proxy import Cut, CuttingProxy

ITEM = "create table item (id integer primary key, n bigint not null check (n >= 0))"


@pytest.fixture
async def items(database):
    """The database, with a table ``item`` of one row: (1, 0)."""
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")
    return database


@pytest.fixture
async def proxy(postgres_url):
    async with CuttingProxy(postgres_url) as proxy:
        yield proxy


@pytest.fixture
async def behind_proxy(proxy, open_more):
    """A PostgreSQL database with ``item``, reached through ``proxy``."""
    database = await open_more(proxy.url, pool_size=2)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")
    return database


async def n_of(database):
    return (await database.fetch_one("select n from item where id = 1"))["n"]


async def set_n(database, n):
    async with database.transaction() as transaction:
        await transaction.execute("update item set n = $1 where id = 1", n)


async def assert_usable(database):
    """Nothing is poisoned: as many transactions as the pool has places, one after another."""
    for n in range(1, 12):
        await asyncio.wait_for(set_n(database, n), 5)
        assert await n_of(database) == n
    assert pool_in_use(database) == 0


def pool_in_use(database):
    if database.dialect is Dialect.SQLITE:
        return int(database._lock.locked())
    return database._pool.get_size() - database._pool.get_idle_size()


# --- commit and rollback ------------------------------------------------------------------------


async def test_what_the_block_wrote_is_committed_at_its_end(items):
    async with items.transaction() as transaction:
        assert await transaction.execute("update item set n = 5 where id = 1") == 1
        assert await n_of(items) == 0
        assert (await transaction.fetch_one("select n from item"))["n"] == 5
    assert await n_of(items) == 5


async def test_an_exception_rolls_back_and_comes_through(items):
    with pytest.raises(KeyError, match="mine"):
        async with items.transaction() as transaction:
            await transaction.execute("update item set n = 5")
            raise KeyError("mine")
    assert await n_of(items) == 0
    await assert_usable(items)


async def test_a_statement_that_fails_rolls_everything_back(items):
    with pytest.raises((asyncpg.CheckViolationError, sqlite3.IntegrityError)):
        async with items.transaction() as transaction:
            await transaction.execute("insert into item (id, n) values (2, 7)")
            await transaction.execute("update item set n = -1 where id = 1")
    assert len(await items.fetch("select id from item")) == 1
    await assert_usable(items)


async def test_a_misspelled_column_is_a_bug_and_no_outage(items):
    with pytest.raises((asyncpg.UndefinedColumnError, sqlite3.OperationalError)):
        async with items.transaction() as transaction:
            await transaction.fetch("select nothing_like_it from item")
    await assert_usable(items)


async def test_execute_counts_the_rows_that_it_changed(items):
    async with items.transaction() as transaction:
        await transaction.execute_many(
            "insert into item (id, n) values ($1, $2)", [(2, 0), (3, 0), (4, 1)]
        )
        assert await transaction.execute("update item set n = 9 where n = 0") == 3
        assert await transaction.execute("delete from item where n = 77") == 0
        assert await transaction.execute("create table another (id integer)") in {0, -1}
        assert await transaction.fetch_one("select id from item where id = 99") is None
    assert await items.fetch_one("select id from item where id = 99") is None


async def test_a_nested_transaction_is_refused_and_the_outer_one_goes_on(items):
    async with items.transaction() as transaction:
        await transaction.execute("update item set n = 3")
        with pytest.raises(NestedTransaction):
            async with items.transaction():
                pytest.fail("the block must not run")
    assert await n_of(items) == 3
    await assert_usable(items)


async def test_a_transaction_needs_a_task():
    raised = []

    def outside_of_every_task():
        try:
            OpenTransactions().enter()
        except RuntimeError as error:
            raised.append(str(error))

    asyncio.get_running_loop().call_soon(outside_of_every_task)
    await asyncio.sleep(0)
    assert raised == ["a transaction needs a running asyncio task"]


async def test_a_failed_commit_leaves_nothing_and_poisons_nothing(items):
    async with items.transaction() as transaction:
        await transaction.execute(
            "create table child (item integer references item (id) deferrable initially deferred)"
        )
    for _ in range(12):  # more often than the pool has places
        with pytest.raises((asyncpg.ForeignKeyViolationError, sqlite3.IntegrityError)):
            async with items.transaction() as transaction:
                await transaction.execute("update item set n = 42")
                await transaction.execute("insert into child (item) values (404)")
        assert await n_of(items) == 0
    assert pool_in_use(items) == 0
    await assert_usable(items)


# --- tasks --------------------------------------------------------------------------------------


async def test_a_task_cancelled_in_mid_statement_rolls_back(items):
    slow = {
        Dialect.POSTGRES: "select pg_sleep(30)",
        Dialect.SQLITE: "with recursive c(x) as (select 1 union all select x + 1 from c"
        " where x < 1500000) select count(*) from c",
    }[items.dialect]
    started = asyncio.Event()

    async def work():
        async with items.transaction() as transaction:
            await transaction.execute("update item set n = 42")
            started.set()
            await transaction.fetch(slow)

    task = asyncio.create_task(work())
    await started.wait()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await n_of(items) == 0
    await assert_usable(items)


async def test_a_task_cancelled_twice_still_gives_its_connection_back(items):
    started = asyncio.Event()

    async def work():
        async with items.transaction() as transaction:
            await transaction.execute("update item set n = 42")
            started.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.done()
    assert not await eventually(lambda: pool_in_use(items))
    assert await n_of(items) == 0
    await assert_usable(items)


async def eventually(still_true, seconds=5):
    """Wait for ``still_true`` to become false; returns its last value."""
    deadline = time.monotonic() + seconds
    # A pool has no event to wait for.
    while (value := still_true()) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return value


async def test_a_task_cancelled_while_it_waits_for_its_turn_begins_nothing(items, database_url):
    if items.dialect is Dialect.POSTGRES:
        pytest.skip("PostgreSQL has no turn to wait for")
    async with items.transaction():
        task = asyncio.create_task(set_n(items, 42))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await n_of(items) == 0
    await assert_usable(items)


async def test_cancelled_during_begin_sqlite_leaves_no_transaction_open(sqlite_url, open_more):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")
    database._writer.submit(lambda _: time.sleep(0.1))  # BEGIN waits in the thread behind this
    task = asyncio.create_task(set_n(database, 42))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await n_of(database) == 0
    await assert_usable(database)


async def test_cancelled_during_commit_sqlite_commits_all_the_same(sqlite_url, open_more):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")

    async def work():
        async with database.transaction() as transaction:
            await transaction.execute("update item set n = 42")
            database._writer.submit(lambda _: time.sleep(0.1))  # COMMIT waits behind this

    task = asyncio.create_task(work())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await n_of(database) == 42, "whoever was cancelled has waited for the outcome"
    await assert_usable(database)


@pytest.mark.parametrize(
    ("name", "error"),
    [("SQLITE_IOERR_FSYNC", CommitUnknown), ("SQLITE_IOERR_SHMMAP", CommitUnknown),
     ("SQLITE_FULL", DatabaseUnavailable), ("SQLITE_BUSY", DatabaseUnavailable)],
)  # fmt: skip
async def test_sqlite_after_an_io_error_nobody_knows_whether_a_group_is_written(
    sqlite_url, open_more, name, error
):
    class Failing:
        """Batches on a disk that fails. None that we could have here fails so late."""

        def run(self, *_):
            failure = sqlite3.OperationalError("disk I/O error")
            failure.sqlite_errorname = name
            raise failure

    database = await open_more(sqlite_url)
    database._writer.batches = Failing()
    with pytest.raises(error):
        await database.write_all([Write("select 1", ())], lambda: None)


async def test_sqlite_a_transaction_that_was_left_open_is_given_up_by_whoever_comes_next(
    sqlite_url, open_more
):
    database = await open_more(sqlite_url)

    async def leave_open():
        for statement in ("begin immediate", "create table lost (id)"):
            await database._writer.run(lambda connection, sql=statement: connection.execute(sql))

    async def tables():
        return {row["name"] for row in await database.fetch("select name from sqlite_master")}

    async with database.transaction() as transaction:
        await transaction.execute("create table kept (id)")
    await leave_open()
    async with database.transaction() as transaction:
        await transaction.execute("insert into kept values (1)")
    await leave_open()
    await database.write_all([Write("insert into kept values ($1)", (2,))], lambda: None)
    await leave_open()
    await database.look_up([])
    assert [row["id"] for row in await database.fetch("select id from kept")] == [1, 2]
    assert "lost" not in await tables()


async def test_cancelled_during_commit_postgres_commits_all_the_same(behind_proxy, proxy):
    proxy.arm(Cut.DELAY)
    task = asyncio.create_task(set_n(behind_proxy, 42))
    await proxy.met.wait()
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done(), "it waits for the outcome"
    proxy.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await n_of(behind_proxy) == 42
    await assert_usable(behind_proxy)


async def test_a_task_made_inside_a_transaction_inherits_nothing(items):
    async def child():
        seen = await n_of(items)
        await set_n(items, 7)
        return seen

    async with items.transaction() as transaction:
        await transaction.execute("insert into item (id, n) values (2, 2)")
        task = asyncio.create_task(child())
        await asyncio.sleep(0.05)
    assert await task == 0
    assert await n_of(items) == 7
    assert len(await items.fetch("select id from item")) == 2


async def test_concurrent_increments_are_all_counted(items):
    lock = " for update" if items.dialect is Dialect.POSTGRES else ""

    async def increment():
        for _ in range(20):
            async with items.transaction() as transaction:
                row = await transaction.fetch_one(f"select n from item where id = 1{lock}")
                await transaction.execute("update item set n = $1 where id = 1", row["n"] + 1)

    await asyncio.gather(*(increment() for _ in range(8)))
    assert await n_of(items) == 160


async def test_a_snapshot_sees_one_moment_while_writers_commit(items):
    async with items.transaction() as transaction:
        await transaction.execute("update item set n = 100")
        await transaction.execute("insert into item (id, n) values (2, 0)")
    stop = asyncio.Event()

    async def move():
        while not stop.is_set():
            async with items.transaction() as transaction:
                await transaction.execute("update item set n = n - 1 where id = 1 and n > 0")
                await transaction.execute("update item set n = 100 - (select n from item where"
                                          " id = 1) where id = 2")  # fmt: skip

    writer = asyncio.create_task(move())
    for _ in range(15):
        async with items.snapshot() as reader:
            first = await reader.fetch_one("select n from item where id = 1")
            await asyncio.sleep(0.005)
            second = await reader.fetch_one("select n from item where id = 2")
            assert first["n"] + second["n"] == 100
    stop.set()
    await writer
    assert await n_of(items) < 100, "the writer was really at work"


async def test_cancelled_at_its_begin_a_snapshot_leaves_no_reader_in_the_past(
    sqlite_url, open_more
):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")

    async def look():
        async with database.snapshot() as reader:
            await reader.fetch("select n from item")

    for reader in database._readers:
        reader.submit(lambda _: time.sleep(0.1))  # BEGIN waits behind this
    tasks = [asyncio.create_task(look()) for _ in database._readers]
    await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for n in (1, 2, 3):
        await set_n(database, n)
        assert [await n_of(database) for _ in database._readers] == [n] * 3
    await asyncio.gather(*(look() for _ in database._readers))


async def test_a_snapshot_can_not_write(items):
    with pytest.raises((asyncpg.ReadOnlySQLTransactionError, sqlite3.OperationalError)):
        async with items.snapshot() as reader:
            await reader.fetch("insert into item (id, n) values (9, 9) returning id")
    await assert_usable(items)


# --- values -------------------------------------------------------------------------------------


async def test_times_come_back_to_the_microsecond_and_in_utc(database):
    india = timezone(timedelta(hours=5, minutes=30))
    times = [
        datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC),
        datetime(2026, 11, 22, 17, 30, 0, 1, tzinfo=india),
        datetime(1970, 1, 1, tzinfo=UTC),
    ]
    async with database.transaction() as transaction:
        await transaction.execute("create table moment (id integer, at timestamptz)")
        await transaction.execute_many("insert into moment values ($1, $2)", enumerate(times))
        await transaction.execute("insert into moment values (99, null)")
    rows = await database.fetch("select at from moment order by id")
    assert [row["at"] for row in rows] == [*times, None]
    assert rows[2]["at"].utcoffset() == timedelta(0)
    after = await database.fetch("select id from moment where at > $1 order by at", times[1])
    assert [row["id"] for row in after] == [2, 0], "they compare as times do"


async def test_booleans_come_back_as_booleans(database):
    async with database.transaction() as transaction:
        await transaction.execute("create table flag (id integer, up boolean)")
        await transaction.execute_many("insert into flag values ($1, $2)", [(1, True), (2, False)])
    rows = await database.fetch("select up from flag order by id")
    assert [row["up"] for row in rows] == [True, False]
    assert all(type(row["up"]) is bool for row in rows)


async def test_in_list_finds_texts_and_numbers_and_nothing_in_nothing(items):
    async with items.transaction() as transaction:
        await transaction.execute("create table word (w text, n bigint)")
        rows = [("a'b", 1), ("c,d", 2), ('"e"', 3), ("बटुआ", 2**53 + 1)]
        await transaction.execute_many("insert into word values ($1, $2)", rows)
    texts = f"select n from word where {items.dialect.in_list('w', '$1')} order by n"
    found = await items.fetch(texts, ["a'b", '"e"', "बटुआ", "nobody"])
    assert [row["n"] for row in found] == [1, 3, 2**53 + 1]
    assert not await items.fetch(texts, [])
    numbers = f"select w from word where {items.dialect.in_list('n', '$1', 'bigint')}"
    assert [row["w"] for row in await items.fetch(numbers, [2**53 + 1, 2**53])] == ["बटुआ"]


async def test_a_number_beyond_64_bits_is_refused_as_a_value_and_no_outage(items):
    for number in (2**63, -(2**63) - 1):
        with pytest.raises((OverflowError, asyncpg.DataError), match=r"large|range"):
            await set_n(items, number)
    await set_n(items, 2**63 - 1)
    assert await n_of(items) == 2**63 - 1
    await assert_usable(items)


# --- a server that goes -------------------------------------------------------------------------


async def backend_of(transaction):
    return (await transaction.fetch_one("select pg_backend_pid() as pid"))["pid"]


async def test_postgres_session_killed_in_a_transaction(behind_proxy):
    with pytest.raises(DatabaseUnavailable):
        async with behind_proxy.transaction() as transaction:
            await transaction.execute("update item set n = 42")
            pid = await backend_of(transaction)
            await behind_proxy.fetch("select pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)
            await transaction.execute("update item set n = 43")
    assert await n_of(behind_proxy) == 0
    await assert_usable(behind_proxy)


async def test_postgres_session_killed_before_its_commit(behind_proxy):
    with pytest.raises(DatabaseUnavailable):
        async with behind_proxy.transaction() as transaction:
            await transaction.execute("update item set n = 42")
            pid = await backend_of(transaction)
            await behind_proxy.fetch("select pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.05)
    assert await n_of(behind_proxy) == 0
    await assert_usable(behind_proxy)


@pytest.mark.parametrize("kill", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_postgres_session_killed_during_its_commit_is_unknown(behind_proxy, kill):
    async with behind_proxy.transaction() as transaction:
        await transaction.execute(
            "create function dawdle() returns trigger as $$ begin perform pg_sleep(10);"
            " return null; end $$ language plpgsql"
        )
        await transaction.execute(
            "create constraint trigger dawdle after update on item deferrable initially deferred"
            " for each row execute function dawdle()"
        )
    pids = []

    async def work():
        async with behind_proxy.transaction() as transaction:
            pids.append(await backend_of(transaction))
            await transaction.execute("update item set n = 42")

    task = asyncio.create_task(work())
    while not await behind_proxy.fetch(  # noqa: ASYNC110
        "select 1 from pg_stat_activity where wait_event = 'PgSleep'"
        " and pid = any($1::int[])", pids,
    ):  # fmt: skip
        await asyncio.sleep(0.01)
    await behind_proxy.fetch(f"select {kill}($1)", pids[0])
    with pytest.raises(CommitUnknown):
        await task
    assert await n_of(behind_proxy) == 0
    async with behind_proxy.transaction() as transaction:
        await transaction.execute("drop trigger dawdle on item")
    await assert_usable(behind_proxy)


@pytest.mark.parametrize(("cut", "n"), [(Cut.AFTER, 42), (Cut.BEFORE, 0)])
async def test_postgres_connection_lost_during_commit_is_unknown(behind_proxy, proxy, cut, n):
    proxy.arm(cut)
    with pytest.raises(CommitUnknown):
        await set_n(behind_proxy, 42)
    assert await n_of(behind_proxy) == n, "unknown means either"
    await assert_usable(behind_proxy)


async def test_postgres_nothing_is_sent_after_a_commit_was_answered(behind_proxy, proxy):
    # Whatever went wrong with it would tell the caller that nothing happened.
    proxy.arm(Cut.BEFORE, statement=b"RESET ALL")
    await set_n(behind_proxy, 42)
    assert await n_of(behind_proxy) == 42
    assert not proxy.met.is_set()


async def test_an_error_of_the_block_itself_is_never_taken_for_an_outage(items):
    for block in (items.transaction, items.snapshot):
        with pytest.raises(FileNotFoundError):
            async with block():
                raise FileNotFoundError("a file of the caller's")
    await assert_usable(items)


async def test_postgres_connection_lost_and_caller_cancelled_during_commit(behind_proxy, proxy):
    proxy.arm(Cut.DELAY)
    task = asyncio.create_task(set_n(behind_proxy, 42))
    await proxy.met.wait()
    task.cancel()
    await proxy.down()
    with pytest.raises(asyncio.CancelledError):
        await task
    await proxy.up()
    await assert_usable(behind_proxy)


async def test_postgres_that_is_down_is_unavailable_and_comes_back(behind_proxy, proxy):
    await proxy.down()
    for _ in range(3):  # more often than the pool has places
        with pytest.raises(DatabaseUnavailable):
            await behind_proxy.fetch("select 1")
        with pytest.raises(DatabaseUnavailable):
            async with behind_proxy.transaction():
                pytest.fail("the block must not run")
        with pytest.raises(DatabaseUnavailable):
            async with behind_proxy.snapshot():
                pytest.fail("the block must not run")
    await proxy.up()
    await assert_usable(behind_proxy)


async def test_postgres_that_goes_in_the_middle_of_a_snapshot(behind_proxy, proxy):
    with pytest.raises(DatabaseUnavailable):
        async with behind_proxy.snapshot() as reader:
            await reader.fetch("select 1")
            await proxy.down()
            await reader.fetch("select 1")
    await proxy.up()
    await assert_usable(behind_proxy)


# --- SQLite -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_which_sqlite_may_lose_writes_in_wal_mode(version, affected):
    assert has_wal_reset_bug(version) is affected


async def test_sqlite_pragmas_say_wal_full_and_foreign_keys(sqlite_url, open_more):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        for pragma, value in {
            "journal_mode": "delete" if has_wal_reset_bug(sqlite3.sqlite_version_info) else "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 10_000,
        }.items():
            assert (await transaction.fetch_one(f"pragma {pragma}"))[0] == value


# What a host's process looks like: the system's sqlite3, without ``batua.fixed_sqlite``.
ROLLBACK_JOURNAL = """
import asyncio, sqlite3, sys
from batua.database import open_database, sqlite_connection as sqlite
from batua.errors import DatabaseUnavailable

if not sqlite.has_wal_reset_bug(sqlite3.sqlite_version_info):
    sys.exit(77)
sqlite.BUSY_TIMEOUT_S = 0.3

async def main(path):
    database = open_database("sqlite:///" + path)
    await database.open()
    async with database.transaction() as transaction:
        assert (await transaction.fetch_one("pragma journal_mode"))[0] == "delete"
        await transaction.execute("create table item (id integer primary key, n bigint)")
        await transaction.execute("insert into item values (1, 0)")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from item").fetchall()
    for _ in range(2):
        try:
            async with database.transaction() as transaction:
                await transaction.execute("update item set n = 42")
        except DatabaseUnavailable:
            pass
        else:
            sys.exit("COMMIT beside a reader was reported as done")
    reader.execute("commit")
    assert (await database.fetch_one("select n from item"))["n"] == 0
    async with database.transaction() as transaction:
        await transaction.execute("update item set n = 7")
    assert reader.execute("select n from item").fetchone() == (7,)
    reader.close()
    await database.close()

asyncio.run(main(sys.argv[1]))
"""


def test_sqlite_in_rollback_journal_mode_a_commit_beside_a_reader_fails_cleanly(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ROLLBACK_JOURNAL, str(tmp_path / "shop.sqlite")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 77:
        pytest.skip("the system's SQLite is free of the WAL-reset bug")
    assert done.returncode == 0, done.stderr


async def test_two_databases_on_one_sqlite_file_read_then_write_and_none_fails(
    sqlite_url, open_more
):
    databases = [await open_more(sqlite_url) for _ in range(2)]
    async with databases[0].transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")

    async def increment(database):
        for _ in range(10):
            async with database.transaction() as transaction:
                row = await transaction.fetch_one("select n from item")
                await asyncio.sleep(0)
                await transaction.execute("update item set n = $1", row["n"] + 1)

    await asyncio.gather(*(increment(databases[number % 2]) for number in range(6)))
    assert await n_of(databases[0]) == 60


async def test_sqlite_waits_for_another_writer(sqlite_url, open_more):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")
    with locked_for(0.3, database.path):
        began = time.monotonic()
        await set_n(database, 1)
    assert time.monotonic() - began > 0.15
    assert await n_of(database) == 1


async def test_sqlite_that_stays_locked_is_unavailable(sqlite_url, open_more):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")
    await database._writer.run(lambda connection: connection.execute("pragma busy_timeout = 20"))
    with locked_for(0.3, database.path):
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable, match="locked"):
                await set_n(database, 1)
    await assert_usable(database)


class locked_for:  # noqa: N801
    """Another process's write lock on a file, for some seconds."""

    def __init__(self, seconds, path):
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(seconds, path))

    def _hold(self, seconds, path):
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("begin immediate")
        self._ready.set()
        time.sleep(seconds)
        connection.execute("rollback")
        connection.close()

    def __enter__(self):
        self._thread.start()
        self._ready.wait()

    def __exit__(self, *_):
        self._thread.join()


async def test_sqlite_on_a_full_disk_is_unavailable_and_works_again_later(sqlite_url, open_more):
    database = await open_more(sqlite_url)
    async with database.transaction() as transaction:
        await transaction.execute(ITEM)
        await transaction.execute("insert into item (id, n) values (1, 0)")
        await transaction.execute("create table blob (b text)")
    limit = "pragma max_page_count = {}"
    await database._writer.run(lambda connection: connection.execute(limit.format(1)).fetchall())
    with pytest.raises(DatabaseUnavailable, match="full"):
        async with database.transaction() as transaction:
            await transaction.execute("update item set n = 42")
            await transaction.execute("insert into blob values ($1)", "x" * 500_000)
    assert await n_of(database) == 0
    await database._writer.run(lambda c: c.execute(limit.format(1_000_000)).fetchall())
    await assert_usable(database)


@pytest.mark.parametrize("value", ["12.5", "'abc'", "9223372036854775807 + 1", "null", "x'00'"])
@pytest.mark.parametrize("column", ["posted", "held", "version"])
async def test_sqlite_keeps_what_is_no_whole_number_out_of_money(
    sqlite_url, open_more, value, column
):
    database = await open_more(sqlite_url)
    numbers = {"posted": "0", "held": "0", "version": "1", column: value}
    with pytest.raises(sqlite3.IntegrityError, match=r"CHECK|NOT NULL"):
        async with database.transaction() as transaction:
            await transaction.execute(
                "insert into batua_account (id, key, kind, owner, currency, may_overdraw, status,"
                " created_at, posted, held, version) values (1, 'wallet:asha:INR', 'wallet',"
                " 'asha', 'INR', 1, 'active', '2026-11-22',"
                f" {numbers['posted']}, {numbers['held']}, {numbers['version']})"
            )


# --- URLs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///", "sqlite://x", "mysql://h/d", "shop.sqlite", "postgresql"]
)
def test_a_url_that_means_no_database_is_refused(url):
    with pytest.raises(ConfigurationError, match="BATUA_DATABASE_URL must be"):
        open_database(url)


def test_urls_name_files_and_servers():
    assert open_database("sqlite:///shop.sqlite").path == Path("shop.sqlite")
    assert open_database("sqlite:////var/shop.sqlite").path == Path("/var/shop.sqlite")
    assert open_database("postgresql://h/d").dialect is Dialect.POSTGRES
    assert open_database("postgres://h/d").dialect is Dialect.POSTGRES


async def test_closing_a_database_that_was_never_opened_is_fine(tmp_path):
    await open_database(f"sqlite:///{tmp_path}/x.sqlite").close()
    await open_database("postgresql://127.0.0.1:1/nothing").close()


async def test_opening_makes_the_folder_of_a_sqlite_file(tmp_path, open_more):
    await open_more(f"sqlite:///{tmp_path}/deep/er/shop.sqlite")
    assert (tmp_path / "deep" / "er" / "shop.sqlite").exists()
