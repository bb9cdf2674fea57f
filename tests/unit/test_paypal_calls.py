"""What every silence and refusal of PayPal means, call by call, and its access tokens."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from batua.contract import (
    DisputeLookup,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    ProviderPaymentStatus,
    RefundRequest,
)
from tests.support.paypal import (
    CREATE,
    FOLLOW_UP,
    LOOKUP,
    NOW,
    ORDER,
    ORDERS,
    PAYMENT,
    REFUND,
    REFUNDED,
    TEN,
    TO_CHARGE,
    TO_DISPUTE,
    TO_REFUND,
    PayPal,
    capture,
    confirm,
    gateway_to,
    order,
    refund_lookup,
    refusal,
)

SINCE, UNTIL = NOW - timedelta(days=3), NOW

CAPTURING = f"{ORDERS}/{ORDER}/capture"


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def paypal():
    return PayPal()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gateway(paypal, clock):
    return gateway_to(paypal, clock)


# --- what every silence and refusal means ---

READS = {
    "fetch_payment": LOOKUP,
    "confirm": confirm(token=ORDER),
    "fetch_refund": refund_lookup(REFUNDED),
    "fetch_dispute": TO_DISPUTE,
}
WRITES = {
    "create_payment": CREATE,
    "charge_token": TO_CHARGE,
    "capture": FOLLOW_UP,
    "refund": TO_REFUND,
}
NOT_SENT = [httpx.Response(429, json={"name": "RATE_LIMIT_REACHED"}), httpx.ConnectError("no"),
            httpx.ConnectTimeout("no")]  # fmt: skip
LOST = [
    httpx.Response(500, json={"name": "INTERNAL_SERVER_ERROR"}),
    httpx.Response(503),
    httpx.Response(200, html="<h1>502</h1>"),
    httpx.Response(200, json=[]),
    httpx.Response(302, headers={"location": "https://attacker.example"}),
    httpx.Response(400, html="<h1>no</h1>"),
    httpx.Response(200, content=b"{" + b" " * 4_200_000 + b"}"),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("cut"),
    httpx.RemoteProtocolError("closed"),
]


class Everywhere(dict):
    """The same answer at every path, but for the look at an order before it is captured."""

    def __init__(self, answer, *, is_capture=False):
        super().__init__()
        self.answer = answer
        self.look = [order("APPROVED")] if is_capture else []

    def get(self, _key, _default=None):
        return [self.look.pop() if self.look else self.answer]


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("answer", NOT_SENT + LOST, ids=repr)
async def test_a_read_that_fails_is_unavailable(gateway, paypal, call, answer):
    paypal.answers = Everywhere(answer)
    with pytest.raises(GatewayUnavailable):
        await getattr(gateway, call)(READS[call])


@pytest.mark.parametrize("answer", NOT_SENT + LOST, ids=repr)
async def test_a_list_that_fails_is_unavailable(gateway, paypal, answer):
    paypal.answers = Everywhere(answer)
    with pytest.raises(GatewayUnavailable):
        await gateway.list_transactions(SINCE, UNTIL)


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("answer", NOT_SENT, ids=repr)
async def test_a_write_that_was_not_taken_may_be_sent_again(gateway, paypal, call, answer):
    paypal.answers = Everywhere(answer, is_capture=call == "capture")
    with pytest.raises(GatewayUnavailable):
        await getattr(gateway, call)(WRITES[call])


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("answer", LOST, ids=repr)
async def test_a_write_without_an_answer_is_unknown(gateway, paypal, call, answer):
    paypal.answers = Everywhere(answer, is_capture=call == "capture")
    with pytest.raises(GatewayOutcomeUnknown):
        await getattr(gateway, call)(WRITES[call])


@pytest.mark.parametrize("call", [*READS, *WRITES])
async def test_refused_credentials_are_told_as_such(gateway, paypal, call):
    paypal.answers = Everywhere(refusal("", 401, "AUTHENTICATION_FAILURE"))
    with pytest.raises(GatewayRejected) as refused:
        await getattr(gateway, call)((READS | WRITES)[call])
    assert refused.value.failure_code == "authentication_failed"
    assert paypal.tokens == 2


@pytest.mark.parametrize("call", WRITES)
async def test_a_missing_permission_is_a_refusal_with_its_name(gateway, paypal, call):
    paypal.answers = Everywhere(refusal("PERMISSION_DENIED", 403, "NOT_AUTHORIZED"))
    expected = GatewayOutcomeUnknown if call == "refund" else GatewayRejected
    with pytest.raises(expected) as raised:
        await getattr(gateway, call)(WRITES[call])
    if expected is GatewayRejected:
        assert raised.value.failure_code == "PERMISSION_DENIED"


@pytest.mark.parametrize("value", ["", "../x", "a/b", "8PR65?x", "é", "A" * 65])
async def test_an_odd_id_never_becomes_a_path(gateway, paypal, value):
    asked = [
        gateway.capture(
            FollowUpRequest(idempotency_key=PAYMENT, provider_payment_id=value, amount=TEN)
        ),
        gateway.refund(RefundRequest(refund_id=REFUND, provider_payment_id=value, amount=TEN)),
        gateway.fetch_refund(refund_lookup(provider_payment_id=value)),
        gateway.fetch_dispute(DisputeLookup(provider_dispute_id=value, provider_payment_id="")),
    ]
    for call in asked:
        with pytest.raises(GatewayRejected) as refused:
            await call
        assert refused.value.failure_code == "invalid_id"
    assert paypal.sent == []


async def test_an_answer_that_drips_is_given_up(paypal, gateway):
    async def hang(_request):
        await asyncio.sleep(30)

    gateway._orders._client._transport.http._transport = httpx.MockTransport(hang)
    gateway._orders._client._token._value = "A"
    gateway._orders._client._token._refresh_at = NOW + timedelta(hours=1)
    with pytest.raises(GatewayOutcomeUnknown, match="TimeoutError"):
        await gateway.refund(TO_REFUND)


# --- the access token ---


async def test_a_token_is_used_until_shortly_before_its_end(gateway, paypal, clock):
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"))
    await asyncio.gather(*(gateway.fetch_payment(LOOKUP) for _ in range(5)))
    assert paypal.tokens == 1
    clock.now += timedelta(seconds=32_400 - 301)
    await gateway.fetch_payment(LOOKUP)
    assert paypal.tokens == 1
    clock.now += timedelta(seconds=1)
    await gateway.fetch_payment(LOOKUP)
    assert paypal.tokens == 2
    assert paypal.sent[-1].headers["authorization"] == "Bearer A2"


async def test_a_token_that_is_refused_is_fetched_anew_once(gateway, paypal):
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("APPROVED"))
    paypal.on("POST", CAPTURING, refusal("", 401), order("COMPLETED", capture()))
    assert (await gateway.capture(FOLLOW_UP)).status is ProviderPaymentStatus.CAPTURED
    assert paypal.tokens == 2
    assert paypal.request_ids(CAPTURING) == [f"{PAYMENT}-capture"] * 2


@pytest.mark.parametrize(
    "answer",
    [*NOT_SENT, *LOST, httpx.Response(200, json={"access_token": "", "expires_in": 1}),
     httpx.Response(200, json={"access_token": "A\n", "expires_in": 1}),
     httpx.Response(200, json={"access_token": "A", "expires_in": "soon"})],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("call", ["capture", "refund", "charge_token"])
async def test_without_a_token_nothing_was_sent(gateway, paypal, call, answer):
    paypal.token_answers = [answer] * 2
    with pytest.raises(GatewayUnavailable):
        await getattr(gateway, call)(WRITES[call])
    assert paypal.sent == []


@pytest.mark.parametrize("status", [400, 401])
async def test_credentials_that_paypal_does_not_know_are_told_as_such(gateway, paypal, status):
    said = {"error": "invalid_client", "error_description": "Client Authentication failed: hush"}
    paypal.token_answers = [httpx.Response(status, json=said)]
    with pytest.raises(GatewayRejected) as refused:
        await gateway.create_payment(CREATE)
    assert refused.value.failure_code == "authentication_failed"
    assert "hush" not in str(refused.value)
    assert "invalid_client" in str(refused.value)
