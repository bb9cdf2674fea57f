"""The main job against a demo, over HTTP: top up, buy, refund, and believe the numbers."""

import asyncio
import json
import stat

import pytest

from batua_api.local import beside_database
from tests.support.clients import JWT_SECRET, ShopClient, new_name
from tests.support.databases import read_rows
from tests.support.processes import clean_environ, run_batua, running_demo
from tests.support.receiver import receiving


@pytest.fixture(scope="module")
def demo(shop_url, tmp_path_factory):
    cwd = tmp_path_factory.mktemp("demo")
    with running_demo(shop_url, cwd=cwd, BATUA_JWT_SECRET=JWT_SECRET) as demo:
        yield demo


@pytest.fixture
async def shop(demo):
    async with ShopClient(demo) as shop:
        yield shop


# --- the walk -----------------------------------------------------------------------------------


async def walk(shop):
    assert await shop.balance("asha") == 200_000
    top_up = await shop.top_up("asha", 50_000)
    assert top_up["status"] == "pending"
    assert await shop.balance("asha") == 200_000
    await shop.pay(top_up)
    await shop.until_balance("asha", 250_000, within_s=1)  # and nobody has confirmed
    assert (await shop.get("asha", f"/topups/{top_up['id']}"))["status"] == "succeeded"
    order = await shop.buy("asha", 30_000)
    assert (order["status"], order["paid_from_wallet"], order["paid_by_gateway"]) == (
        "paid",
        30_000,
        0,
    )
    assert await shop.balance("asha") == 220_000
    refund = await shop.refund(order["id"], to="wallet")
    assert (refund["status"], refund["amount"]) == ("succeeded", 30_000)
    assert await shop.balance("asha") == 250_000
    order = await shop.get("asha", f"/orders/{order['id']}")
    assert (order["status"], order["refunded"]) == ("refunded", 30_000)
    return order["reference"]


async def test_top_up_buy_refund_stop_and_go_on(empty_url, tmp_path):
    with running_demo(empty_url, cwd=tmp_path) as demo:
        async with ShopClient(demo) as shop:
            reference = await walk(shop)
            assert [
                (entry["kind"], entry["amount"], entry["balance_after"])
                for entry in await shop.statement("asha")
            ] == [
                ("refund_to_wallet", 30_000, 250_000),
                ("order_payment", -30_000, 220_000),
                ("top_up", 50_000, 250_000),
                ("adjustment_credit", 200_000, 200_000),
            ]
            told = [
                "Hi Asha, ₹500.00 was added to your wallet. Balance ₹2,500.00.",
                f"Hi Asha, order {reference} of ₹300.00 is paid from your wallet or card."
                " Wallet balance ₹2,200.00.",
                f"Hi Asha, ₹300.00 was refunded for {reference}. Wallet balance ₹2,500.00.",
            ]
            await shop.until(shop.messages, told)
            assert believed(demo) == "sound: 5 transfers, 10 entries\n"
            token, secrets = shop.token("asha"), demo.secrets()
        assert demo.stop() == 0
    with running_demo(empty_url, cwd=tmp_path) as demo:
        async with ShopClient(demo) as shop:
            assert demo.secrets() == secrets
            assert shop.token("asha") == token  # cached here, and still good there
            assert await shop.balance("asha") == 250_000  # nobody was seeded twice
            assert await shop.balance("ravi") == 75_000
            await shop.buy("asha", 50_000)
            assert await shop.balance("asha") == 200_000
            await shop.until(lambda: count_messages(shop), 4)
            assert (await shop.messages())[:3] == told
            assert believed(demo) == "sound: 6 transfers, 12 entries\n"
        assert demo.stop() == 0


def believed(demo):
    """What ``batua verify`` says."""
    return run_batua("verify", environ=demo.environ, cwd=demo.cwd).stdout


async def count_messages(shop):
    return len(await shop.messages())


# --- by gateway ---------------------------------------------------------------------------------


async def test_an_order_paid_by_gateway_leaves_the_wallet_alone_and_goes_back_to_its_source(shop):
    before = await shop.statement("ravi")
    order = await shop.order("ravi", 30_000)
    opened = await shop.pay_by_gateway("ravi", order["id"])
    assert opened["order"]["status"] == "pending"
    paid = await shop.pay(opened)
    path = f"/orders/{order['id']}"
    await shop.until_status("ravi", path, "paid", within_s=1)
    order = await shop.get("ravi", path)
    assert (order["paid_from_wallet"], order["paid_by_gateway"]) == (0, 30_000)

    refund = await shop.refund(order["id"], to="auto")
    assert (refund["to_source"], refund["to_wallet"]) == (30_000, 0)
    await shop.until_status("staff", f"/refunds/{refund['id']}", "succeeded")
    assert (await shop.get("ravi", path))["status"] == "refunded"
    payment = (await shop.books())[paid["razorpay_payment_id"]]
    assert payment["amount_refunded"] == 30_000
    assert [(each["amount"], each["receipt"]) for each in payment["refunds"]] == [
        (30_000, refund["id"])
    ]
    assert await shop.statement("ravi") == before
    await shop.verify()


async def test_one_payment_announced_in_every_way_at_once_is_credited_once(shop, demo):
    await shop.lose_webhooks()
    top_up = await shop.top_up("meera", 50_000)
    proof = await shop.pay(top_up)
    bodies = await shop.announcements(proof["razorpay_payment_id"])
    assert set(bodies) == {"payment.captured", "order.paid"}

    # The event id is not signed: the same event may come under one id or under many.
    answers = await asyncio.gather(
        *(
            shop.announce(body, event_id=event_id)
            for body in bodies.values()
            for event_id in ["evt_same"] * 5 + [""] * 5
        ),
        shop.call("meera", "POST", f"/topups/{top_up['id']}/confirm", proof),
    )
    assert [answer.status_code for answer in answers] == [200] * 21
    assert json.loads(answers[-1].content)["status"] == "succeeded"

    # And the provider tells it all again, in eleven copies each.
    await shop.control("faults", {"webhooks": {"duplicate": 10}})
    await shop.control("send_webhooks", {})
    await shop.until(lambda: count_undelivered(shop), 0)
    await shop.heal()
    await shop.until(lambda: count_waiting_events(demo.database_url), 0)
    entries = [entry["balance_after"] for entry in await shop.statement("meera")]
    assert entries == [50_000]
    assert (await shop.get("meera", f"/topups/{top_up['id']}"))["credited"] == 50_000
    await shop.verify()


async def count_undelivered(shop):
    events = (await shop.control("webhooks"))["webhooks"]
    return sum(event["state"] != "delivered" for event in events)


async def count_waiting_events(url):
    rows = await read_rows(url, "select id from batua_inbox where next_attempt_at is not null")
    return len(rows)


# --- who listens --------------------------------------------------------------------------------


async def test_an_endpoint_is_added_to_a_demo_without_any_key_but_its_own(demo, shop):
    kept = demo.cwd / beside_database(demo.database_url, "secret")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    environ = clean_environ(demo.database_url, BATUA_WEBHOOK_LOOPBACK_HTTP="on")
    async with receiving() as receiver:
        added = await asyncio.to_thread(
            run_batua, "webhooks", "add", f"http://127.0.0.1:{receiver.port}/ok",
            "--event", "wallet.adjusted", environ=environ, cwd=demo.cwd,
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        secret = added.stdout.split()[-1]
        await shop.give(new_name("listened"), 700)
        await receiver.until("/ok")
    (told,) = receiver.of("/ok")
    assert told.verified(secret)["data"]["amount"] == 700
