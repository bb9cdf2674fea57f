"""A host's own order, paid from the wallet by the host's own number."""

import asyncio

import pytest

from batua.contract import Money
from batua.errors import Conflict, Forbidden, InsufficientFunds, InvalidRequest
from tests.support.shop import open_shop


async def test_the_reference_is_the_key(shop):
    await shop.give(50_000)
    pay, price = shop.batua.host_orders.pay, Money(30_000, "INR")
    orders = await asyncio.gather(*(pay("H-1", "asha", price) for _ in range(5)))
    assert {order["id"] for order in orders} == {orders[0]["id"]}
    assert (orders[0]["status"], await shop.balance()) == ("paid", 20_000)
    # What has gone back of it makes it no other order.
    await shop.refund(orders[0]["id"], "wallet", 10_000)
    assert (await pay("H-1", "asha", price))["status"] == "partially_refunded"
    assert await shop.balance() == 30_000


async def test_another_customer_price_or_currency_is_another_order_and_refused(shop):
    await shop.give(50_000)
    await shop.give(50_000, "ravi")
    pay = shop.batua.host_orders.pay
    await pay("H-1", "asha", Money(100, "INR"))
    for customer, money in (
        ("ravi", Money(100, "INR")), ("asha", Money(101, "INR")), ("asha", Money(100, "USD")),
    ):  # fmt: skip
        with pytest.raises(Conflict) as refused:
            await pay("H-1", customer, money)
        assert refused.value.code == "order_reference_exists"
    assert (await shop.balance(), await shop.balance("ravi")) == (49_900, 50_000)


async def test_without_the_money_there_is_no_order_and_an_unpaid_one_is_not_taken_for_it(shop):
    pay = shop.batua.host_orders.pay
    with pytest.raises(InsufficientFunds):
        await pay("H-1", "asha", Money(100, "INR"))
    assert await shop.rows("order") == []
    made = await shop.create_order(100, reference="H-1")
    await shop.give(1_000)
    for _ in range(2):
        with pytest.raises(Conflict):
            await pay("H-1", "asha", Money(100, "INR"))
        await shop.cancel(made["id"])
    with pytest.raises(InvalidRequest):
        await pay("H-2", "a/b", Money(100, "INR"))
    assert await shop.balance() == 1_000


async def test_wallets_rules_and_disabled_customers_hold_for_a_hosts_orders(sqlite_url, clock):
    async with open_shop(sqlite_url, clock, wallet_spend_per_day=500) as shop:
        await shop.give(5_000)
        batua, price = shop.batua, Money(300, "INR")
        paid = await batua.host_orders.pay("H-1", "asha", price)
        with pytest.raises(Conflict) as refused:
            await batua.host_orders.pay("H-2", "asha", price)
        assert refused.value.code == "exceeds_daily_spend"
        async with batua.identity.watch.running():
            await batua.identity.revocations.disable("asha", by="test")
            with pytest.raises(Forbidden) as disabled:
                await batua.host_orders.pay("H-3", "asha", Money(1, "INR"))
            assert disabled.value.code == "customer_disabled"
            assert (await batua.host_orders.pay("H-1", "asha", price))["id"] == paid["id"]
        assert await shop.balance() == 4_700


@pytest.mark.parametrize("named", ["reference", "description"])
async def test_a_card_number_is_kept_out_of_a_hosts_orders(shop, named):
    words = {"reference": "H-1", "description": "", named: "4111 1111 1111 1111"}
    with pytest.raises(InvalidRequest) as refused:
        await shop.batua.host_orders.pay(customer="asha", money=Money(1, "INR"), **words)
    assert (refused.value.code, refused.value.pointer) == ("card_number_refused", f"/{named}")
