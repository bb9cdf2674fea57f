"""Saved instruments and wallet tokens: charged once, whatever is lost."""

import json
from dataclasses import replace

import pytest
from batua.contract import (
    CardTokenRequest,
    ChargeRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Mandate,
    Money,
    PaymentLookup,
    ProviderPaymentStatus,
)

from stripe_shop import LOST, OUR_ID, REQUEST, RUPEES_500, gateway_at, shop_with

SECOND = "pay_second"
SINGLE = "tok_1N3T00LkdIwHu7ixt44h1F8k"
ANOTHER = "tok_1N3T00LkdIwHu7ixt44h1F8x"


async def saved(shop):
    """A customer and the payment method that they saved with their first payment."""
    request = replace(REQUEST, payment_id="pay_first", mandate=Mandate(max_amount=RUPEES_500))
    await shop.paid(request=request)
    (method,) = await shop.all("payment_methods")
    return method["customer"], method["id"]


def charge_of(customer, method, **changes):
    asked = {
        "payment_id": SECOND,
        "amount": RUPEES_500,
        "provider_token": method,
        "provider_customer": customer,
        "description": "Monthly",
        "email": "asha@shop.example",
    }
    return ChargeRequest(**(asked | changes))


async def taken(shop):
    """How often the second payment was taken."""
    intents = [
        intent
        for intent in await shop.all("payment_intents")
        if intent["metadata"]["batua_payment_id"] == SECOND and intent["status"] == "succeeded"
    ]
    return len(intents)


def card_token(reference, token="tok_visa", **changes):
    asked = {
        "payment_id": OUR_ID,
        "provider_reference": reference,
        "amount": RUPEES_500,
        "kind": "google_pay",
        "token": json.dumps({"id": token, "object": "token"}),
    }
    return CardTokenRequest(**(asked | changes))


async def test_saved_instrument_is_charged_once(shop):
    customer, method = await saved(shop)
    first = await shop.gateway.charge_token(charge_of(customer, method))
    (attempt,) = first.attempts
    assert (attempt.status, attempt.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES_500)
    assert attempt.provider_payment_id == first.provider_reference
    again = await shop.gateway.charge_token(charge_of(customer, method))
    assert again.provider_reference == first.provider_reference
    assert await taken(shop) == 1


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_charge_is_mended(fault):
    async with shop_with(timeout_s=0.3) as shop:
        customer, method = await saved(shop)

        async def only_the_post(request):
            if request.method == "POST":
                await shop.spoil(fault, "/payment_intents")

        shop.recorder.before = only_the_post
        charged = await shop.gateway.charge_token(charge_of(customer, method))
        assert charged.attempts[0].status is ProviderPaymentStatus.CAPTURED
        assert await taken(shop) == 1


async def test_charge_after_key_and_process_are_gone_finds_the_first(shop):
    customer, method = await saved(shop)

    async def all_from_the_post(request):
        if request.method == "POST":
            await shop.spoil("500_after_effect", "/payment_intents", times=2)

    shop.recorder.before = all_from_the_post
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.charge_token(charge_of(customer, method))
    shop.clock.now += 30 * 24 * 3600
    async with gateway_at(shop.simulator.public_url, shop.clock) as (reborn, recorder):
        charged = await reborn.charge_token(charge_of(customer, method))
        assert charged.attempts[0].status is ProviderPaymentStatus.CAPTURED
        assert not [sent for sent in recorder.sent if sent[0] == "POST"]
    assert await taken(shop) == 1


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_crash_of_a_charge_is_never_a_refusal(shop, crash):
    customer, method = await saved(shop)
    await shop.control("faults", crash=crash)
    if crash == "before":
        for switch in ("before", "never"):
            await shop.control("faults", crash=switch)
            with pytest.raises(GatewayOutcomeUnknown):
                await shop.gateway.charge_token(charge_of(customer, method))
        assert await taken(shop) == 0
        shop.clock.now += 24 * 3600
    await shop.gateway.charge_token(charge_of(customer, method))
    assert await taken(shop) == 1


async def test_intent_that_was_made_and_not_tried_is_confirmed_once(shop):
    customer, method = await saved(shop)
    books = shop.simulator.app.state.books
    with shop.simulator.store.transaction():
        books.create_intent(
            {
                "amount": 50_000,
                "currency": "inr",
                "customer": customer,
                "metadata": {"batua_payment_id": SECOND},
            }
        )
    for _ in range(2):
        charged = await shop.gateway.charge_token(charge_of(customer, method))
        assert charged.attempts[0].status is ProviderPaymentStatus.CAPTURED
    assert await taken(shop) == 1


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_authenticationRequired", "authentication_required"),
    ],
)
async def test_instrument_that_can_not_be_charged_is_refused_every_time(shop, method, code):
    customer, _ = await saved(shop)
    for _ in range(2):
        with pytest.raises(GatewayRejected) as refused:
            await shop.gateway.charge_token(charge_of(customer, method))
        assert refused.value.failure_code == code
    intents = await shop.all("payment_intents")
    assert len([i for i in intents if i["metadata"]["batua_payment_id"] == SECOND]) == 1


async def test_instrument_of_another_customer_is_refused(shop):
    customer, _ = await saved(shop)
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.charge_token(charge_of(customer, "pm_of_another"))
    assert refused.value.failure_code == "resource_missing"
    assert await taken(shop) == 0


async def test_charge_of_another_amount_under_the_same_id_is_refused(shop):
    customer, method = await saved(shop)
    await shop.gateway.charge_token(charge_of(customer, method))
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.charge_token(charge_of(customer, method, amount=Money(60_000, "INR")))
    assert refused.value.failure_code == "amount_mismatch"
    assert await taken(shop) == 1


def test_wallet_is_told_what_is_public(gateway_parameters):
    assert gateway_parameters == {
        "gateway": "stripe",
        "stripe:version": "2026-10-28.endive",
        "stripe:publishableKey": "pk_test_simulator",
    }


@pytest.fixture
async def gateway_parameters(shop):
    return dict(shop.gateway.card_token_parameters)


@pytest.mark.parametrize("capture_method", ["automatic", "manual"])
async def test_wallet_s_token_pays_the_payment_that_was_created(capture_method):
    async with shop_with(capture_method=capture_method) as shop:
        reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
        result = await shop.gateway.charge_card_token(card_token(reference, SINGLE))
        assert (result.provider_reference, result.amount) == (reference, RUPEES_500)
        expected = "authorized" if capture_method == "manual" else "captured"
        assert result.status == expected
        again = await shop.gateway.charge_card_token(card_token(reference, SINGLE))
        assert again.status == expected
        other = await shop.gateway.charge_card_token(card_token(reference, ANOTHER))
        assert other.status == expected
        assert len(shop.posts("/confirm")) == 1


async def test_bare_token_and_no_way_back_will_do(shop):
    request = replace(REQUEST, return_url="")
    reference = (await shop.gateway.create_payment(request)).provider_reference
    result = await shop.gateway.charge_card_token(card_token(reference, token="tok_visa"))
    assert result.status is ProviderPaymentStatus.CAPTURED


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_token_is_unknown_and_the_retry_takes_nothing(fault):
    async with shop_with(timeout_s=0.3) as shop:
        reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
        await shop.spoil(fault, "/confirm")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.charge_card_token(card_token(reference, SINGLE))
        result = await shop.gateway.charge_card_token(card_token(reference, SINGLE))
        assert result.status is ProviderPaymentStatus.CAPTURED
        assert len(await shop.ledger()) == 1


async def test_two_tries_at_the_same_moment_take_the_money_once(shop):
    reference = (await shop.gateway.create_payment(REQUEST)).provider_reference

    async def another_was_faster(request):
        if request.url.path.endswith("/confirm"):
            shop.recorder.before = None
            await shop.control("pay", reference=reference, outcome="captured")

    shop.recorder.before = another_was_faster
    result = await shop.gateway.charge_card_token(card_token(reference))
    assert result.status is ProviderPaymentStatus.CAPTURED
    assert len(await shop.ledger()) == 1


async def test_declined_token_is_a_failed_try_and_another_may_follow(shop):
    reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
    declined = await shop.gateway.charge_card_token(card_token(reference, "tok_chargeDeclined"))
    assert declined.status is ProviderPaymentStatus.FAILED
    assert (declined.failure_code, declined.failure_message) == (
        "generic_decline",
        "Your card was declined.",
    )
    paid = await shop.gateway.charge_card_token(card_token(reference))
    assert paid.status is ProviderPaymentStatus.CAPTURED


async def test_token_whose_payer_is_needed_is_pending(shop):
    reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
    token = card_token(reference, "tok_threeDSecureRequired")
    for _ in range(2):
        assert (await shop.gateway.charge_card_token(token)).status is ProviderPaymentStatus.PENDING
    assert len(shop.posts("/confirm")) == 1


async def test_used_token_is_refused(shop):
    reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
    await shop.gateway.charge_card_token(card_token(reference, SINGLE))
    other = replace(REQUEST, payment_id="pay_other")
    second = (await shop.gateway.create_payment(other)).provider_reference
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.charge_card_token(card_token(second, SINGLE, payment_id="pay_other"))
    assert refused.value.failure_code == "token_already_used"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "4111111111111111"}, "token_invalid"),
        ({"token": '{"signature":"x"}'}, "token_invalid"),
        ({"kind": "apple_pay"}, "kind_unsupported"),
        ({"payment_id": "pay_another"}, "reference_mismatch"),
        ({"amount": Money(60_000, "INR")}, "amount_mismatch"),
    ],
)
async def test_token_for_something_else_is_never_charged(shop, changes, code):
    reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.charge_card_token(card_token(reference, **changes))
    assert refused.value.failure_code == code
    assert "4111" not in str(refused.value)
    assert shop.posts("/confirm") == []


async def test_cancelled_payment_takes_no_token(shop):
    reference = (await shop.gateway.create_payment(REQUEST)).provider_reference
    with shop.simulator.store.transaction():
        shop.simulator.app.state.books.cancel(reference, {})
    with pytest.raises(GatewayRejected):
        await shop.gateway.charge_card_token(card_token(reference))
    lookup = PaymentLookup(payment_id=OUR_ID, provider_reference=reference, amount=RUPEES_500)
    (attempt,) = (await shop.gateway.fetch_payment(lookup)).attempts
    assert attempt.status is ProviderPaymentStatus.VOIDED
