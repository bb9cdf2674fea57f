"""Refunds: reserved before the gateway is called, posted once it answered, reversed if it must."""

import asyncio
from dataclasses import replace

import pytest

from batua.contract import (
    GatewayRejected,
    Mode,
    Money,
    ProviderRefundStatus,
    RefundResult,
    Support,
    WebhookEvent,
)
from batua.errors import Conflict, Forbidden
from batua.orders import RefundTo, RequestOrderRefund
from batua.outbox import Announcer
from batua.payments import DecideRefund
from tests.support.shop import SECOND_PERSON, STAFF, claim

PAID = 30_000
# The amounts asked for one after another; None is all that is left.
SIZES = {
    "whole": (None,),
    "whole by its amount": (PAID,),
    "one paisa": (1,),
    "part": (10_000,),
    "several parts to the exact rest": (10_000, 5_000, 15_000),
    "parts and then the rest": (1, 29_998, None),
}


async def assert_refunded(shop, order, *, refunded, reserved=0):
    row = await shop.row("order", order)
    whole = "refunded" if refunded == PAID else "partially_refunded"
    assert row["status"] == (whole if refunded else "paid")
    assert (row["refunded"], row["refund_reserved"]) == (refunded, reserved)
    for capture in await shop.rows("capture", f"order_id = '{order}'"):
        assert (capture["refunded"], capture["refund_reserved"]) == (refunded, reserved)


async def assert_over_is_refused(shop, order, to, rest):
    amounts = [rest + 1, PAID + 1] + ([None] if rest == 0 else [])
    for amount in amounts:
        refused = await shop.refund(order, to, amount)
        assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable"), amount


@pytest.mark.parametrize(
    ("by", "to"),
    [("wallet", "wallet"), ("wallet", "source"), ("wallet", "auto"), ("gateway", "wallet")],
)
async def test_a_refund_to_the_wallet_is_there_at_once(shop, by, to):
    kept = 0
    for customer, amounts in SIZES.items():
        order = await shop.paid_order(PAID, by=by, customer=customer)
        refunded = await refund_to_wallet(shop, order, to, amounts, customer)
        posted = await shop.transfers(order_id=order, kind="refund_to_wallet")
        assert [transfer["amount"] for transfer in posted] == refunded
        assert {transfer["actor"] for transfer in posted} == {STAFF}
        assert len(await shop.rows("outbox", f"order_id = '{order}'")) == 1 + len(amounts)
        kept += PAID - sum(refunded)
        assert await shop.posted("revenue:shop:INR") == kept
    assert await shop.provider.new_events() == []


async def refund_to_wallet(shop, order, to, amounts, customer):
    refunded = []
    for amount in amounts:
        rest = PAID - sum(refunded)
        await assert_over_is_refused(shop, order, to, rest)
        answer = await shop.refund(order, to, amount)
        assert (answer.status, answer["status"]) == (201, "succeeded")
        assert answer["wallet_amount"] == (rest if amount is None else amount)
        assert answer["source_amount"] == 0
        refunded.append(answer["amount"])
        assert await shop.balance(customer) == sum(refunded)
        await assert_refunded(shop, order, refunded=sum(refunded))
    await assert_over_is_refused(shop, order, to, PAID - sum(refunded))
    return refunded


class Outcomes:
    """What may become of a refund at the provider: each asks for one and follows it to its end."""

    def __init__(self, shop, order, to):
        self.shop = shop
        self.order = order
        self.to = to

    async def ask(self, amount, status="pending"):
        answer = await self.shop.refund(self.order, self.to, amount)
        assert (answer.status, answer["status"]) == (201, status)
        return answer

    async def settle(self, refund, status):
        provider_id = (await self.shop.row("refund", refund["id"]))["provider_refund_id"]
        await self.shop.provider.settle(provider_id, status)
        await self.shop.hear(times=2)

    async def processed(self, amount):
        refund = await self.ask(amount)
        await self.reserved(refund)
        await self.shop.hear(times=2)
        return refund, "succeeded"

    async def pending_then_processed(self, amount):
        await self.shop.provider.refunds_end("pending")
        refund = await self.ask(amount)
        await self.shop.hear()
        await self.reserved(refund)
        await self.settle(refund, "processed")
        return refund, "succeeded"

    async def pending_then_found_by_the_poller(self, amount):
        refund = await self.ask(amount)
        await self.shop.provider.new_events()  # every webhook is lost
        await self.shop.work(after_s=6)
        return refund, "succeeded"

    async def pending_then_failed(self, amount):
        await self.shop.provider.refunds_end("pending")
        refund = await self.ask(amount)
        await self.settle(refund, "failed")
        return refund, "failed"

    async def rejected(self, amount):
        (capture,) = await self.shop.rows("capture", f"order_id = '{self.order}'")
        await self.shop.provider.refund_in_dashboard(capture["provider_payment_id"], PAID)
        return await self.ask(amount, status="failed"), "failed"

    async def unknown_then_found(self, amount):
        await self.shop.provider.spoil("500_after_effect", path="/refund")
        refund = await self.ask(amount, status="unknown")
        await self.reserved(refund)
        await self.shop.work(after_s=6)
        assert len((await self.shop.provider.payments())[-1]["refunds"]) == 1
        return refund, "succeeded"

    async def unknown_then_never_arrived(self, amount):
        self.shop.provider.lose_next(b"/refund HTTP")
        refund = await self.ask(amount, status="unknown")
        await self.reserved(refund)
        assert (await self.shop.provider.payments())[-1]["refunds"] == []
        await self.shop.work(after_s=6)
        assert len((await self.shop.provider.payments())[-1]["refunds"]) == 1
        await self.shop.hear()
        return refund, "succeeded"

    async def not_sent_then_sent(self, amount):
        await self.shop.provider.spoil("429", path="/refund")
        refund = await self.ask(amount)
        assert (await self.shop.provider.payments())[-1]["refunds"] == []
        await self.shop.work(after_s=6)
        await self.shop.hear()
        return refund, "succeeded"

    async def succeeded_then_failed(self, amount):
        refund, _ = await self.processed(amount)
        assert (await self.shop.row("refund", refund["id"]))["status"] == "succeeded"
        await self.settle(refund, "failed")
        return refund, "failed"

    async def reserved(self, refund):
        order = await self.shop.row("order", self.order)
        assert (order["status"], order["refunded"]) == ("paid", 0)
        assert order["refund_reserved"] == refund["amount"]
        (capture,) = await self.shop.rows("capture", f"order_id = '{self.order}'")
        assert capture["refund_reserved"] == refund["amount"]
        await assert_over_is_refused(self.shop, self.order, self.to, PAID - refund["amount"])
        await self.shop.assert_sound()


OUTCOMES = [name for name in vars(Outcomes) if name[0] != "_"][2:-1]


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_a_refund_to_the_source_moves_money_when_the_provider_has(shop, outcome):
    asked = [(to, amount) for to in ("source", "auto") for amount in (None, 10_000)]
    for number, (to, amount) in enumerate(asked):
        await shop.provider.heal()
        order = await shop.paid_order(PAID, by="gateway", customer=f"c{number}")
        before = await shop.posted("gateway:razorpay:INR")

        refund, ending = await getattr(Outcomes(shop, order, to), outcome)(amount)

        row = await shop.row("refund", refund["id"])
        assert row["status"] == ending, row
        assert (row["source_amount"], row["wallet_amount"]) == (amount or PAID, 0)
        assert row["next_poll_at"] is None
        moved = row["amount"] if ending == "succeeded" else 0
        await assert_refunded(shop, order, refunded=moved)
        assert await shop.posted("gateway:razorpay:INR") == before + moved
        assert await shop.balance(f"c{number}") == 0
        told = [each for each in await shop.messages() if each["refund_id"] == refund["id"]]
        assert len(told) == (ending == "succeeded" or outcome == "succeeded_then_failed")
        assert bool(row["failure"]) or ending == "succeeded" or "then_failed" in outcome
        await assert_over_is_refused(shop, order, to, PAID - moved)


async def test_a_reversal_names_what_it_reverses_and_the_rest_may_be_refunded_again(shop):
    order = await shop.paid_order(PAID, by="gateway")
    refund, _ = await Outcomes(shop, order, "source").succeeded_then_failed(None)

    (sent,) = await shop.transfers(kind="refund_to_source")
    (back,) = await shop.transfers(kind="reversal_of_refund")
    assert (back["reverses"], back["amount"], back["refund_id"]) == (
        sent["seq"], PAID, refund["id"]
    )  # fmt: skip

    assert (await shop.refund(order, "wallet"))["status"] == "succeeded"
    assert await shop.balance() == PAID


async def test_a_gateways_payment_is_refunded_in_parts_to_both_sides(shop):
    order = await shop.paid_order(PAID, by="gateway")

    to_wallet = await shop.refund(order, "wallet", 10_000)
    to_source = await shop.refund(order, "auto")
    await shop.hear()

    assert (to_wallet["capture_amount"], to_wallet["source_amount"]) == (10_000, 0)
    assert (to_source["capture_amount"], to_source["source_amount"]) == (20_000, 20_000)
    await assert_refunded(shop, order, refunded=PAID)
    assert await shop.balance() == 10_000


async def test_concurrent_refunds_never_exceed_what_was_paid(shop):
    for number, (by, to) in enumerate((("wallet", "wallet"), ("gateway", "source"))):
        order = await shop.paid_order(PAID, by=by, customer=f"c{number}")

        answers = await asyncio.gather(*(shop.refund(order, to, 10_000) for _ in range(8)))
        await shop.hear()

        assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 5
        await assert_refunded(shop, order, refunded=PAID)


async def test_the_same_key_refunds_once(shop):
    order = await shop.paid_order(PAID, by="gateway")

    first = await shop.refund(order, "source", 10_000, key="k")
    again = await shop.refund(order, "source", 10_000, key="k")
    await shop.hear()

    assert (again.body, again.replayed) == (first.body, True)
    await assert_refunded(shop, order, refunded=10_000)


async def test_nothing_is_refunded_of_an_order_that_was_not_paid(shop):
    order = (await shop.create_order(PAID))["id"]

    for status in ("pending", "cancelled"):
        for to in RefundTo:
            assert (await shop.refund(order, to))["code"] == "order_not_paid"
        assert (await shop.row("order", order))["status"] == status
        await shop.cancel(order)


async def test_staff_refund_by_form_without_a_key(shop):
    order = await shop.paid_order(PAID, by="gateway")

    refund = await shop.batua.orders.refund_by_staff(order, RefundTo.SOURCE, shop.new_refund(5_000))
    await shop.hear()

    assert refund["status"] == "pending"
    await assert_refunded(shop, order, refunded=5_000)


async def test_a_provider_that_is_down_gets_its_refund_later(shop):
    order = await shop.paid_order(PAID, by="gateway")
    await shop.provider.down()

    refund = await shop.refund(order, "source")
    await shop.work(after_s=6)
    assert (await shop.row("refund", refund["id"]))["status"] in {"pending", "unknown"}
    await shop.provider.up()
    await shop.work(after_s=60)
    await shop.hear()

    assert (await shop.row("refund", refund["id"]))["status"] == "succeeded"
    assert len((await shop.provider.payments())[-1]["refunds"]) == 1


async def test_a_refund_that_nobody_sent_is_sent_by_the_worker(shop):
    order = await shop.paid_order(PAID, by="gateway")
    # As a process leaves it that is killed between its commit and the provider's call.
    await shop.batua.engine.submit(
        shop.batua.orders.refund_operation(order, RefundTo.SOURCE, shop.new_refund())
    )

    await shop.work(after_s=6)
    await shop.hear()

    await assert_refunded(shop, order, refunded=PAID)


async def test_what_the_gateway_cant_refund_goes_to_the_wallet_or_is_refused(shop):
    for number, (support, amount) in enumerate(
        ((Support.NONE, None), (Support.NONE, 10_000), (Support.FULL_ONLY, 10_000))
    ):
        order = await shop.paid_order(PAID, by="gateway", customer=f"c{number}")

        with pytest.raises(Conflict) as refusal:
            await request(shop, order, RefundTo.SOURCE, amount, support)
        assert refusal.value.code == "refund_unsupported"
        await assert_refunded(shop, order, refunded=0)

        refund = await request(shop, order, RefundTo.AUTO, amount, support)
        assert (refund["status"], refund["wallet_amount"]) == ("succeeded", amount or PAID)
        await assert_refunded(shop, order, refunded=amount or PAID)
        assert await shop.balance(f"c{number}") == (amount or PAID)


async def test_what_the_gateway_can_refund_goes_to_the_source(shop):
    for number, (support, amount) in enumerate(
        ((Support.FULL_ONLY, None), (Support.FULL_ONLY, PAID), (Support.PARTIAL, 10_000))
    ):
        order = await shop.paid_order(PAID, by="gateway", customer=f"c{number}")

        refund = await request(shop, order, RefundTo.AUTO, amount, support)

        assert (refund["status"], refund["source_amount"]) == ("pending", amount or PAID)


async def request(shop, order, to, amount, support):
    return await shop.batua.engine.submit(
        RequestOrderRefund(
            order_id=order,
            to=to,
            new=shop.new_refund(amount),
            support={"razorpay": support},
            announcer=Announcer(shop.batua.new_id),
        )
    )


# --- the second person ----------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "to"), [("wallet", "wallet"), ("gateway", "source")])
async def test_a_refund_over_the_limit_waits_with_its_amount_reserved(shop, by, to):
    order = await shop.paid_order(PAID, by=by)

    refund = await shop.refund(order, to, 20_000, approval_limit=19_999)

    assert (refund.status, refund["status"]) == (201, "awaiting_approval")
    await assert_refunded_partly_reserved(shop, order, by, reserved=20_000)
    await assert_over_is_refused(shop, order, to, 10_000)
    assert await shop.balance() == 0
    assert await shop.work(after_s=600) >= 0
    assert (await shop.row("refund", refund["id"]))["status"] == "awaiting_approval"
    await shop.assert_sound()


async def assert_refunded_partly_reserved(shop, order, by, *, reserved):
    row = await shop.row("order", order)
    assert (row["status"], row["refunded"], row["refund_reserved"]) == ("paid", 0, reserved)
    for capture in await shop.rows("capture", f"order_id = '{order}'"):
        assert (by, capture["refund_reserved"]) == ("gateway", reserved)


async def test_a_refund_of_exactly_the_limit_does_not_wait(shop):
    order = await shop.paid_order(PAID)

    refund = await shop.refund(order, "wallet", 20_000, approval_limit=20_000)

    assert refund["status"] == "succeeded"


@pytest.mark.parametrize(
    ("by", "to", "wallet", "source"),
    [
        ("wallet", "wallet", 20_000, 0),
        ("gateway", "wallet", 20_000, 0),
        ("gateway", "source", 0, 20_000),
    ],
)
async def test_another_person_approves(shop, by, to, wallet, source):
    order = await shop.paid_order(PAID, by=by)
    refund = (await shop.refund(order, to, 20_000, approval_limit=0))["id"]

    with pytest.raises(Forbidden) as refusal:
        await shop.batua.orders.decide_refund(refund, approver=STAFF, approve=True)
    assert refusal.value.code == "self_approval"
    await shop.batua.orders.decide_refund(refund, approver=SECOND_PERSON, approve=True)
    await shop.hear()

    row = await shop.row("refund", refund)
    assert (row["status"], row["approved_by"]) == ("succeeded", SECOND_PERSON)
    await assert_refunded(shop, order, refunded=20_000)
    assert await shop.balance() == wallet
    (transfer,) = await shop.transfers(refund_id=refund)
    assert (transfer["actor"], transfer["approved_by"]) == (STAFF, SECOND_PERSON)
    assert transfer["kind"] == ("refund_to_source" if source else "refund_to_wallet")
    await assert_decided(shop, refund)


@pytest.mark.parametrize(
    ("by", "to"), [("wallet", "wallet"), ("gateway", "wallet"), ("gateway", "source")]
)
async def test_another_person_rejects_and_all_of_it_is_released(shop, by, to):
    order = await shop.paid_order(PAID, by=by)
    refund = (await shop.refund(order, to, 20_000, approval_limit=0))["id"]

    with pytest.raises(Forbidden):
        await shop.batua.orders.decide_refund(refund, approver=STAFF, approve=False)
    rejected = await shop.batua.orders.decide_refund(refund, approver=SECOND_PERSON, approve=False)

    assert rejected["status"] == "rejected"
    await assert_refunded(shop, order, refunded=0)
    assert await shop.balance() == 0
    assert await shop.provider.new_events() == []
    assert (await shop.refund(order, to))["amount"] == PAID
    await assert_decided(shop, refund)


async def assert_decided(shop, refund):
    for approve in (True, False):
        with pytest.raises(Conflict) as refusal:
            await shop.batua.orders.decide_refund(refund, approver="staff:zoe", approve=approve)
        assert refusal.value.code == "not_awaiting_approval"


async def test_two_deciders_at_once_decide_once(shop):
    order = await shop.paid_order(PAID)
    refund = (await shop.refund(order, "wallet", approval_limit=0))["id"]
    orders = shop.batua.orders

    outcomes = await asyncio.gather(
        *(
            orders.decide_refund(refund, approver=f"staff:{name}", approve=name != "zoe")
            for name in ("ravi", "zoe", "lea")
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 2
    await shop.assert_sound()


# --- refunds of top-ups ---------------------------------------------------------------------------


async def test_a_top_ups_refund_holds_its_money_at_once(shop):
    top_up = await shop.topped_up(50_000)
    await shop.provider.refunds_end("pending")

    refund = await shop.refund_top_up(top_up, 20_000)

    wallet = await shop.wallet()
    assert refund["status"] == "pending"
    assert (wallet.posted, wallet.held, wallet.available) == (50_000, 20_000, 30_000)
    row = await shop.row("top_up", top_up)
    assert (row["status"], row["refunded"], row["refund_reserved"]) == ("succeeded", 0, 20_000)


async def test_a_top_up_goes_back_to_its_source(shop):
    for customer, amounts, status in (
        ("whole", (None,), "refunded"),
        ("whole by its amount", (50_000,), "refunded"),
        ("part", (20_000,), "partially_refunded"),
        ("parts", (20_000, 10_000, None), "refunded"),
    ):
        top_up = await shop.topped_up(50_000, customer)
        refunded = 0
        for amount in amounts:
            refunded += (await shop.refund_top_up(top_up, amount))["amount"]
            await shop.hear(times=2)

        wallet, row = await shop.wallet(customer), await shop.row("top_up", top_up)
        assert (wallet.posted, wallet.held) == (50_000 - refunded, 0)
        assert (row["status"], row["refunded"], row["refund_reserved"]) == (status, refunded, 0)
        told = await shop.rows("outbox", f"top_up_id = '{top_up}'")
        assert len(told) == 1 + len(amounts)
        for over in (50_000 - refunded + 1, 50_001):
            refused = await shop.refund_top_up(top_up, over)
            assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable")
    assert {hold["status"] for hold in await shop.rows("hold")} == {"captured"}


@pytest.mark.parametrize("amount", [20_000, None])
async def test_spent_money_is_not_refunded(shop, amount):
    top_up = await shop.topped_up(50_000)
    await shop.create_order(30_000, pay=True)

    refused = await shop.refund_top_up(top_up, 20_001)
    accepted = await shop.refund_top_up(top_up, amount)
    await shop.hear()
    assert accepted["amount"] == 20_000

    assert (refused.status, refused["code"]) == (402, "insufficient_funds")
    assert (await shop.row("refund", accepted["id"]))["status"] == "succeeded"
    assert await shop.balance() == 0


async def test_held_money_is_not_held_twice(shop):
    first, second = [await shop.topped_up(50_000) for _ in range(2)]
    await shop.create_order(40_000, pay=True)
    await shop.provider.refunds_end("pending")

    assert (await shop.refund_top_up(first, 50_000)).status == 201
    assert (await shop.refund_top_up(second, 10_001))["code"] == "insufficient_funds"
    assert (await shop.refund_top_up(second, 10_000)).status == 201
    assert (await shop.wallet()).available == 0


@pytest.mark.parametrize("ending", ["failed", "processed", "processed then failed"])
async def test_a_top_ups_refund_is_captured_voided_or_reversed(shop, ending):
    top_up = await shop.topped_up(50_000)
    await shop.provider.refunds_end("pending")
    refund = (await shop.refund_top_up(top_up, 20_000))["id"]
    for status in ending.split(" then "):
        provider_id = (await shop.row("refund", refund))["provider_refund_id"]
        await shop.provider.settle(provider_id, status)
        await shop.hear(times=2)

    wallet, row = await shop.wallet(), await shop.row("top_up", top_up)
    is_back = ending == "processed"
    assert (wallet.posted, wallet.held) == (30_000 if is_back else 50_000, 0)
    assert (row["refunded"], row["refund_reserved"]) == (20_000 if is_back else 0, 0)
    assert row["status"] == ("partially_refunded" if is_back else "succeeded")
    (hold,) = await shop.rows("hold")
    assert hold["status"] == ("voided" if ending == "failed" else "captured")
    reversals = await shop.transfers(kind="reversal_of_top_up_refund")
    if ending == "processed then failed":
        (sent,) = await shop.transfers(kind="top_up_refund")
        assert [reversal["reverses"] for reversal in reversals] == [sent["seq"]]
    else:
        assert reversals == []


async def test_a_reversal_of_one_of_two_refunds_leaves_the_top_up_partly_refunded(shop):
    top_up = await shop.topped_up(50_000)
    first = (await shop.refund_top_up(top_up, 10_000))["id"]
    await shop.refund_top_up(top_up)
    await shop.hear()
    assert (await shop.row("top_up", top_up))["status"] == "refunded"

    provider_id = (await shop.row("refund", first))["provider_refund_id"]
    await shop.provider.settle(provider_id, "failed")
    await shop.hear()

    row = await shop.row("top_up", top_up)
    assert (row["status"], row["refunded"]) == ("partially_refunded", 40_000)
    assert await shop.balance() == 10_000


async def test_a_rejected_refund_of_a_top_up_gives_its_hold_back(shop):
    top_up = await shop.topped_up(50_000)
    (capture,) = await shop.rows("capture")
    await shop.provider.refund_in_dashboard(capture["provider_payment_id"], 50_000)

    refund = await shop.refund_top_up(top_up, 20_000)

    assert refund["status"] == "failed"
    assert refund["failure"]
    assert (await shop.wallet()).available == 50_000


@pytest.mark.parametrize("approve", [True, False])
async def test_a_top_ups_refund_over_the_limit_holds_and_waits(shop, approve):
    top_up = await shop.topped_up(50_000)
    refund = (await shop.refund_top_up(top_up, 20_000, approval_limit=0))["id"]
    assert (await shop.wallet()).available == 30_000
    await shop.assert_sound()

    await shop.batua.orders.decide_refund(refund, approver=SECOND_PERSON, approve=approve)
    await shop.hear()

    wallet = await shop.wallet()
    assert (wallet.posted, wallet.held) == (30_000 if approve else 50_000, 0)
    status = (await shop.row("refund", refund))["status"]
    assert status == ("succeeded" if approve else "rejected")


async def test_a_top_up_that_was_not_paid_has_nothing_to_refund(shop):
    top_up = (await shop.open_top_up())["top_up"]["id"]

    assert (await shop.refund_top_up(top_up))["code"] == "refund_exceeds_refundable"


async def test_a_frozen_wallets_top_up_is_refunded(shop):
    top_up = await shop.topped_up(50_000)
    await shop.freeze()

    await shop.refund_top_up(top_up)
    await shop.hear()

    assert await shop.balance() == 0


async def test_deciding_on_a_refund_reads_only_what_it_asked_for(shop):
    top_up = await shop.topped_up(50_000)
    order = await shop.paid_order(PAID, by="gateway", customer="ravi")
    refunds = [
        (await shop.refund_top_up(top_up, 1_000, approval_limit=0))["id"],
        (await shop.refund(order, "source", 1_000, approval_limit=0))["id"],
    ]
    purposes = shop.batua.refunder._purposes

    # Side by side in one group, so that each decides on the rows of its own.
    decided = await asyncio.gather(
        *(
            shop.batua.engine.submit(
                DecideRefund(
                    refund_id=refund, approver=SECOND_PERSON, approve=True, purposes=purposes
                )
            )
            for refund in refunds
        )
    )

    assert [refund["status"] for refund in decided] == ["pending", "pending"]
    await shop.work(after_s=6)
    await shop.hear()
    assert {(await shop.row("refund", refund))["status"] for refund in refunds} == {"succeeded"}
    assert claim().id != claim().id


async def test_a_refund_that_came_out_otherwise_stays_reserved_and_holds_up_no_other(shop, caplog):
    orders = [await shop.paid_order(PAID, by="gateway", customer=name) for name in ("c1", "c2")]
    odd, fine = [(await shop.refund(order, "source", 10_000))["id"] for order in orders]
    await shop.provider.new_events()  # every webhook is lost
    books = shop.provider.simulator.app.state.books
    provider_id = (await shop.row("refund", odd))["provider_refund_id"]
    books.store.put("refund", {**books.refund(provider_id), "amount": 9_999})

    await shop.work(after_s=6)

    assert (await shop.row("refund", odd))["status"] == "pending"
    assert (await shop.row("order", orders[0]))["refund_reserved"] == 10_000
    assert (await shop.row("refund", fine))["status"] == "succeeded"
    assert any("needs a person" in record.message for record in caplog.records)


# --- a call that was cut off ----------------------------------------------------------------------


@pytest.fixture
def gateway(shop, monkeypatch):
    """The shop's gateway, whose ``sent`` lists every refund that it was asked to make."""
    real = shop.batua.registry.gateway("razorpay")
    real_refund, sent = real.refund, []

    async def refund(request):
        sent.append(request.refund_id)
        return await real_refund(request)

    monkeypatch.setattr(real, "refund", refund)
    monkeypatch.setattr(real, "sent", sent, raising=False)
    return real


async def cut_off(shop, monkeypatch, order):
    """Ask for a refund that its provider makes, as a process leaves it that is killed then."""

    async def killed(*_):
        raise SystemError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(shop.batua.refunder, "_take_in", killed)
        with pytest.raises(SystemError):
            await shop.refund(order, "source", 10_000, key="cut off")
    shop.clock.advance(31)
    (refund,) = await shop.rows("refund")
    return refund["id"]


async def test_a_refund_that_was_perhaps_sent_is_looked_up_and_not_sent_again(
    shop, gateway, monkeypatch
):
    order = await shop.paid_order(PAID, by="gateway")
    refund = await cut_off(shop, monkeypatch, order)

    again = await shop.refund(order, "source", 10_000, key="cut off")

    assert (again.status, again["id"]) == (201, refund)
    assert again["status"] == "succeeded"
    assert gateway.sent == [refund]


async def test_a_payment_that_nobody_knows_says_nothing_of_a_refund_that_was_perhaps_sent(
    shop, gateway, monkeypatch, caplog
):
    order = await shop.paid_order(PAID, by="gateway")
    refund = await cut_off(shop, monkeypatch, order)

    async def knows_no_refund(_):
        return None

    async def knows_no_payment(_):
        raise GatewayRejected("The id provided does not exist", failure_code="not_found")

    with monkeypatch.context() as patch:  # as with the credentials of another account
        patch.setattr(gateway, "fetch_refund", knows_no_refund)
        patch.setattr(gateway, "refund", knows_no_payment)
        again = await shop.refund(order, "source", 10_000, key="cut off")
        first = await shop.refund(order, "source", 5_000)

    assert again["status"] == "unknown"
    assert first["status"] == "failed", "it was never sent before"
    assert (await shop.row("order", order))["refund_reserved"] == 10_000
    assert f"refund {refund} stays reserved" in caplog.text
    await shop.work(after_s=60)
    await assert_refunded(shop, order, refunded=10_000)


@pytest.mark.parametrize(
    "other",
    [
        {"provider_refund_id": "rfnd_another"},
        {"provider_payment_id": "pay_another"},
        {"mode": Mode.LIVE},
    ],
)
@pytest.mark.parametrize("status", [ProviderRefundStatus.SUCCEEDED, ProviderRefundStatus.FAILED])
async def test_a_word_on_another_refund_moves_nothing_and_waits_for_a_person(shop, status, other):
    await shop.provider.refunds_end("pending")
    order = await shop.paid_order(PAID, by="gateway")
    refund = (await shop.refund(order, "source", 10_000))["id"]
    before = await shop.row("refund", refund)
    (capture,) = await shop.rows("capture")
    ours = RefundResult(
        provider_refund_id=before["provider_refund_id"],
        provider_payment_id=capture["provider_payment_id"],
        status=status,
        amount=Money(10_000, "INR"),
        mode=Mode.TEST,
        refund_id=refund,
    )

    async def hear(result):
        event = WebhookEvent(event_id="", event_type="refund", payload=result)
        return await shop.batua.applier._apply_event("razorpay", event)

    outcome, note = await hear(replace(ours, **other))

    assert outcome == "quarantined"
    assert note.startswith("refund_differs: ")
    assert await shop.row("refund", refund) == before
    await assert_refunded(shop, order, refunded=0, reserved=10_000)
    assert await hear(ours) == ("applied", "")
    assert (await shop.row("refund", refund))["status"] == status
