"""Payments by the Stripe gateway against its simulator, over real HTTP."""

from dataclasses import replace

import pytest
from batua.contract import (
    ConfirmRequest,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mandate,
    Mode,
    Money,
    PaymentLookup,
    ProviderPaymentStatus,
    check_gateway,
)

from batua_stripe import StripeGateway
from stripe_shop import (
    BACK,
    KEYS,
    LOST,
    OUR_ID,
    REQUEST,
    RUPEES_500,
    Clock,
    gateway_at,
    shop_with,
)


def lookup(reference="", payment_id=OUR_ID):
    return PaymentLookup(payment_id=payment_id, provider_reference=reference, amount=RUPEES_500)


def confirmation(reference, **proof):
    return ConfirmRequest(
        payment_id=OUR_ID, provider_reference=reference, amount=RUPEES_500, proof=proof
    )


def follow_up(reference, amount=RUPEES_500):
    return FollowUpRequest(idempotency_key=OUR_ID, provider_payment_id=reference, amount=amount)


def test_what_is_declared_is_implemented():
    check_gateway(StripeGateway)


async def test_first_try_is_one_call_with_our_id_as_key(shop):
    created = await shop.gateway.create_payment(REQUEST)
    assert shop.recorder.sent == [("POST", "/v1/payment_intents", f"{OUR_ID}:create")]
    (intent,) = await shop.all("payment_intents")
    assert created.provider_reference == intent["id"]
    assert created.url is None
    assert created.checkout == {
        "payment_intent": intent["id"],
        "publishable_key": "pk_test_simulator",
        "return_url": BACK,
        "client_secret": intent["client_secret"],
        "amount": 50_000,
        "currency": "INR",
    }
    assert not {KEYS["secret_key"], KEYS["webhook_secret"]} & set(
        map(str, created.checkout.values())
    )
    assert intent["metadata"]["batua_payment_id"] == OUR_ID
    assert (intent["amount"], intent["currency"]) == (50_000, "inr")


async def test_page_is_told_the_client_secret_only_behind_the_fragment(shop):
    url = f"{shop.simulator.public_url}/checkout?theme=dark"
    async with gateway_at(shop.simulator.public_url, shop.clock, checkout_url=url) as (gateway, _):
        created = await gateway.create_payment(REQUEST)
        sent, _, fragment = created.url.partition("#")
        assert fragment == f"client_secret={created.checkout['client_secret']}"
        assert "_secret_" not in sent
        page = await shop.http.get(created.url)
        assert "Pay ₹500.00" in page.text


async def test_same_payment_again_is_the_same_intent(shop):
    first = await shop.gateway.create_payment(REQUEST)
    assert await shop.gateway.create_payment(REQUEST) == first
    assert len(await shop.all("payment_intents")) == 1


@pytest.mark.parametrize("status", [400, 409])
async def test_key_used_for_another_amount_is_refused_under_both_switches(shop, status):
    await shop.control("faults", idempotency_status=status)
    await shop.gateway.create_payment(REQUEST)
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.create_payment(replace(REQUEST, amount=Money(60_000, "INR")))
    assert refused.value.failure_code == "amount_mismatch"
    assert len(await shop.all("payment_intents")) == 1


@pytest.mark.parametrize("search", ["on", "off", "late"])
@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_create_is_mended_at_once(fault, search):
    async with shop_with(timeout_s=0.3) as shop:
        await shop.control("faults", search=search)
        await shop.spoil(fault, "/payment_intents")
        created = await shop.gateway.create_payment(REQUEST)
        (intent,) = await shop.all("payment_intents")
        assert created.provider_reference == intent["id"]


async def test_slowed_down_create_was_never_begun(shop):
    await shop.spoil("429")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.create_payment(REQUEST)
    assert await shop.all("payment_intents") == []


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_crash_that_is_kept_under_the_key_is_no_refusal(shop, crash):
    await shop.control("faults", crash=crash)
    if crash == "before":
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.create_payment(REQUEST)
        assert [key for *_, key in shop.posts()] == [f"{OUR_ID}:create", f"{OUR_ID}:create:2"]
        # Both keys now hold their crash for a day: the outcome stays unknown, never a refusal.
        await shop.control("faults", crash="never")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.create_payment(REQUEST)
        shop.clock.now += 24 * 3600
    created = await shop.gateway.create_payment(REQUEST)
    (intent,) = await shop.all("payment_intents")
    assert created.provider_reference == intent["id"]


async def test_kept_crash_of_the_first_key_is_passed_by_the_second(shop):
    await shop.control("faults", crash="before")

    async def heal_after_the_first(request):
        if request.method == "GET":
            await shop.control("faults", crash="never")

    shop.recorder.before = heal_after_the_first
    created = await shop.gateway.create_payment(REQUEST)
    shop.recorder.before = None
    assert await shop.gateway.create_payment(REQUEST) == created
    assert len(await shop.all("payment_intents")) == 1


async def test_forgotten_key_in_the_same_process_finds_the_intent(shop):
    await shop.control("faults", search="late")
    # The answer and the look after it are both lost.
    await shop.spoil("500_after_effect", "/payment_intents", times=2)
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.create_payment(REQUEST)
    shop.clock.now += 24 * 3600 + 60
    created = await shop.gateway.create_payment(REQUEST)
    (intent,) = await shop.all("payment_intents")
    assert created.provider_reference == intent["id"]


async def test_after_key_and_process_are_gone_the_first_intent_can_not_be_paid(shop):
    await shop.spoil("500_after_effect", "/payment_intents", times=2)
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.create_payment(REQUEST)
    shop.clock.now += 24 * 3600 + 60
    async with gateway_at(shop.simulator.public_url, shop.clock) as (reborn, _):
        created = await reborn.create_payment(REQUEST)
        second, first = await shop.all("payment_intents")
        # Nobody was told the first one's client secret.
        assert created.checkout["client_secret"] == second["client_secret"]
        assert first["status"] == "requires_payment_method"
        # Whoever asks by our id gets one of them; by its reference, always the right one.
        found = await reborn.fetch_payment(lookup(created.provider_reference))
        assert found.created.checkout["client_secret"] == second["client_secret"]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (Money(49, "USD"), "amount_too_small"),
        (Money(100, "UGX"), "currency_unsupported"),
        (Money(100, "ISK"), "currency_unsupported"),
        (Money(1_005, "KWD"), "amount_not_representable"),
    ],
)
async def test_amount_that_would_be_misread_is_never_sent(shop, amount, code):
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.create_payment(replace(REQUEST, amount=amount))
    assert refused.value.failure_code == code
    assert shop.recorder.sent == []


async def test_zero_decimal_amount_goes_as_it_is(shop):
    await shop.gateway.create_payment(replace(REQUEST, amount=Money(500, "JPY")))
    (intent,) = await shop.all("payment_intents")
    assert (intent["amount"], intent["currency"]) == (500, "jpy")


async def test_refusal_of_our_key_says_so():
    async with shop_with(secret_key="sk_test_another") as shop:
        with pytest.raises(GatewayRejected) as refused:
            await shop.gateway.create_payment(REQUEST)
        assert refused.value.failure_code == "authentication_failed"
        assert "sk_test" not in str(refused.value)


async def test_nothing_listens_and_nothing_was_sent():
    async with gateway_at("http://127.0.0.1:1", Clock()) as (gateway, _):
        with pytest.raises(GatewayUnavailable):
            await gateway.create_payment(REQUEST)


async def test_payment_before_its_first_try_has_no_attempt(shop):
    created = await shop.gateway.create_payment(REQUEST)
    fetched = await shop.gateway.fetch_payment(lookup(created.provider_reference))
    assert fetched.attempts == ()
    assert fetched.created == created


@pytest.mark.parametrize("search", ["on", "off", "late"])
async def test_payment_is_found_by_our_id_alone(shop, search):
    await shop.control("faults", search=search)
    assert (await shop.gateway.fetch_payment(lookup())).provider_reference == ""
    reference = await shop.paid()
    fetched = await shop.gateway.fetch_payment(lookup())
    assert fetched.provider_reference == reference
    assert fetched.created.provider_reference == reference
    (attempt,) = fetched.attempts
    assert (attempt.status, attempt.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES_500)


async def test_payment_of_long_ago_is_found_among_a_thousand(shop):
    reference = await shop.paid()
    with shop.simulator.store.transaction():
        for _ in range(250):
            shop.simulator.app.state.books.create_intent({"amount": 100, "currency": "inr"})
    await shop.control("faults", search="late")
    assert (await shop.gateway.fetch_payment(lookup())).provider_reference == reference
    pages = [sent for sent in shop.recorder.sent if sent[:2] == ("GET", "/v1/payment_intents")]
    assert len(pages) == 3


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("captured", ProviderPaymentStatus.CAPTURED),
        ("authorized", ProviderPaymentStatus.AUTHORIZED),
        ("failed", ProviderPaymentStatus.FAILED),
    ],
)
async def test_fetched_attempt_says_what_stripe_says(shop, outcome, status):
    reference = await shop.paid(outcome)
    (attempt,) = (await shop.gateway.fetch_payment(lookup(reference))).attempts
    assert attempt.provider_payment_id == attempt.provider_reference == reference
    assert attempt.status is status
    assert attempt.mode is Mode.TEST
    assert attempt.method == "card"
    assert attempt.failure_code == ("generic_decline" if outcome == "failed" else "")


async def test_amount_is_what_was_received(shop):
    reference = await shop.paid(amount=40_000, currency="USD")
    (attempt,) = (await shop.gateway.fetch_payment(lookup(reference))).attempts
    assert attempt.amount == Money(40_000, "USD")


async def test_failed_try_may_be_followed_by_a_paid_one(shop):
    reference = await shop.paid("failed")
    await shop.control("pay", reference=reference, outcome="captured")
    (attempt,) = (await shop.gateway.fetch_payment(lookup(reference))).attempts
    assert attempt.status is ProviderPaymentStatus.CAPTURED
    assert len(await shop.ledger()) == 1


async def test_reference_of_another_payment_is_refused(shop):
    reference = await shop.paid()
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.fetch_payment(lookup(reference, "pay_another"))
    assert refused.value.failure_code == "reference_mismatch"
    with pytest.raises(GatewayRejected) as unknown:
        await shop.gateway.fetch_payment(lookup("pi_unknown"))
    assert unknown.value.failure_code == "not_found"


@pytest.mark.parametrize("fault", [*LOST, "429", "500"])
async def test_silence_to_a_question_is_unavailable(fault):
    async with shop_with(timeout_s=0.3) as shop:
        reference = await shop.paid()
        await shop.spoil(fault, "/payment_intents")
        with pytest.raises(GatewayUnavailable):
            await shop.gateway.fetch_payment(lookup(reference))


async def test_browser_brings_back_the_intent(shop):
    reference = await shop.paid()
    result = await shop.gateway.confirm(confirmation(reference, payment_intent=reference))
    assert (result.status, result.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES_500)


@pytest.mark.parametrize("proof", [{}, {"payment_intent": ""}, {"payment_intent": "pi_another"}])
async def test_proof_of_nothing_or_of_another_payment_is_refused(shop, proof):
    reference = await shop.paid()
    with pytest.raises(GatewayRejected):
        await shop.gateway.confirm(confirmation(reference, **proof))


async def test_confirm_before_a_try_is_pending(shop):
    created = await shop.gateway.create_payment(REQUEST)
    reference = created.provider_reference
    result = await shop.gateway.confirm(confirmation(reference, payment_intent=reference))
    assert result.status is ProviderPaymentStatus.PENDING


async def test_manual_capture_only_authorizes():
    async with shop_with(capture_method="manual") as shop:
        await shop.gateway.create_payment(REQUEST)
        (intent,) = await shop.all("payment_intents")
        assert intent["capture_method"] == "manual"


async def test_capture_takes_the_money_once(shop):
    reference = await shop.paid("authorized")
    first = await shop.gateway.capture(follow_up(reference))
    assert (first.status, first.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES_500)
    again = await shop.gateway.capture(follow_up(reference))
    assert (again.status, again.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES_500)
    assert [capture["amount"] for capture in await shop.ledger()] == [50_000]


async def test_part_of_an_authorization_is_captured(shop):
    reference = await shop.paid("authorized")
    result = await shop.gateway.capture(follow_up(reference, Money(20_000, "INR")))
    assert result.amount == Money(20_000, "INR")
    with pytest.raises(GatewayRejected):
        await shop.gateway.capture(
            follow_up(await shop.paid("failed", replace(REQUEST, payment_id="p2")))
        )


async def test_capture_of_more_than_was_authorized_is_refused(shop):
    reference = await shop.paid("authorized")
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.capture(follow_up(reference, Money(60_000, "INR")))
    assert refused.value.failure_code == "amount_too_large"
    assert await shop.ledger() == []


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("act", ["capture", "void"])
async def test_lost_answer_to_a_change_is_unknown_and_the_retry_is_harmless(fault, act):
    async with shop_with(timeout_s=0.3) as shop:
        reference = await shop.paid("authorized")
        await shop.spoil(fault, f"/{'capture' if act == 'capture' else 'cancel'}")
        change = getattr(shop.gateway, act)
        with pytest.raises(GatewayOutcomeUnknown):
            await change(follow_up(reference))
        result = await change(follow_up(reference))
        captured = act == "capture"
        expected = ProviderPaymentStatus.CAPTURED if captured else ProviderPaymentStatus.VOIDED
        assert result.status is expected
        assert len(await shop.ledger()) == (1 if captured else 0)


@pytest.mark.parametrize(
    ("fault", "error"), [("429", GatewayUnavailable), ("500", GatewayOutcomeUnknown)]
)
async def test_capture_that_never_ran_may_be_asked_again(shop, fault, error):
    reference = await shop.paid("authorized")
    await shop.spoil(fault, "/capture")
    with pytest.raises(error):
        await shop.gateway.capture(follow_up(reference))
    assert await shop.ledger() == []
    await shop.gateway.capture(follow_up(reference))
    assert len(await shop.ledger()) == 1


@pytest.mark.parametrize("silent", [False, True])
async def test_capture_beside_a_faster_one_is_checked_or_unknown(shop, silent):
    reference = await shop.paid("authorized")
    raced = []

    async def another_is_faster(request):
        if request.method == "POST":
            with shop.simulator.store.transaction():
                raced.append(shop.simulator.app.state.books.capture(reference, {}))
        elif raced and silent:
            await shop.spoil("500")

    shop.recorder.before = another_is_faster
    if silent:
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.capture(follow_up(reference))
    else:
        result = await shop.gateway.capture(follow_up(reference))
        assert result.status is ProviderPaymentStatus.CAPTURED
    assert len(await shop.ledger()) == 1


async def test_capture_in_another_currency_is_never_sent(shop):
    reference = await shop.paid("authorized")
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.capture(follow_up(reference, Money(50_000, "USD")))
    assert refused.value.failure_code == "currency_mismatch"
    assert shop.posts("/capture") == []


async def test_void_gives_back_and_then_nothing_can_be_captured(shop):
    reference = await shop.paid("authorized")
    assert (await shop.gateway.void(follow_up(reference))).status is ProviderPaymentStatus.VOIDED
    assert (await shop.gateway.void(follow_up(reference))).status is ProviderPaymentStatus.VOIDED
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.capture(follow_up(reference))
    assert refused.value.failure_code == "payment_intent_unexpected_state"
    assert await shop.ledger() == []


async def test_captured_payment_is_not_voided(shop):
    reference = await shop.paid()
    with pytest.raises(GatewayRejected):
        await shop.gateway.void(follow_up(reference))
    assert len(await shop.ledger()) == 1


async def test_id_that_is_no_id_calls_no_address(shop):
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.capture(follow_up("../refunds"))
    assert refused.value.failure_code == "invalid_id"
    assert shop.recorder.sent == []


async def test_mandate_saves_the_instrument_for_its_customer(shop):
    mandate = Mandate(max_amount=RUPEES_500, name="Asha", email="asha@shop.example")
    created = await shop.gateway.create_payment(replace(REQUEST, mandate=mandate))
    (customer,) = await shop.all("customers")
    assert (customer["name"], customer["metadata"]) == ("Asha", {"batua_customer": "cust_1"})
    assert created.checkout["customer"] == customer["id"]
    (intent,) = await shop.all("payment_intents")
    assert intent["setup_future_usage"] == "off_session"
    again = await shop.gateway.create_payment(replace(REQUEST, mandate=mandate))
    assert again == created


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_mandate_makes_no_second_intent(fault):
    async with shop_with(timeout_s=0.3) as shop:
        request = replace(REQUEST, mandate=Mandate(max_amount=RUPEES_500))
        await shop.spoil(fault, "/customers")
        try:
            await shop.gateway.create_payment(request)
        except GatewayOutcomeUnknown:
            await shop.gateway.create_payment(request)
        assert len(await shop.all("payment_intents")) == 1
