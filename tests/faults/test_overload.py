"""More than the ledger can take: who is turned away may ask again, and who waits is served."""

from __future__ import annotations

import asyncio
from collections import Counter

from batua.database import Dialect
from batua.ledger import engine as engine_module
from tests.support.api import open_api
from tests.support.clients import order_of
from tests.support.engine import holding_the_lock
from tests.support.leftovers import assert_all_returned, assert_nothing_left

PRICE = 7
OPENING = 1_000_000
CLIENTS = 90
"""No more than httpx opens connections at once: all of them must be asking at the same time."""
ROOM = 32
"""How many of the clients still fit into the queue."""


async def until(is_so, *, within_s=60):
    async with asyncio.timeout(within_s):
        while not is_so():  # noqa: ASYNC110 - an engine tells nobody how long its queue is
            await asyncio.sleep(0.005)


async def test_a_full_queue_refuses_serves_who_waits_and_loses_and_doubles_nothing(
    database_url, open_more, clock
):
    other = await open_more(database_url, pool_size=2)
    async with open_api(database_url, clock, rate_limit=False) as api:
        engine = api.shop.batua.engine
        await be_patient(api)
        await api.shop.give(OPENING, "asha")
        bodies = {f"tap-{number}": order_of(PRICE, f"tap-{number}") | {"pay_with": "wallet"}
                  for number in range(CLIENTS)}  # fmt: skip

        async def tap(key):
            return await api.post("/orders", bodies[key], key=key)

        async with holding_the_lock(other):
            given = await fill(engine, api.shop, engine_module.QUEUE_MAX - ROOM)
            taps = {key: asyncio.create_task(tap(key)) for key in bodies}
            await until(lambda: sum(task.done() for task in taps.values()) == CLIENTS - ROOM)
            assert len(engine._queue) == engine_module.QUEUE_MAX
            refused = {key: task.result() for key, task in taps.items() if task.done()}
            for answer in refused.values():
                assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
                assert int(answer.headers["Retry-After"]) >= 1
                assert "Idempotency-Replayed" not in answer.headers
            # Reading goes on, and nobody who was refused has used up a key or got an order.
            assert await balance(api) == OPENING
            assert await api.shop.rows("order") == []
            once_more = await tap(next(iter(refused)))
            assert (once_more.status_code, once_more.json()["code"]) == (503, "overloaded")

        served = dict(zip(taps, await asyncio.gather(*taps.values()), strict=True))
        await asyncio.gather(*given)
        paid = {key: answer for key, answer in served.items() if key not in refused}
        assert Counter(answer.status_code for answer in paid.values()) == {201: ROOM}
        assert len(await api.shop.rows("order")) == ROOM

        # Whoever was refused asks again under the same key, and is the first to do so.
        for key, again in zip(refused, await asyncio.gather(*map(tap, refused)), strict=True):
            assert again.status_code == 201
            assert "Idempotency-Replayed" not in again.headers
            paid[key] = again
        repeated = dict(zip(paid, await asyncio.gather(*map(tap, paid)), strict=True))
        for key, answer in paid.items():
            assert repeated[key].headers["Idempotency-Replayed"] == "true"
            assert repeated[key].content == answer.content

        orders = await api.shop.rows("order")
        assert {row["reference"]: row["id"] for row in orders} == {
            key: answer.json()["id"] for key, answer in paid.items()
        }
        assert {row["status"] for row in orders} == {"paid"}
        assert len(orders) == CLIENTS
        assert await balance(api) == OPENING + len(given) - PRICE * CLIENTS
        await assert_all_returned(api.shop.batua)
    await assert_nothing_left(database_url)


async def be_patient(api):
    """On a slow machine nobody gives up meanwhile: neither SQLite on its lock, nor a client."""
    api.http.timeout = 60
    database = api.shop.batua.database
    if database.dialect is Dialect.SQLITE:
        longer = "pragma busy_timeout = 60000"
        await database._writer.run(lambda connection: connection.execute(longer))


async def fill(engine, shop, length):
    """Let so many operations wait, each of which gives asha one; returns their answers to come.

    They come from inside: four thousand clients would need as many connections.
    """
    given = []
    while len(engine._queue) < length:
        missing = length - len(engine._queue)
        given += [
            asyncio.create_task(engine.submit(shop.adjustment(1, "asha"))) for _ in range(missing)
        ]
        await asyncio.sleep(0.02)  # the first time, some of them go on to wait for the lock
    return given


async def balance(api):
    answer = await api.get("/wallet")
    assert answer.status_code == 200
    return answer.json()["balance"]
