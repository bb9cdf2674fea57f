"""What moved in a time, and what was paid out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from batua.contract import (
    DisputeResult,
    DisputeStatus,
    FollowUpRequest,
    GatewayUnavailable,
    Mode,
    Money,
    PaymentResult,
    ProviderRefundStatus,
    RefundRequest,
    RefundResult,
)

from stripe_shop import LOST, OUR_ID, REQUEST, RUPEES_500, shop_with

HOUR = timedelta(hours=1)


async def listed(shop, *, ago=timedelta(0), long=HOUR):
    until = shop.clock.moment() + timedelta(seconds=1) - ago
    return await shop.gateway.list_transactions(until - long, until)


def of(kind, results):
    return [result for result in results if isinstance(result, kind)]


def refund_of(reference, amount=20_000):
    return RefundRequest(
        refund_id="ref_1", provider_payment_id=reference, amount=Money(amount, "INR")
    )


async def test_captures_refunds_and_disputes_are_listed_and_nothing_else(shop):
    reference = await shop.paid()
    await shop.paid("failed", replace(REQUEST, payment_id="pay_failed"))
    await shop.paid("authorized", replace(REQUEST, payment_id="pay_authorized"))
    refund = await shop.gateway.refund(refund_of(reference))
    await shop.control("dispute", payment=reference, status="open", amount=30_000)
    results = await listed(shop)
    assert len(results) == 3
    (payment,) = of(PaymentResult, results)
    assert (payment.provider_payment_id, payment.amount) == (reference, RUPEES_500)
    assert of(RefundResult, results) == [refund]
    (dispute,) = of(DisputeResult, results)
    assert (dispute.status, dispute.amount) == (DisputeStatus.OPEN, Money(30_000, "INR"))


async def test_later_changes_are_listed_as_they_stand_now(shop):
    authorized = await shop.paid("authorized")
    reference = await shop.paid(request=replace(REQUEST, payment_id="pay_2"))
    refund = await shop.gateway.refund(refund_of(reference))
    await shop.control("dispute", payment=reference, status="open")
    shop.clock.now += 3 * 3600
    await shop.gateway.capture(
        FollowUpRequest(idempotency_key=OUR_ID, provider_payment_id=authorized, amount=RUPEES_500)
    )
    await shop.control("settle_refund", refund=refund.provider_refund_id, status="failed")
    await shop.control("dispute", payment=reference, status="lost")
    results = await listed(shop)
    (payment,) = of(PaymentResult, results)
    assert (payment.provider_payment_id, payment.status) == (authorized, "captured")
    (failed,) = of(RefundResult, results)
    assert failed.status is ProviderRefundStatus.FAILED
    (dispute,) = of(DisputeResult, results)
    assert dispute.status is DisputeStatus.LOST


async def test_time_ends_before_its_end(shop):
    reference = await shop.paid()
    at = shop.clock.moment()
    (found,) = await shop.gateway.list_transactions(at, at + HOUR)
    assert found.provider_payment_id == reference
    assert await shop.gateway.list_transactions(at - HOUR, at) == ()
    later = at + timedelta(microseconds=1)
    assert await shop.gateway.list_transactions(later, at + HOUR) == ()


async def test_every_page_is_read(shop):
    books = shop.simulator.app.state.books
    with shop.simulator.store.transaction():
        for number in range(230):
            books.pay(books.create_intent({"amount": 100 + number, "currency": "inr"}), "captured")
    results = await listed(shop)
    assert {result.amount.amount for result in results} == set(range(100, 330))


@pytest.mark.parametrize("fault", [*LOST, "429", "500"])
async def test_list_that_can_not_be_read_is_unavailable(fault):
    async with shop_with(timeout_s=0.3) as shop:
        await shop.paid()
        await shop.spoil(fault, "/charges")
        with pytest.raises(GatewayUnavailable):
            await listed(shop)


async def test_payouts_of_the_time_are_the_settlements(shop):
    await shop.control("payout", amount=1_000, currency="INR")
    shop.clock.now += 7_200
    await shop.control("payout", amount=2_000, currency="INR")
    until = shop.clock.moment() + timedelta(seconds=1)
    (settlement,) = await shop.gateway.list_settlements(until - HOUR, until)
    assert (settlement.amount, settlement.status) == (Money(2_000, "INR"), "paid")
    assert settlement.mode is Mode.TEST
