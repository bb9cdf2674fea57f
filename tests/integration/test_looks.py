"""What is not final is asked about ever more rarely, whatever state it is in, until it is final."""

from itertools import pairwise

import pytest

from batua.errors import TryAgain
from tests.support.shop import open_shop

DAYS = 86_400


async def wait_of(shop, table, id):
    """How long until the next look, in seconds; None where there is none."""
    at = (await shop.row(table, id))["next_poll_at"]
    return None if at is None else (at - shop.clock.now()).total_seconds()


async def waits_of(shop, table, id, times):
    waits = []
    for _ in range(times):
        waits.append(await wait_of(shop, table, id))
        await shop.work(after_s=waits[-1])
    return waits


async def payment_in(shop, state):
    """A payment that is ``created`` (its answer was lost), ``pending`` or ``failed``."""
    if state == "created":
        shop.provider.lose_next(b"POST /v1/orders", times=1_000)
        with pytest.raises(TryAgain):
            await shop.open_top_up()
    else:
        opened = await shop.open_top_up()
        if state == "failed":
            await shop.provider.pay(opened["payment"]["provider_reference"], "failed")
            await shop.hear()
    (payment,) = await shop.rows("payment")
    assert payment["status"] == state
    return payment["id"]


@pytest.mark.parametrize("state", ["created", "pending", "failed"])
async def test_a_payment_is_asked_about_ever_more_rarely(shop, state):
    waits = await waits_of(shop, "payment", await payment_in(shop, state), 6)
    assert waits[0] == 5
    assert all(later in {wait, 2 * wait} for wait, later in pairwise(waits))
    assert waits[-1] >= 80


async def test_an_authorized_payment_is_asked_about_until_it_is_final(shop):
    await shop.open_top_up()
    (payment,) = await shop.rows("payment")
    await shop.run("update batua_payment set status = 'authorized'")
    shop.clock.advance(30 * DAYS)
    await shop.work()
    assert await wait_of(shop, "payment", payment["id"]) is not None

    await shop.provider.pay(payment["provider_reference"])
    await shop.work(after_s=3600)
    assert (await shop.row("payment", payment["id"]))["status"] == "succeeded"
    assert await wait_of(shop, "payment", payment["id"]) is None


async def test_a_refund_that_is_open_at_the_provider_is_asked_about_until_it_is_not(shop):
    await shop.provider.refunds_end("pending")
    order = await shop.paid_order(30_000, by="gateway")
    refund = (await shop.refund(order, "source"))["id"]

    waits = await waits_of(shop, "refund", refund, 14)
    assert all(later <= 2 * wait for wait, later in pairwise(waits))
    assert waits[-1] == 3600
    shop.clock.advance(60 * DAYS)
    await shop.work()
    assert await wait_of(shop, "refund", refund) == 3600


async def test_only_the_provider_resolves_a_refund_whose_answer_was_lost(shop):
    order = await shop.paid_order(30_000, by="gateway")
    await shop.provider.spoil("timeout_after_effect", path="/refund")
    refund = (await shop.refund(order, "source"))["id"]
    assert (await shop.row("refund", refund))["status"] == "unknown"
    await shop.provider.down()
    for _ in range(3):
        await shop.work(after_s=7 * DAYS)
        assert (await shop.row("refund", refund))["status"] == "unknown"
    await shop.provider.up()
    for breaker in shop.batua.registry.breakers.values():
        breaker.answered()
    await shop.work(after_s=3600)
    assert (await shop.row("refund", refund))["status"] == "succeeded"


async def test_a_refund_that_never_arrives_is_sent_ever_more_rarely(database_url, clock):
    async with open_shop(database_url, clock, breaker_failures=1_000) as shop:
        order = await shop.paid_order(30_000, by="gateway")
        shop.provider.lose_next(b"POST /v1/payments", times=1_000)
        refund = (await shop.refund(order, "source"))["id"]
        waits = await waits_of(shop, "refund", refund, 6)
        assert all(later in {wait, 2 * wait} for wait, later in pairwise(waits))
        assert waits[-1] >= 80
