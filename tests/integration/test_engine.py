"""The only writer of money: what operations do, refusals, neighbours and groups."""

# An operation is handed the book whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
from datetime import timedelta

import asyncpg
import pytest

from batua.errors import (
    InsufficientFunds,
    InvariantViolated,
    TryAgain,
)
from batua.ledger import (
    CaptureHold,
    Engine,
    ExpireHold,
    Need,
    OpenHold,
    PostTransfer,
    VoidHold,
)
from batua.ledger import engine as engine_module
from batua.ledger.book import Book
from batua.ledger.queueing import Queued
from batua.ledger.rows import Record
from batua.ledger.tables import Account, Entry, Hold, LedgerHead, Lot, Transfer
from tests.support.clock import START
from tests.support.engine import (
    assert_chain_holds,
    at_once,
    breaks_a_constraint,
    head_of,
    holding_the_lock,
)
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
    movement,
)

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
    said = [record for record in caplog.records if record.levelno > logging.INFO]
    assert not said, "a refusal is no failure of ours"
    again = await engine.submit(PostTransfer(movement(ASHA, RAVI, 100)))
    assert again.seq == 2
    assert await assert_chain_holds(database) == 2


def bug(book):
    book.post(movement(BANK, RAVI, 5))
    raise ZeroDivisionError("a bug")


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
    queued = Queued(Balance(ASHA))
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
