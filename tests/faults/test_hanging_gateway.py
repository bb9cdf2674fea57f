"""A gateway that hangs: whoever chose another one does not notice, and what hung is resolved.

Nothing is measured in seconds: what must not wait is done while what hangs is still hanging.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest

from batua.breaker import BreakerState
from batua.errors import TryAgain
from tests.support.plugins import PAPER, install
from tests.support.proxy import Cut
from tests.support.shop import open_shop

MANY = 30
PATIENCE_S = 30

BRISK = PAPER.replace('code="paper"', 'code="brisk"').replace("self.pages = 2", "self.pages = 1")
for _made, _asked in (
    ("async def create_payment(self, request):", "await self._ask()"),
    ("async def fetch_payment(self, request):", "await self._ask()"),
):
    BRISK = BRISK.replace(_made, f"{_made}\n        {_asked}")
BRISK += """
    async def _ask(self):
        answer = await self.transport.http.get(self.settings.secret)
        assert answer.status_code == 200
"""
"""A gateway over real HTTP, at the address that it is told as its secret."""


@asynccontextmanager
async def brisk_provider():
    """Answers at once, whatever it is asked."""

    async def answer(reader, writer):
        while await reader.read(65_536):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@asynccontextmanager
async def two_gateways(database_url, clock, tmp_path, monkeypatch, **settings):
    """A shop with Razorpay, behind a proxy that can hold its answers back, and Brisk."""
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, f"brisk_{tmp_path.name}", BRISK, value=f"brisk = brisk_{tmp_path.name}:Paper")
    async with (
        brisk_provider() as url,
        open_shop(database_url, clock, environ={"BATUA_BRISK_SECRET": url}, **settings) as shop,
    ):
        yield shop


@pytest.fixture
async def patient(database_url, clock, tmp_path, monkeypatch):
    """A shop that waits for its providers for as long as a test takes."""
    async with two_gateways(
        database_url, clock, tmp_path, monkeypatch, gateway_timeout_s=PATIENCE_S
    ) as shop:
        yield shop
        shop.provider._proxy.release()


@pytest.fixture
async def hasty(database_url, clock, tmp_path, monkeypatch):
    async with two_gateways(
        database_url, clock, tmp_path, monkeypatch, gateway_timeout_s=0.2
    ) as shop:
        yield shop
        shop.provider._proxy.release()


def hang(shop, request=b" /v1/", *, times=10_000):
    """Razorpay does what it is asked, and its answers wait."""
    shop.provider._proxy.arm(Cut.DELAY, statement=request, times=times)


async def at_razorpay(shop):
    """Until the first request has come by."""
    async with asyncio.timeout(PATIENCE_S):
        await shop.provider._proxy.met.wait()


async def start(shop, gateway, times=MANY):
    return [
        asyncio.create_task(shop.open_top_up(10_000 + number, gateway=gateway))
        for number in range(times)
    ]


async def test_payments_at_another_gateway_are_made_while_this_one_hangs(patient):
    hang(patient)
    hanging = await start(patient, "razorpay")
    await at_razorpay(patient)

    opened = await asyncio.gather(*await start(patient, "brisk"))

    assert [answer.status for answer in opened] == [201] * MANY
    assert not any(task.done() for task in hanging)
    patient.provider._proxy.release()
    assert [answer.status for answer in await asyncio.gather(*hanging)] == [201] * MANY
    assert len(patient.provider.orders()) == MANY


async def test_the_worker_looks_after_one_gateway_while_another_hangs(patient):
    for task in await start(patient, "razorpay"):
        opened = await task
        await patient.provider.pay(opened["payment"]["provider_reference"])
    patient.clock.advance(1)
    await asyncio.gather(*await start(patient, "brisk"))
    hang(patient)
    patient.clock.advance(6)  # Razorpay's are due first

    patient.batua.worker.start()
    await at_razorpay(patient)
    async with asyncio.timeout(PATIENCE_S):
        while len(await patient.rows("capture", "gateway = 'brisk'")) < MANY:
            await patient.pause()

    assert await patient.rows("capture", "gateway = 'razorpay'") == []
    patient.provider._proxy.release()
    patient.provider._proxy.arm(Cut.DELAY, times=0)
    async with asyncio.timeout(PATIENCE_S):
        while len(await patient.rows("capture", "gateway = 'razorpay'")) < MANY:
            patient.clock.advance(5)
            await patient.pause()
    assert await patient.balance() == 2 * sum(10_000 + number for number in range(MANY))


async def test_a_gateway_that_hangs_is_left_alone_and_what_hung_is_resolved(hasty):
    breaker = hasty.batua.registry.breakers["razorpay"]
    moment = 0.0
    breaker._now = lambda: moment
    hang(hasty)

    for task in await start(hasty, "razorpay", times=5):
        with pytest.raises(TryAgain):
            await task
    assert breaker.state is BreakerState.OPEN
    made = len(hasty.provider.orders())
    for task in await start(hasty, "razorpay", times=5):
        with pytest.raises(TryAgain):
            await task
    assert len(hasty.provider.orders()) == made, "nothing was sent any more"

    # Neither does the worker ask, nor lose looks by it; the other gateway goes on.
    opened = await hasty.open_top_up(7_000, gateway="brisk")
    await hasty.work(after_s=6)
    assert {row["polls"] for row in await hasty.rows("payment", "gateway = 'razorpay'")} == {0}
    brisk = await hasty.row("payment", opened["payment"]["id"])
    assert brisk["status"] == "succeeded"

    # It answers again: the poller finds what was made, and what was paid for it meanwhile.
    hasty.provider._proxy.release()
    hasty.provider._proxy.arm(Cut.DELAY, times=0)
    for order in hasty.provider.orders():
        await hasty.provider.pay(order["id"])
    paid = sum(order["amount"] for order in hasty.provider.orders())
    moment = 5.0
    for _ in range(5):
        await hasty.work(after_s=60)

    assert breaker.state is BreakerState.CLOSED
    assert made
    assert await hasty.balance() == 7_000 + paid
    captured = await hasty.rows("payment", "gateway = 'razorpay' and status = 'succeeded'")
    assert len(captured) == made
