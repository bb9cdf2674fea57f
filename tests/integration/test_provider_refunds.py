"""Refunds that somebody begins at the provider: facts, whatever our own rules would have said."""

import pytest

from batua.contract import Mode, Money
from tests.support.disputes import balances, provider_payment, refunded_there
from tests.support.shop import open_shop

PAID = 30_000


async def test_a_top_up_that_is_refunded_there_leaves_the_wallet(shop):
    top_id = await shop.topped_up(50_000)
    payment = await provider_payment(shop, top_up_id=top_id)
    assert await refunded_there(shop, payment, 20_000) == ("applied", "applied")
    assert await balances(shop) == {"gateway:razorpay": -30_000, "wallet:asha": 30_000}
    top_up = await shop.row("top_up", top_id)
    assert (top_up["status"], top_up["refunded"]) == ("partially_refunded", 20_000)
    (refund,) = await shop.rows("refund")
    assert (refund["requested_by"], refund["status"]) == ("gateway:razorpay", "succeeded")
    assert len(await shop.messages("refund_succeeded")) == 1

    assert await refunded_there(shop, payment, 20_000) == ("applied", "nothing_new")
    await refunded_there(shop, payment, 30_000, id="rfnd_2")
    assert await balances(shop) == {}
    assert (await shop.row("top_up", top_id))["status"] == "refunded"


async def test_what_was_spent_of_it_becomes_debt(shop):
    top_id = await shop.topped_up(50_000)
    await shop.create_order(45_000, pay=True)
    await refunded_there(shop, await provider_payment(shop, top_up_id=top_id), 50_000)
    assert await balances(shop) == {"debt:asha": -45_000, "revenue:shop": 45_000}


async def test_its_bonus_goes_too(database_url, clock):
    async with open_shop(database_url, clock, top_up_bonus_percent=10) as shop:
        top_id = await shop.topped_up(50_000)
        payment = await provider_payment(shop, top_up_id=top_id)
        await shop.create_order(2_000, pay=True)
        await refunded_there(shop, payment, 25_000)
        assert (await shop.row("top_up", top_id))["bonus_returned"] == 2_500
        assert await shop.balance() == 55_000 - 2_000 - 25_000 - 2_500
        await refunded_there(shop, payment, 25_000, "failed")
        assert await shop.balance() == 53_000
        assert (await shop.row("top_up", top_id))["bonus_returned"] == 0


async def test_an_order_that_is_refunded_there_is_refunded(shop):
    order = await shop.paid_order(PAID, by="gateway")
    payment = await provider_payment(shop, order_id=order)
    await refunded_there(shop, payment, 10_000)
    row = await shop.row("order", order)
    assert (row["status"], row["refunded"]) == ("partially_refunded", 10_000)
    assert await balances(shop) == {"gateway:razorpay": -20_000, "revenue:shop": 20_000}
    refused = await shop.refund(order, "auto", 20_001)
    assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable")


@pytest.mark.parametrize("spent", [0, 3_000])
async def test_what_exceeds_the_rest_takes_back_what_the_wallet_got(shop, spent):
    order = await shop.paid_order(PAID, by="gateway")
    await shop.refund(order, "wallet", 10_000)
    if spent:
        await shop.create_order(spent, pay=True)
    before = await balances(shop)
    payment = await provider_payment(shop, order_id=order)
    await refunded_there(shop, payment, 25_000)
    row, (capture,) = await shop.row("order", order), await shop.rows("capture")
    assert (row["status"], row["refunded"]) == ("refunded", PAID)
    assert (capture["refunded"], capture["clawed_back"]) == (PAID, 5_000)
    assert await shop.balance() == 5_000 - spent
    await shop.assert_sound()
    await refunded_there(shop, payment, 5_000, id="rfnd_2")
    assert await shop.balance() == 0
    assert (await balances(shop)).get("debt:asha", 0) == -spent
    await shop.assert_sound()

    await refunded_there(shop, payment, 5_000, "failed", id="rfnd_2")
    await refunded_there(shop, payment, 25_000, "failed")
    assert await balances(shop) == before
    row, (capture,) = await shop.row("order", order), await shop.rows("capture")
    assert (row["refunded"], capture["refunded"], capture["clawed_back"]) == (10_000, 10_000, 0)


async def test_one_that_is_under_way_or_failed_moves_nothing(shop):
    order = await shop.paid_order(PAID, by="gateway")
    payment = await provider_payment(shop, order_id=order)
    for status in ("pending", "failed"):
        assert await refunded_there(shop, payment, 1_000, status) == ("applied", "nothing_new")
    assert await shop.rows("refund") == []


async def test_money_in_suspense_is_refunded_from_there(shop):
    opened = await shop.open_top_up(50_000)
    await shop.provider.pay(opened["payment"]["provider_reference"], amount=40_000)
    await shop.hear()
    payment = await provider_payment(shop, top_up_id=opened["top_up"]["id"])
    await refunded_there(shop, payment, 40_000)
    assert await balances(shop) == {}


async def test_it_waits_for_a_refund_of_ours_that_it_may_be(shop):
    order = await shop.paid_order(PAID, by="gateway")
    payment = await provider_payment(shop, order_id=order)
    await shop.provider.spoil("500_after_effect", path="/refund")
    ours = await shop.refund(order, "source", 10_000)
    assert ours["status"] == "unknown"
    refund_id = (await shop.provider.payments())[0]["refunds"][0]["id"]
    with pytest.raises(Exception, match="not decided yet"):
        await refunded_there(shop, payment, 10_000, id=refund_id)
    await shop.work(60)
    assert (await shop.row("refund", ours["id"]))["status"] == "succeeded"
    await refunded_there(shop, payment, 10_000, id=refund_id)
    assert len(await shop.rows("refund")) == 1


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"amount": Money(PAID + 1, "INR")}, "refund_differs"),
        ({"amount": Money(PAID, "USD")}, "refund_differs"),
        ({"mode": Mode.LIVE}, "live money"),
    ],
)
async def test_what_can_not_be_needs_a_person(shop, changes, note):
    order = await shop.paid_order(PAID, by="gateway")
    payment = await provider_payment(shop, order_id=order)
    status, said = await refunded_there(shop, payment, **{"amount": Money(PAID, "INR"), **changes})
    assert status == "quarantined"
    assert said.startswith(note)
    assert await shop.rows("refund") == []


async def test_a_webhook_that_overtakes_its_capture_is_tried_again(shop):
    opened = await shop.open_top_up(50_000)
    paid = await shop.provider.pay(opened["payment"]["provider_reference"])
    late = await shop.provider.new_events()
    await shop.provider.refund_in_dashboard(paid["razorpay_payment_id"], 50_000)
    await shop.hear()
    events = await shop.rows("inbox")
    assert {event["status"] for event in events} <= {"unmatched", "applied"}
    assert all(event["next_attempt_at"] for event in events if event["status"] == "unmatched")
    for _, body, headers in late:
        await shop.batua.applier.apply(await shop.receive(body, headers))
    assert await shop.balance() == 50_000
    await shop.work(120)
    assert await balances(shop) == {}


async def test_a_foreign_refund_is_left_alone_in_the_end(shop):
    order = await shop.paid_order(PAID, by="gateway")
    payment = await provider_payment(shop, order_id=order)
    await shop.run("update batua_capture set provider_payment_id = 'pay_other', version = 2")
    shop.is_provable = False
    await shop.provider.refund_in_dashboard(payment, 10_000)
    await shop.hear()
    for _ in range(15):
        await shop.work(7_200)
    events = await shop.rows("inbox", "event_type like 'refund%'")
    assert {(event["status"], event["next_attempt_at"]) for event in events} <= {
        ("unmatched", None),
        ("applied", None),
    }


async def test_more_than_was_captured_in_sum_needs_a_person(shop):
    top_id = await shop.topped_up(50_000)
    payment = await provider_payment(shop, top_up_id=top_id)
    await refunded_there(shop, payment, 30_000)
    status, note = await refunded_there(shop, payment, 20_001, id="rfnd_2")
    assert (status, note.partition(":")[0]) == ("quarantined", "refund_differs")
    assert await shop.balance() == 20_000
