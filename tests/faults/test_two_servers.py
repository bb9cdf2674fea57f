"""Two servers on one PostgreSQL lose processes, sessions and connections under load."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random

import asyncpg
import httpx
import pytest

from tests.support.clients import JWT_SECRET, ShopClient, order_of
from tests.support.databases import read_rows
from tests.support.leftovers import assert_nothing_left
from tests.support.processes import running_serve
from tests.support.proxy import CuttingProxy

VARIABLES = {
    "BATUA_JWT_SECRET": JWT_SECRET,
    "BATUA_RATE_LIMIT": "off",
    "BATUA_CUSTOMER_ORDERS": "on",
    "BATUA_APPROVAL_LIMIT": "100000000",
}
SHOPPERS = 12
PRICE = 7
OPENING = 500_000
SESSIONS_MAX = 24
"""What the pools of two servers may have together."""
END_SESSIONS = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where application_name = 'batua' and datname = current_database() and state <> 'idle'"
)


class Server:
    """One of the two: started again whenever it was killed."""

    def __init__(self, url: str, cwd) -> None:
        self.url, self.cwd = url, cwd
        self.shop: ShopClient | None = None
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        # Starting waits for the port: in a thread, so that the other one goes on.
        serve = running_serve(self.url, cwd=self.cwd, **VARIABLES)
        program = await asyncio.to_thread(self._stack.enter_context, serve)
        self.shop = await self._stack.enter_async_context(ShopClient(program))

    async def kill(self) -> None:
        await asyncio.to_thread(self.shop.program.kill)
        await self.stop()

    async def stop(self) -> None:
        self.shop = None
        await self._stack.aclose()


async def answer_of(servers, key, *, within_s):
    """Send one tap until somebody answers it: now to the one server, now to the other."""
    turns = itertools.cycle(servers)
    body = order_of(PRICE, reference=key) | {"pay_with": "wallet"}
    async with asyncio.timeout(within_s):
        while (answer := await ask(next(turns).shop, key, body)) is None:  # noqa: ASYNC110 - it asks
            await asyncio.sleep(0.05)
        return answer


async def ask(shop, key, body):
    """The answer, or None from a server that is away or does not know yet."""
    if shop is None:
        return None
    with contextlib.suppress(httpx.HTTPError):
        answer = await shop.call("asha", "POST", "/orders", body, key=key)
        if answer.status_code == 201:
            return answer
        # The database was away, a commit is unknown, or the other server is at it.
        assert answer.status_code in {409, 503}, answer.text
        assert answer.status_code == 503 or "in_progress" in answer.text, answer.text
    return None


async def shop_on(servers, paid, number, ended):
    for tap in itertools.count():
        if ended.is_set():
            return
        key = f"tap-{number}-{tap}"
        paid[key] = (await answer_of(servers, key, within_s=60)).json()["id"]


@pytest.mark.parametrize("seed", range(2))
async def test_every_acknowledged_payment_exists_exactly_once(postgres_url, tmp_path, soak, seed):
    chance = random.Random(seed)
    rounds = 250 if soak else 4
    async with CuttingProxy(postgres_url) as proxy:
        servers = [Server(postgres_url, tmp_path), Server(proxy.url, tmp_path)]
        await asyncio.gather(*(server.start() for server in servers))
        await servers[0].shop.give("asha", OPENING * (1 + rounds // 8))
        paid, ended, done = {}, asyncio.Event(), []
        shoppers = [
            asyncio.create_task(shop_on(servers, paid, number, ended)) for number in range(SHOPPERS)
        ]
        for turn in range(rounds):
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            what = ("kill", "end sessions", "cut")[(turn + seed) % 3]
            done.append(what)
            if what == "kill":
                victim = chance.choice(servers)
                await victim.kill()
                await victim.start()
            elif what == "end sessions":
                connection = await asyncpg.connect(postgres_url)
                await connection.execute(END_SESSIONS)
                await connection.close()
            else:
                await proxy.down()
                await proxy.up()
        ended.set()
        await asyncio.gather(*shoppers)
        assert set(done) == {"kill", "end sessions", "cut"}

        again = [await answer_of(servers, key, within_s=10) for key in list(paid)[-20:]]
        assert [answer.json()["id"] for answer in again] == list(paid.values())[-20:]
        orders = await read_rows(postgres_url, "select id, status from batua_order")
        assert {order["id"]: order["status"] for order in orders} == dict.fromkeys(
            paid.values(), "paid"
        )
        balance = await servers[0].shop.balance("asha")
        assert balance == OPENING * (1 + rounds // 8) - PRICE * len(paid)
        assert len(paid) > rounds
        await servers[0].shop.verify()
        await assert_nothing_left(postgres_url, sessions_max=SESSIONS_MAX)
        for server in servers:
            await server.stop()
