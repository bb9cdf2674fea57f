"""SIGKILL at the worst moments: whatever was acknowledged is there once, and nothing else is."""

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field

import asyncpg
import httpx

from tests.support.clients import JWT_SECRET, ShopClient, order_of
from tests.support.databases import read_rows
from tests.support.forking import forking
from tests.support.processes import running_demo

RECOVERY_S = 60
VARIABLES = {"BATUA_JWT_SECRET": JWT_SECRET, "BATUA_RATE_LIMIT": "off"}


@contextlib.asynccontextmanager
async def shop_of(url, cwd, **variables):
    """A demo of its own on ``url``, and somebody who talks to it."""
    with running_demo(url, cwd=cwd, **VARIABLES, **variables) as demo:
        async with ShopClient(demo) as shop:
            yield shop


async def stored_events(url):
    return await read_rows(url, "select status from batua_inbox where event_type like 'pay%'")


async def credited_once(shop, top_up):
    """It is, within a minute, and stays so when the provider tells it again."""
    await shop.until_status("meera", f"/topups/{top_up['id']}", "succeeded", within_s=RECOVERY_S)
    await shop.control("send_webhooks", {})
    await asyncio.sleep(0.3)
    assert [entry["amount"] for entry in await shop.statement("meera")] == [50_000]
    await shop.verify()


# --- between the webhook and the credit ---------------------------------------------------------


async def test_killed_when_the_event_is_stored_and_before_200(empty_url, tmp_path):
    async with shop_of(empty_url, tmp_path, BATUA_TEST_FAILPOINT="inbox.stored:kill@1") as shop:
        top_up = await shop.top_up("meera", 50_000)
        with contextlib.suppress(httpx.HTTPError):
            await shop.pay(top_up)
        assert shop.program.process.wait(10) == -9
    assert [row["status"] for row in await stored_events(empty_url)] == ["received"]
    assert await read_rows(empty_url, "select id from batua_capture") == []
    async with shop_of(empty_url, tmp_path) as shop:
        await credited_once(shop, top_up)


async def test_killed_after_200_and_before_the_credit_and_after_a_capture_without_webhooks(
    empty_url, tmp_path
):
    async with shop_of(empty_url, tmp_path) as shop:
        await shop.lose_webhooks()
        unheard = await shop.top_up("lata", 70_000)
        await shop.pay(unheard)
        top_up = await shop.top_up("meera", 50_000)
        paid = await shop.pay(top_up)
        bodies = await shop.announcements(paid["razorpay_payment_id"])
        async with nobody_moves_money(empty_url) as is_held:
            answer = await shop.announce(bodies["payment.captured"])
            shop.program.kill()
        assert answer.status_code == 200
    assert len(await stored_events(empty_url)) == 1
    if is_held:
        assert await read_rows(empty_url, "select id from batua_capture") == []
    async with shop_of(empty_url, tmp_path) as shop:
        # Of one the inbox knows. Of the other nobody has ever told us: the poller asks.
        events = (await shop.control("webhooks"))["webhooks"]
        assert {event["state"] for event in events} == {"lost"}
        await shop.until_status(
            "lata", f"/topups/{unheard['id']}", "succeeded", within_s=RECOVERY_S
        )
        await credited_once(shop, top_up)
        assert [entry["amount"] for entry in await shop.statement("lata")] == [70_000]


@contextlib.asynccontextmanager
async def nobody_moves_money(url):
    """Let nobody see the ledger's head, so that the kill comes before the credit for certain.

    Were only its row locked, what writes the credit might wait at the server and outlive the kill.

    SQLite has one lock for everything, the inbox too: there the kill only comes at once.
    """
    if url.startswith("sqlite"):
        yield False
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("lock table batua_ledger in access exclusive mode")
            yield True
    finally:
        await connection.close()


# --- under load ---------------------------------------------------------------------------------


PRICE = 7
TOO_MUCH = 2_000_000_000
OPENING = 500_000_000
CLIENTS = 16
ASKED_AGAIN = 40


@dataclass
class Journal:
    """What a client knows of its payments, kept where no kill reaches it."""

    taps: Counter = field(default_factory=Counter)  # client -> how many it has begun
    unknown: dict = field(default_factory=dict)  # client -> the key it knows no answer to
    paid: dict = field(default_factory=dict)  # key -> order id
    refused: int = 0
    resolved: int = 0
    slowest_s: float = 0.0  # from a start to the answer to what a kill had left unknown
    latest: deque = field(default_factory=lambda: deque(maxlen=ASKED_AGAIN))

    def heard(self, key, price, answer):
        if price == TOO_MUCH:
            assert answer.status_code == 402, answer.text
            self.refused += 1
        else:
            assert answer.status_code == 201, answer.text
            self.paid[key] = answer.json()["id"]
        self.latest.append((key, price, answer.status_code, answer.content))


def tap(shop, key, price):
    order = order_of(price, reference=key) | {"pay_with": "wallet"}
    return shop.call("asha", "POST", "/orders", order, key=key)


async def shopper(shop, journal, number, started):
    """Asks again what it does not know, and buys with one tap until the server is gone.

    Every fifth tap is too dear.
    """
    with contextlib.suppress(httpx.HTTPError):
        if number in journal.unknown:
            await tap_and_hear(shop, journal, number)
            journal.resolved += 1
            journal.slowest_s = max(journal.slowest_s, time.monotonic() - started)
        while True:
            journal.taps[number] += 1
            count = journal.taps[number]
            price = TOO_MUCH if (number + count) % 5 == 0 else PRICE
            journal.unknown[number] = (f"{number}-{count}", price)
            await tap_and_hear(shop, journal, number)


async def tap_and_hear(shop, journal, number):
    key, price = journal.unknown[number]
    journal.heard(key, price, await tap(shop, key, price))
    del journal.unknown[number]


def kill_in(wait_s, fork):
    time.sleep(wait_s)
    fork.kill()


async def test_killed_at_any_moment_every_acknowledged_payment_exists_exactly_once(
    empty_url, tmp_path, dialect_name, soak
):
    moments = random.Random(dialect_name)
    journal = Journal()
    variables = VARIABLES | {
        "BATUA_CUSTOMER_ORDERS": "on",
        "BATUA_APPROVAL_LIMIT": str(OPENING),
    }
    with forking(empty_url, cwd=tmp_path, **variables) as forks:
        async with forks.serving() as (_, shop):
            await shop.give("asha", OPENING)
        for _ in range(2_500 if soak else 15):
            if moments.random() < 0.1:  # while it starts, and may be mending what the last one left
                await asyncio.to_thread(kill_in, moments.uniform(0, 0.8), forks.start())
                continue
            started = time.monotonic()
            async with forks.serving() as (fork, shop), asyncio.TaskGroup() as tasks:
                for number in range(CLIENTS):
                    tasks.create_task(shopper(shop, journal, number, started))
                # From a thread: in the loop itself it would only come between two requests.
                await asyncio.to_thread(kill_in, moments.uniform(0.02, 0.25), fork)

        async with forks.serving() as (_, shop):
            for number in list(journal.unknown):
                await tap_and_hear(shop, journal, number)
            for key, price, status, content in journal.latest:
                again = await tap(shop, key, price)
                assert (again.status_code, again.content) == (status, content)
            assert await shop.balance("asha") == OPENING - PRICE * len(journal.paid)
            await shop.verify()

    print(f"\n{len(journal.paid)} paid, {journal.refused} refused, {journal.resolved} resolved,"
          f" the slowest after {journal.slowest_s:.1f} s")  # fmt: skip
    assert journal.resolved > 0, "no kill hit a request: this proves nothing"
    assert journal.slowest_s < RECOVERY_S
    assert len(journal.paid) > 5
    assert journal.refused > 0
    orders = await read_rows(empty_url, "select id, reference, status, amount from batua_order")
    assert {order["reference"]: order["id"] for order in orders} == journal.paid
    assert len(orders) == len(journal.paid)
    assert {(order["status"], order["amount"]) for order in orders} == {("paid", PRICE)}
