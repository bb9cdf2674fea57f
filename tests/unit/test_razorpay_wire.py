"""Razorpay's bytes, as published and as tampered with, read by the adapter's pure functions."""

import asyncio
import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import requests

from batua.contract import (
    DisputeResult,
    DisputeStatus,
    GatewayRejected,
    Mode,
    Money,
    PaymentRequest,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundRequest,
    RefundResult,
    TokenResult,
    Transport,
    WebhookRejected,
    WebhookRequest,
    check_gateway,
)
from batua.gateways.razorpay import RazorpayGateway
from batua.gateways.razorpay.bodies import order_body, refund_body, refuse_uncollectable
from batua.gateways.razorpay.doubts import Claims, Doubts
from batua.gateways.razorpay.events import parse_event, parse_events
from batua.gateways.razorpay.results import (
    chosen_order,
    created_payment,
    dispute_result,
    payment_result,
    refund_result,
    settlement_result,
    upi_intent,
)
from batua.gateways.razorpay.session import Refused
from batua.gateways.razorpay.settings import RazorpaySettings
from batua.gateways.razorpay.wire import (
    Unreadable,
    items,
    money,
    signature_matches,
    webhook_secrets,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "razorpay"
PUBLISHED = json.loads((VECTORS / "webhook_payloads.json").read_text())["events"]
SIGNED = json.loads((VECTORS / "signatures.json").read_text())["vectors"]
EXAMPLES = json.loads((VECTORS / "api_examples.json").read_text())["examples"]
WEBHOOKS = [vector for vector in SIGNED if vector["kind"] == "webhook"]

OUR_REFUND = "ref_0123456789abcdefghjkmnpqrs"
MORE = json.loads((VECTORS / "more_payloads.json").read_text())
PUBLISHED |= MORE["events"]
DISPUTES = MORE["disputes"]

KINDS = {
    "payment.authorized": PaymentResult,
    "payment.captured": PaymentResult,
    "payment.failed": PaymentResult,
    "order.paid": PaymentResult,
    "refund": RefundResult,
    "payment.dispute": DisputeResult,
    "token": TokenResult,
}


def kind_of(event_type):
    matching = (kind for name, kind in KINDS.items() if event_type.startswith(name))
    return next(matching, type(None))


async def run_blocking(call):
    return await asyncio.to_thread(call)


async def gateway_with(webhook_secret="whsec", key_id="rzp_test_1", **settings):
    async with httpx.AsyncClient() as http:
        transport = Transport(
            http=http,
            session=requests.Session(),
            run_blocking=run_blocking,
            timeout_s=2.0,
            now=lambda: datetime.now(UTC),
        )
        return RazorpayGateway(
            RazorpaySettings(
                key_id=key_id,
                key_secret=settings.pop("key_secret", "key_secret"),
                webhook_secret=webhook_secret,
                **settings,
            ),
            transport,
        )


def webhook(body, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(body=body, headers=named, received_at=datetime.now(UTC))


def signed(body, secret="whsec", event_id="evt_1"):
    signature = hmac.new(secret.encode(), body, sha256).hexdigest()
    return webhook(body, x_razorpay_signature=signature, x_razorpay_event_id=event_id)


def captured(**changes):
    entity = {
        "id": "pay_DESyzxuld02Zul",
        "order_id": "order_DESxiijbl9xjDB",
        "amount": 100,
        "currency": "INR",
        "status": "captured",
        "captured": True,
        "notes": [],
    } | changes
    envelope = {"event": "payment.captured", "payload": {"payment": {"entity": entity}}}
    return json.dumps(envelope).encode()


def test_declared_capabilities_are_implemented():
    check_gateway(RazorpayGateway)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_payload_becomes_the_right_result(name):
    payload = PUBLISHED[name]["payload"]
    event = parse_event(json.dumps(payload).encode(), "evt_1", Mode.TEST)
    assert event.event_type == payload["event"]
    assert type(event.payload) is kind_of(payload["event"])
    assert event.event_id == "evt_1"
    assert not event.needs_fetch
    if event.payload is not None:
        assert event.payload.mode is Mode.TEST


def test_time_is_found_where_the_samples_hide_it():
    payload = PUBLISHED["refund.speed_changed__refund_speed_changed"]["payload"]
    event = parse_event(json.dumps(payload).encode(), "", Mode.TEST)
    assert event.occurred_at == datetime.fromtimestamp(payload["payload"]["created_at"], UTC)


def test_status_decides_and_the_captured_flag_does_not():
    payload = PUBLISHED["payment.authorized__card"]["payload"]
    assert payload["payload"]["payment"]["entity"]["captured"] is True
    event = parse_event(json.dumps(payload).encode(), "", Mode.TEST)
    assert event.payload.status is ProviderPaymentStatus.AUTHORIZED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "created"}, ProviderPaymentStatus.PENDING),
        ({"status": "refunded"}, ProviderPaymentStatus.CAPTURED),
        ({"status": "refunded", "captured": False}, ProviderPaymentStatus.VOIDED),
        ({"status": "failed", "captured": True}, ProviderPaymentStatus.FAILED),
    ],
)
def test_payment_status_table(changes, expected):
    assert parse_event(captured(**changes), "", Mode.LIVE).payload.status is expected


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 100.0},
        {"amount": "100"},
        {"amount": True},
        {"amount": None},
        {"amount": -100},
        {"amount": 10**30},
        {"currency": "XXX"},
        {"currency": "inr"},
        {"currency": None},
        {"status": "paid twice"},
        {"status": None},
        {"id": ""},
        {"id": 7},
    ],
)
def test_doubtful_money_makes_the_event_unreadable(changes):
    event = parse_event(captured(**changes), "evt_1", Mode.TEST)
    assert (event.event_type, event.payload, event.event_id) == ("unreadable", None, "evt_1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"event": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"\x00",
        b'{"event": "payment.captured"}',
        b'{"event": "payment.captured", "payload": []}',
        b'{"event": "refund.created", "payload": {"refund": {"entity": 3}}}',
    ],
)
async def test_signed_body_that_can_not_be_read_is_kept(body):
    gateway = await gateway_with()
    (event,) = await gateway.verify_webhook(signed(body))
    assert (event.event_type, event.payload) == ("unreadable", None)


def test_event_that_means_nothing_to_us_keeps_its_name():
    event = parse_event(b'{"event": "settlement.processed", "created_at": 1}', "e", Mode.TEST)
    assert (event.event_type, event.payload) == ("settlement.processed", None)
    assert event.occurred_at == datetime.fromtimestamp(1, UTC)


@pytest.mark.parametrize("event_id", ["ü", "x" * 129, "a\nb"])
def test_event_id_that_is_no_short_word_is_ignored(event_id):
    assert parse_event(captured(), event_id, Mode.TEST).event_id == ""


@pytest.mark.parametrize("moment", [10**30, -(10**18), 1.5, "now", True, None])
def test_odd_time_is_no_time(moment):
    assert parse_event(captured(created_at=moment), "", Mode.TEST).payload.occurred_at is None


@pytest.mark.parametrize("notes", [[], {}, None, {"batua_refund_id": 5}])
def test_refund_without_our_note_falls_back_to_its_receipt(notes):
    refund = EXAMPLES["refunds/create-normal.md#1 json: Success"]
    result = refund_result(refund | {"notes": notes, "receipt": OUR_REFUND}, Mode.TEST)
    assert (result.refund_id, result.status) == (OUR_REFUND, ProviderRefundStatus.SUCCEEDED)


def refund_event(name, *, is_captured):
    payload = json.loads(json.dumps(PUBLISHED["refund.created__normal_refunds"]["payload"]))
    payload["event"] = name
    payload["payload"]["payment"]["entity"]["captured"] = is_captured
    return parse_event(json.dumps(payload).encode(), "", Mode.TEST)


def test_automatic_return_of_an_uncaptured_payment_is_voided_and_no_refund():
    assert isinstance(refund_event("refund.processed", is_captured=True).payload, RefundResult)
    returned = refund_event("refund.processed", is_captured=False).payload
    assert isinstance(returned, PaymentResult)
    assert returned.status is ProviderPaymentStatus.VOIDED
    assert refund_event("refund.created", is_captured=False).payload is None


@pytest.mark.parametrize(
    ("status", "deducted", "expected"),
    [
        ("open", 0, DisputeStatus.OPEN),
        ("under_review", 0, DisputeStatus.OPEN),
        ("won", 0, DisputeStatus.WON),
        ("lost", 100, DisputeStatus.LOST),
        ("closed", 0, DisputeStatus.WON),
        ("closed", 100, DisputeStatus.LOST),
    ],
)
def test_dispute_status_table(status, deducted, expected):
    payload = json.loads(
        json.dumps(PUBLISHED["payment.dispute.created__payment_dispute_created"]["payload"])
    )
    payload["payload"]["dispute"]["entity"] |= {"status": status, "amount_deducted": deducted}
    assert parse_event(json.dumps(payload).encode(), "", Mode.TEST).payload.status is expected


@pytest.mark.parametrize("vector", WEBHOOKS, ids=lambda vector: vector["secret"])
async def test_published_signature_is_accepted(vector):
    gateway = await gateway_with(webhook_secret=vector["secret"])
    request = webhook(vector["raw_body"].encode(), x_razorpay_signature=vector["signature"])
    (event,) = await gateway.verify_webhook(request)
    assert event.payload.status is ProviderPaymentStatus.CAPTURED


@pytest.mark.parametrize("vector", [v for v in SIGNED if "message" in v], ids=lambda v: v["kind"])
def test_published_proof_is_accepted(vector):
    secret, message = vector["secret"].encode(), vector["message"].encode()
    assert signature_matches(secret, message, vector["razorpay_signature"])


TRUE = WEBHOOKS[1]["signature"]


@pytest.mark.parametrize(
    "signature",
    [
        "",
        TRUE[:-1],
        TRUE + "0",
        TRUE.upper(),
        " " + TRUE,
        TRUE[:-1] + "é",
        "ü" * 64,
        "0" * 64,
        "a" * 1_000_000,
        TRUE.replace("b", "c", 1),
        "\ud800",
    ],
    ids=lambda text: ascii(text[:8]),
)
async def test_wrong_signature_is_rejected(signature):
    gateway = await gateway_with(webhook_secret=WEBHOOKS[1]["secret"])
    body = WEBHOOKS[1]["raw_body"].encode()
    with pytest.raises(WebhookRejected):
        await gateway.verify_webhook(webhook(body, x_razorpay_signature=signature))


async def test_missing_signature_is_rejected():
    gateway = await gateway_with()
    with pytest.raises(WebhookRejected):
        await gateway.verify_webhook(webhook(captured()))


async def test_changed_or_reserialised_body_is_rejected():
    gateway = await gateway_with(webhook_secret=WEBHOOKS[1]["secret"])
    body = WEBHOOKS[1]["raw_body"].encode()
    for other in (
        body.replace(b'"amount":100', b'"amount":101'),
        json.dumps(json.loads(body)).encode(),
        body + b"\n",
        b"",
    ):
        with pytest.raises(WebhookRejected):
            await gateway.verify_webhook(webhook(other, x_razorpay_signature=TRUE))


async def test_every_listed_secret_is_accepted_while_rotating_and_none_is_empty():
    gateway = await gateway_with(webhook_secret=" new ,,old, ")
    for secret in ("new", "old"):
        assert await gateway.verify_webhook(signed(captured(), secret))
    for secret in ("", " ", "new ", " new ,,old, "):
        with pytest.raises(WebhookRejected):
            await gateway.verify_webhook(signed(captured(), secret))
    assert webhook_secrets(" , ,") == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"key_id": "acc_1"},
        {"key_id": ""},
        {"key_secret": ""},
        {"webhook_secret": " , "},
        {"base_url": "ftp://x"},
        {"base_url": ""},
        {"key_id": "rzp_live_1", "base_url": "http://127.0.0.1"},
    ],
)
async def test_settings_that_can_not_work_are_refused_without_a_secret(settings):
    with pytest.raises(ValueError, match=r"key_id|key_secret|webhook_secret|base_url") as refused:
        await gateway_with(**settings)
    assert "whsec" not in str(refused.value)


async def test_mode_comes_from_the_key():
    assert (await gateway_with()).mode is Mode.TEST
    assert (await gateway_with(key_id="rzp_live_1")).mode is Mode.LIVE


def test_secrets_are_not_in_the_repr():
    settings = RazorpaySettings(key_id="rzp_test_1", key_secret="hush", webhook_secret="quiet")
    assert "hush" not in repr(settings)
    assert "quiet" not in repr(settings)


PAYMENT = PaymentRequest(
    payment_id="pay_0123456789abcdefghjkmnpqrs",
    amount=Money(50_000, "INR"),
    metadata={f"key{number}": "v" * 300 for number in range(20)},
)


def test_order_body_keeps_to_the_limits_of_notes():
    body = order_body(PAYMENT, is_automatic=True)
    assert len(body["notes"]) == 15
    assert body["notes"]["batua_payment_id"] == PAYMENT.payment_id
    assert max(map(len, body["notes"].values())) == 256
    assert (body["receipt"], body["unique_receipt"]) == (PAYMENT.payment_id, True)
    assert body == order_body(PAYMENT, is_automatic=True)
    assert order_body(PAYMENT, is_automatic=False)["payment_capture"] is False


def test_receipt_that_is_too_long_is_refused():
    request = PaymentRequest(payment_id="x" * 41, amount=Money(100, "INR"))
    with pytest.raises(GatewayRejected):
        order_body(request, is_automatic=True)


def test_refund_body_is_the_same_on_every_try():
    request = RefundRequest(
        refund_id="ref_1", provider_payment_id="pay_1", amount=Money(1, "INR"), reason="late"
    )
    assert refund_body(request) == refund_body(request)
    assert refund_body(request)["notes"] == {"batua_refund_id": "ref_1", "reason": "late"}


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (Money(99, "INR"), "amount_less_than_minimum_amount"),
        (Money(0, "USD"), "amount_less_than_minimum_amount"),
        (Money(1_000, "XAF"), "currency_unsupported"),
        (Money(295_991, "KWD"), "amount_not_representable"),
    ],
)
def test_amount_that_razorpay_can_not_collect_is_refused(amount, code):
    with pytest.raises(GatewayRejected) as refused:
        refuse_uncollectable(amount)
    assert refused.value.failure_code == code


@pytest.mark.parametrize("amount", [(100, "INR"), (295, "JPY"), (295_990, "KWD"), (1, "USD")])
def test_amount_that_razorpay_collects_passes(amount):
    refuse_uncollectable(Money(*amount))


def test_every_published_payment_and_order_is_read():
    for example in EXAMPLES.values():
        if example.get("entity") == "payment" and "order_id" in example:
            assert payment_result(example, Mode.TEST).amount == money(example)
        if example.get("entity") == "order":
            created = created_payment(example, key_id="k", checkout_url="")
            assert created.provider_reference == example["id"]
            assert created.url is None
        if example.get("entity") == "collection":
            assert len(items(example)) == example["count"]


def test_failure_is_told_with_reason_and_text():
    failed = EXAMPLES["payments/entity.md#2 json: Failure"]
    result = payment_result(failed, Mode.TEST)
    assert (result.failure_code, result.provider_reference) == ("payment_cancelled", "")
    assert result.failure_message.startswith("Your payment has been cancelled")


def test_checkout_address_takes_its_query():
    order = EXAMPLES["orders/create.md#1 json: Success"]
    made = created_payment(order, key_id="k", checkout_url="http://s/p?x=1", return_url="http://b/")
    assert (
        made.url == f"http://s/p?x=1&order_id={order['id']}&key_id=k&return_url=http%3A%2F%2Fb%2F"
    )
    assert created_payment(order, key_id="k", checkout_url="http://s/p").url.startswith(
        "http://s/p?order_id="
    )
    with pytest.raises(Unreadable):
        created_payment(order | {"id": None}, key_id="k", checkout_url="")


def test_furthest_order_stands_for_a_receipt_and_of_equals_the_first():
    def order(order_id, status="created", created_at=1, receipt="r"):
        return {
            "id": order_id,
            "status": status,
            "created_at": created_at,
            "receipt": receipt,
        }

    foreign = order("f", "paid", receipt="other")
    assert chosen_order([foreign], "r") is None
    assert chosen_order([order("b", created_at=2), foreign, order("a")], "r")["id"] == "a"
    assert chosen_order([order("a"), order("b", "attempted", 2)], "r")["id"] == "b"
    assert chosen_order([order("b", "attempted"), order("c", "paid", 3)], "r")["id"] == "c"


@pytest.mark.parametrize("collection", [{}, {"items": None}, {"items": [1]}])
def test_list_without_entities_is_unreadable(collection):
    with pytest.raises(Unreadable):
        items(collection)


def test_refusal_keeps_what_the_sdk_throws_away():
    error = EXAMPLES["orders/create.md#2 json: Failure"]["error"]
    refused = Refused(400, error)
    assert (refused.status, refused.code) == (400, "BAD_REQUEST_ERROR")
    assert (refused.field, refused.reason) == ("amount", "input_validation_failed")
    assert refused.failure_code == "input_validation_failed"
    na = EXAMPLES["refunds/normal-refunds-idempotent.md#2 json: Failure"]["error"]
    assert Refused(409, na).failure_code == "BAD_REQUEST_ERROR"
    for text in ("Authentication failed", "The api key provided is invalid"):
        assert Refused(400, {"description": text}).failure_code == "authentication_failed"


def test_doubts_forget_the_oldest():
    doubts = Doubts(most=2)
    for our_id in ("a", "b", "c"):
        doubts.add(our_id)
    assert [our_id in doubts for our_id in "abc"] == [False, True, True]
    doubts.clear("b")
    assert "b" not in doubts


@pytest.mark.parametrize("name", PUBLISHED)
async def test_published_payload_is_refused_when_anything_of_it_is_changed(name):
    gateway = await gateway_with(webhook_secret="new,old")
    body = json.dumps(PUBLISHED[name]["payload"]).encode()
    genuine = signed(body, "old")
    assert await gateway.verify_webhook(genuine)
    signature = genuine.headers["x-razorpay-signature"]
    for tampered in (
        webhook(body + b" ", x_razorpay_signature=signature),
        webhook(body.replace(b'"id"', b'"Id"'), x_razorpay_signature=signature),
        webhook(body.replace(b"1", b"2"), x_razorpay_signature=signature),
        webhook(
            body.replace(b"evt", b"evil").replace(b"event", b"evenu"),
            x_razorpay_signature=signature,
        ),
        signed(body, "another key"),
        webhook(body),
    ):
        with pytest.raises(WebhookRejected):
            await gateway.verify_webhook(tampered)


async def test_event_id_is_no_part_of_what_is_signed():
    gateway = await gateway_with()
    first, again = [
        (await gateway.verify_webhook(signed(captured(), event_id=event_id)))[0]
        for event_id in ("evt_1", "evt_2")
    ]
    assert (first.event_id, again.event_id) == ("evt_1", "evt_2")
    assert first.payload == again.payload


def test_payment_that_saved_an_instrument_tells_it_with_its_customer():
    payload = PUBLISHED["payment.authorized__upi__recurring"]["payload"]
    paid, saved = parse_events(json.dumps(payload).encode(), "evt_1", Mode.TEST)
    assert paid.payload.status is ProviderPaymentStatus.AUTHORIZED
    assert saved.payload == TokenResult(
        provider_token="token_FHhm0XTtJg9zqb",
        provider_customer="cust_DtHaBuooGHTuyZ",
        is_usable=True,
        mode=Mode.TEST,
    )
    assert saved.event_id == paid.event_id


@pytest.mark.parametrize(
    "changes",
    [
        {"token_id": None, "customer_id": "cust_1"},
        {"token_id": "token_1", "customer_id": None},
        {"token_id": "token_1", "customer_id": "cust_1", "notes": {"batua_charge": "1"}},
    ],
)
def test_payment_that_saved_nothing_is_one_event(changes):
    assert len(parse_events(captured(**changes), "", Mode.TEST)) == 1


def test_refund_without_its_payment_is_a_refund():
    payload = json.loads(json.dumps(PUBLISHED["refund.created__normal_refunds"]["payload"]))
    del payload["payload"]["payment"]
    event = parse_event(json.dumps(payload).encode(), "", Mode.TEST)
    assert event.payload.status is ProviderRefundStatus.SUCCEEDED


def test_failed_payment_saves_nothing():
    body = captured(token_id="token_1", customer_id="cust_1", status="failed")
    assert (
        len(parse_events(body.replace(b"payment.captured", b"payment.failed"), "", Mode.TEST)) == 1
    )


@pytest.mark.parametrize(
    "foreign", ["ref_1", "", "rfnd_0123456789abcdefghjkmnpqrs", OUR_REFUND + "x"]
)
def test_receipt_of_somebody_else_is_not_our_refund(foreign):
    refund = EXAMPLES["refunds/create-normal.md#1 json: Success"]
    changed = refund | {"notes": {"batua_refund_id": foreign}, "receipt": foreign}
    assert refund_result(changed, Mode.TEST).refund_id == ""


DISPUTED = {
    "Open State & Not Contested": (DisputeStatus.OPEN, 10_000),
    "Open State & In-progress Contest": (DisputeStatus.OPEN, 10_000),
    "Under Review": (DisputeStatus.OPEN, 10_000),
    "Lost": (DisputeStatus.LOST, 10_000),
    # Nine of ten were contested and won: the tenth is lost.
    "Won": (DisputeStatus.LOST, 1_000),
    "Closed": (DisputeStatus.WON, 10_000),
}


@pytest.mark.parametrize("name", DISPUTES)
def test_published_dispute_says_what_was_taken(name):
    result = dispute_result(DISPUTES[name]["entity"], Mode.TEST)
    status, amount = DISPUTED[name]
    assert (result.status, result.amount) == (status, Money(amount, "INR"))


def test_dispute_that_still_runs_has_lost_nothing_yet():
    entity = DISPUTES["Under Review"]["entity"] | {"amount_deducted": 500}
    assert dispute_result(entity, Mode.TEST).status is DisputeStatus.OPEN


def test_published_settlements_are_read_as_rupees():
    first, second = (settlement_result(each, Mode.LIVE) for each in MORE["settlements"])
    assert (first.amount, first.status) == (Money(9_973_635, "INR"), "processed")
    assert (first.fees, first.tax, second.mode) == (0, 0, Mode.LIVE)
    without = {key: value for key, value in MORE["settlements"][0].items() if key != "fees"}
    assert settlement_result(without, Mode.TEST).fees == 0
    for odd in ({"fees": "1"}, {"amount": 1.5}, {"id": None}, {"status": None}):
        with pytest.raises(Unreadable):
            settlement_result(MORE["settlements"][0] | odd, Mode.TEST)


def test_published_upi_link_is_handed_on_unchanged():
    intent = upi_intent(MORE["upi_intent"])
    assert intent.link == MORE["upi_intent"]["link"]
    assert intent.provider_payment_id == "pay_CMeM6XvOPGFiF"
    for link in ("https://evil.test/", "", None):
        with pytest.raises(Unreadable):
            upi_intent({"link": link})


def test_claim_is_new_until_it_is_given_back():
    claims = Claims(most=2)
    first = claims.take("a")
    assert claims.take("a") != first
    claims.give_back("a", first)
    assert claims.take("a") == first
    for our_id in "abc":
        claims.give_back(our_id, our_id)
    assert claims.take("a") != "a"
    assert claims.take("c") == "c"
