"""The Razorpay gateway against its simulator, over real HTTP and the official SDK."""

import asyncio
import hmac
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest
import requests
from litestar import Litestar, Request, Response, get, post
from razorpay.resources import Payment
from requests.adapters import HTTPAdapter

from batua.certificates import trusted_certificates
from batua.contract import (
    ConfirmRequest,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
    Money,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundLookup,
    RefundRequest,
    RefundResult,
    Transport,
    WebhookRequest,
)
from batua.gateways.razorpay import RazorpayGateway
from batua.gateways.razorpay.settings import RazorpaySettings
from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator
from tests.support.ports import free_port

# Loading certificates takes longer than a test.
OUR_ID = "pay_0123456789abcdefghjkmnpqrs"
OUR_REFUND = "ref_0123456789abcdefghjkmnpqrs"
RUPEES_500 = Money(50_000, "INR")
REQUEST = PaymentRequest(payment_id=OUR_ID, amount=RUPEES_500, description="Top-up")
# Each of these answers is lost after the order, capture or refund was made.
LOST = ("500_after_effect", "timeout_after_effect", "html", "connection_reset")


ERROR = {"code": "BAD_REQUEST_ERROR", "description": "no"}


class Recorder(HTTPAdapter):
    """Sends for real and writes down what was sent."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def send(self, request, **options):
        self.sent.append((request.method, request.path_url, options["timeout"]))
        return super().send(request, **options)


class Shop:
    """A gateway, the provider that it talks to, and what went over the wire."""

    def __init__(self, gateway, http, recorder):
        self.gateway = gateway
        self.http = http
        self.recorder = recorder

    async def control(self, path, **body):
        answer = await self.http.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def spoil(self, fault, path="", times=1):
        await self.control("faults", api={"next": fault, "path": path, "times": times})

    async def paid(self, outcome="captured", **changes):
        created = await self.gateway.create_payment(REQUEST)
        return await self.control(
            "pay", reference=created.provider_reference, outcome=outcome, **changes
        )

    async def orders(self):
        answer = await self.http.get("/v1/orders", params={"receipt": OUR_ID})
        return [order["id"] for order in answer.json()["items"]]

    async def refunds(self):
        (payment,) = (await self.http.get("/_control/payments")).json()["payments"]
        return payment["refunds"]


@asynccontextmanager
async def gateway_at(base_url, *, timeout_s=2.0, **settings):
    recorder = Recorder()
    with ThreadPoolExecutor(8) as pool, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", recorder)
        async with httpx.AsyncClient(trust_env=False, verify=trusted_certificates()) as http:
            transport = Transport(
                http=http,
                session=session,
                run_blocking=lambda call: asyncio.get_running_loop().run_in_executor(pool, call),
                timeout_s=timeout_s,
                now=lambda: datetime.now(UTC),
            )
            secrets = {
                "key_id": "rzp_test_simulator",
                "key_secret": "simulator_key_secret",
                "webhook_secret": "simulator_webhook_secret",
            }
            made = RazorpaySettings(**(secrets | {"base_url": base_url} | settings))
            yield RazorpayGateway(made, transport), recorder


@asynccontextmanager
async def shop_with(*, timeout_s=2.0, simulator=None, **settings):
    simulator = simulator or RazorpaySimulator(hang_s=5, webhook_backoff_s=0.02)
    credentials = (simulator.key_id, simulator.key_secret)
    async with (
        serving(simulator.app) as url,
        httpx.AsyncClient(
            base_url=url, auth=credentials, trust_env=False, verify=trusted_certificates()
        ) as http,
        gateway_at(url, timeout_s=timeout_s, **settings) as (gateway, recorder),
    ):
        try:
            yield Shop(gateway, http, recorder)
        finally:
            await simulator.stop()


@pytest.fixture
async def shop():
    async with shop_with() as shop:
        yield shop


def lookup(reference="", **changes):
    asked = {"payment_id": OUR_ID, "provider_reference": reference, "amount": RUPEES_500}
    return PaymentLookup(**(asked | changes))


def confirmation(reference, proof):
    return ConfirmRequest(
        payment_id=OUR_ID, provider_reference=reference, amount=RUPEES_500, proof=proof
    )


def follow_up(payment, amount=RUPEES_500):
    return FollowUpRequest(
        idempotency_key="cap_1", provider_payment_id=payment["razorpay_payment_id"], amount=amount
    )


def refund_of(payment, amount=50_000, refund_id=OUR_REFUND, currency="INR"):
    return RefundRequest(
        refund_id=refund_id,
        provider_payment_id=payment["razorpay_payment_id"],
        amount=Money(amount, currency),
        reason="changed their mind",
    )


def refund_lookup(payment, provider_refund_id="", refund_id=OUR_REFUND):
    return RefundLookup(
        refund_id=refund_id,
        provider_refund_id=provider_refund_id,
        provider_payment_id=payment["razorpay_payment_id"],
        amount=RUPEES_500,
    )


async def test_first_try_is_one_call_and_gives_the_browser_no_secret(shop):
    created = await shop.gateway.create_payment(REQUEST)
    assert [sent[:2] for sent in shop.recorder.sent] == [("POST", "/v1/orders")]
    assert created.checkout == {
        "key_id": "rzp_test_simulator",
        "order_id": created.provider_reference,
        "amount": 50_000,
        "currency": "INR",
        "description": "Top-up",
    }
    assert created.url is None
    order = (await shop.http.get(f"/v1/orders/{created.provider_reference}")).json()
    assert (order["receipt"], order["notes"]) == (OUR_ID, {"batua_payment_id": OUR_ID})


async def test_checkout_address_opens_the_page():
    async with shop_with() as plain:
        url = str(plain.http.base_url).rstrip("/") + "/v1/checkout"
        async with gateway_at(str(plain.http.base_url), checkout_url=url) as (gateway, _):
            created = await gateway.create_payment(REQUEST)
            page = await plain.http.get(created.url)
            assert "Pay ₹500.00" in page.text


@pytest.mark.parametrize("strict", [False, True])
async def test_same_payment_is_one_order_under_both_switches(shop, strict):
    await shop.control("faults", strict_receipts=strict)
    first = await shop.gateway.create_payment(REQUEST)
    assert await shop.gateway.create_payment(REQUEST) == first
    assert len(await shop.orders()) == 1
    other = PaymentRequest(payment_id=OUR_ID, amount=Money(60_000, "INR"))
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.create_payment(other)
    assert refused.value.failure_code == "amount_mismatch"
    assert len(await shop.orders()) == 1


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_create_is_mended_at_once(fault, strict):
    async with shop_with(timeout_s=0.25) as shop:
        await shop.control("faults", strict_receipts=strict)
        await shop.spoil(fault, "/orders")
        created = await shop.gateway.create_payment(REQUEST)
        assert await shop.orders() == [created.provider_reference]


async def test_create_that_can_not_be_looked_up_is_unknown_and_its_retry_looks_first(shop):
    await shop.spoil("500_after_effect", "/orders", times=2)
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.create_payment(REQUEST)
    shop.recorder.sent.clear()
    created = await shop.gateway.create_payment(REQUEST)
    assert await shop.orders() == [created.provider_reference]
    assert [sent[0] for sent in shop.recorder.sent] == ["GET"]


async def test_doubt_that_proves_empty_creates_after_all():
    answers = [Response({}, status_code=500), Response({"items": []}), Response({"items": []})]

    @post("/v1/orders", status_code=200)
    async def create() -> Response:
        order = {"id": "order_1", "amount": 50_000, "currency": "INR", "receipt": OUR_ID}
        return answers.pop(0) if len(answers) == 3 else Response(order)

    @get("/v1/orders")
    async def search() -> Response:
        return answers.pop(0)

    app = Litestar([create, search], logging_config=None, openapi_config=None)
    async with serving(app) as url, gateway_at(url) as (gateway, _):
        with pytest.raises(GatewayOutcomeUnknown):
            await gateway.create_payment(REQUEST)
        assert (await gateway.create_payment(REQUEST)).provider_reference == "order_1"


async def test_every_order_of_a_receipt_is_read(shop):
    for _ in range(2):
        body = {"amount": 50_000, "currency": "INR", "receipt": OUR_ID}
        await shop.http.post("/v1/orders", json=body)
    chosen = (await shop.gateway.fetch_payment(lookup())).provider_reference
    assert (await shop.gateway.fetch_payment(lookup())).provider_reference == chosen
    (orphan,) = [order for order in await shop.orders() if order != chosen]
    await shop.control("pay", reference=orphan, outcome="captured")
    for reference in (chosen, ""):
        found = await shop.gateway.fetch_payment(lookup(reference))
        assert [attempt.provider_reference for attempt in found.attempts] == [orphan]
        assert found.provider_reference == (reference or orphan)


async def test_provider_that_contradicts_itself_is_not_believed():
    order = {"id": "order_1", "amount": 50_000, "currency": "INR", "receipt": OUR_ID}
    payment = {"id": "pay_1", "order_id": "order_2", "status": "captured"}
    payment |= {"amount": 50_000, "currency": "INR"}

    @post("/v1/orders")
    async def create() -> Response:
        taken = ERROR | {"description": "Order receipt should be unique."}
        return Response({"error": taken}, status_code=400)

    @get("/v1/orders")
    async def search() -> dict:
        return {"items": []}

    @get("/v1/orders/order_1")
    async def fetch_order() -> dict:
        return order

    @get("/v1/orders/order_1/payments")
    async def payments() -> dict:
        return {"items": [payment | {"amount": 1.5}]}

    @get("/v1/payments/pay_1")
    async def fetch_payment() -> dict:
        return payment

    routes = [create, search, fetch_order, payments, fetch_payment]
    app = Litestar(routes, logging_config=None, openapi_config=None)
    async with serving(app) as url, gateway_at(url) as (gateway, _):
        with pytest.raises(GatewayRejected, match="unique"):
            await gateway.create_payment(REQUEST)
        # The order is found by its id, and its payment's amount can't be read.
        with pytest.raises(GatewayUnavailable):
            await gateway.fetch_payment(lookup("order_1"))
        message = b"order_1|pay_1"
        signature = hmac.new(b"simulator_key_secret", message, sha256).hexdigest()
        proof = {"razorpay_payment_id": "pay_1", "razorpay_signature": signature}
        with pytest.raises(GatewayRejected) as refused:
            await gateway.confirm(confirmation("order_1", proof))
        assert refused.value.failure_code == "reference_mismatch"


async def test_fetch_returns_every_attempt_and_rebuilds_the_checkout(shop):
    created = await shop.gateway.create_payment(REQUEST)
    reference = created.provider_reference
    assert (await shop.gateway.fetch_payment(lookup(reference))).attempts == ()
    for outcome in ("failed", "authorized", "captured"):
        await shop.control("pay", reference=reference, outcome=outcome)
    await shop.control("pay", reference=reference, outcome="captured", amount=700, currency="USD")
    for asked in (reference, ""):
        found = await shop.gateway.fetch_payment(lookup(asked))
        assert [str(attempt.status) for attempt in found.attempts] == [
            "failed",
            "authorized",
            "captured",
            "captured",
        ]
        assert found.attempts[0].failure_code == "payment_failed"
        assert found.attempts[3].amount == Money(700, "USD")
        assert {attempt.mode for attempt in found.attempts} == {Mode.TEST}
        assert found.provider_reference == reference
        assert found.created.checkout["order_id"] == reference


async def test_fetch_of_a_payment_that_razorpay_never_saw(shop):
    assert await shop.gateway.fetch_payment(lookup()) == await shop.gateway.fetch_payment(lookup())
    assert (await shop.gateway.fetch_payment(lookup())).provider_reference == ""
    with pytest.raises(GatewayRejected):
        await shop.gateway.fetch_payment(lookup("order_00000000000000"))


async def test_fetch_refuses_the_order_of_another_payment(shop):
    created = await shop.gateway.create_payment(REQUEST)
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.fetch_payment(lookup(created.provider_reference, payment_id="pay_x"))
    assert refused.value.failure_code == "reference_mismatch"


async def test_proof_is_checked_and_the_payment_is_fetched(shop):
    payment = await shop.paid(amount=60_000)
    result = await shop.gateway.confirm(confirmation(payment["razorpay_order_id"], payment))
    assert result.status is ProviderPaymentStatus.CAPTURED
    assert result.amount == Money(60_000, "INR")
    assert result.provider_payment_id == payment["razorpay_payment_id"]


@pytest.mark.parametrize(
    "change",
    [
        {"razorpay_payment_id": "pay_00000000000000"},
        {"razorpay_payment_id": None},
        {"razorpay_payment_id": 5},
        {"razorpay_payment_id": ""},
        {"razorpay_payment_id": "pay_ü"},
        {"razorpay_payment_id": "\ud800"},
        {"razorpay_signature": None},
        {"razorpay_signature": ""},
        {"razorpay_signature": b"bytes"},
        {"razorpay_signature": "0" * 64},
        {"razorpay_signature": "é" * 64},
    ],
    ids=ascii,
)
async def test_forged_proof_is_rejected_before_any_call(shop, change):
    payment = await shop.paid()
    shop.recorder.sent.clear()
    forged = confirmation(payment["razorpay_order_id"], payment | change)
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.confirm(forged)
    assert refused.value.failure_code == "proof_invalid"
    assert shop.recorder.sent == []


async def test_genuine_proof_of_another_order_is_rejected(shop):
    payment = await shop.paid()
    ours = await shop.gateway.create_payment(
        PaymentRequest(payment_id="pay_other", amount=RUPEES_500)
    )
    for reference in (ours.provider_reference, ""):
        with pytest.raises(GatewayRejected):
            await shop.gateway.confirm(confirmation(reference, payment))
    with pytest.raises(GatewayRejected):
        await shop.gateway.confirm(confirmation(payment["razorpay_order_id"], {}))


async def test_capture_takes_the_whole_amount_once(shop):
    payment = await shop.paid("authorized")
    for amount in (Money(49_999, "INR"), Money(50_000, "USD")):
        with pytest.raises(GatewayRejected):
            await shop.gateway.capture(follow_up(payment, amount))
    first = await shop.gateway.capture(follow_up(payment))
    assert (first.status, first.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES_500)
    assert await shop.gateway.capture(follow_up(payment)) == first
    with pytest.raises(GatewayRejected):
        await shop.gateway.capture(follow_up(payment, Money(100, "INR")))


async def test_refused_capture_whose_truth_can_not_be_asked_is_unknown():
    @post("/v1/payments/pay_1/capture")
    async def capture() -> Response:
        return Response({"error": ERROR}, status_code=400)

    @get("/v1/payments/pay_1")
    async def fetch() -> Response:
        return Response({}, status_code=500)

    app = Litestar([capture, fetch], logging_config=None, openapi_config=None)
    async with serving(app) as url, gateway_at(url) as (gateway, _):
        with pytest.raises(GatewayOutcomeUnknown):
            await gateway.capture(follow_up({"razorpay_payment_id": "pay_1"}))


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_capture_is_unknown_then_found(fault):
    async with shop_with(timeout_s=0.25) as shop:
        payment = await shop.paid("authorized")
        await shop.spoil(fault, "/capture")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.capture(follow_up(payment))
        found = await shop.gateway.fetch_payment(lookup(payment["razorpay_order_id"]))
        assert found.attempts[0].status is ProviderPaymentStatus.CAPTURED


async def test_refund_is_made_once_per_id(shop):
    payment = await shop.paid()
    first = await shop.gateway.refund(refund_of(payment, 20_000))
    again = await shop.gateway.refund(refund_of(payment, 20_000))
    assert again.provider_refund_id == first.provider_refund_id
    assert first.refund_id == OUR_REFUND
    assert first.amount == Money(20_000, "INR")
    # The key is used up: what was refunded under it is the answer, whatever is asked now.
    assert await shop.gateway.refund(refund_of(payment, 10_000)) == again
    rest = await shop.gateway.refund(refund_of(payment, 30_000, "ref_the_rest_of_it"))
    assert rest.provider_refund_id != first.provider_refund_id
    (one, two) = await shop.refunds()
    assert (one["receipt"], one["notes"]["batua_refund_id"]) == (OUR_REFUND, OUR_REFUND)
    assert one["notes"]["reason"] == "changed their mind"
    assert two["amount"] == 30_000
    with pytest.raises(GatewayRejected):
        await shop.gateway.refund(refund_of(payment, 100, "ref_one_too_many"))
    with pytest.raises(GatewayRejected):
        await shop.gateway.refund(refund_of(payment, 2_951, currency="KWD"))


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_refund_is_unknown_then_found_and_never_repeated(fault):
    async with shop_with(timeout_s=0.25) as shop:
        payment = await shop.paid()
        await shop.spoil(fault, "/refund")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.refund(refund_of(payment, 20_000))
        found = await shop.gateway.fetch_refund(refund_lookup(payment))
        assert found.amount == Money(20_000, "INR")
        shop.recorder.sent.clear()
        assert await shop.gateway.refund(refund_of(payment, 20_000)) == found
        assert [sent[0] for sent in shop.recorder.sent] == ["GET"]
        assert len(await shop.refunds()) == 1


async def test_fully_refunded_already_may_be_our_own_doing(shop):
    payment = await shop.paid()
    body = {"amount": 50_000, "receipt": OUR_REFUND}
    path = f"/v1/payments/{payment['razorpay_payment_id']}/refund"
    made = (await shop.http.post(path, json=body)).json()
    found = await shop.gateway.refund(refund_of(payment))
    assert found.provider_refund_id == made["id"]
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.refund(refund_of(payment, 100, "ref_of_somebody_else"))
    assert refused.value.failure_code == "input_validation_failed"


async def test_refused_refund_whose_truth_can_not_be_asked_is_unknown(shop):
    payment = await shop.paid()
    await shop.control("refund", payment=payment["razorpay_payment_id"], amount=50_000)
    await shop.spoil("500_after_effect", "/refunds")
    with pytest.raises(GatewayOutcomeUnknown):
        await shop.gateway.refund(refund_of(payment))
    with pytest.raises(GatewayRejected):
        await shop.gateway.refund(refund_of(payment))


async def test_refund_in_progress_is_unknown():
    async with shop_with(timeout_s=0.5) as shop:
        payment = await shop.paid()
        await shop.spoil("timeout_after_effect", "/refund")
        first = asyncio.create_task(shop.gateway.refund(refund_of(payment)))
        async with asyncio.timeout(1):
            while not await shop.refunds():
                pass
        with pytest.raises(GatewayOutcomeUnknown, match="has not decided"):
            await shop.gateway.refund(refund_of(payment))
        with pytest.raises(GatewayOutcomeUnknown):
            await first


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("pending", ProviderRefundStatus.PENDING, ""),
        ("processed", ProviderRefundStatus.SUCCEEDED, ""),
        ("failed", ProviderRefundStatus.FAILED, "refund_failed"),
    ],
)
async def test_refund_is_fetched_by_either_id(shop, outcome, status, code):
    await shop.control("faults", refund_outcome=outcome)
    payment = await shop.paid()
    made = await shop.gateway.refund(refund_of(payment, 20_000))
    by_ours = await shop.gateway.fetch_refund(refund_lookup(payment))
    by_theirs = await shop.gateway.fetch_refund(refund_lookup(payment, made.provider_refund_id))
    assert by_ours == by_theirs
    assert (by_ours.status, by_ours.failure_code) == (status, code)


async def test_refund_that_razorpay_never_saw_is_none(shop):
    payment = await shop.paid()
    gone = {"razorpay_payment_id": "pay_00000000000000"}
    assert await shop.gateway.fetch_refund(refund_lookup(payment)) is None
    assert await shop.gateway.fetch_refund(refund_lookup(payment, "rfnd_00000000000000")) is None
    assert await shop.gateway.fetch_refund(refund_lookup(gone)) is None
    with pytest.raises(GatewayRejected):
        await shop.gateway.refund(refund_of(gone))
    made = await shop.gateway.refund(refund_of(payment, 20_000))
    with pytest.raises(GatewayRejected):
        await shop.gateway.fetch_refund(refund_lookup(gone, made.provider_refund_id))


async def test_refund_is_found_on_a_later_page(shop):
    payment = await shop.paid()
    await shop.gateway.refund(refund_of(payment, 100))
    for number in range(101):
        await shop.gateway.refund(refund_of(payment, 100, f"ref_number_{number:05}"))
    assert (await shop.gateway.fetch_refund(refund_lookup(payment))).refund_id == OUR_REFUND


@pytest.mark.parametrize("fault", [*LOST, "429"])
async def test_reading_that_gets_no_answer_is_only_unavailable(fault):
    async with shop_with(timeout_s=0.25) as shop:
        payment = await shop.paid()
        reference = payment["razorpay_order_id"]
        for ask in (
            lambda gateway: gateway.fetch_payment(lookup(reference)),
            lambda gateway: gateway.fetch_refund(refund_lookup(payment)),
            lambda gateway: gateway.confirm(confirmation(reference, payment)),
        ):
            await shop.spoil(fault)
            with pytest.raises(GatewayUnavailable):
                await ask(shop.gateway)


async def test_asked_to_slow_down_is_unavailable_for_every_change(shop):
    payment = await shop.paid("authorized")
    for change in (
        lambda: shop.gateway.create_payment(REQUEST),
        lambda: shop.gateway.capture(follow_up(payment)),
        lambda: shop.gateway.refund(refund_of(payment)),
    ):
        await shop.spoil("429")
        with pytest.raises(GatewayUnavailable):
            await change()
    assert await shop.refunds() == []


async def test_provider_that_can_not_be_reached_got_nothing():
    for base_url in (f"http://127.0.0.1:{free_port()}", "http://nowhere.invalid"):
        async with gateway_at(base_url) as (gateway, _):
            for change in (
                gateway.create_payment(REQUEST),
                gateway.capture(follow_up({"razorpay_payment_id": "pay_00000000000000"})),
                gateway.refund(refund_of({"razorpay_payment_id": "pay_00000000000000"})),
                gateway.fetch_payment(lookup()),
            ):
                with pytest.raises(GatewayUnavailable):
                    await change


async def test_connection_closed_after_sending_is_unknown():
    async def close(reader, writer):
        await reader.read(10)
        writer.transport.abort()

    server = await asyncio.start_server(close, "127.0.0.1", 0, family=socket.AF_INET)
    port = server.sockets[0].getsockname()[1]
    async with server, gateway_at(f"http://127.0.0.1:{port}") as (gateway, _):
        with pytest.raises(GatewayOutcomeUnknown):
            await gateway.refund(refund_of({"razorpay_payment_id": "pay_00000000000000"}))
        with pytest.raises(GatewayUnavailable):
            await gateway.fetch_refund(refund_lookup({"razorpay_payment_id": "pay_1"}))


@pytest.mark.parametrize("key", [{"key_secret": "wrong"}, {"key_id": "rzp_test_wrong"}])
async def test_wrong_key_is_rejected_as_such(key):
    async with shop_with(**key) as shop:
        for ask in (shop.gateway.create_payment(REQUEST), shop.gateway.fetch_payment(lookup())):
            with pytest.raises(GatewayRejected) as refused:
                await ask
            assert refused.value.failure_code == "authentication_failed"
            assert "wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": ERROR | {"reason": "payment_cancelled"}}, "payment_cancelled"),
        (400, {"error": ERROR}, "BAD_REQUEST_ERROR"),
        (400, {"error": {"description": "Authentication failed"}}, "authentication_failed"),
        (400, {"error": ERROR | {"code": "GATEWAY_ERROR"}}, GatewayOutcomeUnknown),
        (400, {"error": ERROR | {"code": "SERVER_ERROR"}}, GatewayOutcomeUnknown),
        (400, {"error": "no"}, GatewayOutcomeUnknown),
        (403, b"<html>blocked</html>", GatewayOutcomeUnknown),
        (502, b"<html>bad gateway</html>", GatewayOutcomeUnknown),
        (503, {"error": ERROR}, GatewayOutcomeUnknown),
        (302, b"", GatewayOutcomeUnknown),
        (204, b"", GatewayOutcomeUnknown),
        (200, [], GatewayOutcomeUnknown),
        (200, {"id": "pay_1", "status": "odd"}, GatewayOutcomeUnknown),
        (200, {"error": ERROR}, GatewayOutcomeUnknown),
        (429, b"", GatewayUnavailable),
    ],
)
async def test_every_kind_of_answer_has_its_error(status, body, expected):
    @post("/v1/payments/pay_1/capture")
    async def capture() -> Response:
        media_type = "text/html" if isinstance(body, bytes) else "application/json"
        headers = {"location": "/elsewhere"}
        return Response(body, status_code=status, headers=headers, media_type=media_type)

    @get("/v1/payments/pay_1")
    async def fetch() -> Response:
        return Response({"id": "pay_1", "status": "authorized", "amount": 1, "currency": "INR"})

    app = Litestar([capture, fetch], logging_config=None, openapi_config=None)
    async with serving(app) as url, gateway_at(url) as (gateway, _):
        kind = GatewayRejected if isinstance(expected, str) else expected
        with pytest.raises(kind) as raised:
            await gateway.capture(follow_up({"razorpay_payment_id": "pay_1"}))
        if isinstance(expected, str):
            assert raised.value.failure_code == expected


@pytest.mark.parametrize("bad_id", ["", "pay_1/capture", "../orders", "pay_1?x=1", "päy", "a" * 65])
async def test_id_that_would_call_another_address_is_rejected(shop, bad_id):
    payment = {"razorpay_payment_id": bad_id}
    for ask in (
        shop.gateway.capture(follow_up(payment)),
        shop.gateway.refund(refund_of(payment)),
        shop.gateway.fetch_refund(refund_lookup(payment)),
    ):
        with pytest.raises(GatewayRejected):
            await ask
    assert shop.recorder.sent == []


async def test_sdk_is_fenced_in(shop, capsys):
    before = [dict(default) for default in Payment.capture.__defaults__]
    payment = await shop.paid("authorized")
    await shop.gateway.capture(follow_up(payment))
    await shop.gateway.refund(refund_of(payment))
    await shop.gateway.fetch_payment(lookup())
    await shop.spoil("500_after_effect", times=1)
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.fetch_payment(lookup())
    assert [dict(default) for default in Payment.capture.__defaults__] == before
    assert {timeout for _, _, timeout in shop.recorder.sent} == {2.0}
    async with gateway_at(f"http://127.0.0.1:{free_port()}") as (gateway, recorder):
        with pytest.raises(GatewayUnavailable):
            await gateway.create_payment(REQUEST)
        assert len(recorder.sent) == 1
    assert capsys.readouterr().out == ""


async def test_settings_of_another_plugin_are_refused(shop):
    with pytest.raises(TypeError):
        RazorpayGateway(object(), None)


async def test_webhooks_of_the_simulator_tell_what_a_fetch_tells():
    taken = asyncio.Queue()

    @post("/hook", status_code=200)
    async def hook(request: Request) -> None:
        taken.put_nowait((await request.body(), dict(request.headers)))

    app = Litestar([hook], logging_config=None, openapi_config=None)
    async with serving(app) as url:
        simulator = RazorpaySimulator(webhook_url=f"{url}/hook")
        async with shop_with(simulator=simulator) as shop:
            payment = await shop.paid()
            refund = await shop.gateway.refund(refund_of(payment, 20_000))
            events = {}
            for _ in range(4):
                body, headers = await asyncio.wait_for(taken.get(), 3)
                request = WebhookRequest(body=body, headers=headers, received_at=datetime.now(UTC))
                (event,) = await shop.gateway.verify_webhook(request)
                events[event.event_type] = event.payload
            found = await shop.gateway.fetch_payment(lookup())
            assert events["payment.captured"] == events["order.paid"] == found.attempts[0]
            assert isinstance(events["order.paid"], PaymentResult)
            assert isinstance(events["refund.created"], RefundResult)
            assert events["refund.processed"].provider_refund_id == refund.provider_refund_id
            assert events["refund.processed"].refund_id == OUR_REFUND
