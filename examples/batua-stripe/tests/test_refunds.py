"""Refunds and disputes by the Stripe gateway against its simulator."""

import pytest
from batua.contract import (
    DisputeLookup,
    DisputeStatus,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    ProviderRefundStatus,
    RefundLookup,
    RefundRequest,
)

from stripe_shop import LOST, OUR_REFUND, RUPEES_500, gateway_at, shop_with


def refund_of(reference, amount=50_000, refund_id=OUR_REFUND, currency="INR"):
    return RefundRequest(
        refund_id=refund_id,
        provider_payment_id=reference,
        amount=Money(amount, currency),
        reason="changed their mind",
    )


def refund_lookup(reference, provider_refund_id=""):
    return RefundLookup(
        refund_id=OUR_REFUND,
        provider_refund_id=provider_refund_id,
        provider_payment_id=reference,
        amount=RUPEES_500,
    )


async def test_refund_is_made_once_and_carries_our_id(shop):
    reference = await shop.paid()
    first = await shop.gateway.refund(refund_of(reference))
    assert first.status is ProviderRefundStatus.SUCCEEDED
    assert (first.refund_id, first.provider_payment_id) == (OUR_REFUND, reference)
    assert shop.posts("/refunds") == [("POST", "/v1/refunds", f"{OUR_REFUND}:refund")]
    assert await shop.gateway.refund(refund_of(reference)) == first
    (refund,) = await shop.all("refunds")
    assert refund["metadata"] == {"batua_refund_id": OUR_REFUND, "reason": "changed their mind"}


async def test_parts_are_refunded_up_to_the_whole(shop):
    reference = await shop.paid()
    for number, amount in enumerate((20_000, 30_000)):
        await shop.gateway.refund(refund_of(reference, amount, f"ref_{number}"))
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.refund(refund_of(reference, 1, "ref_3"))
    assert refused.value.failure_code == "charge_already_refunded"
    assert sum(refund["amount"] for refund in await shop.all("refunds")) == 50_000


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("pending", ProviderRefundStatus.PENDING),
        ("requires_action", ProviderRefundStatus.PENDING),
        ("failed", ProviderRefundStatus.FAILED),
    ],
)
async def test_refund_has_stripe_s_outcome(shop, outcome, status):
    await shop.control("faults", refund_outcome=outcome)
    reference = await shop.paid()
    refund = await shop.gateway.refund(refund_of(reference))
    assert refund.status is status
    found = await shop.gateway.fetch_refund(refund_lookup(reference, refund.provider_refund_id))
    assert found.status is status
    assert found.failure_code == ("declined" if outcome == "failed" else "")


async def test_succeeded_refund_may_fail_after_all(shop):
    reference = await shop.paid()
    refund = await shop.gateway.refund(refund_of(reference))
    await shop.control("settle_refund", refund=refund.provider_refund_id, status="failed")
    found = await shop.gateway.fetch_refund(refund_lookup(reference))
    assert found.status is ProviderRefundStatus.FAILED


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_refund_is_mended_by_the_list(fault):
    async with shop_with(timeout_s=0.3) as shop:
        reference = await shop.paid()

        async def only_the_post(request):
            if request.method == "POST":
                await shop.spoil(fault, "/refunds")

        shop.recorder.before = only_the_post
        refund = await shop.gateway.refund(refund_of(reference))
        assert refund.refund_id == OUR_REFUND
        assert len(await shop.all("refunds")) == 1


async def test_refund_whose_every_answer_is_lost_is_found_later(shop):
    reference = await shop.paid()

    async def all_from_the_post(request):
        if request.method == "POST":
            await shop.spoil("500_after_effect", "/refunds", times=2)

    shop.recorder.before = all_from_the_post
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.refund(refund_of(reference))
    shop.recorder.before = None
    # A key is forgotten after a day, and the process with it: the list is not.
    shop.clock.now += 25 * 3600
    async with gateway_at(shop.simulator.public_url, shop.clock) as (reborn, _):
        assert (await reborn.fetch_refund(refund_lookup(reference))).refund_id == OUR_REFUND
        assert (await reborn.refund(refund_of(reference, 50_000))).refund_id == OUR_REFUND
    assert len(await shop.all("refunds")) == 1


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_crash_that_is_kept_under_the_key_is_never_a_refusal(shop, crash):
    reference = await shop.paid()
    await shop.control("faults", crash=crash)
    if crash == "after":
        assert (await shop.gateway.refund(refund_of(reference))).refund_id == OUR_REFUND
        assert len(await shop.all("refunds")) == 1
        return
    for switch in ("before", "never"):
        await shop.control("faults", crash=switch)
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.refund(refund_of(reference))
    # Stripe may still mend the crash, so no other key is tried before this one is forgotten.
    assert {key for *_, key in shop.posts("/refunds")} == {f"{OUR_REFUND}:refund"}
    shop.clock.now += 24 * 3600
    await shop.gateway.refund(refund_of(reference))
    assert len(await shop.all("refunds")) == 1


@pytest.mark.parametrize("status", [400, 409])
async def test_refund_key_with_other_parameters_is_unknown_not_refused(shop, status):
    await shop.control("faults", idempotency_status=status, crash="before")
    reference = await _paid_without_crash(shop)
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.refund(refund_of(reference, 10_000))
    await shop.control("faults", crash="never")
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.refund(refund_of(reference, 20_000))
    assert await shop.all("refunds") == []


async def _paid_without_crash(shop):
    shop.simulator.faults.change(shop.simulator.faults.change_type(crash="never"))
    reference = await shop.paid()
    await shop.control("faults", crash="before")
    return reference


async def test_refund_beside_one_that_is_still_running_is_unknown():
    async with shop_with(timeout_s=0.3) as shop:
        reference = await shop.paid()
        shop.simulator.app.state.idempotency.in_progress.add(f"{OUR_REFUND}:refund")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.refund(refund_of(reference))
        assert await shop.all("refunds") == []


@pytest.mark.parametrize("fault", ["429", "500"])
async def test_refund_that_can_not_be_looked_for_is_not_sent(shop, fault):
    reference = await shop.paid()
    await shop.spoil(fault, "/refunds")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.refund(refund_of(reference))
    assert shop.posts("/refunds") == []


async def test_refund_of_an_unknown_payment_is_refused(shop):
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.refund(refund_of("pi_unknown"))
    assert refused.value.failure_code == "not_found"


async def test_refund_in_another_currency_is_never_sent(shop):
    reference = await shop.paid()
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.refund(refund_of(reference, currency="USD"))
    assert refused.value.failure_code == "currency_mismatch"
    assert shop.posts("/refunds") == []


async def test_refund_that_never_was_is_none(shop):
    reference = await shop.paid()
    assert await shop.gateway.fetch_refund(refund_lookup(reference)) is None
    assert await shop.gateway.fetch_refund(refund_lookup(reference, "re_unknown")) is None


async def test_refund_of_another_payment_is_refused(shop):
    reference = await shop.paid()
    refund = await shop.gateway.refund(refund_of(reference))
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.fetch_refund(refund_lookup("pi_other", refund.provider_refund_id))
    assert refused.value.failure_code == "reference_mismatch"


@pytest.mark.parametrize("end", ["won", "lost"])
async def test_dispute_is_told_as_it_stands(shop, end):
    reference = await shop.paid()
    opened = await shop.control("dispute", payment=reference, status="open", amount=20_000)
    asked = DisputeLookup(provider_dispute_id=opened["id"], provider_payment_id=reference)
    dispute = await shop.gateway.fetch_dispute(asked)
    assert (dispute.status, dispute.amount) == (DisputeStatus.OPEN, Money(20_000, "INR"))
    await shop.control("dispute", payment=reference, status=end)
    assert (await shop.gateway.fetch_dispute(asked)).status == end


async def test_dispute_of_nobody_is_none_and_of_another_is_refused(shop):
    reference = await shop.paid()
    opened = await shop.control("dispute", payment=reference, status="open")
    unknown = DisputeLookup(provider_dispute_id="dp_unknown", provider_payment_id=reference)
    assert await shop.gateway.fetch_dispute(unknown) is None
    other = DisputeLookup(provider_dispute_id=opened["id"], provider_payment_id="pi_other")
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.fetch_dispute(other)
    assert refused.value.failure_code == "reference_mismatch"
