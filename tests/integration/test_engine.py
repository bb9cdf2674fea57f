"""The only writer of money: groups, neighbours, races, and a database that goes away."""

# An operation is handed the book whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from batua.clock import new_id
from batua.database import Dialect, open_database
from batua.errors import (
    CommitUnknown,
    InsufficientFunds,
    InvariantViolated,
    NotFound,
    StaleRow,
    TryAgain,
)
from batua.ledger import (
    CaptureHold,
    Engine,
    ExpireHold,
    Need,
    OpenHold,
    Posted,
    PostTransfer,
    VoidHold,
)
from batua.ledger import engine as engine_module
from batua.ledger.book import Book
from batua.ledger.chain import transfer_hash
from batua.ledger.engine import _Queued
from batua.ledger.rows import Record
from batua.ledger.tables import Account, Entry, Hold, LedgerHead, Lot, Transfer
from tests.postgres import run_apart
from tests.support.clock import START, FakeClock
from tests.support.ledger import (
    ASHA,
    BANK,
    RAVI,
    REVENUE,
    TABLES,
    Balance,
    Staged,
    accounts,
    balances,
    insert_transfer,
    lose,
    movement,
)
from tests.support.proxy import Cut, CuttingProxy


class Commits(list):
    """What ``on_commit`` was told."""

    def __call__(self, tables):
        self.append(tables)


@pytest.fixture
def commits():
    return Commits()


@pytest.fixture
async def engine(database, clock, commits):
    engine = Engine(database, TABLES, now=clock.now, on_commit=commits)
    yield engine
    await engine.close()


async def at_once(engine, *operations):
    """Submit all in one tick, so that they are one group; exceptions are answers."""
    return await asyncio.gather(*map(engine.submit, operations), return_exceptions=True)


async def head_of(database):
    return dict(await database.fetch_one("select * from batua_ledger"))


async def assert_chain_holds(database):
    """Every link from the first transfer to the head; returns how many there are."""
    transfers = await database.fetch("select * from batua_transfer order by seq")
    entries = await database.fetch("select * from batua_entry order by id")
    sides = {row["id"]: row["balance_after"] for row in entries}
    previous = ""
    for number, transfer in enumerate(transfers, 1):
        seq = transfer["seq"]
        assert seq == number, "no gaps"
        assert transfer["hash"] == transfer_hash(
            previous, transfer, (sides[2 * seq - 1], sides[2 * seq])
        )
        previous = transfer["hash"]
    head = await head_of(database)
    assert head["head_hash"] == previous
    assert head["transfer_seq"] == len(transfers)
    assert len(entries) == 2 * len(transfers)
    assert sum(row["amount"] for row in entries) == 0
    return len(transfers)


# --- what operations do -------------------------------------------------------------------------


async def test_a_post_moves_the_amount_and_writes_two_entries(engine, database):
    answer = await engine.submit(PostTransfer(movement(amount=500, order_id="ord_1")))
    assert answer.seq == 1
    assert await balances(database) == {BANK.key: (-500, 0), ASHA.key: (500, 0)}
    transfer = await database.fetch_one("select * from batua_transfer")
    assert transfer["amount"] == 500
    assert transfer["order_id"] == "ord_1"
    assert transfer["occurred_at"] == transfer["created_at"] == START
    entries = await database.fetch("select * from batua_entry order by id")
    assert [(row["id"], row["amount"], row["balance_after"]) for row in entries] == [
        (1, -500, -500),
        (2, 500, 500),
    ]
    assert await assert_chain_holds(database) == 1


async def test_a_hold_is_captured_in_part_and_the_rest_given_back(engine, database):
    await engine.submit(PostTransfer(movement(amount=500)))
    await engine.submit(OpenHold(id="hld_1", account=ASHA, amount=300))
    assert await engine.submit(Balance(ASHA)) == 200
    captured = await engine.submit(CaptureHold(movement(ASHA, REVENUE, 250, id="hld_1")))
    assert (captured.seq, captured.exists) == (2, False)
    assert await balances(database) == {
        BANK.key: (-500, 0), ASHA.key: (250, 0), REVENUE.key: (250, 0),
    }  # fmt: skip
    hold = await database.fetch_one("select * from batua_hold")
    assert (hold["status"], hold["captured"], hold["amount"]) == ("captured", 250, 300)
    assert hold["closed_at"] == START
    assert await assert_chain_holds(database) == 2


@pytest.mark.parametrize("status", ["voided", "expired"])
async def test_a_void_gives_all_of_a_hold_back(engine, database, clock, status):
    await engine.submit(PostTransfer(movement(amount=500)))
    due = START + timedelta(minutes=1)
    await engine.submit(OpenHold(id="hld_1", account=ASHA, amount=300, expires_at=due))
    if status == "expired":
        clock.advance(60)
    close = {"voided": VoidHold, "expired": ExpireHold}[status]
    assert (await engine.submit(close("hld_1"))).status == status
    hold = await database.fetch_one("select * from batua_hold")
    assert (hold["status"], hold["captured"]) == (status, 0)
    assert await balances(database) == {BANK.key: (-500, 0), ASHA.key: (500, 0)}


async def test_operations_of_one_group_see_what_those_before_them_did(engine, database):
    answers = await at_once(
        engine,
        Balance(ASHA),
        PostTransfer(movement(amount=100)),
        OpenHold(id="hld_1", account=ASHA, amount=60),
        PostTransfer(movement(ASHA, RAVI, 40)),
        PostTransfer(movement(ASHA, RAVI, 1)),
        CaptureHold(movement(ASHA, REVENUE, 60, id="hld_1")),
        Balance(ASHA),
    )
    assert answers[0] is None
    assert isinstance(answers[4], InsufficientFunds)
    assert answers[5].seq == 3
    assert answers[6] == 0
    assert await balances(database) == {
        BANK.key: (-100, 0), ASHA.key: (0, 0), RAVI.key: (40, 0), REVENUE.key: (60, 0),
    }  # fmt: skip
    assert await assert_chain_holds(database) == 3


async def test_an_operation_may_ask_for_more_once_it_has_seen_its_first_rows(engine):
    await engine.submit(PostTransfer(movement(amount=100)))
    await engine.submit(OpenHold(id="hld_1", account=ASHA, amount=60))

    class HoldsOf:
        def needs(self, book):
            first = Need(Account, "key", ASHA.key)
            yield first
            if not book.missing([first]):
                yield Need(Hold, "account_id", book.need(*first)["id"])

        def decide(self, book):
            account = book.need(Account, "key", ASHA.key)
            return [hold["id"] for hold in book.find(Hold, "account_id", account["id"])]

    assert await engine.submit(HoldsOf()) == ["hld_1"]


async def test_a_row_that_two_needs_reach_is_one_record(engine):
    await engine.submit(PostTransfer(movement(amount=100)))
    needs = (Need(Account, "key", ASHA.key), Need(Account, "owner", "asha"))
    same = Staged(lambda book: book.need(*needs[0]) is book.need(*needs[1]), needs)
    assert await engine.submit(same) is True


# --- refusals and neighbours --------------------------------------------------------------------


async def test_a_refusal_leaves_nothing_behind(engine, database, commits, caplog):
    await engine.submit(PostTransfer(movement(amount=100)))
    head, rows = await head_of(database), await balances(database)
    commits.clear()
    with pytest.raises(InsufficientFunds) as refused:
        await engine.submit(PostTransfer(movement(ASHA, RAVI, 101)))
    assert refused.value.available == 100
    assert refused.value.amount == 101
    assert await balances(database) == rows, "RAVI's account was opened by it and is gone"
    assert await head_of(database) == head
    assert commits == [frozenset()]
    assert not caplog.records, "a refusal is no failure of ours"
    again = await engine.submit(PostTransfer(movement(ASHA, RAVI, 100)))
    assert again.seq == 2
    assert await assert_chain_holds(database) == 2


def bug(book):
    book.post(movement(BANK, RAVI, 5))
    raise ZeroDivisionError("a bug")


def breaks_a_constraint(book):
    book.post(movement(BANK, RAVI, 5))
    hold = book.hold("hld_bad", RAVI, 5)
    hold["amount"] = 0


NEIGHBOURS = {
    "refused": (PostTransfer(movement(ASHA, RAVI, 10_000)), InsufficientFunds, 1),
    "crashing": (
        Staged(bug, tuple(accounts(BANK, RAVI))),
        ZeroDivisionError,
        1,
    ),
    "breaking a constraint": (
        Staged(breaks_a_constraint, tuple(accounts(BANK, RAVI))),
        (asyncpg.CheckViolationError, sqlite3.IntegrityError),
        4,
    ),
    "reading what it never asked for": (Staged(lambda book: book.account(RAVI)),
                                        InvariantViolated, 1),
    "failing before it loads": (Staged(lambda _: 0, (1,)), TypeError, 4),
    "writing a table that has no place": (
        Staged(lambda book: book.insert(LedgerHead, id=2)), InvariantViolated, 4,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "error", "groups"), NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
async def test_the_neighbours_of_an_operation_that_fails_are_committed(
    database, clock, commits, bad, error, groups
):
    tables = [table for table in TABLES if table is not LedgerHead]
    engine = Engine(database, tables, now=clock.now, on_commit=commits)
    good = [PostTransfer(movement(amount=amount)) for amount in (1, 2, 3)]
    answers = await at_once(engine, good[0], good[1], bad, good[2])
    assert isinstance(answers[2], error)
    assert [answers[place].seq for place in (0, 1, 3)] == [1, 2, 3]
    assert await balances(database) == {BANK.key: (-6, 0), ASHA.key: (6, 0)}
    assert await assert_chain_holds(database) == 3
    assert len([tables for tables in commits if tables]) == (1 if groups == 1 else 3)
    await engine.close()


async def test_an_operation_that_needs_ever_more_is_stopped(engine):
    class Insatiable:
        def needs(self, book):
            for number in range(100):
                need = Need(Account, "key", f"wallet:{number}:INR")
                yield need
                if book.missing([need]):
                    return

        def decide(self, book):
            return book.get(Account, "key", "wallet:99:INR")

    with pytest.raises(InvariantViolated, match="never asked for"):
        await engine.submit(Insatiable())


# --- groups -------------------------------------------------------------------------------------


async def test_half_of_those_who_are_about_share_one_transaction(engine, database, commits):
    await at_once(engine, *(PostTransfer(movement(amount=1)) for _ in range(50)))
    assert commits == 2 * [
        frozenset({"batua_account", "batua_transfer", "batua_entry"}),
    ]
    assert await balances(database) == {BANK.key: (-50, 0), ASHA.key: (50, 0)}
    assert await assert_chain_holds(database) == 50


async def test_few_share_one_transaction_whole(engine, commits):
    await at_once(engine, *(PostTransfer(movement(amount=1)) for _ in range(8)))
    assert len(commits) == 1


async def test_a_long_queue_is_taken_in_groups_of_256(engine, database, commits):
    await at_once(engine, *(PostTransfer(movement(amount=1)) for _ in range(700)))
    assert len(commits) == 3
    assert await assert_chain_holds(database) == 700


async def test_a_group_leaves_nothing_for_the_garbage_collector(engine):
    await engine.submit(PostTransfer(movement(BANK, ASHA, 1_000)))
    gc.collect()
    gc.disable()
    try:
        done = await at_once(engine, *(PostTransfer(movement(ASHA, RAVI, 10)) for _ in range(20)))
        refused = await at_once(
            engine, *(PostTransfer(movement(ASHA, RAVI, 9_999)) for _ in range(3))
        )
        del done, refused
        left = [each for each in gc.get_objects() if isinstance(each, (Book, Record))]
    finally:
        gc.enable()
    assert left == []


async def test_what_reads_something_not_loaded_runs_alone(engine, commits):
    class Late:
        """Says what it needs only after its neighbour's rows were loaded: too late for a group."""

        asked = 0

        def needs(self, book):
            self.asked += 1
            return accounts(RAVI) if self.asked > 1 else []

        def decide(self, book):
            return book.account(RAVI)["posted"]

    answers = await at_once(
        engine, PostTransfer(movement(amount=1)), Late(), PostTransfer(movement(amount=2))
    )
    assert answers[1] == 0
    assert [answers[0].seq, answers[2].seq] == [1, 2]
    assert len(commits) == 2


async def test_a_queue_that_is_full_refuses_and_loses_nothing(engine, database):
    async with holding_the_lock(database):
        first = asyncio.create_task(engine.submit(Balance(ASHA)))
        await asyncio.sleep(0.02)
        waiting = [
            asyncio.create_task(engine.submit(Balance(ASHA)))
            for _ in range(engine_module.QUEUE_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TryAgain, match="waiting") as refused:
            await engine.submit(Balance(ASHA))
        assert refused.value.code == "overloaded"
    assert await asyncio.gather(first, *waiting) == [None] * (engine_module.QUEUE_MAX + 1)
    assert await engine.submit(Balance(ASHA)) is None


@contextlib.asynccontextmanager
async def holding_the_lock(database):
    """Nobody else gets at the ledger's head inside this block."""
    lock = " for update" if database.dialect is Dialect.POSTGRES else ""
    async with database.transaction() as transaction:
        await transaction.fetch(f"select * from batua_ledger{lock}")
        yield


async def test_a_client_that_goes_away_changes_nothing(engine, database):
    async with holding_the_lock(database):
        tasks = [
            asyncio.create_task(engine.submit(operation))
            for operation in (
                PostTransfer(movement(amount=5)),
                PostTransfer(movement(amount=6)),
                PostTransfer(
                    movement(ASHA, RAVI, 10_000)
                ),  # nobody hears its refusal, and none complains
            )
        ]
        await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
    await engine.close()
    assert await balances(database) == {BANK.key: (-11, 0), ASHA.key: (11, 0)}


async def test_an_answer_that_nobody_can_take_any_more_is_dropped():
    queued = _Queued(Balance(ASHA))
    queued.answer.cancel()
    queued.resolve(7)
    assert queued.answer.cancelled()


async def test_closing_an_engine_that_did_nothing_is_fine(engine):
    await engine.close()


async def test_closing_finishes_what_is_queued(engine, database):
    tasks = [
        asyncio.create_task(engine.submit(PostTransfer(movement(amount=1)))) for _ in range(10)
    ]
    await asyncio.sleep(0)
    await engine.close()
    assert (await balances(database))[ASHA.key] == (10, 0)
    await asyncio.gather(*tasks)


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


async def edit(url, statement):
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


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


# --- a database that goes away ------------------------------------------------------------------


@pytest.fixture
async def proxy(postgres_url):
    async with CuttingProxy(postgres_url) as proxy:
        yield proxy


@pytest.fixture
async def far(proxy, open_more, clock):
    """An engine whose PostgreSQL is behind ``proxy``."""
    database = await open_more(proxy.url, pool_size=2)
    engine = Engine(database, TABLES, now=clock.now)
    yield engine
    await engine.close()


@pytest.fixture(params=["in one statement", "under the lock"])
def lose_next(request, far, proxy):
    """Lose the next thing that commits, in either way that there is."""
    return partial(lose, far, proxy, in_one=request.param == "in one statement")


async def test_a_postgres_that_is_down_says_try_again_and_later_it_works(far, proxy):
    await far.submit(PostTransfer(movement(amount=100)))
    await proxy.down()
    answers = await at_once(far, *(PostTransfer(movement(amount=1)) for _ in range(5)))
    assert {type(answer) for answer in answers} == {TryAgain}
    assert {answer.code for answer in answers} == {"database_unavailable"}
    await proxy.up()
    assert (await far.submit(PostTransfer(movement(amount=1)))).seq == 2


async def test_a_session_that_was_ended_and_has_not_hung_up_yet_says_try_again(
    far, proxy, postgres_url
):
    await far.submit(PostTransfer(movement(amount=100)))
    await far.submit(PostTransfer(movement(amount=100)))
    proxy.linger()
    await edit(
        postgres_url,
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'batua' and datname = current_database()",
    )
    await asyncio.sleep(0.1)
    for far._is_alone in (True, False):
        with pytest.raises(TryAgain) as refused:
            await far.submit(PostTransfer(movement(amount=1)))
        assert refused.value.code == "database_unavailable"
    proxy.release()
    await asyncio.sleep(0.1)
    assert (await far.submit(PostTransfer(movement(amount=1)))).seq == 3


@pytest.mark.parametrize("in_one", [True, False])
async def test_a_postgres_that_is_full_says_try_again_and_later_it_works(far, postgres_url, in_one):
    await edit(
        postgres_url,
        "create function full_disk() returns trigger language plpgsql as"
        " $$ begin raise exception 'the disk is full' using errcode = '53100'; end $$;"
        " create trigger full_disk before insert on batua_transfer execute function full_disk()",
    )
    far._is_alone = in_one
    answers = await at_once(far, *(PostTransfer(movement(amount=1)) for _ in range(3)))
    assert {getattr(answer, "code", answer) for answer in answers} == {"database_unavailable"}
    await edit(postgres_url, "drop trigger full_disk on batua_transfer")
    assert (await far.submit(PostTransfer(movement(amount=1)))).seq == 1


async def test_a_sqlite_that_stays_locked_says_try_again_and_later_it_works(
    sqlite_url, open_more, clock
):
    database, other = await open_more(sqlite_url), await open_more(sqlite_url)
    engine = Engine(database, TABLES, now=clock.now)
    await database._writer.run(lambda connection: connection.execute("pragma busy_timeout = 20"))
    async with holding_the_lock(other):
        answers = await at_once(engine, *(PostTransfer(movement(amount=1)) for _ in range(5)))
    assert {type(answer) for answer in answers} == {TryAgain}
    assert (await engine.submit(PostTransfer(movement(amount=1)))).seq == 1
    await engine.close()


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_lost_commit_has_one_effect_and_one_answer(
    far, lose_next, proxy, open_more, postgres_url, cut, times
):
    await far.submit(PostTransfer(movement(amount=100)))
    lose_next(cut, times=times)
    answer = await far.submit(PostTransfer(movement(amount=5)))
    assert proxy.met.is_set()
    assert answer.seq == 2
    assert await balances(await open_more(postgres_url)) == {
        BANK.key: (-105, 0), ASHA.key: (105, 0),
    }  # fmt: skip


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
async def test_a_lost_commit_of_a_group_has_every_effect_once(
    far, lose_next, open_more, postgres_url, cut
):
    lose_next(cut)
    answers = await at_once(
        far,
        *(PostTransfer(movement(amount=1)) for _ in range(20)),
        PostTransfer(movement(ASHA, RAVI, 1000)),
    )
    assert isinstance(answers.pop(), InsufficientFunds)
    assert [answer.seq for answer in answers] == list(range(1, 21))
    database = await open_more(postgres_url)
    assert await balances(database) == {BANK.key: (-20, 0), ASHA.key: (20, 0)}
    assert await assert_chain_holds(database) == 20


async def test_what_reaches_the_server_after_it_was_decided_again_writes_nothing(
    far, proxy, open_more, postgres_url
):
    await far.submit(PostTransfer(movement(amount=100)))
    lose(far, proxy, Cut.LATE, in_one=True)
    first = PostTransfer(movement(amount=5))
    assert (await far.submit(first)).seq == 2
    assert (await far.submit(PostTransfer(movement(amount=7)))).seq == 3

    proxy.release()
    await proxy.answered.wait()

    assert (await far.submit(first)).seq == 2
    database = await open_more(postgres_url)
    assert await balances(database) == {BANK.key: (-112, 0), ASHA.key: (112, 0)}
    assert await assert_chain_holds(database) == 3


async def test_a_lost_commit_beside_an_operation_that_breaks_a_constraint(
    far, lose_next, open_more, postgres_url
):
    class OnlyOnce:
        """Stages what is fine at first and breaks a constraint the second time."""

        runs = 0

        def needs(self, book):
            return accounts(BANK, RAVI)

        def decide(self, book):
            self.runs += 1
            return breaks_a_constraint(book) if self.runs > 1 else None

    lose_next(Cut.AFTER)
    good, bad = await at_once(far, PostTransfer(movement(amount=1)), OnlyOnce())
    assert good.seq == 1
    assert isinstance(bad, asyncpg.CheckViolationError)
    assert await balances(await open_more(postgres_url)) == {BANK.key: (-1, 0), ASHA.key: (1, 0)}


@pytest.mark.parametrize("size", [1, 3])
async def test_a_commit_that_nobody_can_ask_about_stays_unknown(
    far, lose_next, proxy, open_more, postgres_url, size
):
    operations = [PostTransfer(movement(amount=1)) for _ in range(size)]
    lose_next(Cut.AFTER)
    work = asyncio.create_task(at_once(far, *operations))
    await proxy.met.wait()
    await asyncio.sleep(0.05)
    await proxy.down()
    answers = await work
    assert {type(answer) for answer in answers} == {CommitUnknown}, (
        "TryAgain would say that nothing happened, and it did"
    )
    assert (await balances(await open_more(postgres_url)))[ASHA.key] == (size, 0)
    await proxy.up()
    again = await at_once(far, *operations)
    assert [answer.seq for answer in again] == list(range(1, size + 1))
    assert (await balances(await open_more(postgres_url)))[ASHA.key] == (size, 0)


async def test_a_commit_that_comes_back_as_a_refusal_is_refused(far, proxy):
    far._is_alone = False
    unknown = CaptureHold(movement(ASHA, RAVI, 1, id=new_id("hld")))
    proxy.arm(Cut.BEFORE)
    with pytest.raises(NotFound):
        await far.submit(unknown)


async def test_every_table_of_the_ledger_can_be_written(engine, database):
    """The casts of each column type hold: text, numbers, booleans, times and nulls."""
    await engine.submit(PostTransfer(movement(amount=10)))

    def write(book):
        book.insert(
            Lot, id="lot_1", account_key=ASHA.key, kind="bonus", amount=5, remaining=5, held=0,
            currency="INR", top_up_id=None, expires_at=START, created_at=START,
        )  # fmt: skip
        book.hold("hld_1", ASHA, 5, expires_at=START + timedelta(days=1), order_id="ord_1")

    await engine.submit(Staged(write, tuple(accounts(ASHA))))
    lot = await database.fetch_one("select * from batua_lot")
    assert (lot["expires_at"], lot["version"]) == (START, 1)
    hold = await database.fetch_one("select * from batua_hold")
    assert hold["expires_at"] == START + timedelta(days=1)
    assert (hold["order_id"], hold["refund_id"]) == ("ord_1", None)
    needs = (Need(Transfer, "debit_account", 1), Need(Entry, "transfer_seq", 1))
    found = await engine.submit(Staged(lambda book: [len(book.find(*need)) for need in needs],
                                       needs))  # fmt: skip
    assert found == [1, 2]
