"""Split payments when the gateway's money and something else come close together, or too late."""

import asyncio

import pytest

from batua.errors import Conflict
from tests.support.splits import (
    expiry,
    opened_split,
    order_is,
    pays,
    share_of,
    time_is_up,
    wallet_is,
)


async def capture_of(shop, opened):
    """Where the money of a split's payment went, and why."""
    captures = await shop.rows("capture", f"payment_id = '{opened['payment']['id']}'")
    return [(row["destination"], row["reason"]) for row in captures]


async def gone_by(shop, way, order, opened):
    """Lose the share in one of the ways in which it can go while the order stays pending."""
    if way == "expired":
        await time_is_up(shop)
        assert await share_of(shop, opened) == [("expired", 10_000, 0)]
    else:
        await pays(shop, opened, "failed")
        assert await share_of(shop, opened) == [("voided", 10_000, 0)]
    assert await order_is(shop, order) == ("pending", 0, 0)


# --- the share is gone --------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["expired", "failed"])
async def test_late_money_takes_the_share_again_where_the_wallet_still_has_it(shop, way):
    order, opened = await opened_split(shop)
    await gone_by(shop, way, order, opened)

    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (0, 0)
    assert await capture_of(shop, opened) == [("order", "order")]
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "succeeded"
    assert len(await shop.messages("order_paid")) == 1


@pytest.mark.parametrize("way", ["expired", "failed"])
async def test_late_money_becomes_paid_credit_where_the_share_was_spent(shop, way):
    order, opened = await opened_split(shop)
    await gone_by(shop, way, order, opened)
    await shop.create_order(1, pay=True)

    await pays(shop, opened)

    assert await order_is(shop, order) == ("pending", 0, 0)
    assert await capture_of(shop, opened) == [("wallet", "share_is_gone")]
    assert await wallet_is(shop) == (29_999, 0)
    (credit,) = await shop.transfers(kind="paid_credit")
    assert (credit["amount"], credit["reason"]) == (20_000, "share_is_gone")
    assert len(await shop.messages("top_up_succeeded")) == 1
    assert [row["order_id"] for row in await shop.messages("order_paid")] != [order]


async def test_an_order_whose_split_came_too_late_can_be_paid_from_what_came(shop):
    order, opened = await opened_split(shop)
    await time_is_up(shop)
    await shop.create_order(10_000, pay=True)
    await pays(shop, opened)
    await shop.give(10_000)

    paid = await shop.pay_from_wallet(order)

    assert paid["order"]["status"] == "paid"
    assert await order_is(shop, order) == ("paid", 30_000, 0)
    assert await shop.balance() == 0


async def test_a_frozen_wallet_still_pays_its_share_of_genuine_money(shop):
    order, opened = await opened_split(shop)
    await shop.freeze()

    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)


async def test_a_frozen_wallets_share_is_taken_again(shop):
    order, opened = await opened_split(shop)
    await time_is_up(shop)
    await shop.freeze()

    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (0, 0)


async def test_late_money_of_a_cancelled_order_becomes_paid_credit(shop):
    order, opened = await opened_split(shop)
    await shop.cancel(order)

    await pays(shop, opened)

    assert await order_is(shop, order) == ("cancelled", 0, 0)
    assert await capture_of(shop, opened) == [("wallet", "order_is_cancelled")]
    assert await wallet_is(shop) == (30_000, 0)


# --- more money than was wanted -----------------------------------------------------------------


async def test_a_second_capture_of_a_split_becomes_paid_credit(shop):
    order, opened = await opened_split(shop)

    await pays(shop, opened)
    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (20_000, 0)
    assert await capture_of(shop, opened) == [("order", "order"), ("wallet", "order_is_paid")]
    assert len(await shop.messages("order_paid")) == 1


@pytest.mark.parametrize("changes", [{"amount": 19_999}, {"amount": 30_000}, {"currency": "USD"}])
async def test_another_amount_goes_to_suspense_and_the_share_stays_until_its_time(shop, changes):
    order, opened = await opened_split(shop)

    await pays(shop, opened, **changes)

    assert [where for where, _ in await capture_of(shop, opened)] == ["suspense"]
    assert await order_is(shop, order) == ("pending", 0, 0)
    assert await share_of(shop, opened) == [("held", 10_000, 0)]
    await time_is_up(shop)
    assert await share_of(shop, opened) == [("expired", 10_000, 0)]


async def test_the_right_money_after_a_wrong_one_pays_the_order(shop):
    order, opened = await opened_split(shop)
    await pays(shop, opened, amount=19_999)

    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (0, 0)


# --- two splits ---------------------------------------------------------------------------------


async def test_the_payment_of_a_first_split_takes_its_share_from_the_second(shop):
    order, first = await opened_split(shop)
    await shop.give(5_000)
    second = await shop.pay_split(order)

    await pays(shop, first)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await share_of(shop, second) == [("voided", 15_000, 0)]
    assert (await shop.row("payment", second["payment"]["id"]))["status"] == "cancelled"
    assert await wallet_is(shop) == (5_000, 0)

    await pays(shop, second)
    assert await wallet_is(shop) == (20_000, 0)
    assert await order_is(shop, order) == ("paid", 10_000, 20_000)


async def test_a_first_split_that_wants_more_than_there_is_leaves_the_second_alone(shop):
    order, first = await opened_split(shop)
    await pays(shop, first, "failed")
    await shop.create_order(4_000, pay=True)
    second = await shop.pay_split(order)

    await pays(shop, first)

    assert await capture_of(shop, first) == [("wallet", "share_is_gone")]
    assert await share_of(shop, second) == [("held", 6_000, 0)]
    await pays(shop, second)
    assert await order_is(shop, order) == ("paid", 6_000, 24_000)
    assert await wallet_is(shop) == (20_000, 0)


# --- at once ------------------------------------------------------------------------------------


async def test_many_splits_at_once_hold_the_money_once(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]

    opened = await asyncio.gather(*(shop.pay_split(order) for _ in range(6)))

    assert await wallet_is(shop) == (10_000, 10_000)
    held = [one for one in opened if (await share_of(shop, one))[0][0] == "held"]
    assert len(held) == 1
    open_payments = await shop.rows("payment", "status = 'pending'")
    assert [row["id"] for row in open_payments] == [held[0]["payment"]["id"]]
    await asyncio.gather(*(shop.provider.pay(reference_of(one)) for one in opened))
    await shop.hear()
    # The first to arrive pays the order; the others' money is the customer's.
    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (100_000, 0)


async def test_many_splits_at_once_pay_once_where_the_wallet_has_all(shop):
    await shop.give(100_000)
    order = (await shop.create_order(30_000))["id"]

    opened = await asyncio.gather(
        *(shop.pay_split(order) for _ in range(6)), return_exceptions=True
    )

    for one in opened:
        if isinstance(one, Conflict):  # it looked when the order was paid already
            assert one.code == "order_not_pending"
        else:
            assert (one.status, one["order"]["status"]) == (201, "paid")
    assert await wallet_is(shop) == (70_000, 0)
    assert len(await shop.transfers(order_id=order)) == 1


async def test_splits_of_many_orders_at_once_never_hold_more_than_there_is(shop):
    await shop.give(10_000)
    orders = [(await shop.create_order(6_000))["id"] for _ in range(4)]

    opened = await asyncio.gather(*(shop.pay_split(order) for order in orders))

    assert await wallet_is(shop) == (4_000, 4_000)
    rests = sorted(one["payment"]["amount"] if one["payment"] else 0 for one in opened)
    assert rests == [0, 2_000, 6_000, 6_000]


async def test_cancelling_while_the_money_arrives_ends_in_one_way(shop):
    for _ in range(4):
        order, opened = await opened_split(shop)
        await shop.provider.pay(reference_of(opened))

        cancelled, _ = await asyncio.gather(shop.cancel(order), shop.hear())

        status, _, gateway = await order_is(shop, order)
        if cancelled.status == 201:
            assert (status, gateway) == ("cancelled", 0)
            assert await wallet_is(shop) == (30_000, 0)
        else:
            assert (status, gateway) == ("paid", 20_000)
            assert cancelled["code"] == "order_not_pending"
            assert await wallet_is(shop) == (0, 0)
        await spend_all(shop)


async def test_paying_from_the_wallet_while_the_money_arrives_pays_once(shop):
    for _ in range(4):
        order, opened = await opened_split(shop)
        await shop.give(20_000)
        await shop.provider.pay(reference_of(opened))

        paid, _ = await asyncio.gather(shop.pay_from_wallet(order), shop.hear())

        status, wallet, gateway = await order_is(shop, order)
        assert (status, wallet + gateway) == ("paid", 30_000)
        assert wallet == (30_000 if paid.status == 201 else 10_000)
        assert await wallet_is(shop) == (20_000, 0)
        await spend_all(shop)


async def test_expiry_while_the_money_arrives_pays_the_order(shop):
    order, opened = await opened_split(shop)
    await shop.provider.pay(reference_of(opened))
    shop.clock.advance(shop.batua.settings.top_up_expiry_s + 15 * 60)
    (hold,) = await expiry(shop).due_holds(10)

    await asyncio.gather(expiry(shop).expire_hold(hold), shop.hear())

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (0, 0)


def reference_of(opened):
    return opened["payment"]["provider_reference"]


async def spend_all(shop):
    """An empty wallet for the next round."""
    if balance := await shop.balance():
        assert (await shop.create_order(balance, pay=True))["status"] == "paid"
