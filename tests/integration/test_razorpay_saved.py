"""Mandates, charges without a payer, and payments in a UPI app, over real HTTP."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from batua.contract import (
    ChargeRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mandate,
    Money,
    PaymentLookup,
    ProviderPaymentStatus,
    TokenResult,
    UpiIntentRequest,
)
from tests.support.provider import (
    LOST,
    MANDATE,
    PAYMENT,
    RUPEES_500,
    open_gateway,
)

CHARGE = "pay_1123456789abcdefghjkmnpqrs"
NOT_DONE = ("429", "500")


@pytest.fixture
async def shop():
    async with open_gateway() as shop:
        yield shop


@pytest.fixture
async def hasty():
    """A shop that does not wait long for an answer."""
    async with open_gateway(timeout_s=0.25) as shop:
        yield shop


def charge_of(token, customer, amount=RUPEES_500, **details):
    return ChargeRequest(
        payment_id=CHARGE,
        amount=amount,
        provider_token=token,
        provider_customer=customer,
        **details,
    )


# --- mandates and charges -------------------------------------------------------------------------


async def test_mandate_is_asked_for_with_the_payment(shop):
    created = await shop.create(mandate=MANDATE)
    customer = created.checkout["customer_id"]
    assert created.checkout["recurring"] == "1"
    lookup = PaymentLookup(payment_id=PAYMENT, provider_reference="", amount=RUPEES_500)
    assert (await shop.gateway.fetch_payment(lookup)).created == created
    order = shop.simulator.store.all("order")[0]
    assert order["_mandate"] == {
        "max_amount": 100_000,
        "frequency": "monthly",
        "expire_at": int((shop.now + timedelta(days=3650)).timestamp()),
    }
    assert await shop.create(mandate=MANDATE) == created
    assert [each["id"] for each in shop.simulator.store.all("customer")] == [customer]


async def test_confirmed_mandate_is_told_with_its_customer(shop):
    token, customer = await shop.token()
    tokens = [each.payload for each in await shop.events() if isinstance(each.payload, TokenResult)]
    assert {each.provider_token for each in tokens} == {token}
    assert {each.provider_customer for each in tokens} == {customer, ""}
    assert all(each.is_usable for each in tokens)
    for status in ("paused", "cancelled", "rejected"):
        await shop.control("move_token", token=token, status=status)
        (told,) = await shop.heard(f"token.{status}")
        assert (told.provider_token, told.is_usable) == (token, False)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"mandate": Mandate(max_amount=RUPEES_500, name="Asha")}, "contact_missing"),
        (
            {"mandate": Mandate(max_amount=Money(500, "USD"), phone="+919876543210")},
            "currency_unsupported",
        ),
        ({"mandate": Mandate(max_amount=Money(1, "INR"), phone="+919876543210")}, None),
    ],
)
async def test_mandate_that_can_not_be_is_refused_and_makes_no_order(shop, wanted, code):
    with pytest.raises(GatewayRejected) as refused:
        await shop.create(**wanted)
    assert code in {None, refused.value.failure_code}
    assert shop.simulator.store.all("order") == []


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_new_customer_is_safe_to_repeat(hasty, fault):
    await hasty.spoil(fault, "/customers")
    with pytest.raises(GatewayUnavailable):
        await hasty.create(mandate=MANDATE)
    await hasty.create(mandate=MANDATE)
    assert len(hasty.simulator.store.all("customer")) == 1


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("captured", ProviderPaymentStatus.CAPTURED),
        ("created", ProviderPaymentStatus.PENDING),
        ("failed", ProviderPaymentStatus.FAILED),
    ],
)
async def test_charge_is_accepted_and_ends_later(shop, outcome, status):
    token, customer = await shop.token()
    await shop.switch(debit_outcome=outcome)
    charged = await shop.gateway.charge_token(charge_of(token, customer, description="Tea"))
    (attempt,) = charged.attempts
    assert (attempt.status, attempt.amount) == (status, RUPEES_500)
    assert attempt.provider_reference == charged.provider_reference
    payment = (await shop.payments())[-1]
    assert (payment["email"], payment["contact"]) == (MANDATE.email, MANDATE.phone)
    assert (payment["token_id"], payment["description"]) == (token, "Tea")
    if outcome == "created":
        await shop.control("advance", payment=attempt.provider_payment_id, outcome="captured")
    again = await shop.again().charge_token(charge_of(token, customer))
    assert [each.provider_payment_id for each in again.attempts] == [attempt.provider_payment_id]
    assert len(await shop.payments()) == 2
    # A debit saves nothing: the one token comes from the mandate's own payment.
    saved = [each for each in await shop.heard("payment.captured") if isinstance(each, TokenResult)]
    assert len(saved) == 1


async def test_charge_beyond_the_mandate_is_refused_and_may_be_tried_again(shop):
    token, customer = await shop.token()
    for _ in range(2):
        with pytest.raises(GatewayRejected, match="maximum amount"):
            await shop.gateway.charge_token(charge_of(token, customer, Money(100_001, "INR")))
    await shop.control("move_token", token=token, status="paused")
    with pytest.raises(GatewayRejected):
        await shop.gateway.charge_token(charge_of(token, customer, Money(100_001, "INR")))
    assert len(await shop.ledger()) == 1


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("is_same_process", [True, False])
@pytest.mark.parametrize(
    "switch", [{}, {"strict_receipts": True}, {"ignores_unique_receipt": True}], ids=str
)
async def test_lost_answer_to_a_debit_leaves_one_debit(hasty, fault, is_same_process, switch):
    token, customer = await hasty.token()
    await hasty.switch(**switch)
    await hasty.spoil(fault, "/recurring")
    with pytest.raises(GatewayOutcomeUnknown):
        await hasty.gateway.charge_token(charge_of(token, customer))
    gateway = hasty.gateway if is_same_process else hasty.again()
    (attempt,) = (await gateway.charge_token(charge_of(token, customer))).attempts
    assert attempt.status is ProviderPaymentStatus.CAPTURED
    assert len(await hasty.ledger()) == 2


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_the_order_of_a_charge_leaves_one_debit(hasty, fault):
    token, customer = await hasty.token()
    await hasty.spoil(fault, "/orders", times=2)
    with pytest.raises(GatewayOutcomeUnknown):
        await hasty.gateway.charge_token(charge_of(token, customer))
    # Nobody has debited yet, and this process knows that.
    await hasty.gateway.charge_token(charge_of(token, customer))
    assert len(await hasty.ledger()) == 2


@pytest.mark.parametrize("fault", LOST)
async def test_accepted_debit_whose_payment_can_not_be_read_is_pending(hasty, fault):
    token, customer = await hasty.token()
    await hasty.spoil(fault, "/payments/pay_")
    (attempt,) = (await hasty.gateway.charge_token(charge_of(token, customer))).attempts
    assert attempt.status is ProviderPaymentStatus.PENDING
    assert len(await hasty.ledger()) == 2


async def test_debit_that_was_never_received_is_refused_in_the_end_and_never_sent_again(shop):
    token, customer = await shop.token()
    await shop.spoil("500", "/recurring")
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.charge_token(charge_of(token, customer))
    for gateway in (shop.gateway, shop.again()):
        with pytest.raises(GatewayOutcomeUnknown, match="on its way"):
            await gateway.charge_token(charge_of(token, customer))
    shop.now += timedelta(minutes=15)
    for gateway in (shop.gateway, shop.again()):
        with pytest.raises(GatewayRejected) as refused:
            await gateway.charge_token(charge_of(token, customer))
        assert refused.value.failure_code == "charge_not_received"
    assert len(await shop.ledger()) == 1


async def test_order_of_an_earlier_charge_that_can_not_be_read_is_unavailable(shop):
    token, customer = await shop.token()
    await shop.spoil("500_after_effect", "/recurring")
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.charge_token(charge_of(token, customer))
    await shop.spoil("500", "/payments")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.charge_token(charge_of(token, customer))
    assert (await shop.gateway.charge_token(charge_of(token, customer))).attempts
    assert len(await shop.ledger()) == 2


async def test_debit_that_was_not_sent_is_sent_again_at_once(shop):
    token, customer = await shop.token()
    await shop.spoil("429", "/recurring")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.charge_token(charge_of(token, customer))
    await shop.gateway.charge_token(charge_of(token, customer))
    assert len(await shop.ledger()) == 2


@pytest.mark.parametrize("is_unique", [True, False])
async def test_two_charges_at_once_debit_at_most_once(shop, is_unique):
    token, customer = await shop.token()
    await shop.switch(ignores_unique_receipt=not is_unique)
    gateways = (shop.gateway, shop.again(), shop.gateway)
    asking = (gateway.charge_token(charge_of(token, customer)) for gateway in gateways)
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert len(await shop.ledger()) == 2 or not is_unique
    assert len(await shop.ledger()) <= 2
    made = {
        answer.attempts[0].provider_payment_id for answer in answers if hasattr(answer, "attempts")
    }
    assert len(made) == len(await shop.ledger()) - 1
    unsure = [answer for answer in answers if isinstance(answer, Exception)]
    assert all(isinstance(answer, GatewayOutcomeUnknown) for answer in unsure)


async def test_refused_debit_whose_truth_can_not_be_asked_is_unknown(shop):
    token, customer = await shop.token()
    await shop.spoil("500", "/payments", times=0)
    await shop.control("move_token", token=token, status="paused")
    real = shop.gateway._client.payments_of_order

    async def silent(order_id):
        raise GatewayUnavailable(order_id)

    shop.gateway._client.payments_of_order = silent
    with pytest.raises(GatewayOutcomeUnknown, match="could not be asked"):
        await shop.gateway.charge_token(charge_of(token, customer))
    shop.gateway._client.payments_of_order = real
    assert len(await shop.ledger()) == 1


async def test_refused_debit_of_an_order_that_is_paid_is_answered_with_its_payment(shop):
    token, customer = await shop.token()
    await shop.spoil("500_after_effect", "/orders", times=2)
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.charge_token(charge_of(token, customer))
    (order,) = (await shop.http.get("/v1/orders", params={"receipt": CHARGE})).json()["items"]
    await shop.control("pay", reference=order["id"], outcome="captured")
    (attempt,) = (await shop.gateway.charge_token(charge_of(token, customer))).attempts
    assert attempt.provider_reference == order["id"]
    assert len(await shop.ledger()) == 2


async def test_charge_needs_an_email_and_a_phone_from_somewhere():
    async with open_gateway(payer_email="", payer_phone="") as shop:
        await shop.paid(mandate=Mandate(max_amount=RUPEES_500, phone="+919876543210"))
        payment = (await shop.payments())[-1]
        charge = charge_of(payment["token_id"], payment["customer_id"])
        with pytest.raises(GatewayRejected) as refused:
            await shop.gateway.charge_token(charge)
        assert refused.value.failure_code == "contact_missing"
        told = charge_of(payment["token_id"], payment["customer_id"], email="a@example.test")
        assert (await shop.gateway.charge_token(told)).attempts
        assert (await shop.payments())[-1]["email"] == "a@example.test"


# --- UPI apps -------------------------------------------------------------------------------------


def intent_of(created, amount=RUPEES_500):
    return UpiIntentRequest(
        payment_id=PAYMENT,
        provider_reference=created.provider_reference,
        amount=amount,
        description="Top-up",
    )


async def test_upi_link_pays_exactly_this_payment(shop):
    created = await shop.create()
    intent = await shop.gateway.open_upi(intent_of(created))
    link = httpx.URL(intent.link)
    assert (link.scheme, link.params["am"], link.params["cu"]) == ("upi", "500.00", "INR")
    (waiting,) = await shop.attempts()
    assert waiting.status is ProviderPaymentStatus.PENDING
    assert waiting.provider_payment_id == intent.provider_payment_id
    await shop.control("advance", payment=intent.provider_payment_id, outcome="captured")
    (paid,) = await shop.attempts()
    assert (paid.status, paid.method) == (ProviderPaymentStatus.CAPTURED, "upi")
    with pytest.raises(GatewayRejected):
        await shop.gateway.open_upi(intent_of(created))


@pytest.mark.parametrize("fault", [*LOST, *NOT_DONE])
async def test_upi_link_that_got_lost_may_be_asked_for_again(hasty, fault):
    created = await hasty.create()
    await hasty.spoil(fault, "/create/upi")
    with pytest.raises(GatewayUnavailable):
        await hasty.gateway.open_upi(intent_of(created))
    intent = await hasty.gateway.open_upi(intent_of(created))
    await hasty.control("advance", payment=intent.provider_payment_id, outcome="captured")
    assert len(await hasty.ledger()) == 1


async def test_upi_link_of_another_amount_or_without_a_contact_is_refused(shop):
    created = await shop.create()
    with pytest.raises(GatewayRejected):
        await shop.gateway.open_upi(intent_of(created, Money(49_900, "INR")))
    async with open_gateway(payer_email="") as other:
        with pytest.raises(GatewayRejected) as refused:
            await other.gateway.open_upi(intent_of(created))
        assert refused.value.failure_code == "contact_missing"
