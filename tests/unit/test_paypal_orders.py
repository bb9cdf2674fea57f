"""PayPal's orders against scripted answers: what is sent, and what each answer means."""

import httpx
import pytest

from batua.contract import (
    ChargeRequest,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mandate,
    Money,
    PaymentLookup,
    PaymentRequest,
    ProviderPaymentStatus,
    check_gateway,
)
from batua.gateways.paypal import PayPalGateway
from tests.support.paypal import (
    CAPTURE,
    CREATE,
    FOLLOW_UP,
    LOOKUP,
    ORDER,
    ORDERS,
    PAYMENT,
    TEN,
    TEN_DOLLARS,
    TO_CHARGE,
    PayPal,
    capture,
    confirm,
    gateway_to,
    order,
    refusal,
)

SECOND = [
    httpx.ReadError("cut"),
    httpx.ConnectError("no"),
    httpx.Response(429),
    refusal("", 401),
    refusal("PERMISSION_DENIED", 403),
    refusal("INSTRUMENT_DECLINED"),
]
"""Answers to a repeat that tell nothing of the first call."""


@pytest.fixture
def paypal():
    return PayPal()


@pytest.fixture
def gateway(paypal):
    return gateway_to(paypal)


def test_what_is_declared_is_implemented():
    check_gateway(PayPalGateway)
    assert "INR" not in PayPalGateway.manifest.capabilities.currencies


# --- create ---


async def test_create_sends_our_id_and_answers_with_the_way_to_paypal(gateway, paypal):
    paypal.on("POST", ORDERS, httpx.Response(201, json=order("PAYER_ACTION_REQUIRED")))
    created = await gateway.create_payment(CREATE)
    assert created.provider_reference == ORDER
    assert created.url == f"https://www.paypal.com/checkoutnow?token={ORDER}"
    assert created.checkout == {"order_id": ORDER, "client_id": "client"}
    (body,) = paypal.bodies(ORDERS)
    assert paypal.request_ids(ORDERS) == [PAYMENT]
    (unit,) = body["purchase_units"]
    assert unit == {
        "amount": TEN_DOLLARS, "custom_id": PAYMENT, "invoice_id": PAYMENT, "description": "Top-up"
    }  # fmt: skip
    assert body["intent"] == "CAPTURE"
    experience = body["payment_source"]["paypal"]["experience_context"]
    assert experience["return_url"] == experience["cancel_url"] == "https://shop.example/back"
    assert "attributes" not in body["payment_source"]["paypal"]


async def test_create_takes_the_older_link_and_a_minimal_answer_too(gateway, paypal):
    links = [{"rel": "approve", "href": "https://www.paypal.com/a"}]
    paypal.on("POST", ORDERS, {"id": ORDER, "status": "CREATED", "links": links})
    assert (await gateway.create_payment(CREATE)).url == "https://www.paypal.com/a"


async def test_a_mandate_saves_the_wallet_with_the_purchase(gateway, paypal):
    paypal.on("POST", ORDERS, order())
    mandate = Mandate(max_amount=TEN)
    request = PaymentRequest(payment_id=PAYMENT, amount=TEN, mandate=mandate)
    await gateway.create_payment(request)
    (body,) = paypal.bodies(ORDERS)
    vault = body["payment_source"]["paypal"]["attributes"]["vault"]
    assert vault["store_in_vault"] == "ON_SUCCESS"
    assert "return_url" not in body["payment_source"]["paypal"]["experience_context"]


async def test_a_lost_answer_is_asked_for_again_with_the_same_request_id(gateway, paypal):
    paypal.on("POST", ORDERS, httpx.ReadTimeout("lost"), order())
    assert (await gateway.create_payment(CREATE)).provider_reference == ORDER
    assert paypal.request_ids(ORDERS) == [PAYMENT, PAYMENT]
    first, second = paypal.bodies(ORDERS)
    assert first == second


@pytest.mark.parametrize("second", SECOND)
async def test_an_answer_that_stays_lost_is_an_unknown_outcome(gateway, paypal, second):
    paypal.on("POST", ORDERS, httpx.ReadTimeout("lost"), second)
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.create_payment(CREATE)


@pytest.mark.parametrize("call", ["create_payment", "charge_token"])
async def test_an_id_that_was_paid_before_is_no_definite_no(gateway, paypal, call):
    paypal.on("POST", ORDERS, refusal("DUPLICATE_INVOICE_ID"))
    with pytest.raises(GatewayOutcomeUnknown, match="paid for"):
        await getattr(gateway, call)(CREATE if call == "create_payment" else TO_CHARGE)


async def test_an_order_of_another_amount_is_not_ours(gateway, paypal):
    other = order()
    other["purchase_units"][0]["amount"] = {"currency_code": "USD", "value": "9.00"}
    paypal.on("POST", ORDERS, other)
    with pytest.raises(GatewayRejected) as refused:
        await gateway.create_payment(CREATE)
    assert refused.value.failure_code == "amount_mismatch"


@pytest.mark.parametrize("call", ["create_payment", "charge_token"])
async def test_rupees_are_refused_without_a_call(gateway, paypal, call):
    asked = {"create_payment": PaymentRequest(payment_id=PAYMENT, amount=Money(50_000, "INR")),
             "charge_token": ChargeRequest(payment_id=PAYMENT, amount=Money(50_000, "INR"),
                                           provider_token="t", provider_customer="c")}  # fmt: skip
    with pytest.raises(GatewayRejected, match="no rupees"):
        await getattr(gateway, call)(asked[call])
    assert (paypal.sent, paypal.tokens) == ([], 0)


# --- fetch and confirm ---


@pytest.mark.parametrize(
    ("found", "attempts"),
    [
        (order("CREATED"), []),
        (order("PAYER_ACTION_REQUIRED"), []),
        (order("APPROVED"), [(ORDER, "authorized", 1000)]),
        (order("VOIDED"), [(ORDER, "voided", 1000)]),
        (order("COMPLETED", capture()), [(CAPTURE, "captured", 1000)]),
        (order("COMPLETED", capture("PENDING")), [(CAPTURE, "pending", 1000)]),
        (order("COMPLETED", capture("REFUNDED")), [(CAPTURE, "captured", 1000)]),
        (order("COMPLETED", capture("PARTIALLY_REFUNDED")), [(CAPTURE, "captured", 1000)]),
        (order("COMPLETED", capture("FAILED")), [(CAPTURE, "failed", 1000)]),
        (
            order("APPROVED", capture("DECLINED")),
            [(CAPTURE, "failed", 1000), (ORDER, "authorized", 1000)],
        ),
        (order("APPROVED", capture("PENDING")), [(CAPTURE, "pending", 1000)]),
        (
            order("COMPLETED", capture(amount={"currency_code": "USD", "value": "9.00"})),
            [(CAPTURE, "captured", 900)],
        ),
    ],
)
async def test_an_order_is_read_as_what_became_of_its_money(gateway, paypal, found, attempts):
    paypal.on("GET", f"{ORDERS}/{ORDER}", found)
    fetched = await gateway.fetch_payment(LOOKUP)
    assert fetched.provider_reference == ORDER
    assert [
        (one.provider_payment_id, str(one.status), one.amount.amount) for one in fetched.attempts
    ] == attempts
    assert {one.provider_reference for one in fetched.attempts} <= {ORDER}
    assert fetched.created.provider_reference == ORDER


async def test_a_declined_capture_tells_why(gateway, paypal):
    declined = capture("DECLINED", status_details={"reason": "PENDING_REVIEW"})
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("COMPLETED", declined, capture("FAILED")))
    fetched = await gateway.fetch_payment(LOOKUP)
    assert [one.failure_code for one in fetched.attempts] == ["PENDING_REVIEW", "FAILED"]


@pytest.mark.parametrize(
    "found",
    [
        order("INVENTED"),
        order("COMPLETED", capture("INVENTED")),
        order("COMPLETED", capture(amount={"currency_code": "USD", "value": "1e3"})),
        order("COMPLETED", capture(id=None)),
        order("COMPLETED", capture(), id=None),
        order("APPROVED", purchase_units=[{"custom_id": PAYMENT}]),
        order("APPROVED", purchase_units="none"),
    ],
)
async def test_an_order_that_can_not_be_read_is_unavailable(gateway, paypal, found):
    paypal.on("GET", f"{ORDERS}/{ORDER}", found)
    with pytest.raises(GatewayUnavailable):
        await gateway.fetch_payment(LOOKUP)


async def test_a_payment_without_a_reference_was_never_heard_of(gateway, paypal):
    lookup = PaymentLookup(payment_id=PAYMENT, provider_reference="", amount=TEN)
    fetched = await gateway.fetch_payment(lookup)
    assert (fetched.provider_reference, fetched.attempts, fetched.created) == ("", (), None)
    assert paypal.sent == []


async def test_an_order_that_paypal_has_dropped_was_never_heard_of(gateway):
    assert (await gateway.fetch_payment(LOOKUP)).provider_reference == ""


async def test_an_order_of_another_payment_is_refused(gateway, paypal):
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"))
    lookup = PaymentLookup(payment_id="pay_another", provider_reference=ORDER, amount=TEN)
    with pytest.raises(GatewayRejected) as refused:
        await gateway.fetch_payment(lookup)
    assert refused.value.failure_code == "reference_mismatch"
    unmatched = PaymentLookup(payment_id="", provider_reference=ORDER, amount=TEN)
    assert (await gateway.fetch_payment(unmatched)).attempts


@pytest.mark.parametrize(
    ("found", "status", "named"),
    [
        (order("PAYER_ACTION_REQUIRED"), ProviderPaymentStatus.PENDING, ORDER),
        (order("APPROVED"), ProviderPaymentStatus.AUTHORIZED, ORDER),
        (order("APPROVED", capture("DECLINED")), ProviderPaymentStatus.AUTHORIZED, ORDER),
        (order("COMPLETED", capture()), ProviderPaymentStatus.CAPTURED, CAPTURE),
    ],
)
async def test_a_browsers_return_is_answered_with_paypals_word(
    gateway, paypal, found, status, named
):
    paypal.on("GET", f"{ORDERS}/{ORDER}", found)
    result = await gateway.confirm(confirm(token=ORDER, PayerID="QYR5Z8XDVJNXQ"))
    assert (result.status, result.provider_payment_id, result.amount) == (status, named, TEN)


@pytest.mark.parametrize("proof", [{}, {"token": ""}, {"token": "5O190127TN364715T"}, {"token": 1}])
async def test_a_proof_of_another_payment_is_refused_without_a_call(gateway, paypal, proof):
    with pytest.raises(GatewayRejected):
        await gateway.confirm(confirm(**proof))
    assert paypal.sent == []


async def test_a_return_to_an_order_that_is_gone_is_refused(gateway):
    with pytest.raises(GatewayRejected) as refused:
        await gateway.confirm(confirm(token=ORDER))
    assert refused.value.failure_code == "not_found"


# --- capture ---

CAPTURING = f"{ORDERS}/{ORDER}/capture"


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (capture(), ProviderPaymentStatus.CAPTURED),
        (capture("PENDING"), ProviderPaymentStatus.PENDING),
        (capture("DECLINED"), ProviderPaymentStatus.FAILED),
    ],
)
async def test_a_capture_is_what_the_capture_says(gateway, paypal, found, status):
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"))
    paypal.on("POST", CAPTURING, httpx.Response(201, json=order("COMPLETED", found)))
    result = await gateway.capture(FOLLOW_UP)
    assert (result.provider_payment_id, result.status) == (CAPTURE, status)
    assert paypal.request_ids(CAPTURING) == [f"{PAYMENT}-capture"]
    assert paypal.bodies(CAPTURING) == [{}]


async def test_a_minimal_capture_is_fetched(gateway, paypal):
    paypal.on("POST", CAPTURING, {"id": ORDER, "status": "COMPLETED"})
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"), order("COMPLETED", capture("PENDING")))
    assert (await gateway.capture(FOLLOW_UP)).status is ProviderPaymentStatus.PENDING


@pytest.mark.parametrize("found", [order("COMPLETED"), httpx.ReadTimeout("lost"), order("NEW")])
async def test_a_minimal_capture_that_can_not_be_fetched_is_unknown(gateway, paypal, found):
    paypal.on("POST", CAPTURING, {"id": ORDER, "status": "COMPLETED"})
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"), found)
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.capture(FOLLOW_UP)


@pytest.mark.parametrize("issue", ["ORDER_ALREADY_CAPTURED", "DUPLICATE_INVOICE_ID"])
async def test_what_was_captured_before_is_answered_as_it_is(gateway, paypal, issue):
    paypal.on("POST", CAPTURING, refusal(issue))
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"), order("COMPLETED", capture()))
    assert (await gateway.capture(FOLLOW_UP)).provider_payment_id == CAPTURE
    assert (await gateway.capture(FOLLOW_UP)).provider_payment_id == CAPTURE
    assert len(paypal.bodies(CAPTURING)) == 1


async def test_a_part_of_an_order_is_not_captured(gateway, paypal):
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"))
    for amount in (Money(999, "USD"), Money(1_001, "USD"), Money(1_000, "EUR")):
        with pytest.raises(GatewayRejected) as refused:
            await gateway.capture(
                FollowUpRequest(idempotency_key=PAYMENT, provider_payment_id=ORDER, amount=amount)
            )
        assert refused.value.failure_code == "amount_mismatch"
    assert paypal.bodies(CAPTURING) == []


@pytest.mark.parametrize(
    "issue",
    ["ORDER_NOT_APPROVED", "INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED"],
)
async def test_a_refused_capture_is_a_definite_no_of_this_call(gateway, paypal, issue):
    paypal.on("POST", CAPTURING, refusal(issue))
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED", capture("DECLINED")))
    with pytest.raises(GatewayRejected) as refused:
        await gateway.capture(FOLLOW_UP)
    assert refused.value.failure_code == issue
    assert "secret words" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (refusal("ORDER_COMPLETION_IN_PROGRESS"), order("APPROVED")),
        (refusal("", 409, "RESOURCE_CONFLICT"), order("APPROVED")),
        (refusal("ORDER_ALREADY_CAPTURED"), order("APPROVED")),
        (refusal("ORDER_ALREADY_CAPTURED"), httpx.ReadTimeout("lost")),
        (refusal("TRANSACTION_REFUSED"), httpx.ConnectError("no")),
    ],
)
async def test_a_capture_that_may_have_happened_is_unknown(gateway, paypal, answer, found):
    paypal.on("POST", CAPTURING, answer)
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"), found)
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.capture(FOLLOW_UP)
    assert len(paypal.bodies(CAPTURING)) == 1


# --- saved instruments ---


async def test_a_saved_wallet_is_charged_by_one_call(gateway, paypal):
    paypal.on("POST", ORDERS, httpx.Response(201, json=order("COMPLETED", capture())))
    fetched = await gateway.charge_token(TO_CHARGE)
    assert fetched.provider_reference == ORDER
    assert [one.status for one in fetched.attempts] == [ProviderPaymentStatus.CAPTURED]
    assert paypal.request_ids(ORDERS) == [PAYMENT]
    (body,) = paypal.bodies(ORDERS)
    wallet = body["payment_source"]["paypal"]
    assert wallet["vault_id"] == "3nqvjt3n"
    assert wallet["stored_credential"]["payment_initiator"] == "MERCHANT"


async def test_a_charge_whose_answer_was_lost_is_asked_again_and_not_made_twice(gateway, paypal):
    paypal.on("POST", ORDERS, httpx.ReadError("cut"), {"id": ORDER, "status": "COMPLETED"})
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("COMPLETED", capture("PENDING")))
    fetched = await gateway.charge_token(TO_CHARGE)
    assert [one.status for one in fetched.attempts] == [ProviderPaymentStatus.PENDING]
    assert paypal.request_ids(ORDERS) == [PAYMENT, PAYMENT]


@pytest.mark.parametrize("second", SECOND)
async def test_a_charge_that_stays_lost_is_unknown(gateway, paypal, second):
    paypal.on("POST", ORDERS, httpx.ReadError("cut"), second)
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.charge_token(TO_CHARGE)


async def test_a_charge_that_needs_its_payer_is_refused(gateway, paypal):
    paypal.on("POST", ORDERS, order("PAYER_ACTION_REQUIRED"))
    with pytest.raises(GatewayRejected) as refused:
        await gateway.charge_token(TO_CHARGE)
    assert refused.value.failure_code == "payer_action_required"
