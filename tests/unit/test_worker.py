"""The worker's duties: one thing that can't be worked on stands in nobody's way."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from batua.events import Keeping
from batua.ledger import Expiry
from batua.registry import Given
from batua.worker import Worker, _Duty, _Waiting
from tests.support.shop import open_shop


async def test_one_that_fails_does_not_stop_the_others(caplog):
    worked = []

    async def due(limit):
        return ["a", "broken", "c"][:limit]

    async def work(each):
        if each == "broken":
            raise RuntimeError("no")
        worked.append(each)

    assert await _Duty("test", due, work).do() == 2
    assert worked == ["a", "c"]
    assert "broken" in caplog.text


async def test_one_that_hangs_holds_up_no_other_and_none_is_worked_on_twice_at_once():
    released, finished = asyncio.Event(), []
    running, most = set(), 0

    async def due(limit):
        return ["slow", *(f"fast-{number}" for number in range(20)), "slow", "fast-1"][:limit]

    async def work(each):
        nonlocal most
        assert each not in running
        running.add(each)
        most = max(most, len(running))
        await (released.wait() if each == "slow" else asyncio.sleep(0))
        running.remove(each)
        finished.append(each)
        if len(finished) == 20:
            released.set()

    async with asyncio.timeout(5):
        assert await _Duty("test", due, work).do() == 21
    assert finished[-1] == "slow"
    assert most == 8


def test_nothing_of_ours_waits_in_a_way_that_swallows_a_cancellation():
    # asyncio.wait_for in Python 3.11 returns, instead of raising CancelledError, when what it
    # waits for is done at the same moment: a worker that is stopped then goes on for ever.
    roots = [Path(__file__).parents[2] / root for root in ("plugin", "api", "admin")]
    users = [
        path for root in roots for path in root.rglob("*.py") if "wait_for(" in path.read_text()
    ]
    assert users == []


# --- lanes: each gateway has its own ------------------------------------------------------------


async def waiting_payments(shop, *gateways):
    """One due payment of each gateway, installed or not; the oldest first."""
    ids = {}
    for gateway in gateways:
        opened = await shop.open_top_up()
        ids[gateway] = opened["payment"]["id"]
        await shop.run("update batua_payment set gateway = $1 where id = $2", gateway, ids[gateway])
        shop.clock.advance(1)
    shop.clock.advance(60)
    return ids


def lane(shop, code=None, *, asks=False):
    batua = shop.batua
    return _Waiting(
        batua.database, batua.registry, batua.now, "batua_payment", "next_poll_at", asks, code
    )


async def test_a_lane_looks_at_its_own_gateway_and_the_rest_at_all_others(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        ids = await waiting_payments(shop, "razorpay", "paypal", "gone")
        own, paypal, rest = lane(shop, "razorpay"), lane(shop, "paypal"), lane(shop)

        assert await own(9) == [ids["razorpay"]]
        assert await paypal(9) == []
        assert await rest(9) == [ids["paypal"], ids["gone"]]
        assert await rest(1) == [ids["paypal"]]

        # A gateway that begins to work has a lane from then on.
        shop.batua.registry.give(
            {"paypal": Given({"client_id": "a", "client_secret": "b", "webhook_id": "c"})}
        )
        assert await paypal(9) == [ids["paypal"]]
        assert await rest(9) == [ids["gone"]]
        clock.advance(-3600)
        assert await own(9) == []


async def test_nobody_is_asked_while_the_breaker_is_open(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        ids = await waiting_payments(shop, "razorpay")
        breaker = shop.batua.registry.breakers["razorpay"]
        while not breaker.refuses:
            breaker.failed(breaker.begin())
        assert await lane(shop, "razorpay", asks=True)(9) == []
        assert await lane(shop, "razorpay")(9) == [ids["razorpay"]]
        breaker.answered()
        assert await lane(shop, "razorpay", asks=True)(9) == [ids["razorpay"]]


# --- routines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("every_s", [0.01, 0])
async def test_a_routine_is_done_again_and_again_whatever_it_raises(
    sqlite_url, clock, caplog, every_s
):
    times, done = 0, asyncio.Event()

    async def heal():
        nonlocal times
        times += 1
        if times == 3:
            done.set()
        raise RuntimeError("no")

    async with open_shop(sqlite_url, clock) as shop:
        batua = shop.batua
        worker = Worker(
            database=batua.database,
            registry=batua.registry,
            now=clock.now,
            applier=batua.applier,
            poller=batua.poller,
            refunder=batua.refunder,
            outbox=batua.outbox,
            hooks=batua.hooks,
            webhooks=batua.webhooks,
            keeping=Keeping(batua.database, now=clock.now, days=0),
            expiry=Expiry(batua.database, batua.engine),
            silence=batua.silence,
            signs=batua.signs,
            counter=batua.counter,
            reconciler=SimpleNamespace(heal_recent=heal),
            reconcile_every_s=every_s,
            privacy=batua.privacy,
        )
        worker.start()
        if every_s:
            async with asyncio.timeout(10):
                await done.wait()
        await worker.stop()

    names = [task.get_name() for task in asyncio.all_tasks()]
    assert len(names) == 1, "nothing of it goes on"
    assert (times >= 3) if every_s else (times == 0)
    assert ("the worker's routine 'reconciliation' failed" in caplog.text) == bool(every_s)
