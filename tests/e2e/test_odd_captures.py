"""Genuine money that is not what was asked for, or comes when nobody wants it any more."""

import json

import pytest

from tests.postgres import run_apart
from tests.support.clients import JWT_SECRET, ShopClient, assert_sound
from tests.support.databases import read_rows
from tests.support.processes import running_demo


@pytest.fixture(scope="module")
def demo(shop_url, tmp_path_factory):
    cwd = tmp_path_factory.mktemp("demo")
    # The poller expires what nobody paid some five seconds after it was opened: one test waits.
    variables = {"BATUA_JWT_SECRET": JWT_SECRET, "BATUA_TOP_UP_EXPIRY_S": "1"}
    with running_demo(shop_url, cwd=cwd, **variables) as demo:
        yield demo
        run_apart(assert_sound(demo.database_url))  # whatever was odd, the ledger holds


@pytest.fixture
async def shop(demo):
    async with ShopClient(demo) as shop:
        yield shop


async def inbox_of(shop, mark):
    """Status and note of the stored events whose body has ``mark`` in it."""
    rows = await read_rows(
        shop.program.database_url, "select status, note, body from batua_inbox order by id"
    )
    return [(row["status"], row["note"]) for row in rows if mark.encode() in bytes(row["body"])]


async def captures_of(shop, opened):
    """Destination, amount and currency of the captures of a top-up."""
    rows = await read_rows(
        shop.program.database_url,
        "select destination, amount, currency from batua_capture where top_up_id = $1 order by id",
        opened["id"],
    )
    return [tuple(row.values()) for row in rows]


async def in_suspense(shop, currency):
    """Minor units. ``/health`` tells the same, up to ten seconds late."""
    rows = await read_rows(
        shop.program.database_url,
        "select posted from batua_account where kind = 'suspense' and currency = $1",
        currency,
    )
    return sum(row["posted"] for row in rows)


# --- not what was asked -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        ({"amount": 49_999}, (49_999, "INR")),
        ({"amount": 5_000_000}, (5_000_000, "INR")),
        ({"currency": "USD"}, (50_000, "USD")),
    ],
    ids=["a paisa less", "a hundredfold", "another currency"],
)
async def test_a_capture_of_something_else_waits_in_suspense_for_staff(shop, other, kept):
    before, waiting = await shop.balance("lata"), await in_suspense(shop, kept[1])
    top_up = await shop.top_up("lata", 50_000)
    await shop.pay(top_up, **other)
    path = f"/topups/{top_up['id']}"
    await shop.until_status("staff", path, "suspense")
    assert (await shop.get("lata", path))["credited"] == 0
    assert await shop.balance("lata") == before
    assert (await shop.get("lata", "/wallet?currency=USD"))["balance"] == 0
    assert await captures_of(shop, top_up) == [("suspense", *kept)]
    assert await in_suspense(shop, kept[1]) == waiting + kept[0]


async def test_the_right_payment_after_a_wrong_one_completes_the_top_up(shop):
    before = await shop.balance("mohan")
    top_up = await shop.top_up("mohan", 50_000)
    await shop.pay(top_up, amount=10_000)
    await shop.until_status("mohan", f"/topups/{top_up['id']}", "suspense")
    await shop.pay(top_up)
    await shop.until_status("mohan", f"/topups/{top_up['id']}", "succeeded")
    assert await shop.balance("mohan") == before + 50_000


# --- nobody's -----------------------------------------------------------------------------------


async def test_a_capture_of_an_order_that_we_never_made_is_kept_and_not_posted(shop):
    await shop.lose_webhooks()
    paid = await shop.pay(await shop.top_up("nila", 50_000))
    genuine = (await shop.announcements(paid["razorpay_payment_id"]))["payment.captured"]
    await shop.heal()
    event = json.loads(genuine)
    event["payload"]["payment"]["entity"] |= {
        "id": "pay_Stranger000001",
        "order_id": "order_Nobody",
    }
    transfers = await read_rows(shop.program.database_url, "select seq from batua_transfer")
    answer = await shop.announce(json.dumps(event).encode())
    assert answer.status_code == 200

    async def kept():
        return await inbox_of(shop, "pay_Stranger000001")

    note = "no payment has the reference 'order_Nobody'"
    await shop.until(kept, [("unmatched", note)])
    after = await read_rows(shop.program.database_url, "select seq from batua_transfer")
    assert after == transfers
    assert (await shop.announce(genuine)).status_code == 200
    await shop.until_balance("nila", 50_000)


# --- too late, twice, or too early --------------------------------------------------------------


async def test_a_capture_after_its_top_up_expired_is_credited(shop):
    top_up = await shop.top_up("omar", 50_000)
    path = f"/topups/{top_up['id']}"
    await shop.until_status("omar", path, "expired")
    await shop.pay(top_up)
    await shop.until_status("omar", path, "succeeded")
    assert [entry["amount"] for entry in await shop.statement("omar")] == [50_000]
    assert (await shop.statement("omar"))[0]["reason"] == "late_capture"


async def test_a_second_capture_of_one_top_up_is_credited_and_no_third_time(shop):
    top_up = await shop.top_up("prem", 50_000)
    payments = [(await shop.pay(top_up))["razorpay_payment_id"] for _ in range(2)]
    assert len(set(payments)) == 2
    await shop.until_balance("prem", 100_000)
    for payment in payments:
        for body in (await shop.announcements(payment)).values():
            # The header's id is not signed: under another one it is stored again, and says nothing.
            assert (await shop.announce(body)).status_code == 200

    async def statuses():
        return {status for payment in payments for status, _ in await inbox_of(shop, payment)}

    await shop.until(statuses, {"applied"})
    assert [entry["balance_after"] for entry in await shop.statement("prem")] == [100_000, 50_000]
    assert (await shop.get("prem", f"/topups/{top_up['id']}"))["credited"] == 100_000


async def test_an_event_that_comes_before_we_know_its_reference_is_matched_again(shop):
    # The order is made and the answer is lost, and so is that to every look after it.
    fault = {"next": "500_after_effect", "times": 1_000, "path": "/v1/orders"}
    await shop.control("faults", {"api": fault})
    wanted = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}
    answer = await shop.call("qadir", "POST", "/topups", wanted, key="early")
    assert answer.status_code == 503
    await shop.heal()
    payment = (
        await read_rows(
            shop.program.database_url,
            "select id, provider_reference from batua_payment where customer_id = 'qadir'",
        )
    )[0]
    assert payment["provider_reference"] is None
    order = (await shop.provider_orders(payment["id"]))[0]
    await shop.control("pay", {"reference": order["id"], "outcome": "captured"})

    async def statuses():
        return {status for status, _ in await inbox_of(shop, f'"order_id":"{order["id"]}"')}

    await shop.until(statuses, {"unmatched"}, within_s=4)
    assert await shop.balance("qadir") == 0
    answer = await shop.call("qadir", "POST", "/topups", wanted, key="early")
    assert answer.status_code == 201
    assert answer.json()["checkout"]["provider_reference"] == order["id"]
    await shop.until(statuses, {"applied"})
    assert [entry["amount"] for entry in await shop.statement("qadir")] == [50_000]


# --- orders that no longer want it --------------------------------------------------------------


async def test_a_capture_of_a_cancelled_order_becomes_paid_credit(shop):
    order = await shop.order("rosa", 30_000)
    opened = await shop.pay_by_gateway("rosa", order["id"])
    cancelled = await shop.call("rosa", "POST", f"/orders/{order['id']}/cancel", {})
    assert cancelled.json()["status"] == "cancelled"
    await shop.pay(opened)
    await shop.until_balance("rosa", 30_000)
    assert (await shop.get("rosa", f"/orders/{order['id']}"))["status"] == "cancelled"
    (entry,) = await shop.statement("rosa")
    assert (entry["kind"], entry["reason"]) == ("paid_credit", "order_is_cancelled")


async def test_a_capture_of_an_order_that_the_wallet_has_paid_becomes_paid_credit(shop):
    await shop.give("sita", 30_000)
    order = await shop.order("sita", 30_000)
    opened = await shop.pay_by_gateway("sita", order["id"])
    paid = await shop.call("sita", "POST", f"/orders/{order['id']}/payments", {"method": "wallet"})
    assert paid.json()["order"]["status"] == "paid"
    assert await shop.balance("sita") == 0
    await shop.pay(opened)
    await shop.until_balance("sita", 30_000)
    order = await shop.get("sita", f"/orders/{order['id']}")
    assert (order["status"], order["paid_from_wallet"], order["paid_by_gateway"]) == (
        "paid",
        30_000,
        0,
    )
