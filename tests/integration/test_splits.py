"""Split payments: the wallet's share is held, and captured with the gateway's."""

import asyncio
from datetime import timedelta

from batua.wallets import AdjustmentKind, read_lots

HOURS = 3600


async def split(shop, amount=50_000, has=20_000):
    await shop.give(has)
    order = (await shop.create_order(amount))["id"]
    return order, await shop.pay_split(order)


async def pay(shop, opened):
    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()


async def state(shop, order):
    row = await shop.row("order", order)
    return row["status"], row["paid_from_wallet"], row["paid_by_gateway"]


async def test_both_shares_are_taken_when_the_gateways_share_arrives(shop):
    order, opened = await split(shop)

    assert (opened.status, opened["payment"]["amount"]) == (201, 30_000)
    assert (await shop.wallet()).held == 20_000
    await pay(shop, opened)

    assert await state(shop, order) == ("paid", 20_000, 30_000)
    wallet = await shop.wallet()
    assert (wallet.posted, wallet.held) == (0, 0)


async def test_a_wallet_that_has_it_all_pays_at_once(shop):
    order, opened = await split(shop, has=50_000)

    assert (opened["payment"], await state(shop, order)) == (None, ("paid", 50_000, 0))


async def test_an_empty_wallet_leaves_all_to_the_gateway(shop):
    order = (await shop.create_order(50_000))["id"]
    opened = await shop.pay_split(order)

    assert opened["payment"]["amount"] == 50_000
    await pay(shop, opened)
    assert await state(shop, order) == ("paid", 0, 50_000)


async def test_a_cancelled_order_gives_its_share_back_and_late_money_is_paid_credit(shop):
    order, opened = await split(shop)
    await shop.cancel(order)
    assert (await shop.wallet()).held == 0

    await pay(shop, opened)

    assert await state(shop, order) == ("cancelled", 0, 0)
    assert await shop.balance() == 50_000


async def test_a_share_whose_time_was_up_is_taken_again_if_it_is_there(shop):
    order, opened = await split(shop)
    await shop.work(2 * HOURS)
    assert [row["status"] for row in await shop.rows("hold")] == ["expired"]

    await pay(shop, opened)

    assert await state(shop, order) == ("paid", 20_000, 30_000)


async def test_a_capture_whose_share_is_gone_becomes_paid_credit(shop):
    order, opened = await split(shop)
    await shop.work(2 * HOURS)
    await shop.create_order(1, pay=True)

    await pay(shop, opened)

    assert await state(shop, order) == ("pending", 0, 0)
    assert await shop.balance() == 49_999


async def test_one_tap_on_a_split_order_lets_go_of_its_share_first(shop):
    order, _ = await split(shop)
    await shop.give(30_000)

    await shop.pay_from_wallet(order)

    assert await state(shop, order) == ("paid", 50_000, 0)
    assert (await shop.wallet()).held == 0


async def test_two_splits_at_once_hold_one_share(shop):
    await shop.give(20_000)
    order = (await shop.create_order(50_000))["id"]

    first, second = await asyncio.gather(shop.pay_split(order), shop.pay_split(order))

    assert (await shop.wallet()).held == 20_000
    await pay(shop, first)
    assert await state(shop, order) == ("paid", 20_000, 30_000)
    await pay(shop, second)
    assert await shop.balance() == 30_000


async def test_the_same_key_holds_once(shop):
    await shop.give(20_000)
    order = (await shop.create_order(50_000))["id"]

    first = await shop.pay_split(order, key="k")
    again = await shop.pay_split(order, key="k")

    assert again.replayed
    assert again.body == first.body
    assert len(await shop.rows("hold")) == 1


async def test_a_refund_gives_the_wallets_share_back_to_its_lots_in_reverse(shop):
    await shop.give(10_000)
    later = shop.clock.now() + timedelta(days=1)
    bonus = shop.adjustment(10_000, kind=AdjustmentKind.BONUS, expires_at=later)
    await shop.batua.engine.submit(bonus)
    order = (await shop.create_order(50_000))["id"]
    await pay(shop, await shop.pay_split(order))

    await shop.refund(order, "wallet", 12_000)

    lots = await read_lots(shop.batua.database, await shop.wallet())
    assert [(lot.kind, lot.remaining) for lot in lots] == [("bonus", 2_000), ("paid", 10_000)]
    await shop.refund(order, "wallet")
    lots = await read_lots(shop.batua.database, await shop.wallet())
    assert [(lot.kind, lot.remaining) for lot in lots] == [
        ("bonus", 10_000), ("refund", 30_000), ("paid", 10_000)
    ]  # fmt: skip


async def test_a_bonus_that_is_over_expires_though_nobody_touches_the_wallet(shop):
    later = shop.clock.now() + timedelta(hours=1)
    bonus = shop.adjustment(500, kind=AdjustmentKind.BONUS, expires_at=later)
    await shop.batua.engine.submit(bonus)

    await shop.work(HOURS)

    assert await shop.balance() == 0
    assert [row["kind"] for row in await shop.transfers()] == ["adjustment_credit", "bonus_expiry"]
