"""The PayPal gateway against its simulator, over real HTTP and with real signatures."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
import requests
from litestar import Litestar, Request, Response, post

from batua.certificates import trusted_certificates
from batua.contract import (
    ChargeRequest,
    ConfirmRequest,
    DisputeLookup,
    DisputeResult,
    DisputeStatus,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mandate,
    Money,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundLookup,
    RefundRequest,
    RefundResult,
    TokenResult,
    Transport,
    WebhookRejected,
    WebhookRequest,
)
from batua.gateways.paypal import PayPalGateway
from batua.gateways.paypal.settings import PayPalSettings
from batua.settings import read_plugin_settings
from batua.testing.serving import serving
from batua.testing.simulators.paypal import PayPalSimulator
from tests.support.ports import free_port

# Loading certificates takes longer than a test.
PAYMENT = "pay_0123456789abcdefghjkmnpqrs"
REFUND = "ref_0123456789abcdefghjkmnpqrs"
TEN = Money(1_000, "USD")
REQUEST = PaymentRequest(
    payment_id=PAYMENT, amount=TEN, description="Top-up", return_url="http://127.0.0.1:1/back"
)
# Each of these answers is lost after the order, capture or refund was made.
LOST = ("500_after_effect", "timeout_after_effect", "html", "connection_reset")


class Shop:
    """A gateway, the provider that it talks to, and the webhooks that came."""

    def __init__(self, gateway, simulator, http):
        self.gateway = gateway
        self.simulator = simulator
        self.http = http
        self.webhooks = []
        self.heard = []
        self.refused = []
        self._came = asyncio.Event()

    async def control(self, path, **body):
        answer = await self.http.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def spoil(self, fault, path="", times=1):
        await self.control("faults", api={"next": fault, "path": path, "times": times})

    async def ledger(self):
        return (await self.http.get("/_control/ledger")).json()["captures"]

    async def approved(self, request=REQUEST):
        created = await self.gateway.create_payment(request)
        await self.control("pay", reference=created.provider_reference, outcome="authorized")
        return created.provider_reference

    async def captured(self, request=REQUEST):
        return await self.gateway.capture(follow_up(await self.approved(request)))

    async def fetched(self, order_id, payment_id=PAYMENT):
        return await self.gateway.fetch_payment(
            PaymentLookup(payment_id=payment_id, provider_reference=order_id, amount=TEN)
        )

    async def receive(self, request):
        self.webhooks.append(request)
        try:
            self.heard += await self.gateway.verify_webhook(request)
        except WebhookRejected as refusal:
            self.refused.append(str(refusal))
            return 400
        finally:
            self._came.set()
        return 200

    async def event(self, event_type):
        """The first event of this type, which may be still on its way."""
        return await self._first(
            lambda: (event for event in self.heard if event.event_type == event_type)
        )

    async def refusal(self):
        """Why the first delivery was refused that was."""
        return await self._first(lambda: iter(self.refused))

    async def _first(self, found):
        async with asyncio.timeout(5):
            while True:
                for one in found():
                    return one
                self._came.clear()
                await self._came.wait()


def follow_up(order_id):
    return FollowUpRequest(idempotency_key=PAYMENT, provider_payment_id=order_id, amount=TEN)


def to_refund(capture, amount=TEN, refund_id=REFUND):
    return RefundRequest(
        refund_id=refund_id, provider_payment_id=capture.provider_payment_id, amount=amount
    )


def refund_lookup(capture, provider_refund_id="", refund_id=REFUND):
    return RefundLookup(
        refund_id=refund_id,
        provider_refund_id=provider_refund_id,
        provider_payment_id=capture.provider_payment_id,
        amount=TEN,
    )


def listening(shop):
    @post("/hook", status_code=200)
    async def hook(request: Request) -> Response:
        heard = WebhookRequest(
            body=await request.body(),
            headers={name.lower(): value for name, value in request.headers.items()},
            received_at=datetime.now(UTC),
        )
        return Response(b"", status_code=await shop.receive(heard))

    return Litestar([hook], openapi_config=None, logging_config=None)


@cache
def certified():
    """The store of a simulator that has its certificates: to make their keys takes long."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "paypal"
        simulator = PayPalSimulator(store=path, public_url="http://127.0.0.1:1")
        simulator.settings()
        simulator.store.close()
        return path.read_bytes()


@asynccontextmanager
async def shop_with(*, timeout_s=2.0, **changes):
    with TemporaryDirectory() as folder:
        store = Path(folder) / "paypal"
        store.write_bytes(certified())
        async with _shop_with(store, timeout_s, changes) as shop:
            yield shop


@asynccontextmanager
async def _shop_with(store, timeout_s, changes):
    port = free_port()
    simulator = PayPalSimulator(
        store=store, public_url=f"http://127.0.0.1:{port}", hang_s=5, webhook_backoff_s=0.05
    )
    settings = read_plugin_settings(PayPalSettings, "paypal", simulator.settings() | changes)

    async def run_here(call):
        return call()

    async with (
        serving(simulator.app, port=port) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, verify=trusted_certificates()) as http,
        httpx.AsyncClient(trust_env=False, verify=trusted_certificates(), timeout=timeout_s) as own,
    ):
        transport = Transport(
            http=own,
            session=requests.Session(),
            run_blocking=run_here,
            timeout_s=timeout_s,
            now=lambda: datetime.now(UTC),
        )
        shop = Shop(PayPalGateway(settings, transport), simulator, http)
        async with serving(listening(shop)) as hook:
            simulator.webhook_url = f"{hook}/hook"
            try:
                yield shop
            finally:
                await simulator.stop()


@pytest.fixture
async def shop():
    async with shop_with() as shop:
        yield shop


async def test_a_payment_from_its_creation_to_the_money(shop):
    created = await shop.gateway.create_payment(REQUEST)
    order_id = created.provider_reference
    assert created.url.startswith(shop.simulator.public_url)
    assert (await shop.fetched(order_id)).attempts == ()

    proof = await shop.control("pay", reference=order_id, outcome="authorized")
    approved = await shop.event("CHECKOUT.ORDER.APPROVED")
    assert approved.payload.provider_reference == order_id
    confirmed = await shop.gateway.confirm(
        ConfirmRequest(
            payment_id=PAYMENT,
            provider_reference=order_id,
            amount=TEN,
            proof={"token": proof["token"], "PayerID": proof["PayerID"]},
        )
    )
    assert confirmed.status is ProviderPaymentStatus.AUTHORIZED
    assert confirmed.provider_payment_id == order_id

    captured = await shop.gateway.capture(follow_up(order_id))
    assert (captured.status, captured.amount) == (ProviderPaymentStatus.CAPTURED, TEN)
    event = await shop.event("PAYMENT.CAPTURE.COMPLETED")
    assert event.needs_fetch
    assert event.payload.provider_payment_id == captured.provider_payment_id
    assert event.payload.provider_reference == order_id
    assert (await shop.fetched(order_id)).attempts == (captured,)
    assert shop.refused == []


async def test_a_captured_order_is_not_captured_again(shop):
    captured = await shop.captured()
    assert await shop.gateway.capture(follow_up(captured.provider_reference)) == captured
    other = FollowUpRequest(
        idempotency_key="pay_another",
        provider_payment_id=captured.provider_reference,
        amount=TEN,
    )
    assert await shop.gateway.capture(other) == captured
    assert len(await shop.ledger()) == 1


async def test_an_order_that_nobody_approved_is_not_captured(shop):
    created = await shop.gateway.create_payment(REQUEST)
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.capture(follow_up(created.provider_reference))
    assert refused.value.failure_code == "ORDER_NOT_APPROVED"


@pytest.mark.parametrize("payer_action", [True, False])
async def test_the_way_to_paypal_is_found_by_either_name(shop, payer_action):
    await shop.control("faults", payer_action=payer_action)
    created = await shop.gateway.create_payment(REQUEST)
    assert created.provider_reference in created.url


@pytest.mark.parametrize("declined_event", ["DENIED", "DECLINED"])
async def test_a_pending_capture_is_no_money_until_it_completes(shop, declined_event):
    await shop.control("faults", capture_outcome="pending", declined_event=declined_event)
    captured = await shop.captured()
    assert captured.status is ProviderPaymentStatus.PENDING
    await shop.control("settle_capture", capture=captured.provider_payment_id, status="declined")
    event = await shop.event(f"PAYMENT.CAPTURE.{declined_event}")
    (attempt,) = (await shop.fetched(event.payload.provider_reference)).attempts
    assert attempt.status is ProviderPaymentStatus.FAILED


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_to_a_create_gives_the_same_order(fault):
    async with shop_with(timeout_s=0.3) as shop:
        await shop.spoil(fault, "/v2/checkout/orders")
        created = await shop.gateway.create_payment(REQUEST)
        again = await shop.gateway.create_payment(REQUEST)
        assert again.provider_reference == created.provider_reference
        orders = (await shop.http.get("/_control/payments")).json()["payments"]
        assert [order["id"] for order in orders] == [created.provider_reference]


@pytest.mark.parametrize("fault", [*LOST, "slow_drip"])
async def test_a_lost_answer_to_a_capture_takes_the_money_once(fault):
    async with shop_with(timeout_s=0.3) as shop:
        order_id = await shop.approved()
        await shop.spoil(fault, "/capture")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.capture(follow_up(order_id))
        (attempt,) = (await shop.fetched(order_id)).attempts
        assert attempt.status is ProviderPaymentStatus.CAPTURED
        assert await shop.gateway.capture(follow_up(order_id)) == attempt
        assert len(await shop.ledger()) == 1


@pytest.mark.parametrize("fault", [*LOST, "slow_drip"])
async def test_a_lost_answer_to_a_refund_refunds_once(fault):
    async with shop_with(timeout_s=0.3) as shop:
        captured = await shop.captured()
        await shop.spoil(fault, "/refund")
        with pytest.raises(GatewayOutcomeUnknown):
            await shop.gateway.refund(to_refund(captured))
        found = await shop.gateway.fetch_refund(refund_lookup(captured))
        assert found.refund_id == REFUND
        assert await shop.gateway.refund(to_refund(captured)) == found
        (entry,) = await shop.ledger()
        assert [refund["amount"] for refund in entry["refunds"]] == [1_000]


@pytest.mark.parametrize("fault", ["429", "500"])
async def test_an_answer_before_any_effect_leaves_nothing(shop, fault):
    captured = await shop.captured()
    await shop.spoil(fault, "/refund")
    expected = GatewayUnavailable if fault == "429" else GatewayOutcomeUnknown
    with pytest.raises(expected):
        await shop.gateway.refund(to_refund(captured))
    assert await shop.gateway.fetch_refund(refund_lookup(captured)) is None
    result = await shop.gateway.refund(to_refund(captured))
    assert result.status is ProviderRefundStatus.SUCCEEDED


async def test_a_429_without_json_may_be_sent_again(shop):
    await shop.control("faults", plain_429=True)
    await shop.spoil("429")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.create_payment(REQUEST)


@pytest.mark.parametrize(
    "refusal", ["INSTRUMENT_DECLINED", "TRANSACTION_REFUSED", "PAYER_CANNOT_PAY"]
)
async def test_a_refused_capture_leaves_the_order_approved(shop, refusal):
    order_id = await shop.approved()
    await shop.control("faults", capture_refusal=refusal)
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.capture(follow_up(order_id))
    assert refused.value.failure_code == refusal
    (attempt,) = (await shop.fetched(order_id)).attempts
    assert attempt.status is ProviderPaymentStatus.AUTHORIZED


@pytest.mark.parametrize("busy", ["capture", "refund"])
async def test_a_call_that_still_runs_is_unknown(shop, busy):
    if busy == "capture":
        order_id = await shop.approved()
        await shop.control("faults", capture_refusal="ORDER_COMPLETION_IN_PROGRESS")
        call = shop.gateway.capture(follow_up(order_id))
    else:
        captured = await shop.captured()
        await shop.control("faults", refund_busy=True)
        call = shop.gateway.refund(to_refund(captured))
    with pytest.raises(GatewayOutcomeUnknown):
        await call


async def test_refunds_in_parts_and_no_more_than_there_is(shop):
    captured = await shop.captured()
    part = await shop.gateway.refund(to_refund(captured, Money(400, "USD")))
    assert part.amount == Money(400, "USD")
    assert await shop.gateway.refund(to_refund(captured, Money(400, "USD"))) == part
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.refund(to_refund(captured, Money(700, "USD"), "ref_more"))
    assert refused.value.failure_code == "REFUND_AMOUNT_EXCEEDED"
    event = await shop.event("PAYMENT.CAPTURE.REFUNDED")
    hint = event.payload
    assert (hint.refund_id, hint.provider_refund_id) == (REFUND, part.provider_refund_id)
    found = await shop.gateway.fetch_refund(refund_lookup(captured, hint.provider_refund_id))
    assert found == part
    (attempt,) = (await shop.fetched(captured.provider_reference)).attempts
    assert attempt.status is ProviderPaymentStatus.CAPTURED


@pytest.mark.parametrize("outcome", ["pending", "failed"])
async def test_a_refund_may_wait_or_fail(shop, outcome):
    captured = await shop.captured()
    await shop.control("faults", refund_outcome=outcome)
    result = await shop.gateway.refund(to_refund(captured))
    assert result.status == outcome
    await shop.control("settle_refund", refund=result.provider_refund_id, status="succeeded")
    found = await shop.gateway.fetch_refund(refund_lookup(captured, result.provider_refund_id))
    assert found.status is ProviderRefundStatus.SUCCEEDED


async def test_a_refund_from_the_dashboard_is_told_as_nobodys(shop):
    captured = await shop.captured()
    await shop.control("refund", payment=captured.provider_payment_id, amount=300)
    hint = (await shop.event("PAYMENT.CAPTURE.REFUNDED")).payload
    assert isinstance(hint, RefundResult)
    found = await shop.gateway.fetch_refund(
        refund_lookup(captured, hint.provider_refund_id, hint.refund_id)
    )
    assert (found.refund_id, found.amount) == ("", Money(300, "USD"))


@pytest.mark.parametrize("reversed_event", [True, False])
async def test_a_lost_dispute_is_told_once_and_a_won_one_brings_it_back(shop, reversed_event):
    await shop.control("faults", reversed_event=reversed_event)
    captured = await shop.captured()
    taken = captured.provider_payment_id
    await shop.control("dispute", payment=taken, status="open", amount=600)
    hint = (await shop.event("CUSTOMER.DISPUTE.CREATED")).payload
    assert isinstance(hint, DisputeResult)
    lookup = DisputeLookup(provider_dispute_id=hint.provider_dispute_id, provider_payment_id=taken)
    opened = await shop.gateway.fetch_dispute(lookup)
    assert (opened.status, opened.amount) == (DisputeStatus.OPEN, Money(600, "USD"))

    for status in ("lost", "won"):
        await shop.control("dispute", payment=taken, status=status)
        decided = await shop.gateway.fetch_dispute(lookup)
        assert (decided.status, decided.amount) == (status, Money(600, "USD"))
        listed = await listed_by(shop)
        assert [one for one in listed if isinstance(one, RefundResult)] == []
        assert [one for one in listed if isinstance(one, DisputeResult)] == [decided]
        if reversed_event:
            reversal = (await shop.event("PAYMENT.CAPTURE.REVERSED")).payload
            lost = refund_lookup(captured, reversal.provider_refund_id, reversal.refund_id)
            found = await shop.gateway.fetch_refund(lost)
            assert (found.status, found.failure_code) == ("failed", "told_by_dispute")


async def listed_by(shop):
    now = datetime.now(UTC)
    return await shop.gateway.list_transactions(
        now - timedelta(hours=1), now + timedelta(seconds=5)
    )


async def test_what_moved_is_listed(shop):
    captured = await shop.captured()
    refund = await shop.gateway.refund(to_refund(captured, Money(400, "USD")))
    await shop.control("refund", payment=captured.provider_payment_id, amount=100)
    listed = await listed_by(shop)
    (payment,) = (one for one in listed if isinstance(one, PaymentResult))
    assert payment.provider_payment_id == captured.provider_payment_id
    assert payment.provider_reference == captured.provider_reference
    assert (payment.status, payment.amount) == (ProviderPaymentStatus.CAPTURED, TEN)
    ours, theirs = (one for one in listed if isinstance(one, RefundResult))
    assert (ours.refund_id, ours.provider_refund_id) == (REFUND, refund.provider_refund_id)
    assert (theirs.refund_id, theirs.amount) == ("", Money(100, "USD"))
    await shop.control("faults", report_delay_s=10_800)
    assert await listed_by(shop) == ()


@pytest.mark.parametrize("vault_waits", [True, False])
async def test_a_wallet_that_was_saved_is_charged_without_its_payer(shop, vault_waits):
    await shop.control("faults", vault_waits=vault_waits)
    await shop.captured(
        PaymentRequest(payment_id=PAYMENT, amount=TEN, mandate=Mandate(max_amount=TEN))
    )
    token = (await shop.event("VAULT.PAYMENT-TOKEN.CREATED")).payload
    assert isinstance(token, TokenResult)
    assert token.is_usable
    request = ChargeRequest(
        payment_id="pay_charge",
        amount=Money(500, "USD"),
        provider_token=token.provider_token,
        provider_customer=token.provider_customer,
    )
    await shop.spoil("connection_reset", "/v2/checkout/orders")
    charged = await shop.gateway.charge_token(request)
    (attempt,) = charged.attempts
    assert (attempt.status, attempt.amount) == (ProviderPaymentStatus.CAPTURED, Money(500, "USD"))
    assert (await shop.gateway.charge_token(request)).attempts == (attempt,)
    fetched = await shop.fetched(charged.provider_reference, "pay_charge")
    assert fetched.attempts == (attempt,)
    assert len(await shop.ledger()) == 2


async def test_a_wallet_that_is_not_there_can_not_be_charged(shop):
    request = ChargeRequest(
        payment_id=PAYMENT, amount=TEN, provider_token="gone", provider_customer="nobody"
    )
    with pytest.raises(GatewayRejected):
        await shop.gateway.charge_token(request)
    assert await shop.ledger() == []


async def test_access_tokens_that_are_withdrawn_are_fetched_anew(shop):
    order_id = await shop.approved()
    await shop.control("faults", token_epoch=1)
    captured = await shop.gateway.capture(follow_up(order_id))
    assert captured.status is ProviderPaymentStatus.CAPTURED
    assert len(await shop.ledger()) == 1


async def test_credentials_that_paypal_does_not_know_are_told_as_such():
    async with shop_with(BATUA_PAYPAL_CLIENT_SECRET="wrong") as shop:
        with pytest.raises(GatewayRejected) as refused:
            await shop.gateway.create_payment(REQUEST)
        assert refused.value.failure_code == "authentication_failed"


@pytest.mark.parametrize("serves_chain", [True, False])
async def test_a_certificate_is_good_alone_or_with_its_chain(shop, serves_chain):
    await shop.control("faults", serves_chain=serves_chain)
    await shop.approved()
    await shop.event("CHECKOUT.ORDER.APPROVED")
    assert shop.refused == []


async def test_an_expired_certificate_is_refused(shop):
    await shop.control("faults", expired_certificate=True)
    await shop.approved()
    assert "certificate" in await shop.refusal()
    assert shop.heard == []


async def test_events_of_paypals_own_simulator_are_refused(shop):
    await shop.control("faults", mock_events=True)
    await shop.approved()
    assert "signature is wrong" in await shop.refusal()
    assert shop.heard == []


async def test_a_forged_delivery_of_the_same_checksum_leads_only_to_the_truth(shop):
    await shop.control("faults", same_crc=True, webhooks={"forge": 1})
    captured = await shop.captured()
    event = await shop.event("PAYMENT.CAPTURE.COMPLETED")
    assert event.needs_fetch
    assert event.payload.amount.amount == 0
    (attempt,) = (await shop.fetched(captured.provider_reference)).attempts
    assert attempt.amount == TEN


async def test_yen_and_forints_go_there_and_back_whole(shop):
    for number, amount in enumerate([Money(500, "JPY"), Money(50_000, "HUF")]):
        payment_id = f"pay_{number}"
        order_id = await shop.approved(PaymentRequest(payment_id=payment_id, amount=amount))
        captured = await shop.gateway.capture(
            FollowUpRequest(idempotency_key=payment_id, provider_payment_id=order_id, amount=amount)
        )
        assert captured.amount == amount
