"""Split payments against a demo, over HTTP: wallet first, the gateway for the rest."""

import asyncio

import pytest

from tests.postgres import run_apart
from tests.support.clients import JWT_SECRET, ShopClient, assert_sound
from tests.support.processes import running_demo


@pytest.fixture(scope="module")
def demo(shop_url, tmp_path_factory):
    cwd = tmp_path_factory.mktemp("demo")
    with running_demo(shop_url, cwd=cwd, BATUA_JWT_SECRET=JWT_SECRET) as demo:
        yield demo
        run_apart(assert_sound(demo.database_url))


@pytest.fixture
async def shop(demo):
    async with ShopClient(demo) as shop:
        yield shop


async def available(shop, who):
    return (await shop.get(who, "/wallet"))["available"]


async def shares(shop, who, order):
    row = await shop.get(who, f"/orders/{order['id']}")
    return row["paid_from_wallet"], row["paid_by_gateway"]


async def test_an_order_is_split_paid_and_refunded_to_where_it_came_from(shop):
    await shop.give("tara", 10_000)
    order = await shop.order("tara", 30_000)
    path = f"/orders/{order['id']}"
    opened = await shop.pay_split("tara", order["id"])
    assert (opened["order"]["status"], opened["payment"]["amount"]) == ("pending", 20_000)
    assert (await shop.balance("tara"), await available(shop, "tara")) == (10_000, 0)

    paid = await shop.pay(opened)
    await shop.until_status("tara", path, "paid")
    assert await shares(shop, "tara", order) == (10_000, 20_000)
    assert await shop.balance("tara") == 0
    newest = (await shop.statement("tara"))[0]
    assert (newest["kind"], newest["amount"], newest["reason"]) == (
        "order_payment",
        -10_000,
        "order",
    )

    refund = await shop.refund(order["id"], to="auto")
    assert (refund["to_source"], refund["to_wallet"]) == (20_000, 10_000)
    await shop.until_status("staff", f"/refunds/{refund['id']}", "succeeded")
    await shop.until_status("tara", path, "refunded")
    assert await shop.balance("tara") == 10_000
    assert (await shop.books())[paid["razorpay_payment_id"]]["amount_refunded"] == 20_000
    told = [text for text in await shop.messages() if order["reference"] in text]
    assert len([text for text in told if "is paid" in text]) == 1


async def test_a_failed_try_gives_the_money_back_and_the_next_one_takes_it(shop):
    await shop.give("uma", 10_000)
    order = await shop.order("uma", 30_000)
    opened = await shop.pay_split("uma", order["id"])

    await shop.pay(opened, "failed")
    await shop.until(lambda: available(shop, "uma"), 10_000)
    await shop.pay(opened)

    await shop.until_status("uma", f"/orders/{order['id']}", "paid")
    assert await shares(shop, "uma", order) == (10_000, 20_000)
    assert await available(shop, "uma") == 0


async def test_a_share_that_was_spent_makes_late_money_the_customers(shop):
    await shop.give("vani", 10_000)
    order = await shop.order("vani", 30_000)
    opened = await shop.pay_split("vani", order["id"])
    await shop.pay(opened, "failed")
    await shop.until(lambda: available(shop, "vani"), 10_000)
    await shop.buy("vani", 10_000)

    await shop.pay(opened)

    await shop.until_balance("vani", 20_000)
    assert (await shop.get("vani", f"/orders/{order['id']}"))["status"] == "pending"
    (newest, *_) = await shop.statement("vani")
    assert (newest["kind"], newest["reason"]) == ("paid_credit", "share_is_gone")


async def test_the_money_of_a_cancelled_split_is_all_the_customers(shop):
    await shop.give("wafa", 10_000)
    order = await shop.order("wafa", 30_000)
    opened = await shop.pay_split("wafa", order["id"])

    await shop.call("wafa", "POST", f"/orders/{order['id']}/cancel", {})
    assert await available(shop, "wafa") == 10_000
    await shop.pay(opened)

    await shop.until_balance("wafa", 30_000)
    assert await available(shop, "wafa") == 30_000


async def test_many_split_requests_under_one_key_are_one_split(shop):
    await shop.give("xena", 10_000)
    order = await shop.order("xena", 30_000)
    path = f"/orders/{order['id']}/payments"
    wanted = {"method": "split", "gateway": "razorpay"}

    answers = await asyncio.gather(
        *(shop.call("xena", "POST", path, wanted, key="one") for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    wallet = await shop.get("xena", "/wallet")
    assert (wallet["held"], wallet["available"]) == (10_000, 0)


async def test_many_splits_of_one_wallet_never_spend_more_than_it_has(shop):
    await shop.give("yash", 10_000)
    orders = [await shop.order("yash", 7_000) for _ in range(5)]

    opened = await asyncio.gather(*(shop.pay_split("yash", order["id"]) for order in orders))
    assert await available(shop, "yash") == 0
    for one in opened:
        if "checkout" in one:
            await shop.pay(one)

    for order in orders:
        await shop.until_status("yash", f"/orders/{order['id']}", "paid")
    paid = [await shares(shop, "yash", order) for order in orders]
    assert sum(wallet for wallet, _ in paid) == 10_000
    assert await shop.balance("yash") == 0
