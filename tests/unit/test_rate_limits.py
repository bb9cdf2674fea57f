"""Rate limits by themselves: who is let in, who is told to wait, and what if nobody can count."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from batua.errors import RateLimited
from batua.limits import Rate, RateLimits, rates
from tests.support.clock import FakeClock

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
TEN = Rate("caller", 10)


class Store:
    """Counts for everybody who is given it; away while it is told to be."""

    def __init__(self):
        self.counts, self.trips, self.swept = {}, [], []
        self.is_away = self.is_closed = False

    async def add(self, calls):
        await asyncio.sleep(0)
        self.trips.append(dict(calls))
        if self.is_away:
            raise ConnectionError("nobody there")
        for window, count in calls.items():
            self.counts[window] = self.counts.get(window, 0) + count
        return {window: self.counts[window] for window in calls}

    async def sweep(self, ended_by):
        self.swept.append(ended_by)

    async def close(self):
        self.is_closed = True


@pytest.fixture
def clock():
    return FakeClock(NOON)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
async def limits(store, clock, monkeypatch):
    monkeypatch.setattr(rates, "PACE_S", 0)
    monkeypatch.setattr(rates, "RETRY_S", 0.01)
    opened = RateLimits(store, now=clock.now)
    yield opened
    await opened.close()
    assert store.is_closed


async def let_in(limits, count, *calls):
    """How many of so many calls at once are let in."""
    answers = await asyncio.gather(
        *(limits.admit(*calls) for _ in range(count)), return_exceptions=True
    )
    assert all(answer is None or isinstance(answer, RateLimited) for answer in answers), answers
    return answers.count(None)


async def test_exactly_as_many_as_the_rate_says_in_one_trip(limits, store):
    assert await let_in(limits, 25, (TEN, "asha")) == 10
    assert len(store.trips) == 1
    assert await let_in(limits, 25, (TEN, "ravi")) == 10
    assert await let_in(limits, 5, (Rate("other", 10), "asha")) == 5


async def test_two_processes_let_in_no_more_than_one(limits, store, clock):
    other = RateLimits(store, now=clock.now)
    let = await asyncio.gather(*(let_in(each, 20, (TEN, "asha")) for each in (limits, other)))
    assert sum(let) == 10
    await other.close()


async def test_whoever_is_over_a_limit_costs_no_trip(limits, store):
    await let_in(limits, 11, (TEN, "asha"))
    trips = len(store.trips)
    assert await let_in(limits, 50, (Rate("address", 1000), "192.0.2.1"), (TEN, "asha")) == 0
    assert len(store.trips) == trips


async def test_one_limit_that_is_met_is_enough(limits):
    assert await let_in(limits, 20, (Rate("address", 4), "192.0.2.1"), (TEN, "asha")) == 4


@pytest.mark.parametrize(
    ("window_s", "after_s", "wait_s", "said"),
    [(60, 0, 60, "in a minute"), (60, 59.5, 1, "in a minute"), (300, 61.2, 239, "in 5 minutes")],
)
async def test_a_refusal_says_when_to_come_back(limits, clock, window_s, after_s, wait_s, said):
    clock.advance(after_s)
    once = (Rate("login", 1, window_s, "logins"), "asha")
    await limits.admit(once)
    for _ in range(2):  # once from the store, once from what is known by then
        with pytest.raises(RateLimited, match=f"More than 1 logins {said}") as over:
            await limits.admit(once)
        assert over.value.retry_after_s == wait_s
        assert over.value.code == "rate_limited"
    clock.advance(wait_s)
    await limits.admit(once)


async def test_counts_name_nobody(limits, store):
    await limits.admit((TEN, "customer:asha"))
    ((window, count),) = store.counts.items()
    assert (len(window.caller), count) == (32, 1)
    assert "asha" not in window.caller


async def test_a_caller_who_goes_away_holds_up_nobody(limits):
    gone = asyncio.create_task(limits.admit((TEN, "asha")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await let_in(limits, 20, (TEN, "asha")) == 9


async def test_without_its_store_each_process_goes_on_from_what_it_knew(limits, store, caplog):
    assert await let_in(limits, 4, (TEN, "asha")) == 4
    store.is_away = True
    with caplog.at_level(logging.WARNING):
        assert await let_in(limits, 20, (TEN, "asha")) == 6
        assert await let_in(limits, 20, (TEN, "ravi")) == 10
    assert limits.is_apart
    alarms = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(alarms) == 1
    assert "ConnectionError: nobody there" in alarms[0].getMessage()


async def test_what_was_counted_apart_is_told_to_the_store(limits, store, clock):
    store.is_away = True
    await let_in(limits, 7, (TEN, "asha"))
    store.is_away = False
    async with asyncio.timeout(5):
        while limits.is_apart:  # noqa: ASYNC110 - it has no event for a test to wait for
            await asyncio.sleep(0.01)
    other = RateLimits(store, now=clock.now)
    assert await let_in(other, 20, (TEN, "asha")) == 3
    assert await let_in(limits, 20, (TEN, "asha")) == 0
    await other.close()


async def test_a_store_that_hangs_is_not_waited_for(store, clock, monkeypatch):
    monkeypatch.setattr(rates, "ANSWER_S_MAX", 0.05)

    async def hang(calls):
        await asyncio.sleep(60)

    monkeypatch.setattr(store, "add", hang)
    limits = RateLimits(store, now=clock.now)
    async with asyncio.timeout(5):
        assert await let_in(limits, 12, (TEN, "asha")) == 10
        assert limits.is_apart
        await limits.close()


async def test_ended_windows_are_forgotten_here_and_in_the_store(limits, store, clock):
    await let_in(limits, 3, (TEN, "asha"))
    clock.advance(61)
    await let_in(limits, 1, (TEN, "ravi"))
    await limits.admit((TEN, "meera"))
    assert store.swept == [int(clock.unix()) - rates.GRACE_S]
    assert [window.ends_at > clock.unix() for window in limits._known] == [True, True]
