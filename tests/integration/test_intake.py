"""What was only authorized: taken while it is wanted, let go when it is not, once in any case."""

import asyncio

import pytest

from tests.support.shop import open_shop


@pytest.fixture
async def shop(database_url, clock):
    """A shop whose Razorpay leaves the capture to it."""
    manual = {"BATUA_RAZORPAY_CAPTURE": "manual"}
    async with open_shop(database_url, clock, environ=manual) as opened:
        yield opened


async def authorized(shop, opened, **changes):
    reference = opened["payment"]["provider_reference"]
    return await shop.provider.pay(reference, "authorized", **changes)


async def statuses(shop):
    """What the provider says of each try."""
    return [payment["status"] for payment in await shop.provider.payments()]


async def test_an_authorized_top_up_is_captured(shop):
    opened = await shop.open_top_up()
    await authorized(shop, opened)
    await shop.hear()
    assert await statuses(shop) == ["captured"]
    assert await shop.balance() == 50_000
    await shop.hear(times=2)
    assert len(await shop.rows("capture")) == 1


async def test_an_authorized_order_is_captured(shop):
    order = (await shop.create_order())["id"]
    await authorized(shop, await shop.pay_by_gateway(order))
    await shop.hear()
    assert (await shop.row("order", order))["status"] == "paid"


async def test_the_poller_captures_what_no_webhook_told(shop):
    await authorized(shop, await shop.open_top_up())
    await shop.work(5)
    assert await shop.balance() == 50_000


async def test_the_browser_is_enough(shop):
    opened = await shop.open_top_up()
    proof = await authorized(shop, opened)
    await shop.batua.top_ups.confirm(opened["top_up"]["id"], proof)
    assert await shop.balance() == 50_000


async def test_webhook_poller_and_browser_at_once_capture_once(shop):
    opened = await shop.open_top_up()
    proof = await authorized(shop, opened)
    shop.clock.advance(5)
    await asyncio.gather(
        shop.hear(times=3),
        shop.batua.worker.run_once(),
        shop.batua.top_ups.confirm(opened["top_up"]["id"], proof),
    )
    assert await statuses(shop) == ["captured"]
    assert await shop.balance() == 50_000
    assert len(await shop.rows("capture")) == 1


@pytest.mark.parametrize("fault", ["500_after_effect", "html", "connection_reset"])
async def test_a_capture_whose_answer_is_lost_is_looked_up(shop, fault):
    await authorized(shop, await shop.open_top_up())
    await shop.provider.spoil(fault, path="/capture")
    await shop.hear()
    await shop.work(60)
    assert await statuses(shop) == ["captured"]
    assert await shop.balance() == 50_000
    assert len(await shop.rows("capture")) == 1


async def test_a_failed_payment_that_is_authorized_late_is_captured(shop):
    opened = await shop.open_top_up()
    reference = opened["payment"]["provider_reference"]
    await shop.provider.pay(reference, "failed")
    await shop.hear()
    assert (await shop.row("top_up", opened["top_up"]["id"]))["status"] == "failed"
    await authorized(shop, opened)
    await shop.hear()
    assert (await shop.row("top_up", opened["top_up"]["id"]))["status"] == "succeeded"
    assert await shop.balance() == 50_000


async def test_what_is_no_longer_wanted_is_not_taken(shop):
    order = (await shop.create_order())["id"]
    opened = await shop.pay_by_gateway(order)
    await shop.cancel(order)
    await authorized(shop, opened)
    await shop.hear()
    await shop.work(60)
    assert await statuses(shop) == ["authorized"]
    assert await shop.rows("capture") == []


async def test_a_top_up_that_is_over_is_not_taken(shop):
    opened = await shop.open_top_up()
    await shop.work(3_700)
    assert (await shop.row("top_up", opened["top_up"]["id"]))["status"] == "expired"
    await authorized(shop, opened)
    await shop.hear()
    assert await statuses(shop) == ["authorized"]
    assert await shop.balance() == 0


async def test_another_amount_than_was_asked_is_not_taken(shop):
    await authorized(shop, await shop.open_top_up(), amount=49_999)
    await shop.hear()
    assert await statuses(shop) == ["authorized"]
    assert await shop.rows("capture") == []
