"""A provider that does what it is asked and then does not say so."""

import asyncio

import pytest

from tests.postgres import run_apart
from tests.support.clients import JWT_SECRET, ShopClient, assert_sound, new_name
from tests.support.databases import read_rows
from tests.support.processes import running_demo

FAULTS = (
    "500_after_effect",
    "timeout_after_effect",
    "429",
    "html",
    "connection_reset",
)
ALL = 1_000
"""More answers than the worker, which asks about other payments meanwhile, can use up."""
TOP_UP = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}


@pytest.fixture(scope="module")
def demo(shop_url, tmp_path_factory):
    cwd = tmp_path_factory.mktemp("demo")
    variables = {"BATUA_JWT_SECRET": JWT_SECRET, "BATUA_GATEWAY_TIMEOUT_S": "0.5"}
    with running_demo(shop_url, cwd=cwd, **variables) as demo:
        yield demo
        run_apart(assert_sound(demo.database_url))


@pytest.fixture
async def shop(demo):
    async with ShopClient(demo) as shop:
        yield shop
        await shop.heal()


async def break_next(shop, fault, *, times, path):
    await shop.control("faults", {"api": {"next": fault, "times": times, "path": path}})


async def top_ups_of(shop, who):
    return await read_rows(
        shop.program.database_url,
        "select t.id, p.id as payment from batua_top_up t"
        " join batua_payment p on p.top_up_id = t.id where t.customer_id = $1",
        who,
    )


# --- opening a payment --------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3], ids=["one answer lost", "three answers lost"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_top_up_whose_provider_fell_silent_goes_on_under_the_same_key(shop, fault, times):
    key, before = new_name("key"), await top_ups_of(shop, "tara")
    await break_next(shop, fault, times=times, path="/v1/orders")
    for _ in range(times + 1):
        answer = await shop.call("tara", "POST", "/topups", TOP_UP, key=key)
        if answer.status_code == 201:
            break
        assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    opened = answer.json()
    assert answer.status_code == 201

    made = [row for row in await top_ups_of(shop, "tara") if row not in before]
    assert [row["id"] for row in made] == [opened["id"]]
    orders = await shop.provider_orders(made[0]["payment"])
    assert [order["id"] for order in orders] == [opened["checkout"]["provider_reference"]]

    balance = await shop.balance("tara")
    await shop.pay(opened)
    await shop.until_balance("tara", balance + 50_000)


async def test_a_provider_that_refuses_repeated_receipts_is_asked_for_the_first_order(shop):
    await shop.control("faults", {"strict_receipts": True})
    await break_next(shop, "timeout_after_effect", times=ALL, path="/v1/orders")
    first = await shop.call("uma", "POST", "/topups", TOP_UP, key="strict")
    assert first.status_code == 503
    await break_next(shop, "timeout_after_effect", times=0, path="")
    again = await shop.call("uma", "POST", "/topups", TOP_UP, key="strict")
    assert again.status_code == 201
    (made,) = await top_ups_of(shop, "uma")
    (order,) = await shop.provider_orders(made["payment"])
    assert again.json()["checkout"]["provider_reference"] == order["id"]


async def test_a_top_up_that_nobody_asked_for_again_is_still_credited_when_it_was_paid(shop):
    await break_next(shop, "500_after_effect", times=ALL, path="/v1/orders")
    lost = await shop.call("veda", "POST", "/topups", TOP_UP)
    assert lost.status_code == 503
    await shop.heal()
    await shop.lose_webhooks()
    (made,) = await top_ups_of(shop, "veda")
    (order,) = await shop.provider_orders(made["payment"])
    await shop.control("pay", {"reference": order["id"], "outcome": "captured"})
    await shop.until_balance("veda", 50_000)  # the poller found the order by our id


# --- refunds ------------------------------------------------------------------------------------


async def paid_order(shop, who):
    order = await shop.order(who, 30_000)
    paid = await shop.pay(await shop.pay_by_gateway(who, order["id"]))
    await shop.until_status(who, f"/orders/{order['id']}", "paid")
    return order["id"], paid["razorpay_payment_id"]


async def test_a_refund_whose_answer_was_lost_is_made_once_and_found_by_the_worker(shop):
    orders = [await paid_order(shop, "wali") for _ in FAULTS]
    await shop.lose_webhooks()
    refunds = []
    for (order, payment), fault in zip(orders, FAULTS, strict=True):
        await break_next(shop, fault, times=1, path=f"/{payment}/refund")
        path, key = f"/orders/{order}/refunds", new_name("key")
        wanted = {"to": "auto", "reason": "damaged"}
        answer = await shop.call("staff", "POST", path, wanted, key=key)
        assert answer.status_code == 201
        assert answer.json()["status"] == ("pending" if fault == "429" else "unknown"), fault
        held = await shop.get("staff", f"/orders/{order}")
        assert (held["refunded"], held["refund_reserved"]) == (0, 30_000)
        # Nobody gets it a second time, with the same key or with a new one.
        again = await shop.call("staff", "POST", path, wanted, key=key)
        assert (again.status_code, again.content) == (201, answer.content)
        other = await shop.call("staff", "POST", path, wanted)
        assert (other.status_code, other.json()["code"]) == (409, "refund_exceeds_refundable")
        refunds.append(answer.json()["id"])
    for refund, (order, _) in zip(refunds, orders, strict=True):
        await shop.until_status("staff", f"/refunds/{refund}", "succeeded", within_s=30)
        assert (await shop.get("wali", f"/orders/{order}"))["status"] == "refunded"
    books = await shop.books()
    for refund, (_, payment) in zip(refunds, orders, strict=True):
        made = [(each["amount"], each["receipt"]) for each in books[payment]["refunds"]]
        assert made == [(30_000, refund)]


async def test_refunds_that_the_provider_undoes_or_never_makes_reopen_the_rest(shop):
    never, undone = await paid_order(shop, "xena"), await paid_order(shop, "xena")
    await shop.control("faults", {"refund_outcome": "failed"})
    refused = await shop.refund(never[0])
    await shop.until_status("staff", f"/refunds/{refused['id']}", "failed")
    await shop.heal()
    made = await shop.refund(undone[0])
    await shop.until_status("staff", f"/refunds/{made['id']}", "succeeded")
    (at_provider,) = (await shop.books())[undone[1]]["refunds"]
    await shop.control("settle_refund", {"refund": at_provider["id"], "status": "failed"})
    await shop.until_status("staff", f"/refunds/{made['id']}", "failed")
    for order_id, _ in (never, undone):
        order = await shop.get("staff", f"/orders/{order_id}")
        assert (order["status"], order["refunded"], order["refund_reserved"]) == ("paid", 0, 0)
        again = await shop.refund(order_id)
        await shop.until_status("staff", f"/refunds/{again['id']}", "succeeded")


# --- the end ------------------------------------------------------------------------------------


async def test_afterwards_our_books_are_the_providers(shop, demo):
    await asyncio.sleep(0.3)
    ours = await read_rows(
        demo.database_url, "select provider_payment_id, amount, refunded from batua_capture"
    )
    theirs = {
        payment["id"]: (payment["amount"], payment["amount_refunded"])
        for payment in (await shop.books()).values()
        if payment["captured"]
    }
    assert len(theirs) >= 2
    assert {row["provider_payment_id"]: (row["amount"], row["refunded"]) for row in ours} == theirs
    (clearing,) = await read_rows(
        demo.database_url, "select posted from batua_account where key = 'gateway:razorpay:INR'"
    )
    assert clearing["posted"] == -sum(amount - refunded for amount, refunded in theirs.values())
    await shop.verify()
