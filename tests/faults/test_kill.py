"""SIGKILL at the worst moments: whatever was acknowledged is there once, and nothing else is."""

import asyncio
import contextlib
import os
import random
import time
from dataclasses import dataclass, field

import asyncpg
import httpx

from tests.support.clients import JWT_SECRET, ShopClient, order_of
from tests.support.databases import read_rows
from tests.support.forking import forking
from tests.support.journal import Asked, Journal, KnownOrder, assert_books_agree
from tests.support.processes import run_batua, running_demo
from tests.support.provider import open_provider

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


KILLS, SOAK_KILLS = 8, 2_500
CHECKED_EVERY = 100
CUSTOMERS = ("asha", "binod", "lata", "ravi")
CLIENTS = 16
KEPT = 30
PRICE_MAX = 50
TOO_MUCH = 2_000_000_000
OPENING = 500_000_000
LEASE_S, SHORT_LEASE_S = 30, 2
FIRST_ANSWER_S = 5
ASKED_AGAIN = 300


@dataclass
class Life:
    """A server's life from the moment that it is ready."""

    shop: ShopClient
    started: float = field(default_factory=time.monotonic)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    cut: int = 0  # requests that its end has cut

    @property
    def age_s(self):
        return time.monotonic() - self.started


class Shopper:
    """A client with a customer's token and one of staff.

    It asks one thing at a time and its orders are its own, so that it can foresee each answer.
    """

    def __init__(self, number, seed, journal, provider, lease_s):
        self.number = number
        self.customer = CUSTOMERS[number // 4]
        self.chance = random.Random(f"{seed} {number}")
        self.journal = journal
        self.provider = provider
        self.lease_s = lease_s
        self.times = 0
        self.orders = []  # those about which no request is under way
        self.unknown = []

    async def shop(self, life):
        """Ask again what is not known, then for anything, until the server is gone."""
        try:
            for asked in list(self.unknown):
                # Before a lease is over there is no answer; but asking is a request like any.
                if asked.resumes_at < time.monotonic() or self.chance.random() < 0.1:
                    await self.ask(life, asked)
            if self.journal.heard and self.chance.random() < 0.25:
                await self.journal.repeat(life.shop, self.chance.choice(self.journal.heard))
            while True:
                self.unknown.append(self.think())
                await self.ask(life, self.unknown[-1])
        except httpx.HTTPError:
            assert life.is_over, "only a kill may cut a request"

    async def learn(self, life):
        """Ask until everything is known."""
        while self.unknown:
            assert life.age_s < RECOVERY_S, self.unknown
            for asked in list(self.unknown):
                await self.ask(life, asked)

    async def ask(self, life, asked):
        """Send it, and write down what comes."""
        try:
            answer = await asked.send(life.shop)
        except httpx.ConnectError:  # it has reached nobody
            raise
        except httpx.HTTPError:
            asked.was_cut = True
            life.cut += 1
            if asked.kind in {"refund", "top_up"}:
                asked.resumes_at = time.monotonic() + self.lease_s
            raise
        if answer.status_code == 503 or answer.json().get("code") == "in_progress":
            await asyncio.sleep(0.05)
            return
        life.answered.set()
        self.unknown.remove(asked)
        self.journal.hear(asked, answer)
        if asked.was_cut:
            self.journal.resolved += 1
            self.journal.had_happened += "Idempotency-Replayed" in answer.headers
            self.journal.slowest_s = max(self.journal.slowest_s, life.age_s)
        if asked.order is not None and asked.order.status:
            self.orders = [*self.orders[-KEPT:], asked.order]
        if asked.kind == "top_up":
            await self.pay(life.shop, answer.json())

    async def pay(self, shop, top_up):
        """Pay at the provider, some at the second try, some never; some browsers come back."""
        reference = top_up["checkout"]["provider_reference"]
        if self.chance.random() < 0.2:
            await self.provider.pay(reference, "failed")
        if self.chance.random() < 0.1:
            return
        proof = await self.provider.pay(reference)
        if self.chance.random() < 0.3:
            path = f"/topups/{top_up['id']}/confirm"
            answer = await shop.call(self.customer, "POST", path, proof)
            assert answer.status_code in {200, 503}, answer.text

    # --- what to ask for ------------------------------------------------------------------

    def think(self):
        """The next request."""
        self.times += 1
        luck = self.chance.random()
        if luck < 0.4 and self.orders:
            return self.about(self.orders.pop(self.chance.randrange(len(self.orders))))
        if luck < 0.55:
            return self.adjustment()
        if luck < 0.75 and self.number % 4 == 0:
            return self.top_up()
        return self.order(is_paid=luck < 0.85)

    def about(self, order):
        """Something with an order: what its status allows, and sometimes what it does not."""
        luck = self.chance.random()
        if order.status == "pending" and luck < 0.75:
            refusal = 402 if order.amount == TOO_MUCH else 0
            wanted = {"method": "wallet"}
            return self.asked("pay", f"/orders/{order.id}/payments", wanted, order, refusal=refusal)
        if order.status in {"pending", "cancelled"} or luck < 0.1:
            refusal = 0 if order.status in {"pending", "cancelled"} else 409
            return self.asked("cancel", f"/orders/{order.id}/cancel", {}, order, refusal=refusal)
        return self.refund(order)

    def refund(self, order):
        """Of a part, of all that is left, or of more than that."""
        amount, part = order.left, {}
        if (luck := self.chance.random()) < 0.6:
            amount = self.chance.randint(1, max(1, order.left))
            part = {"amount": amount}
        elif luck < 0.7:
            part = {"amount": order.left + 1}
        refusal = 409 if part.get("amount", 0) > order.left or not order.left else 0
        wanted = {"to": "wallet", "reason": "damaged"} | part
        path = f"/orders/{order.id}/refunds"
        return self.asked("refund", path, wanted, order, amount, who="staff", refusal=refusal)

    def order(self, *, is_paid):
        """A new one, paid with one tap or not yet; one in ten is too dear."""
        amount = TOO_MUCH if self.chance.random() < 0.1 else self.chance.randint(1, PRICE_MAX)
        order = KnownOrder(f"{self.number}-{self.times}", self.customer, amount)
        wanted = order_of(amount, reference=order.reference)
        if not is_paid:
            return self.asked("order", "/orders", wanted, order)
        refusal = 402 if amount == TOO_MUCH else 0
        return self.asked("tap", "/orders", wanted | {"pay_with": "wallet"}, order, refusal=refusal)

    def adjustment(self):
        kind = self.chance.choice(("credit", "debit"))
        is_too_much = kind == "debit" and self.chance.random() < 0.2
        amount = TOO_MUCH if is_too_much else self.chance.randint(1, PRICE_MAX)
        wanted = {"amount": amount, "direction": kind, "reason_code": "correction"}
        path, refusal = f"/customers/{self.customer}/adjustments", 402 if is_too_much else 0
        return self.asked(kind, path, wanted, amount=amount, who="staff", refusal=refusal)

    def top_up(self):
        amount = self.chance.randint(100, 1_000)
        wanted = {"amount": amount, "currency": "INR", "gateway": "razorpay"}
        return self.asked("top_up", "/topups", wanted, amount=amount)

    def asked(self, kind, path, body, order=None, amount=0, *, who=None, refusal=0):
        return Asked(
            kind=kind,
            key=f"{self.number}-{self.times}",
            who=who or self.customer,
            path=path,
            body=body,
            customer=self.customer,
            amount=amount,
            refusal=refusal,
            order=order,
        )


def kill_in(wait_s, fork, life=None):
    time.sleep(wait_s)
    if life is not None:
        life.is_over = True
    fork.kill()


async def open_wallets(shop, shoppers):
    for shopper in shoppers[::4]:
        wanted = {"amount": OPENING, "reason_code": "opening_balance"}
        path = f"/customers/{shopper.customer}/adjustments"
        asked = shopper.asked("credit", path, wanted, amount=OPENING, who="staff")
        shopper.unknown.append(asked)
        await shopper.ask(Life(shop), asked)


async def shop_until_killed(fork, shop, shoppers, moments):
    """All at once; returns whether the kill has cut a request."""
    life = Life(shop)
    async with asyncio.TaskGroup() as tasks:
        for shopper in shoppers:
            tasks.create_task(shopper.shop(life))
        if moments.random() < 0.8:  # on a busy machine there would be nothing to cut before
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_ANSWER_S):
                    await life.answered.wait()
        # From a thread: in the loop itself it would only come between two requests.
        # Soon after the first answer others are on their way: done, and never heard of.
        wait_s = moments.uniform(0, moments.choice((0.003, 0.05, 0.25)))
        await asyncio.to_thread(kill_in, wait_s, fork, life)
    return life.cut > 0


async def check_all(shop, shoppers, journal, provider):
    """Within a minute of a restart nothing is unknown, and the books are what the journal says."""
    life = Life(shop)
    async with asyncio.TaskGroup() as tasks:
        for shopper in shoppers:
            tasks.create_task(shopper.learn(life))
    for _, body, headers in await provider.new_events():  # as if none had been delivered
        answer = await shop.announce(body, headers=headers)
        assert answer.status_code == 200, answer.text
    payments = await provider.payments()
    captured = [payment for payment in payments if payment["status"] == "captured"]

    async def credited():
        count = "select count(*) as times from batua_capture"
        return (await read_rows(shop.program.database_url, count))[0]["times"]

    await shop.until(credited, len(captured), within_s=RECOVERY_S - life.age_s)
    again = min(ASKED_AGAIN, len(journal.heard))
    for heard in shoppers[0].chance.sample(journal.heard, again):
        await journal.repeat(shop, heard)
    await assert_books_agree(shop.program.database_url, journal, payments)
    verified = await asyncio.to_thread(
        run_batua, "verify", "--quiet", environ=shop.program.environ, cwd=shop.program.cwd
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return len(captured)


async def test_killed_at_any_moment_every_acknowledged_request_has_its_effect_exactly_once(
    empty_url, tmp_path, dialect_name, soak
):
    kills = int(os.environ.get("BATUA_TEST_KILLS", SOAK_KILLS if soak else KILLS))
    lease_s = SHORT_LEASE_S if kills == KILLS else LEASE_S
    moments, journal, begun = random.Random(dialect_name), Journal(), time.monotonic()
    variables = VARIABLES | {"BATUA_CUSTOMER_ORDERS": "on", "BATUA_APPROVAL_LIMIT": str(OPENING)}
    under_load = hits = 0
    async with open_provider() as provider:
        shoppers = [
            Shopper(number, dialect_name, journal, provider, lease_s) for number in range(CLIENTS)
        ]

        def tell_where(base):
            provider.simulator.webhook_url = f"{base}/api/v1/webhooks/razorpay"

        with forking(
            empty_url,
            cwd=tmp_path,
            on_start=tell_where,
            lease_s=lease_s,
            **variables,
            **provider.environ,
        ) as forks:
            async with forks.serving() as (_, shop):
                await open_wallets(shop, shoppers)
            for kill in range(1, kills + 1):
                if moments.random() < 0.1:  # while it starts, and may mend what the last one left
                    await asyncio.to_thread(kill_in, moments.uniform(0, 0.8), forks.start())
                else:
                    under_load += 1
                    async with forks.serving() as (fork, shop):
                        hits += await shop_until_killed(fork, shop, shoppers, moments)
                if kill % CHECKED_EVERY == 0 or kill == kills:
                    async with forks.serving() as (_, shop):
                        captured = await check_all(shop, shoppers, journal, provider)

    print(
        f"\n{kills} kills, {hits} of {under_load} under load cut a request:"
        f" {len(journal.heard)} answers, {journal.resolved} after a kill had cut them"
        f" ({journal.had_happened} had happened), the slowest {journal.slowest_s:.1f} s after a"
        f" restart; {journal.replayed} replayed; {dict(journal.count)}, {captured} top-ups,"
        f" {journal.refused.total()} refused; {(time.monotonic() - begun) / kills:.2f} s a kill"
    )
    assert hits >= kills / 5, "too few kills hit a request: this proves little"
    assert journal.resolved >= kills / 5
    assert journal.slowest_s < RECOVERY_S
    if kills >= CHECKED_EVERY:
        assert journal.had_happened > 0, "each was cut before it was done"
    assert journal.refused["insufficient_funds"] > 0
    assert {"order_payment", "refund_to_wallet", "adjustment_debit"} <= journal.count.keys()
