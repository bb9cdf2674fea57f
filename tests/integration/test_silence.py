"""The alarm for webhooks that have stopped: begins and ends once, and only with good reason."""

import logging

import pytest

from batua.inbox import Hearing
from tests.support.api import open_api
from tests.support.provider import signed


async def found(shop, times=3):
    """Payments that the poller found: no webhook told of them."""
    for _ in range(times):
        opened = await shop.open_top_up()
        await shop.provider.pay(opened["payment"]["provider_reference"])
        await shop.work(after_s=6)
    # The simulator's clock is another: what counts is the time of the shop.
    await shop.run("update batua_capture set captured_at = created_at")


async def webhook(shop, name="one"):
    body = b'{"event":"something.else","id":"%s","payload":{}}' % name.encode()
    await shop.receive(body, signed(body, f"evt_{name}"))


async def is_silent(shop):
    return (await shop.batua.silence.hearings())["razorpay"].is_silent


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [
        (record.levelname, record.getMessage().partition(",")[0])
        for record in caplog.records
        if record.name == "batua.inbox.silence"
    ]


ALARM = ("ERROR", "razorpay takes money but sends no webhooks")
OVER = ("INFO", "razorpay sends webhooks again")


async def test_money_without_webhooks_is_an_alarm_once_until_one_comes(shop, said):
    await webhook(shop)
    shop.clock.advance(60)
    await found(shop)
    shop.clock.advance(3600)

    for _ in range(3):
        await shop.batua.silence.look()
    assert said() == [ALARM]

    shop.clock.advance(30 * 86_400)
    await shop.batua.silence.look()
    assert said() == [ALARM], "a quiet month says nothing of the webhooks"

    await webhook(shop, "two")
    for _ in range(2):
        await shop.batua.silence.look()
    assert said() == [ALARM, OVER]
    last = shop.clock.now()
    assert await shop.batua.silence.hearings() == {"razorpay": Hearing(last, is_silent=False)}


async def test_a_webhook_within_the_time_is_no_silence(shop):
    await webhook(shop)
    await found(shop)
    shop.clock.advance(3000)
    assert not await is_silent(shop)
    await webhook(shop, "two")
    shop.clock.advance(3600)
    assert not await is_silent(shop)
    shop.clock.advance(365 * 86_400)
    assert not await is_silent(shop), "nothing was captured since the last one"


async def test_two_captures_are_not_enough(shop):
    await webhook(shop)
    shop.clock.advance(3600)
    await found(shop, times=2)
    shop.clock.advance(3600)
    assert not await is_silent(shop)
    await found(shop, times=1)
    shop.clock.advance(300)
    assert await is_silent(shop)


async def test_captures_of_a_moment_ago_may_still_be_told_of(shop):
    await webhook(shop)
    shop.clock.advance(8 * 3600)
    await found(shop)
    assert not await is_silent(shop), "a shop wakes up in the morning"
    shop.clock.advance(300)
    assert await is_silent(shop)


async def test_webhooks_that_never_came_at_all_are_a_silence(shop, said):
    await shop.batua.silence.look()
    await found(shop)
    shop.clock.advance(300)
    await shop.batua.silence.look()
    assert said() == [ALARM]
    assert (await shop.batua.silence.hearings())["razorpay"] == Hearing(None, is_silent=True)


async def test_a_forged_webhook_ends_nothing(shop):
    await found(shop)
    shop.clock.advance(300)
    body = b"{}"
    with pytest.raises(Exception, match="signature"):
        await shop.receive(body, signed(body) | {"x-razorpay-signature": "0" * 64})
    assert await is_silent(shop)


async def test_health_shows_it(sqlite_url, clock):
    async with open_api(sqlite_url, clock) as api:
        assert await api.shop.batua.silence.hearings() == {
            "razorpay": Hearing(None, is_silent=False)
        }
        await webhook(api.shop)
        last = clock.now()
        clock.advance(7200)
        await found(api.shop)
        clock.advance(301)
        whole = (await api.get("/health", None)).json()
        assert whole["webhooks"] == {"razorpay": {"last": last.isoformat(), "silent": True}}
        assert whole["breakers"]["razorpay"] == "closed"
        assert whole["status"] == "ok"
