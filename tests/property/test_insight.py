"""Every figure of days and customers against a recount in plain Python, over random histories."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings

from batua.database import open_database
from batua.insight.customers import read_cohorts, read_top_customers
from batua.insight.days import read_days
from batua.insight.insight import months_before
from batua.insight.keeping import tally_next
from batua.ledger import Engine
from tests.support.clock import START, FakeClock
from tests.support.histories import STEPS, History
from tests.support.ledger import TABLES
from tests.support.recount import Recount, read_ledger

EVERYTHING = 1_000_000
SOAK = os.environ.get("BATUA_TEST_SOAK") == "1"


async def assert_exact(history, clock, *, days_back):
    """What is counted and what is not yet are together what the ledger has."""
    database, today = history.database, clock.now().date()
    since = max(START.date(), today - timedelta(days=days_back))
    recount = Recount(await read_ledger(database))
    async with database.snapshot() as reader:
        rest = await tally_next(reader, database.dialect, EVERYTHING)
        days = await read_days(reader, rest, since=since, until=today, currency="INR")
        assert [msgspec.structs.asdict(row) for row in days] == recount.days(since, today, "INR")
        cohorts = {
            (row.cohort, row.currency, row.month):
                (row.customers, row.spenders, row.orders, row.spent)
            for row in await read_cohorts(reader, rest, START.date().isoformat()[:7])
        }  # fmt: skip
        assert cohorts == recount.cohorts()
        for month in months_before(today, 2):
            for limit in (1, 10):
                top = await read_top_customers(reader, database.dialect, rest, month, limit)
                found = [
                    (row.currency, row.rank, row.customer, row.orders, row.spent, row.refunded)
                    for row in top
                ]
                assert found == [
                    (currency, place + 1, *spender)
                    for currency in sorted(recount.currencies())
                    for place, spender in enumerate(recount.spenders(month, currency)[:limit])
                ]


@pytest.fixture
def runner():
    with asyncio.Runner() as runner:
        yield runner


def test_every_figure_is_what_the_ledger_says(database_url, runner):
    clock = FakeClock()
    database = open_database(database_url)
    runner.run(database.open())
    engine = runner.run(_started(database, clock))
    history = History(database, engine, clock)

    async def go_on(steps):
        await history.run(steps)
        await assert_exact(history, clock, days_back=3)

    @settings(max_examples=60 if SOAK else 12)
    @given(steps=STEPS)
    def examples(steps):
        runner.run(go_on(steps))

    examples()
    runner.run(assert_exact(history, clock, days_back=60))
    runner.run(history.counter.count())
    runner.run(assert_exact(history, clock, days_back=60))
    assert runner.run(history.counter.differing()) == []
    runner.run(engine.close())
    runner.run(database.close())


async def _started(database, clock):
    return Engine(database, TABLES, now=clock.now)
