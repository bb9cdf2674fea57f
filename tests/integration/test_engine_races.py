"""The only writer of money beside others: races, clocks, and somebody who writes past it."""

# An operation is handed the book whether it looks at it or not.

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta

import asyncpg
import pytest

from batua.database import open_database
from batua.errors import (
    CommitUnknown,
    InsufficientFunds,
    InvariantViolated,
    StaleRow,
    TryAgain,
)
from batua.ledger import (
    Engine,
    Posted,
    PostTransfer,
)
from batua.ledger import engine as engine_module
from batua.ledger.tables import Account
from tests.postgres import run_apart
from tests.support.clock import START, FakeClock
from tests.support.engine import (
    assert_chain_holds,
    at_once,
    edit,
    head_of,
    holding_the_lock,
)
from tests.support.ledger import (
    ASHA,
    BANK,
    RAVI,
    REVENUE,
    TABLES,
    Staged,
    accounts,
    balances,
    insert_transfer,
    movement,
)

# --- races --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engines", [1, 2])
async def test_two_hundred_debits_of_ten_on_a_hundred_let_ten_through(
    database_url, open_more, clock, engines
):
    databases = [await open_more(database_url) for _ in range(engines)]
    racing = [Engine(database, TABLES, now=clock.now) for database in databases]
    await racing[0].submit(PostTransfer(movement(amount=100)))

    async def debit(number):
        await asyncio.sleep(number % 40 / 1000)  # not all in one group
        return await racing[number % engines].submit(PostTransfer(movement(ASHA, REVENUE, 10)))

    answers = await asyncio.gather(*map(debit, range(200)), return_exceptions=True)
    assert sum(isinstance(answer, Posted) for answer in answers) == 10
    assert sum(isinstance(answer, InsufficientFunds) for answer in answers) == 190
    assert await balances(databases[0]) == {
        BANK.key: (-100, 0), ASHA.key: (0, 0), REVENUE.key: (100, 0),
    }  # fmt: skip
    assert await assert_chain_holds(databases[0]) == 11
    for engine in racing:
        await engine.close()


async def test_two_engines_that_write_at_once_take_turns(database_url, open_more, clock):
    databases = [await open_more(database_url) for _ in range(2)]
    racing = [Engine(database, TABLES, now=clock.now) for database in databases]

    async def post(engine):
        for _ in range(25):
            await engine.submit(PostTransfer(movement(amount=1)))

    await asyncio.gather(*map(post, racing))
    assert await balances(databases[0]) == {BANK.key: (-50, 0), ASHA.key: (50, 0)}
    assert await assert_chain_holds(databases[0]) == 50
    for engine in racing:
        await engine.close()


async def test_what_another_process_wrote_in_between_is_decided_again(
    database_url, open_more, clock
):
    databases = [await open_more(database_url) for _ in range(2)]
    late, other = (Engine(database, TABLES, now=clock.now) for database in databases)
    await late.submit(PostTransfer(movement(amount=100)))
    seen, write_all = [], databases[0].write_all

    async def write_late(writes, meanwhile):
        # Nothing of what is decided here changes a row that the other process changes.
        await other.submit(PostTransfer(movement(ASHA, RAVI, 60)))
        await write_all(writes, meanwhile)

    def look(book):
        seen.append(book.need(Account, "key", ASHA.key)["posted"])
        return book.post(movement(BANK, REVENUE, seen[-1]))

    late._is_alone = True
    databases[0].write_all = write_late
    await late.submit(Staged(look, tuple(accounts(ASHA, BANK, REVENUE))))

    assert seen == [100, 40]
    assert (await balances(databases[1]))[REVENUE.key] == (40, 0)
    assert await assert_chain_holds(databases[0]) == 3
    for engine in (late, other):
        await engine.close()


@pytest.mark.parametrize("others", [0, 1])
async def test_the_lock_is_taken_as_long_as_other_processes_write(
    database_url, open_more, clock, others
):
    databases = [await open_more(database_url) for _ in range(2)]
    mine, other = (Engine(database, TABLES, now=clock.now) for database in databases)
    locked, transaction = [], databases[0].transaction
    databases[0].transaction = lambda: locked.append(1) or transaction()
    await mine.submit(PostTransfer(movement(amount=1)))
    await mine.submit(PostTransfer(movement(amount=1)))
    locked.clear()
    for _ in range(10):
        for _ in range(others):
            await other.submit(PostTransfer(movement(amount=1)))
        await mine.submit(PostTransfer(movement(amount=1)))
    assert len(locked) == 9 * others
    for engine in (mine, other):
        await engine.close()


async def test_nothing_is_written_while_another_engine_has_the_lock(engine, database):
    async with holding_the_lock(database):
        writing = asyncio.create_task(engine.submit(PostTransfer(movement(amount=1))))
        await asyncio.sleep(0.1)
        assert not writing.done()
    assert (await writing).seq == 1


async def test_one_movement_submitted_many_times_at_once_is_posted_once(
    database_url, open_more, clock
):
    databases = [await open_more(database_url) for _ in range(2)]
    racing = [Engine(database, TABLES, now=clock.now) for database in databases]
    same = PostTransfer(movement(amount=10))
    answers = await asyncio.gather(*(racing[n % 2].submit(same) for n in range(60)))
    assert {answer.seq for answer in answers} == {1}
    assert await balances(databases[0]) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}
    for engine in racing:
        await engine.close()


async def test_the_chain_goes_on_over_a_restart(database_url, clock):
    for run in range(3):
        database = open_database(database_url)
        await database.open()
        engine = Engine(database, TABLES, now=clock.now)
        await engine.submit(PostTransfer(movement(amount=7)))
        assert await assert_chain_holds(database) == run + 1
        await engine.close()
        await database.close()
        clock.advance(60)


async def test_a_clock_that_runs_backwards_does_not_break_the_order(engine, database, clock):
    await engine.submit(PostTransfer(movement(amount=1)))
    clock.advance(-300)
    await engine.submit(PostTransfer(movement(amount=2)))
    clock.advance(3900)
    await engine.submit(PostTransfer(movement(amount=3)))
    rows = await database.fetch("select created_at from batua_transfer order by seq")
    assert [row["created_at"] for row in rows] == [START, START, START + timedelta(hours=1)]
    assert (await head_of(database))["last_at"] == START + timedelta(hours=1)
    assert await assert_chain_holds(database) == 3


async def test_a_clock_far_behind_the_ledgers_writes_nothing_and_later_it_works(
    engine, database, clock
):
    await engine.submit(PostTransfer(movement(amount=1)))
    clock.advance(-301)
    answers = await at_once(
        engine, PostTransfer(movement(amount=2)), PostTransfer(movement(amount=3))
    )
    assert [answer.code for answer in answers] == ["clock_behind"] * 2
    assert len(await database.fetch("select 1 from batua_transfer")) == 1
    clock.advance(1)
    assert (await engine.submit(PostTransfer(movement(amount=2)))).seq == 2


async def test_a_lost_commit_stays_unknown_to_a_clock_that_fell_behind(engine, clock, monkeypatch):
    commit = engine._commit

    async def commit_and_lose_the_answer(group, *, at_first):
        await commit(group, at_first=at_first)
        monkeypatch.setattr(engine, "_commit", commit)
        clock.advance(-3600)
        raise CommitUnknown("cut off")

    monkeypatch.setattr(engine_module, "COMMIT_UNKNOWN_PAUSE_S", 0.001)
    monkeypatch.setattr(engine, "_commit", commit_and_lose_the_answer)
    with pytest.raises(CommitUnknown):
        await engine.submit(PostTransfer(movement(amount=2)))


async def test_a_clock_alarm_is_repeated_once_a_minute(engine, clock, caplog):
    await engine.submit(PostTransfer(movement(amount=1)))
    clock.advance(-3600)
    for wait_s in (0, 30, 30, 30, 30):
        clock.advance(wait_s)
        with pytest.raises(TryAgain):
            await engine.submit(PostTransfer(movement(amount=2)))
    assert len([record for record in caplog.records if "clock says" in record.message]) == 3


async def test_what_is_leased_is_measured_by_the_processes_own_clock(database_url, open_more):
    """A process whose clock was ahead must not make the others wait for what it is ahead by."""
    ahead, right = FakeClock(START + timedelta(seconds=200)), FakeClock()
    engines = [
        Engine(await open_more(database_url), TABLES, now=clock.now) for clock in (ahead, right)
    ]
    await engines[0].submit(PostTransfer(movement(amount=1)))

    book = await engines[1].submit(Staged(lambda book: book))

    assert (book.now, book.clock) == (ahead.now(), right.now())


async def test_when_it_happened_is_kept_beside_when_it_was_written(engine, database):
    happened = START - timedelta(days=2)
    await engine.submit(PostTransfer(movement(amount=1, occurred_at=happened)))
    row = await database.fetch_one("select * from batua_transfer")
    assert (row["occurred_at"], row["created_at"]) == (happened, START)


# --- somebody wrote past the engine -------------------------------------------------------------


async def test_a_row_edited_behind_the_engine_is_never_overwritten(postgres_url, open_more, clock):
    database = await open_more(postgres_url)
    engine = Engine(database, TABLES, now=clock.now)
    await engine.submit(PostTransfer(movement(amount=100)))
    needs = tuple(accounts(BANK, ASHA))

    def slowly(book):
        run_apart(
            edit(postgres_url, "update batua_account set version = version + 1, posted = 1000"
                 " where key = 'wallet:asha:INR'")
        )  # fmt: skip
        return book.post(movement(amount=5))

    with pytest.raises(StaleRow, match="batua_account: 1 guarded rows had changed"):
        await engine.submit(Staged(slowly, needs))
    assert await balances(database) == {BANK.key: (-100, 0), ASHA.key: (1000, 0)}
    assert await assert_chain_holds(database) == 1
    await engine.close()


async def test_a_version_that_does_not_match_is_stale_on_either_engine(engine, database):
    await engine.submit(PostTransfer(movement(amount=100)))

    def with_an_old_row(book):
        book.need(Account, "key", ASHA.key)["version"] -= 1
        return book.post(movement(amount=5))

    needs = tuple(accounts(BANK, ASHA))
    with pytest.raises(StaleRow):
        await engine.submit(Staged(with_an_old_row, needs))
    assert await balances(database) == {BANK.key: (-100, 0), ASHA.key: (100, 0)}
    assert (await engine.submit(PostTransfer(movement(amount=5)))).seq == 2


async def test_versions_count_the_writes_of_a_row(engine, database):
    for expected in (1, 2, 3):
        await engine.submit(PostTransfer(movement(amount=1)))
        rows = await database.fetch("select version from batua_account")
        assert [row["version"] for row in rows] == [expected, expected]


async def test_a_head_that_was_changed_under_the_lock_is_stale(engine, database):
    def with_another_head(book):
        book.head["ledger_id"] = "ldg_of_somebody_else"
        return book.post(movement())

    needs = tuple(accounts(BANK, ASHA))
    with pytest.raises(StaleRow, match="batua_ledger"):
        await engine.submit(Staged(with_another_head, needs))
    assert await balances(database) == {}


async def test_a_ledger_that_lost_its_head_stops(engine, database):
    async with database.transaction() as transaction:
        await transaction.execute("delete from batua_ledger")
    with pytest.raises(InvariantViolated, match="lost its one row"):
        await engine.submit(PostTransfer(movement()))
    assert await balances(database) == {}


async def test_a_balance_that_was_pushed_below_zero_by_hand_is_refused_by_the_schema(
    engine, database
):
    await insert_transfer(database)

    def overdraw(book):
        account = book.need(Account, "key", ASHA.key)
        book.update(account, posted=-1)

    with pytest.raises((asyncpg.CheckViolationError, sqlite3.IntegrityError)):
        await engine.submit(Staged(overdraw, tuple(accounts(ASHA))))
