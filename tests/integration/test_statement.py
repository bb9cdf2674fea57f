"""Pages of an account's history, and what it was worth at a moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batua.ledger import Engine, PostTransfer
from batua.ledger.statement import StatementFilter, balance_at, read_statement
from tests.support.clock import START
from tests.support.ledger import ASHA, RAVI, REVENUE, TABLES, movement


@pytest.fixture
async def history(database, clock):
    """ASHA gets 10, 20, 30, 40 and pays 5, an hour apart; RAVI gets 7."""
    engine = Engine(database, TABLES, now=clock.now)
    for amount in (10, 20, 30, 40):
        await engine.submit(PostTransfer(movement(amount=amount, kind="top_up")))
        clock.advance(3600)
    await engine.submit(PostTransfer(movement(credit=RAVI, amount=7)))
    await engine.submit(PostTransfer(movement(ASHA, REVENUE, 5, kind="payment", order_id="ord_1")))
    await engine.close()
    return database


async def amounts(database, limit=10, **wanted):
    rows = await read_statement(database, ASHA, StatementFilter(**wanted), limit)
    return [row["amount"] for row in rows]


async def test_the_newest_entries_come_first_each_with_the_balance_after_it(history):
    rows = await read_statement(history, ASHA, StatementFilter(), 10)
    assert [(row["amount"], row["balance_after"]) for row in rows] == [
        (-5, 95), (40, 100), (30, 60), (20, 30), (10, 10),
    ]  # fmt: skip
    assert (rows[0]["kind"], rows[0]["order_id"], rows[0]["currency"]) == (
        "payment", "ord_1", "INR",
    )  # fmt: skip
    assert rows[0]["created_at"] == START + timedelta(hours=4)


async def test_pages_follow_each_other_without_gap_or_overlap(history):
    first = await read_statement(history, ASHA, StatementFilter(), 2)
    assert [row["amount"] for row in first] == [-5, 40]
    assert await amounts(history, 2, before_seq=first[-1]["seq"]) == [30, 20]


async def test_a_statement_can_be_narrowed(history):
    assert await amounts(history, since=START + timedelta(hours=2)) == [-5, 40, 30]
    assert await amounts(history, until=START + timedelta(hours=2)) == [20, 10]
    assert await amounts(history, kind="payment") == [-5]
    assert await amounts(
        history, kind="top_up", since=START + timedelta(hours=1), until=START + timedelta(hours=3)
    ) == [30, 20]


@pytest.mark.parametrize(
    ("hours", "balance"), [(-1, 0), (0, 10), (0.5, 10), (1, 30), (3.99, 100), (4, 95), (99, 95)]
)
async def test_what_an_account_was_worth_at_a_moment(history, hours, balance):
    assert await balance_at(history, ASHA, START + timedelta(hours=hours)) == balance


async def test_an_account_that_never_was_is_worth_nothing(database):
    assert await balance_at(database, ASHA, START) == 0
    assert await read_statement(database, ASHA, StatementFilter(), 10) == []


async def test_pages_have_no_gap_and_no_repeat_while_new_entries_arrive(history):
    engine = Engine(history, TABLES, now=lambda: START + timedelta(days=1))
    seen, before = [], None
    for _ in range(4):
        rows = await read_statement(history, ASHA, StatementFilter(before_seq=before), 2)
        seen += rows
        before = rows[-1]["seq"] if rows else before
        await engine.submit(PostTransfer(movement(amount=1_000)))
    await engine.close()

    assert [row["amount"] for row in seen] == [-5, 40, 30, 20, 10]
    assert len({row["seq"] for row in seen}) == 5


async def test_the_balance_at_any_past_time_is_that_of_a_replay(database, clock):
    engine = Engine(database, TABLES, now=clock.now)
    replay = {clock.now() - timedelta(seconds=1): 0}
    balance = 0
    for number in range(1, 25):
        is_out = number % 3 == 0
        accounts = (ASHA, REVENUE) if is_out else ()
        await engine.submit(PostTransfer(movement(*accounts, amount=number)))
        balance += -number if is_out else number
        replay[clock.now()] = balance
        # Several entries share a moment, and somebody else's stand between them.
        if number % 4 == 0:
            await engine.submit(PostTransfer(movement(credit=RAVI, amount=number)))
            clock.advance(10)
            replay[clock.now() - timedelta(seconds=1)] = balance
    await engine.close()

    for moment, expected in replay.items():
        assert await balance_at(database, ASHA, moment) == expected, moment
