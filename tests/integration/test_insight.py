"""The dashboard's figures on what the rooms themselves post, and beside what their tables say."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from batua.insight import Counter, Insight
from batua.insight.gateways import percentile
from tests.support.disputes import dispute, provider_payment, refunded_there
from tests.support.recount import Recount, read_ledger
from tests.support.shop import open_shop

BONUS = {"top_up_bonus_percent": 10, "top_up_bonus_days": 3}
DAY = 86_400


async def total(shop, what, of):
    row = await shop.batua.database.fetch_one(
        f"select coalesce(cast({what} as bigint), 0) as total from {of}"
    )
    return row["total"]


async def tables_say(shop):
    """The same figures, of all time, as orders, captures, refunds and disputes have them."""
    paid = "batua_order where status not in ('pending', 'cancelled')"
    return {
        "top_ups": await total(shop, "count(*)", "batua_capture where top_up_id is not null"),
        "top_ups_amount": await total(
            shop, "sum(amount)", "batua_capture where top_up_id is not null"
        ),
        "orders": await total(shop, "count(*)", paid),
        "spend": await total(shop, "sum(amount)", paid),
        "refunds": await total(shop, "count(*)", "batua_refund"),  # one of which failed after all
        "refunds_amount": await total(
            shop, "sum(amount)", "batua_refund where status = 'succeeded'"
        ),
        "disputes_amount": await total(shop, "sum(amount)", "batua_dispute where status <> 'won'"),
    }


async def a_week(shop):
    """Something of everything, over several days."""
    await shop.topped_up(50_000)
    spent = await shop.topped_up(20_000, "binod")
    odd = await shop.topped_up(10_000, "chitra")
    await shop.work(DAY)
    by_wallet = (await shop.create_order(30_000, pay=True))["id"]
    await shop.create_order(22_000, "binod", pay=True)
    by_gateway = await shop.paid_order(8_000, by="gateway", customer="chitra")
    split = (await shop.create_order(90_000))["id"]
    opened = await shop.pay_split(split)
    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    await shop.work(DAY)
    await shop.refund(by_wallet, amount=10_000)
    await shop.refund(split)
    await shop.refund(by_gateway, "source", amount=3_000)
    await shop.work(60)
    await shop.hear()
    await refunded_there(shop, await provider_payment(shop, order_id=by_gateway), 2_000, id="r2")
    await refunded_there(shop, await provider_payment(shop, top_up_id=odd), 4_000, id="r3")
    await refunded_there(
        shop, await provider_payment(shop, top_up_id=odd), 4_000, "failed", id="r3"
    )
    await shop.refund_top_up(odd, 1_000)
    await shop.work(60)
    await shop.hear()
    await shop.work(DAY)
    payment = await provider_payment(shop, top_up_id=spent)
    await dispute(shop, payment, "lost", 20_000)
    await shop.give(5_000, "binod")
    await dispute(shop, payment, "won", 20_000)
    order = await provider_payment(shop, order_id=by_gateway)
    await dispute(shop, order, "open", 3_000, id="disp_2")
    await shop.work(3 * DAY)  # bonuses expire


async def test_all_figures_are_what_the_ledger_and_the_tables_say(database_url, clock):
    async with open_shop(database_url, clock, **BONUS) as shop:
        await a_week(shop)
        board = await shop.batua.insight.read(30)
        recount = Recount(await read_ledger(shop.batua.database))
        since = clock.now().date() - timedelta(days=29)
        wanted = recount.days(since, clock.now().date(), "INR")
        assert [msgspec.structs.asdict(day) for day in board.days] == wanted

        sums = {
            name: sum(getattr(day, name) for day in board.days) for name in await tables_say(shop)
        }
        assert sums == await tables_say(shop)
        (money,) = board.money
        assert money.liability == board.days[-1].liability > 0
        wallets = await total(shop, "sum(posted)", "batua_account where kind = 'wallet'")
        assert money.liability == wallets
        assert money.held == await total(shop, "sum(held)", "batua_account where kind = 'wallet'")
        assert board.uncounted == 0

        before = board
        await shop.batua.counter.count()
        after = await shop.batua.insight.read(30)
        assert (after.days, after.cohorts, after.top_customers) == (
            before.days, before.cohorts, before.top_customers,
        )  # fmt: skip
        assert await shop.batua.counter.differing() == []


async def test_counted_by_several_at_once_each_transfer_counts_once(shop, open_more, database_url):
    for number in range(30):
        await shop.give(100 + number)
    counters = [Counter(await open_more(database_url, pool_size=2)) for _ in range(3)]
    await asyncio.gather(*(counter.count() for counter in counters for _ in range(2)))
    assert await counters[0].differing() == []
    board = await shop.batua.insight.read(7)
    assert board.days[-1].liability == await shop.balance() == sum(range(100, 130))


async def test_what_differs_is_named_and_counting_again_puts_it_right(shop):
    await shop.topped_up(50_000)
    await shop.create_order(30_000, pay=True)
    await shop.batua.counter.count()
    await shop.run("update batua_day_figure set total = total + 1 where figure = 'top_ups'")
    await shop.run("delete from batua_customer_month")
    assert await shop.batua.counter.differing() == [
        "batua_customer_month asha:INR:2026-11",
        "batua_day_figure 2026-11-22:INR:top_ups",
    ]
    assert await shop.batua.counter.rebuild() == 2
    assert await shop.batua.counter.differing() == []


async def test_a_reader_counts_some_of_the_rest_and_says_what_is_missing(shop):
    batua = shop.batua
    insight = Insight(
        batua.database, batua.silence, batua.signs, now=batua.now, currency="INR", rest_max=2
    )
    for _ in range(3):
        await shop.give(100)
    board = await insight.read(7)
    assert (board.uncounted, board.days[-1].liability) == (1, 200)
    await batua.counter.count()
    board = await insight.read(7)
    assert (board.uncounted, board.days[-1].liability) == (0, 300)


async def test_an_empty_shop_has_zeros(shop):
    board = await shop.batua.insight.read(7)
    assert len(board.days) == 7
    assert all(day.currency == "INR" for day in board.days)
    assert not any(value for day in board.days for value in msgspec.structs.astuple(day)[2:])
    assert [money.liability for money in board.money] == [0]
    assert [row.gateway for row in board.gateways] == ["razorpay"]
    assert board.gateways[0].success_percent is None
    assert not any(row.count for row in board.queues)
    assert (board.uncounted, board.cohorts, board.top_customers) == (0, [], [])


async def test_gateways_and_queues_say_what_is_decided_and_what_waits(shop, clock):
    for _ in range(3):
        await shop.topped_up(10_000)
    failing = await shop.open_top_up()
    await shop.provider.pay(failing["payment"]["provider_reference"], outcome="failed")
    clock.advance(2)
    await shop.hear()
    await shop.open_top_up()
    order = await shop.paid_order()
    await shop.refund(order, "wallet", amount=20_000, approval_limit=0)
    await shop.batua.engine.submit(shop.adjustment(700, approval_limit=0))
    board = await shop.batua.insight.read(7)
    (row,) = board.gateways
    assert (row.opened, row.succeeded, row.failed, row.open) == (5, 3, 1, 1)
    assert (row.success_percent, row.is_silent) == (75.0, False)
    assert row.last_webhook_at == clock.now()
    waits = {row.queue: row.count for row in board.queues if row.count}
    assert waits.pop("messages_waiting") == 4  # three top-ups and the order
    assert waits == {"refunds_awaiting_approval": 1, "adjustments_awaiting_approval": 1}


@pytest.mark.parametrize(
    ("lags", "p50", "p95"), [([], None, None), ([7.0], 7.0, 7.0), (range(1, 101), 50, 95)]
)
def test_percentiles_are_values_that_there_were(lags, p50, p95):
    assert (percentile(lags, 50), percentile(lags, 95)) == (p50, p95)
