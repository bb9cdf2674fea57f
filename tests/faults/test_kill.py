"""SIGKILL at the worst moments: whatever was acknowledged is there once, and nothing else is."""

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass, field

import asyncpg
import httpx

from tests.support.clients import JWT_SECRET, ShopClient, order_of
from tests.support.databases import read_rows
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


@dataclass
class Journal:
    """What a client knows of its payments, kept where no kill reaches it."""

    sent: dict = field(default_factory=dict)  # key -> body
    answers: dict = field(default_factory=dict)  # key -> (status, body) of the last answer

    @property
    def unknown(self):
        return [key for key in self.sent if key not in self.answers]

    def with_status(self, status):
        return [key for key, answer in self.answers.items() if answer[0] == status]


PRICE = 7
TOO_MUCH = 90_000_000
OPENING = 200_000  # Asha is seeded
CLIENTS = 16


async def shopper(shop, journal, number):
    """Buys with one tap, again and again, until the server is gone. Every fifth tap is too dear."""
    for tap in range(10_000):
        key = f"{shop.program.port}-{number}-{tap}"
        price = TOO_MUCH if (number + tap) % 5 == 0 else PRICE
        journal.sent[key] = order_of(price, reference=key) | {"pay_with": "wallet"}
        try:
            await tap_once(shop, journal, key)
        except httpx.HTTPError:
            return


def kill_in(wait_s, program):
    time.sleep(wait_s)
    program.kill()


async def tap_once(shop, journal, key):
    answer = await shop.call("asha", "POST", "/orders", journal.sent[key], key=key)
    assert answer.status_code in {201, 402}, answer.text
    known = journal.answers.setdefault(key, (answer.status_code, answer.content))
    assert known == (answer.status_code, answer.content)


async def test_killed_at_any_moment_every_acknowledged_payment_exists_exactly_once(
    empty_url, tmp_path, dialect_name, soak
):
    moments = random.Random(dialect_name)
    journal = Journal()
    for _ in range(2_500 if soak else 5):
        async with shop_of(empty_url, tmp_path) as shop:
            shoppers = [asyncio.create_task(shopper(shop, journal, i)) for i in range(CLIENTS)]
            # From a thread: in the loop itself it would only come between two requests.
            await asyncio.to_thread(kill_in, moments.uniform(0.05, 0.6), shop.program)
            await asyncio.gather(*shoppers)
    assert journal.unknown, "no kill hit a request: this proves nothing"
    async with shop_of(empty_url, tmp_path) as shop:
        # An unknown one is resolved by its own key, and a known one is answered as it was.
        known = [*journal.with_status(201)[-20:], *journal.with_status(402)[-20:]]
        for key in [*journal.unknown, *known]:
            await tap_once(shop, journal, key)
        paid, refused = journal.with_status(201), journal.with_status(402)
        assert len(paid) > 5
        assert refused
        orders = await read_rows(
            empty_url, "select id, reference, status, amount from batua_order order by reference"
        )
        assert [order["reference"] for order in orders] == sorted(paid)
        assert {(order["status"], order["amount"]) for order in orders} == {("paid", PRICE)}
        ids = {json.loads(journal.answers[key][1])["id"] for key in paid}
        assert ids == {order["id"] for order in orders}
        assert await shop.balance("asha") == OPENING - PRICE * len(paid)
        await shop.verify()
