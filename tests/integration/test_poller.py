"""The poller: asks ever more rarely, and makes good what no webhook told."""

import logging
from datetime import timedelta
from itertools import pairwise

import pytest

from batua.errors import TryAgain
from tests.support.shop import open_shop


async def due_in(shop, payment):
    row = await shop.row("payment", payment)
    waits = row["next_poll_at"] and row["next_poll_at"] - shop.clock.now()
    return waits and waits.total_seconds()


async def test_delays_grow_to_an_hour_and_stop_after_six_days(shop):
    opened = await shop.open_top_up()
    payment = opened["payment"]["id"]
    waits = [await due_in(shop, payment)]
    while waits[-1] is not None and len(waits) < 400:
        await shop.work(after_s=waits[-1])
        waits.append(await due_in(shop, payment))

    grown = [wait for wait in waits if wait]
    assert grown[0] == 5
    assert all(later in {wait, 2 * wait, 3600} for wait, later in pairwise(grown))
    assert len(grown) > 140
    assert max(wait for wait in waits if wait) == 3600
    assert waits[-1] is None
    age = shop.clock.now() - (await shop.row("payment", payment))["created_at"]
    assert timedelta(days=6) < age < timedelta(days=6, hours=2)


async def test_nothing_is_asked_before_it_is_due(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(opened["payment"]["provider_reference"])

    await shop.work(after_s=4)
    assert await shop.balance() == 0
    await shop.work(after_s=1)
    assert await shop.balance() == 50_000


async def test_lost_webhooks_of_orders_are_made_good(shop):
    order = (await shop.create_order())["id"]
    opened = await shop.pay_by_gateway(order)
    await shop.provider.pay(opened["payment"]["provider_reference"])

    await shop.work(after_s=6)

    assert (await shop.row("order", order))["status"] == "paid"
    assert (await shop.row("payment", opened["payment"]["id"]))["next_poll_at"] is None


async def test_an_order_whose_payment_expired_stays_payable(shop):
    order = (await shop.create_order())["id"]
    opened = await shop.pay_by_gateway(order)

    await shop.work(after_s=4_000)

    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "expired"
    assert (await shop.row("order", order))["status"] == "pending"


async def test_a_payment_that_expires_while_its_money_comes_is_credited_not_expired(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(opened["payment"]["provider_reference"])

    await shop.work(after_s=4_000)

    assert (await shop.row("top_up", opened["top_up"]["id"]))["status"] == "succeeded"


async def test_an_answer_that_never_came_is_mended(shop):
    # The order is made, every answer about it is lost, and the customer goes away.
    await shop.provider.spoil("500_after_effect", path="/orders", times=20)
    with pytest.raises(TryAgain):
        await shop.open_top_up()
    (payment,) = await shop.rows("payment")
    assert (payment["status"], payment["provider_reference"]) == ("created", None)
    await shop.provider.heal()

    await shop.work(after_s=6)

    (payment,) = await shop.rows("payment")
    assert payment["status"] == "pending"
    await shop.provider.pay(payment["provider_reference"])
    await shop.hear()
    assert await shop.balance() == 50_000


async def test_a_provider_that_is_away_is_asked_again_later(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.provider.down()
    await shop.work(after_s=6)
    assert await shop.balance() == 0

    await shop.provider.up()
    await shop.work(after_s=11)

    assert await shop.balance() == 50_000


async def test_what_is_final_or_unknown_is_not_asked_about(shop):
    top_up = await shop.topped_up()
    (payment,) = await shop.rows("payment", f"top_up_id = '{top_up}'")
    await shop.provider.down()

    await shop.batua.poller.poll(payment["id"])
    await shop.batua.poller.poll("pmt_none")

    assert (await shop.row("payment", payment["id"]))["polls"] == 0


async def test_a_gateway_that_is_off_holds_up_nobody(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        opened = await shop.open_top_up()
        await shop.provider.pay(opened["payment"]["provider_reference"])
        async with open_shop(
            database_url, clock, provider=shop.provider, environ={"BATUA_RAZORPAY_KEY_ID": ""}
        ) as off:
            await off.work(after_s=6)
        await shop.work(after_s=60)
        assert await shop.balance() == 50_000


async def told(shop, count):
    for _ in range(250):
        if [message["status"] for message in await shop.messages()] == ["sent"] * count:
            return
        await shop.pause()
    pytest.fail(f"not {count} messages sent: {await shop.messages()}")


async def test_the_worker_does_all_of_it_by_itself(shop):
    await shop.give(1_000)
    opened = await shop.open_top_up()
    await shop.provider.pay(opened["payment"]["provider_reference"])
    for _, body, headers in await shop.provider.new_events():
        await shop.receive(body, headers)
    shop.clock.advance(6)

    shop.batua.worker.start()
    await told(shop, 1)
    await shop.create_order(1_000, pay=True)
    await told(shop, 2)
    await shop.batua.worker.stop()

    assert await shop.balance() == 50_000
    assert {event["status"] for event in await shop.rows("inbox")} == {"applied"}


async def test_a_duty_that_fails_stops_no_other(shop, caplog):
    caplog.set_level(logging.ERROR, "batua.worker")
    await shop.run("alter table batua_inbox rename to batua_inbox_away")
    await shop.paid_order()

    shop.batua.worker.start()
    await told(shop, 1)
    await shop.batua.worker.stop()

    await shop.run("alter table batua_inbox_away rename to batua_inbox")
    assert "'inbox' failed and is tried again" in caplog.text


async def test_a_process_whose_clock_was_ahead_delays_nobodys_looks_messages_or_keys(shop):
    ahead = shop.clock.now() + timedelta(seconds=299)
    await shop.run("update batua_ledger set last_at = $1", ahead)

    await shop.topped_up()

    (payment,) = await shop.rows("payment")
    (message,) = await shop.messages()
    (key,) = await shop.rows("idempotency")
    assert payment["created_at"] == ahead
    assert payment["expires_at"] < ahead + timedelta(seconds=shop.batua.settings.top_up_expiry_s)
    assert message["next_attempt_at"] == shop.clock.now()
    assert key["lease_until"] == shop.clock.now() + timedelta(seconds=30)
