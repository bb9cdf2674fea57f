"""Split payments: the wallet's share is held, the gateway collects the rest, both pay the order."""

from datetime import timedelta

import pytest

from batua.contract import Mode, Money, PaymentResult, ProviderPaymentStatus
from batua.errors import (
    Conflict,
    IdempotencyConflict,
    InProgress,
    InvalidRequest,
    NotFound,
    TryAgain,
)
from batua.orders import OrderPurpose
from batua.orders.splits import OpenSplit
from batua.outbox import Announcer
from batua.payments import ApplyPaymentResult, NewPayment
from batua.wallets import NO_RULES
from tests.support.shop import claim, open_shop
from tests.support.splits import (
    GRACE_S,
    expiry,
    opened_split,
    order_is,
    pays,
    share_of,
    time_is_up,
    wallet_is,
)

# --- asked for ----------------------------------------------------------------------------------


async def test_a_split_holds_what_the_wallet_has_and_asks_the_gateway_for_the_rest(shop):
    order, opened = await opened_split(shop)

    assert (opened.status, opened["order"]["status"]) == (201, "pending")
    assert (opened["payment"]["status"], opened["payment"]["amount"]) == ("pending", 20_000)
    (asked,) = shop.provider.orders()
    assert asked["amount"] == 20_000
    (hold,) = await shop.rows("hold")
    assert (hold["status"], hold["amount"], hold["order_id"], hold["payment_id"]) == (
        "held", 10_000, order, opened["payment"]["id"]
    )  # fmt: skip
    payment = await shop.row("payment", opened["payment"]["id"])
    assert (hold["expires_at"] - payment["expires_at"]).total_seconds() == GRACE_S
    assert await wallet_is(shop) == (10_000, 10_000)
    assert await shop.transfers(order_id=order) == []
    assert await shop.messages("order_paid") == []


async def test_the_gateways_money_pays_the_order_together_with_what_was_held(shop):
    order, opened = await opened_split(shop)

    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert (await shop.row("order", order))["paid_at"] is not None
    assert await share_of(shop, opened) == [("captured", 10_000, 10_000)]
    assert await wallet_is(shop) == (0, 0)
    gateway, wallet = await shop.transfers(order_id=order)
    assert (gateway["kind"], gateway["amount"]) == ("order_capture", 20_000)
    assert (wallet["id"], wallet["kind"], wallet["amount"]) == (
        f"{order}.payment", "order_payment", 10_000
    )  # fmt: skip
    assert gateway["created_at"] == wallet["created_at"]
    assert await shop.posted("revenue:shop:INR") == 30_000


async def test_a_split_order_is_announced_once(shop):
    order, opened = await opened_split(shop)
    await shop.provider.pay(opened["payment"]["provider_reference"])

    await shop.hear(times=3)
    await shop.work(60)

    assert [message["order_id"] for message in await shop.messages("order_paid")] == [order]
    assert await shop.messages("top_up_succeeded") == []


async def test_a_wallet_that_has_all_of_it_pays_at_once(shop):
    await shop.give(30_000)
    order = (await shop.create_order(30_000))["id"]

    paid = await shop.pay_split(order, key="k")
    again = await shop.pay_split(order, key="k")

    assert (paid.status, paid["order"]["status"], paid["payment"]) == (201, "paid", None)
    assert again.body == paid.body
    assert await order_is(shop, order) == ("paid", 30_000, 0)
    assert await shop.rows("hold") == await shop.rows("payment") == []
    assert shop.provider.orders() == []
    assert len(await shop.messages("order_paid")) == 1


async def test_a_wallet_that_has_nothing_leaves_all_of_it_to_the_gateway(shop):
    order, opened = await opened_split(shop, wallet=0)

    assert opened["payment"]["amount"] == 30_000
    assert await shop.rows("hold") == []
    await pays(shop, opened)
    assert await order_is(shop, order) == ("paid", 0, 30_000)


@pytest.mark.parametrize(("wallet", "rest"), [(29_900, 100), (29_901, 100), (29_999, 100)])
async def test_the_rest_is_never_less_than_the_gateway_takes(shop, wallet, rest):
    order, opened = await opened_split(shop, wallet=wallet)

    assert opened["payment"]["amount"] == rest
    assert await wallet_is(shop) == (wallet, 30_000 - rest)
    await pays(shop, opened)
    assert await order_is(shop, order) == ("paid", 30_000 - rest, rest)
    assert await shop.balance() == wallet - 30_000 + rest


async def test_an_order_that_is_less_than_the_gateway_takes_needs_the_wallet(shop):
    await shop.give(98)
    order = (await shop.create_order(99))["id"]

    with pytest.raises(InvalidRequest) as refusal:
        await shop.pay_split(order)
    assert refusal.value.code == "amount_below_minimum"
    assert await wallet_is(shop) == (98, 0)

    await shop.give(1)
    assert (await shop.pay_split(order))["order"]["status"] == "paid"


async def test_what_is_held_for_a_split_pays_nothing_else(shop):
    await opened_split(shop)

    refused = await shop.create_order(1, pay=True)
    other = await shop.pay_split((await shop.create_order(500))["id"])

    assert refused["code"] == "insufficient_funds"
    assert other["payment"]["amount"] == 500


async def test_a_split_takes_no_held_money(shop):
    await opened_split(shop)
    await shop.give(2_000)

    _, second = await opened_split(shop, wallet=0, amount=5_000)

    assert second["payment"]["amount"] == 3_000
    assert await wallet_is(shop) == (12_000, 12_000)


async def test_a_frozen_wallet_refuses_a_split(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.freeze()

    assert (await shop.pay_split(order))["code"] == "wallet_frozen"
    assert await shop.rows("hold") == await shop.rows("payment") == []


async def test_only_a_pending_order_is_split(shop):
    paid = await shop.paid_order()
    cancelled = (await shop.create_order(1_000))["id"]
    await shop.cancel(cancelled)

    for order in (paid, cancelled):
        with pytest.raises(Conflict) as refusal:
            await shop.pay_split(order)
        assert refusal.value.code == "order_not_pending"
    with pytest.raises(NotFound):
        await shop.pay_split("ord_none")


async def test_an_unknown_gateway_holds_nothing(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]

    with pytest.raises(InvalidRequest) as refusal:
        await shop.batua.orders.pay_split(
            order, "nobody", "https://shop.example", claim(), actor="customer:asha"
        )

    assert refusal.value.code == "unknown_gateway"
    assert await wallet_is(shop) == (10_000, 0)


# --- the same request again ---------------------------------------------------------------------


async def test_the_same_key_again_replays_the_split_and_holds_nothing_more(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]

    first = await shop.pay_split(order, key="k")
    await shop.give(5_000)
    again = await shop.pay_split(order, key="k")

    assert (again.body, again.replayed) == (first.body, True)
    assert await wallet_is(shop) == (15_000, 10_000)
    assert len(await shop.rows("payment")) == 1


async def test_a_key_with_another_body_is_refused(shop):
    order = (await shop.create_order(30_000))["id"]
    back = "https://shop.example/back"
    await shop.batua.orders.pay_split(order, "razorpay", back, claim("k", body="one"), actor="a")

    with pytest.raises(IdempotencyConflict):
        await shop.batua.orders.pay_split(
            order, "razorpay", back, claim("k", body="two"), actor="a"
        )


async def test_a_split_that_the_gateway_did_not_answer_is_taken_up_by_the_same_key(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.provider.down()
    with pytest.raises(TryAgain):
        await shop.pay_split(order, key="k")
    assert await wallet_is(shop) == (10_000, 10_000)
    await shop.provider.up()

    opened = await shop.pay_split(order, key="k")
    await pays(shop, opened)

    assert opened["payment"]["amount"] == 20_000
    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert len(await shop.rows("hold")) == len(await shop.rows("payment")) == 1


async def test_a_split_that_was_cut_off_is_taken_up_after_its_lease(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.provider.down()
    with pytest.raises(TryAgain):
        await shop.pay_split(order, key="k")
    # As a process leaves it that is killed between the hold and the gateway's answer.
    lease = shop.clock.now() + timedelta(seconds=60)
    await shop.run("update batua_idempotency set lease_until = $1, version = version + 1", lease)
    await shop.provider.up()

    with pytest.raises(InProgress):
        await shop.pay_split(order, key="k")
    shop.clock.advance(61)
    opened = await shop.pay_split(order, key="k")

    assert await share_of(shop, opened) == [("held", 10_000, 0)]
    await pays(shop, opened)
    assert await order_is(shop, order) == ("paid", 10_000, 20_000)


async def test_a_split_that_was_cut_off_after_the_wallet_paid_says_so_after_its_lease(shop):
    await shop.give(30_000)
    order = (await shop.create_order(30_000))["id"]
    paid = await shop.pay_split(order, key="k")
    await shop.run(
        "update batua_idempotency set status = 'in_progress', response_status = null,"
        " response_body = null, finished_at = null, version = version + 1 where key = 'k'"
    )
    shop.clock.advance(61)

    again = await shop.pay_split(order, key="k")

    assert (again.status, again["order"]["status"], again["payment"]) == (201, "paid", None)
    assert again["order"]["paid_at"] == paid["order"]["paid_at"]
    assert await shop.balance() == 0


async def test_a_split_that_nobody_takes_up_again_is_released_in_time(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.provider.down()
    with pytest.raises(TryAgain):
        await shop.pay_split(order, key="k")

    await time_is_up(shop)

    assert await wallet_is(shop) == (10_000, 0)
    (hold,) = await shop.rows("hold")
    assert (hold["status"], hold["captured"]) == ("expired", 0)


async def test_an_answer_lost_after_the_effect_makes_no_second_payment(shop):
    await shop.provider.spoil("500_after_effect", path="/orders")

    order, opened = await opened_split(shop)
    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)


async def test_a_split_that_runs_again_after_a_lost_commit_finds_what_it_did(shop):
    for wallet in (10_000, 30_000):
        await shop.give(wallet)
        order = (await shop.create_order(30_000))["id"]
        payment = NewPayment(
            id=shop.batua.new_id("pmt"),
            gateway="razorpay",
            mode=Mode.TEST,
            purpose="order",
            subject_id=order,
            customer_id="asha",
            money=Money(30_000, "INR"),
            expires_s=60,
        )
        split = OpenSplit(
            order_id=order,
            payment=payment,
            minimum=100,
            actor="customer:asha",
            announcer=Announcer(shop.batua.new_id),
            rules=NO_RULES,
        )

        first, again = [await shop.batua.engine.submit(split) for _ in range(2)]

        assert (again["id"], again["status"]) == (first["id"], first["status"])
        assert len(await shop.rows("payment")) == len(await shop.rows("hold")) == 1
    assert [row["amount"] for row in await shop.transfers(kind="order_payment")] == [30_000]


# --- released -----------------------------------------------------------------------------------


async def test_a_gateway_that_refuses_gives_the_share_back(shop):
    # Razorpay wants the last digit of three-digit currencies to be 0.
    await shop.give(10, currency="KWD")
    order = (await shop.create_order(1_011, currency="KWD"))["id"]

    refused = await shop.pay_split(order, key="k")
    again = await shop.pay_split(order, key="k")

    assert (refused.status, refused["code"]) == (502, "gateway_rejected")
    assert (again.status, again.replayed) == (502, True)
    assert (await shop.wallet(currency="KWD")).held == 0
    (hold,) = await shop.rows("hold")
    (payment,) = await shop.rows("payment")
    assert (hold["status"], payment["status"]) == ("voided", "failed")
    assert (await shop.row("order", order))["status"] == "pending"


async def test_a_failed_payment_gives_the_share_back_and_a_second_try_takes_it_again(shop):
    order, opened = await opened_split(shop)

    await pays(shop, opened, "failed")
    assert await share_of(shop, opened) == [("voided", 10_000, 0)]
    assert await wallet_is(shop) == (10_000, 0)

    await pays(shop, opened)
    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await wallet_is(shop) == (0, 0)


async def test_an_authorization_that_the_provider_gave_back_gives_the_share_back(shop):
    order, opened = await opened_split(shop)
    voided = PaymentResult(
        provider_payment_id="pay_voided",
        provider_reference=opened["payment"]["provider_reference"],
        status=ProviderPaymentStatus.VOIDED,
        amount=Money(20_000, "INR"),
        mode=Mode.TEST,
    )

    await shop.batua.engine.submit(
        ApplyPaymentResult(
            "razorpay", voided, {"order": OrderPurpose(Announcer(shop.batua.new_id))},
            shop.batua.new_id,
        )
    )  # fmt: skip

    assert await share_of(shop, opened) == [("voided", 10_000, 0)]
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "cancelled"
    assert await order_is(shop, order) == ("pending", 0, 0)


async def test_a_failed_payment_leaves_the_share_of_another_alone(shop):
    order, first = await opened_split(shop)
    second = await shop.pay_split(order)
    await shop.run("update batua_payment set status = 'pending', version = version + 1")

    await pays(shop, first, "failed")

    assert await share_of(shop, second) == [("held", 10_000, 0)]


async def test_cancelling_the_order_gives_the_share_back(shop):
    order, opened = await opened_split(shop)

    await shop.cancel(order)

    assert await share_of(shop, opened) == [("voided", 10_000, 0)]
    assert await wallet_is(shop) == (10_000, 0)
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "cancelled"


async def test_an_order_that_the_gateway_pays_alone_gives_the_share_back(shop):
    order, opened = await opened_split(shop)
    whole = await shop.pay_by_gateway(order)

    await pays(shop, whole)

    assert await order_is(shop, order) == ("paid", 0, 30_000)
    assert await share_of(shop, opened) == [("voided", 10_000, 0)]
    assert await wallet_is(shop) == (10_000, 0)
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "cancelled"


async def test_paying_from_the_wallet_counts_what_the_split_holds(shop):
    order, opened = await opened_split(shop)
    await shop.give(20_000)

    paid = await shop.pay_from_wallet(order)

    assert paid["order"]["status"] == "paid"
    assert await order_is(shop, order) == ("paid", 30_000, 0)
    assert await share_of(shop, opened) == [("voided", 10_000, 0)]
    assert await wallet_is(shop) == (0, 0)
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "cancelled"


async def test_a_wallet_payment_that_is_refused_leaves_the_split_open(shop):
    order, opened = await opened_split(shop)

    refused = await shop.pay_from_wallet(order)

    assert (refused.status, refused["code"]) == (402, "insufficient_funds")
    assert await share_of(shop, opened) == [("held", 10_000, 0)]
    await pays(shop, opened)
    assert await order_is(shop, order) == ("paid", 10_000, 20_000)


async def test_a_second_split_ends_the_first_and_holds_what_there_is_now(shop):
    order, first = await opened_split(shop)
    await shop.give(5_000)

    second = await shop.pay_split(order)

    assert second["payment"]["amount"] == 15_000
    assert await share_of(shop, first) == [("voided", 10_000, 0)]
    assert await share_of(shop, second) == [("held", 15_000, 0)]
    assert await wallet_is(shop) == (15_000, 15_000)
    assert (await shop.row("payment", first["payment"]["id"]))["status"] == "cancelled"
    await pays(shop, second)
    assert await order_is(shop, order) == ("paid", 15_000, 15_000)


async def test_a_second_split_pays_at_once_when_there_is_enough_by_now(shop):
    order, first = await opened_split(shop)
    await shop.give(20_000)

    second = await shop.pay_split(order)

    assert (second["order"]["status"], second["payment"]) == ("paid", None)
    assert await share_of(shop, first) == [("voided", 10_000, 0)]
    assert await wallet_is(shop) == (0, 0)


async def test_a_second_split_leaves_a_payment_of_the_whole_open(shop):
    order = (await shop.create_order(30_000))["id"]
    whole = await shop.pay_by_gateway(order)
    await shop.give(10_000)

    await shop.pay_split(order)

    assert (await shop.row("payment", whole["payment"]["id"]))["status"] == "pending"


# --- time ---------------------------------------------------------------------------------------


async def test_a_share_outlives_its_payment_by_the_grace_and_no_longer(shop):
    _, opened = await opened_split(shop)

    await shop.work(shop.batua.settings.top_up_expiry_s)
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "expired"
    assert await share_of(shop, opened) == [("held", 10_000, 0)]

    await shop.work(GRACE_S - 1)
    assert await share_of(shop, opened) == [("held", 10_000, 0)]

    await shop.work(1)
    assert await share_of(shop, opened) == [("expired", 10_000, 0)]
    assert await wallet_is(shop) == (10_000, 0)


async def test_money_that_comes_within_the_grace_still_finds_its_share(shop):
    order, opened = await opened_split(shop)
    await shop.work(shop.batua.settings.top_up_expiry_s)

    await pays(shop, opened)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)
    assert await share_of(shop, opened) == [("captured", 10_000, 10_000)]


async def test_an_older_share_is_expired_once_however_often_the_worker_looks(shop):
    _, opened = await opened_split(shop)
    await time_is_up(shop)
    (hold,) = await shop.rows("hold")

    await expiry(shop).expire_hold(hold["id"])

    assert await expiry(shop).due_holds(10) == []
    assert await share_of(shop, opened) == [("expired", 10_000, 0)]


async def test_a_share_is_not_expired_before_its_time(shop):
    _, opened = await opened_split(shop)
    (hold,) = await shop.rows("hold")

    await expiry(shop).expire_hold(hold["id"])

    assert await share_of(shop, opened) == [("held", 10_000, 0)]


async def test_a_poll_that_hears_of_the_payment_pays_the_order_too(shop):
    order, opened = await opened_split(shop)
    await shop.provider.pay(opened["payment"]["provider_reference"])

    await shop.work(60)

    assert await order_is(shop, order) == ("paid", 10_000, 20_000)


async def test_a_shop_that_restarts_expires_what_it_left(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        await opened_split(shop)
    async with open_shop(database_url, clock) as shop:
        await time_is_up(shop)
        assert await wallet_is(shop) == (10_000, 0)


# --- refunds ------------------------------------------------------------------------------------


async def paid_split(shop):
    """An order of 30000, of which the wallet paid 10000 and the gateway 20000."""
    order, opened = await opened_split(shop)
    await pays(shop, opened)
    return order


@pytest.mark.parametrize(
    ("to", "amount", "wallet", "source"),
    [
        ("wallet", None, 30_000, 0),
        ("wallet", 12_000, 12_000, 0),
        ("source", None, 10_000, 20_000),
        ("source", 12_000, 0, 12_000),
        ("auto", None, 10_000, 20_000),
        ("auto", 20_000, 0, 20_000),
        ("auto", 25_000, 5_000, 20_000),
    ],
)
async def test_a_split_order_is_refunded_to_where_it_came_from(shop, to, amount, wallet, source):
    order = await paid_split(shop)

    refund = await shop.refund(order, to, amount)
    await shop.hear()

    assert (await shop.row("refund", refund["id"]))["status"] == "succeeded"
    assert (refund["wallet_amount"], refund["source_amount"]) == (wallet, source)
    assert await wallet_is(shop) == (wallet, 0)
    assert await shop.posted("gateway:razorpay:INR") == source - 20_000
    row = await shop.row("order", order)
    whole = amount is None
    assert row["status"] == ("refunded" if whole else "partially_refunded")
    assert row["refunded"] == (30_000 if whole else amount)


async def test_a_split_order_refunded_in_parts_gives_back_what_was_paid_and_no_more(shop):
    order = await paid_split(shop)

    parts = [await shop.refund(order, "auto", 12_000) for _ in range(2)]
    last = await shop.refund(order, "auto", 6_000)
    over = await shop.refund(order, "auto", 1)
    await shop.hear()

    assert [(part["wallet_amount"], part["source_amount"]) for part in (*parts, last)] == [
        (0, 12_000), (4_000, 8_000), (6_000, 0)
    ]  # fmt: skip
    assert over["code"] == "refund_exceeds_refundable"
    assert (await shop.row("order", order))["status"] == "refunded"
    assert await shop.balance() == 10_000


@pytest.mark.parametrize("approve", [True, False])
async def test_a_split_orders_refund_over_the_limit_waits_for_a_second_person(shop, approve):
    order = await paid_split(shop)
    refund = await shop.refund(order, "auto", 25_000, approval_limit=0)
    assert refund["status"] == "awaiting_approval"
    assert await wallet_is(shop) == (0, 0)

    decide = shop.batua.orders.decide_refund
    await decide(refund["id"], approver="staff:ravi", approve=approve)
    await shop.hear()

    assert await wallet_is(shop) == (5_000 if approve else 0, 0)
    row = await shop.row("order", order)
    assert (row["refunded"], row["refund_reserved"]) == (25_000 if approve else 0, 0)


async def test_a_source_that_takes_no_refund_reopens_the_gateways_share_alone(shop):
    order = await paid_split(shop)
    await shop.provider.refunds_end("failed")
    await shop.refund(order, "auto", 25_000)
    await shop.hear()
    assert await shop.balance() == 5_000

    rest = await shop.refund(order, "wallet")

    assert rest["amount"] == 25_000
    assert await shop.balance() == 30_000
    assert (await shop.row("order", order))["status"] == "refunded"
