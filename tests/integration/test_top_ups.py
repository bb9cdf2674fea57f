"""Top-ups: opened at the gateway, credited once whatever way the news takes, late news too."""

import asyncio
import json

import pytest

from batua.contract import Money
from batua.errors import Conflict, InProgress, InvalidRequest, NotFound, TryAgain
from tests.support.provider import signed
from tests.support.shop import claim, open_shop


async def top_up_of(shop, opened):
    return await shop.row("top_up", opened["top_up"]["id"])


def reference_of(opened):
    return opened["payment"]["provider_reference"]


async def test_a_top_up_opens_with_its_checkout_and_moves_nothing(shop):
    opened = await shop.open_top_up(50_000)

    assert opened.status == 201
    assert (opened["top_up"]["status"], opened["payment"]["status"]) == ("pending", "pending")
    checkout = json.loads(opened["payment"]["checkout"])
    assert checkout["order_id"] == reference_of(opened)
    assert checkout["amount"] == 50_000
    assert checkout["url"].endswith("&return_url=https%3A%2F%2Fshop.example%2Fback") or (
        "order_id" in checkout["url"]
    )
    assert await shop.transfers() == []
    assert (await shop.wallet()).posted == 0


async def test_what_was_captured_is_credited_once_however_often_it_is_told(shop):
    opened = await shop.open_top_up(50_000)
    await shop.provider.pay(reference_of(opened))
    await shop.hear(times=5)
    await shop.work(after_s=6)

    assert await shop.balance() == 50_000
    top_up = await top_up_of(shop, opened)
    assert (top_up["status"], top_up["credited"]) == ("succeeded", 50_000)
    (message,) = await shop.messages()
    assert message["template"] == "top_up_succeeded"
    assert '"balance":{"amount":50000,"currency":"INR"}' in message["parameters"]


async def test_webhook_confirm_and_poller_at_once_credit_once(shop):
    opened = await shop.open_top_up(50_000)
    proof = await shop.provider.pay(reference_of(opened))
    del proof["status"]
    events = await shop.provider.new_events()
    shop.clock.advance(6)

    async def hear(body, headers):
        inbox_id = await shop.receive(body, headers)
        if inbox_id:
            await shop.batua.applier.apply(inbox_id)

    await asyncio.gather(
        *(hear(body, headers) for _, body, headers in events for _ in range(5)),
        *(shop.batua.top_ups.confirm(opened["top_up"]["id"], proof) for _ in range(5)),
        *(shop.batua.poller.poll(opened["payment"]["id"]) for _ in range(5)),
    )

    assert await shop.balance() == 50_000
    assert len(await shop.rows("capture")) == 1
    assert len(await shop.messages()) == 1
    assert len(await shop.rows("inbox")) == len(events) == 2


async def test_the_same_key_opens_one_top_up(shop):
    answers = [await shop.open_top_up(key="k") for _ in range(2)]

    assert answers[0].body == answers[1].body
    assert [answer.replayed for answer in answers] == [False, True]
    assert len(await shop.rows("top_up")) == len(await shop.rows("payment")) == 1


async def test_one_key_sent_many_times_at_once_opens_one_top_up(shop):
    outcomes = await asyncio.gather(
        *(shop.open_top_up(key="k") for _ in range(20)), return_exceptions=True
    )

    answered = [outcome for outcome in outcomes if not isinstance(outcome, InProgress)]
    assert len(answered) >= 1
    assert len(await shop.rows("top_up")) == 1
    again = await shop.open_top_up(key="k")
    assert {answer["top_up"]["id"] for answer in answered} == {again["top_up"]["id"]}


@pytest.mark.parametrize("fault", ["down", "429", "unknown"])
async def test_a_gateway_that_does_not_answer_lets_the_same_key_go_on(shop, fault):
    if fault == "down":
        await shop.provider.down()
    elif fault == "429":
        await shop.provider.spoil("429", times=20)
    else:
        shop.provider.lose_next(b"/v1/orders", times=20)

    with pytest.raises(TryAgain) as refusal:
        await shop.open_top_up(key="k")
    assert refusal.value.code == "gateway_unavailable"
    (waiting,) = await shop.rows("top_up")
    assert waiting["status"] == "pending"

    if fault == "down":
        await shop.provider.up()
    await shop.provider.heal()
    shop.provider.lose_next(b"", times=0)
    opened = await shop.open_top_up(key="k")

    assert (opened.status, opened["top_up"]["id"]) == (201, waiting["id"])
    assert reference_of(opened)
    assert len(await shop.rows("payment")) == 1


async def test_an_answer_lost_after_the_effect_makes_no_second_order(shop):
    await shop.provider.spoil("500_after_effect", path="/orders")

    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened))
    await shop.hear()

    assert await shop.balance() == 50_000


async def test_a_gateway_that_refuses_fails_the_top_up_and_the_answer_is_kept(shop):
    # Razorpay wants the last digit of three-digit currencies to be 0.
    refused = await shop.open_top_up(1_001, currency="KWD", key="k")
    again = await shop.open_top_up(1_001, currency="KWD", key="k")

    assert (refused.status, refused["code"]) == (502, "gateway_rejected")
    assert (again.status, again.replayed) == (502, True)
    (top_up,) = await shop.rows("top_up")
    (payment,) = await shop.rows("payment")
    assert (top_up["status"], payment["status"]) == ("failed", "failed")
    assert top_up["failure"]
    assert payment["next_poll_at"] is None


async def test_work_that_was_cut_off_is_taken_up_after_its_lease(shop):
    await shop.provider.down()
    with pytest.raises(TryAgain):
        await shop.open_top_up(key="k")
    # As a process leaves it that is killed in the middle: its lease runs.
    await shop.run(
        "update batua_idempotency set lease_until = $1, version = version + 1",
        shop.clock.now().replace(minute=1),
    )
    await shop.provider.up()

    with pytest.raises(InProgress):
        await shop.open_top_up(key="k")
    shop.clock.advance(61)
    opened = await shop.open_top_up(key="k")

    assert opened.status == 201
    assert len(await shop.rows("top_up")) == 1


@pytest.mark.parametrize(
    ("gateway", "amount", "currency", "code"),
    [
        ("paytm", 50_000, "INR", "unknown_gateway"),
        ("razorpay", 99, "INR", "amount_below_minimum"),
        ("razorpay", 50_000, "XOF", "unsupported_currency"),
    ],
)
async def test_what_the_gateway_cant_collect_is_refused_before_it_is_written(
    shop, gateway, amount, currency, code
):
    with pytest.raises(InvalidRequest) as refusal:
        await shop.open_top_up(amount, gateway=gateway, currency=currency)

    assert refusal.value.code == code
    assert await shop.rows("top_up") == []
    assert await shop.rows("idempotency") == []


async def test_a_frozen_wallet_opens_no_top_up_and_takes_the_money_of_earlier_ones(shop):
    await shop.give(1)
    opened = await shop.open_top_up(50_000)
    await shop.freeze()

    assert (await shop.open_top_up())["code"] == "wallet_frozen"
    await shop.provider.pay(reference_of(opened))
    await shop.hear()

    assert await shop.balance() == 50_001


async def test_nobody_pays_and_the_poller_expires_it(shop):
    opened = await shop.open_top_up()

    await shop.work(after_s=3_500)
    assert (await top_up_of(shop, opened))["status"] == "pending"
    await shop.work(after_s=3_700)

    assert (await top_up_of(shop, opened))["status"] == "expired"
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "expired"


@pytest.mark.parametrize("way", ["webhook", "poller"])
async def test_money_that_comes_after_the_expiry_is_credited(shop, way):
    opened = await shop.open_top_up()
    await shop.work(after_s=4_000)
    assert (await top_up_of(shop, opened))["status"] == "expired"

    await shop.provider.pay(reference_of(opened))
    if way == "webhook":
        await shop.hear()
    else:
        await shop.work(after_s=7_200)

    assert await shop.balance() == 50_000
    assert (await top_up_of(shop, opened))["status"] == "succeeded"
    (capture,) = await shop.rows("capture")
    assert capture["reason"] == "late_capture"


async def test_a_second_capture_is_credited_too_once(shop):
    opened = await shop.open_top_up()
    for _ in range(2):
        await shop.provider.pay(reference_of(opened))
        await shop.hear(times=3)

    assert await shop.balance() == 100_000
    top_up = await top_up_of(shop, opened)
    assert (top_up["status"], top_up["credited"]) == ("succeeded", 100_000)
    assert {capture["reason"] for capture in await shop.rows("capture")} == {
        "top_up", "second_capture"
    }  # fmt: skip
    assert len(await shop.messages()) == 2


async def test_two_captures_are_refunded_one_by_one(shop):
    opened = await shop.open_top_up()
    for _ in range(2):
        await shop.provider.pay(reference_of(opened))
        await shop.hear()
    top_up = opened["top_up"]["id"]

    refused = await shop.refund_top_up(top_up)
    assert refused["code"] == "refund_exceeds_refundable"
    for _ in range(2):
        await shop.refund_top_up(top_up, 50_000)
        await shop.hear()

    assert (await top_up_of(shop, opened))["status"] == "refunded"
    assert await shop.balance() == 0


async def test_a_capture_after_the_refund_opens_the_top_up_again(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened))
    await shop.hear()
    await shop.refund_top_up(opened["top_up"]["id"])
    await shop.hear()
    assert (await top_up_of(shop, opened))["status"] == "refunded"

    await shop.provider.pay(reference_of(opened))
    await shop.hear()

    top_up = await top_up_of(shop, opened)
    assert (top_up["status"], top_up["credited"], top_up["refunded"]) == (
        "partially_refunded", 100_000, 50_000
    )  # fmt: skip
    assert await shop.balance() == 50_000


async def test_a_failed_try_and_then_a_good_one(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened), "failed")
    await shop.hear()
    failed = await top_up_of(shop, opened)
    assert (failed["status"], bool(failed["failure"])) == ("failed", True)

    await shop.provider.pay(reference_of(opened))
    await shop.hear()

    succeeded = await top_up_of(shop, opened)
    assert (succeeded["status"], succeeded["failure"]) == ("succeeded", "")
    assert await shop.balance() == 50_000


async def test_a_failure_told_after_the_success_changes_nothing(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened), "failed")
    await shop.provider.pay(reference_of(opened))
    events = await shop.provider.new_events()
    for _, body, headers in reversed(events):
        await shop.batua.applier.apply(await shop.receive(body, headers))

    assert (await top_up_of(shop, opened))["status"] == "succeeded"
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "succeeded"


async def test_an_authorized_payment_is_not_credited_until_it_is_captured(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened), "authorized")
    await shop.provider.spoil("429", path="/capture")
    await shop.hear()

    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "authorized"
    assert await shop.balance() == 0
    await shop.work(5)
    assert await shop.balance() == 50_000


@pytest.mark.parametrize("changes", [{"amount": 49_999}, {"amount": 1}, {"currency": "USD"}])
async def test_another_amount_waits_in_suspense_and_the_right_one_still_succeeds(shop, changes):
    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened), **changes)
    await shop.hear(times=3)

    assert (await top_up_of(shop, opened))["status"] == "suspense"
    assert await shop.balance() == 0
    currency = changes.get("currency", "INR")
    assert await shop.posted(f"suspense:razorpay:{currency}") == changes.get("amount", 50_000)
    assert await shop.messages() == []

    await shop.provider.pay(reference_of(opened))
    await shop.hear()
    assert (await top_up_of(shop, opened))["status"] == "succeeded"
    assert await shop.balance() == 50_000


async def test_a_wrong_capture_after_the_right_one_leaves_the_top_up_succeeded(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(reference_of(opened))
    await shop.provider.pay(reference_of(opened), amount=1)
    await shop.hear()

    top_up = await top_up_of(shop, opened)
    assert (top_up["status"], top_up["credited"]) == ("succeeded", 50_000)
    assert await shop.posted("suspense:razorpay:INR") == 1


async def test_what_the_browser_brought_back_is_checked_then_asked(shop):
    opened = await shop.open_top_up()
    top_up = opened["top_up"]["id"]
    proof = await shop.provider.pay(reference_of(opened))
    del proof["status"]
    other = await shop.open_top_up()

    for wrong in (
        {},
        proof | {"razorpay_signature": "0" * 64},
        proof | {"razorpay_payment_id": "pay_00000000000000"},
        {"razorpay_payment_id": proof["razorpay_payment_id"]},
    ):
        with pytest.raises(InvalidRequest) as refusal:
            await shop.batua.top_ups.confirm(top_up, wrong)
        assert refusal.value.code == "proof_rejected"
    with pytest.raises(InvalidRequest):
        await shop.batua.top_ups.confirm(other["top_up"]["id"], proof)
    assert await shop.balance() == 0

    for _ in range(2):
        confirmed = await shop.batua.top_ups.confirm(top_up, proof)
        assert confirmed["status"] == "succeeded"
    assert await shop.balance() == 50_000


async def test_a_proof_that_cant_be_asked_about_may_be_sent_again(shop):
    opened = await shop.open_top_up()
    proof = await shop.provider.pay(reference_of(opened))
    await shop.provider.down()

    with pytest.raises(TryAgain):
        await shop.batua.top_ups.confirm(opened["top_up"]["id"], proof)

    await shop.provider.up()
    confirmed = await shop.batua.top_ups.confirm(opened["top_up"]["id"], proof)
    assert confirmed["status"] == "succeeded"


async def test_a_live_payment_is_never_credited_by_test_money(shop):
    opened = await shop.open_top_up()
    await shop.run("update batua_payment set mode = 'live', version = version + 1")
    await shop.provider.pay(reference_of(opened))

    (first, *_) = await shop.hear()

    event = await shop.row("inbox", first)
    assert (event["status"], "other mode" in event["note"]) == ("quarantined", True)
    assert await shop.transfers() == []
    assert (await top_up_of(shop, opened))["status"] == "pending"


async def test_the_captures_of_a_top_up_stand_in_order(shop):
    opened = await shop.open_top_up()
    for _ in range(2):
        await shop.provider.pay(reference_of(opened))
        await shop.hear()

    captures = await shop.batua.top_ups.captures(opened["top_up"]["id"])

    assert [capture["reason"] for capture in captures] == ["top_up", "second_capture"]


async def test_what_does_not_exist_is_not_found(shop):
    top_ups = shop.batua.top_ups
    for call in (
        top_ups.read("top_none"),
        top_ups.opened("top_none"),
        top_ups.confirm("top_none", {}),
        top_ups.refund("top_none", shop.new_refund(), claim()),
    ):
        with pytest.raises(NotFound):
            await call


async def test_a_gateway_without_its_secrets_opens_nothing(database_url, clock):
    async with open_shop(
        database_url, clock, environ={"BATUA_RAZORPAY_WEBHOOK_SECRET": ""}
    ) as shop:
        with pytest.raises(Conflict) as refusal:
            await shop.open_top_up()
        assert refusal.value.code == "gateway_off"
        assert "BATUA_RAZORPAY_WEBHOOK_SECRET" in str(refusal.value)
        with pytest.raises(Exception, match="not configured"):
            await shop.receive(b"{}", signed(b"{}"))
        assert Money(1, "INR").amount == 1


async def test_a_top_up_is_not_refunded_through_a_gateway_that_is_off(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        top_up = await shop.topped_up(50_000)
    async with open_shop(database_url, clock, environ={"BATUA_RAZORPAY_KEY_ID": ""}) as shop:
        refused = await shop.refund_top_up(top_up)
        assert (refused.status, refused["code"]) == (409, "refund_unsupported")
        assert (await shop.wallet()).held == 0
        assert await shop.rows("refund") == []


async def test_refunds_of_a_gateway_that_is_off_wait_and_hold_up_nobody(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        top_up = await shop.topped_up(50_000)
        await shop.provider.refunds_end("pending")
        refund = (await shop.refund_top_up(top_up, 20_000))["id"]
        waiting = (await shop.refund_top_up(top_up, 10_000, approval_limit=0))["id"]
        provider = shop.provider
        async with open_shop(
            database_url, clock, provider=provider, environ={"BATUA_RAZORPAY_KEY_ID": ""}
        ) as off:
            await off.work(after_s=6)
            decided = await off.batua.orders.decide_refund(
                waiting, approver="staff:ravi", approve=True
            )
            assert decided["status"] == "pending"
            assert (await off.row("refund", refund))["status"] == "pending"
        await provider.heal()
        await shop.work(after_s=60)
        await shop.work(after_s=60)
        row = await shop.row("refund", refund)
        await provider.settle(row["provider_refund_id"], "processed")
        await shop.hear()
        assert {(await shop.row("refund", id_))["status"] for id_ in (refund, waiting)} == {
            "succeeded"
        }
