"""Webhooks: Stripe's signature over bytes, and what each family of events says."""

import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from batua.contract import (
    DisputeResult,
    DisputeStatus,
    Mandate,
    Mode,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    TokenResult,
    WebhookRejected,
    WebhookRequest,
)

from batua_stripe.events import parse_event
from batua_stripe.signature import check_signature, webhook_secrets
from stripe_shop import KEYS, REQUEST, RUPEES_500, Clock, gateway_at

VECTORS = Path(__file__).parent / "vectors"
SIGNED = json.loads((VECTORS / "webhook_signatures.json").read_text())
FIXTURES = json.loads((VECTORS / "api_fixtures.json").read_text())["resources"]
AT = datetime.fromtimestamp(1_700_000_000, UTC)
GENUINE = [(v["secret"], v["raw_body"], v["header"]) for v in SIGNED["vectors"]]
EDGES = {v["name"]: (v["secret"], v["raw_body"], v["header"]) for v in SIGNED["negative_or_edge"]}


def check(secret, body, header, *, late=0):
    check_signature(webhook_secrets(secret), body.encode(), header, AT + timedelta(seconds=late))


def signed(body, secret="whsec_simulator", at=1_700_000_000):
    message = f"{at}.".encode() + body
    digest = hmac.new(secret.encode(), message, sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={digest}"}


def event(kind, entity, *, livemode=False, **more):
    envelope = {
        "id": "evt_1",
        "object": "event",
        "created": 1_700_000_000,
        "data": {"object": entity, **more},
        "livemode": livemode,
        "type": kind,
    }
    return parse_event(json.dumps(envelope).encode())


@pytest.mark.parametrize(("secret", "body", "header"), GENUINE)
def test_genuine_vector_is_accepted_for_five_minutes(secret, body, header):
    check(secret, body, header)
    check(secret, body, header, late=300)
    # The future is accepted: Stripe's own check is one-sided.
    check(secret, body, header, late=-86_400)
    with pytest.raises(WebhookRejected):
        check(secret, body, header, late=301)


@pytest.mark.parametrize(("secret", "body", "header"), GENUINE)
@pytest.mark.parametrize("place", [0, 10, -1])
def test_vector_with_one_byte_changed_is_refused(secret, body, header, place):
    changed = bytearray(body.encode())
    changed[place] ^= 1
    with pytest.raises(WebhookRejected):
        check_signature(webhook_secrets(secret), bytes(changed), header, AT)


@pytest.mark.parametrize(("secret", "body", "header"), GENUINE)
def test_vector_under_another_time_secret_or_signature_is_refused(secret, body, header):
    flipped = header[:-1] + ("0" if header[-1] != "0" else "1")
    for wrong in (
        (secret, body, header.replace("t=1700000000", "t=1700000001")),
        (secret + "x", body, header),
        (secret.removeprefix("whsec_"), body, header),
        (secret, body, flipped),
        (secret, body, header.upper()),
        (secret, body + " ", header),
    ):
        with pytest.raises(WebhookRejected):
            check(*wrong)


def test_edges_go_as_the_sdk_lets_them():
    check(*EDGES["second_v1_bad_still_valid"])
    for name in ("v0_only_scheme", "tampered_body"):
        with pytest.raises(WebhookRejected):
            check(*EDGES[name])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        "t=1700000000",
        "v1=00",
        "t=x,v1=00",
        "t=1700000000,v1=é",
        "t=-1,v1=00",
        "t=" + "9" * 40,
        "t=١٧٠٠٠٠٠٠٠٠,v1=00",
    ],
)
def test_header_that_is_none_is_refused(header):
    with pytest.raises(WebhookRejected):
        check("whsec_a", "{}", header)


def test_bad_signature_before_the_good_one_does_no_harm():
    secret, body, header = GENUINE[0]
    moment, _, good = header.partition(",")
    check(secret, body, f"{moment},v1={'0' * 64},{good}")


async def test_both_secrets_are_accepted_while_they_rotate():
    body = json.dumps({"id": "evt_1", "object": "event", "type": "plan.created"}).encode()
    both = "whsec_old, whsec_new,"
    async with gateway_at("http://127.0.0.1:1", Clock(), webhook_secret=both) as (gateway, _):
        for secret in ("whsec_old", "whsec_new"):
            request = WebhookRequest(body=body, headers=signed(body, secret), received_at=AT)
            (found,) = await gateway.verify_webhook(request)
            assert (found.event_id, found.payload) == ("evt_1", None)
        request = WebhookRequest(body=body, headers=signed(body, ""), received_at=AT)
        with pytest.raises(WebhookRejected):
            await gateway.verify_webhook(request)
        unsigned = WebhookRequest(body=body, headers={}, received_at=AT)
        with pytest.raises(WebhookRejected):
            await gateway.verify_webhook(unsigned)


async def heard(shop):
    """Every event of the simulator, signed by it and verified by the gateway."""
    found = []
    for name, event_id, body in await shop.events():
        headers = dict(shop.simulator.sign(event_id, body, False))  # noqa: FBT003
        request = WebhookRequest(body=body, headers=headers, received_at=shop.clock.moment())
        (told,) = await shop.gateway.verify_webhook(request)
        assert (told.event_id, told.event_type) == (event_id, name)
        found.append(told)
    return found


async def test_every_event_of_a_payment_leads_to_its_reference(shop):
    reference = await shop.paid("failed")
    await shop.control("pay", reference=reference, outcome="authorized")
    with shop.simulator.store.transaction():
        shop.simulator.app.state.books.capture(reference, {})
    await shop.control("refund", payment=reference, amount=10_000)
    await shop.control("dispute", payment=reference, status="won", amount=5_000)
    told = {}
    for one in await heard(shop):
        told[one.event_type] = one.payload
        assert not one.needs_fetch
        if one.payload is not None:
            assert one.payload.provider_payment_id == reference
            assert one.payload.mode is Mode.TEST
    status = ProviderPaymentStatus
    for name, expected in {
        "payment_intent.payment_failed": status.FAILED,
        "charge.failed": status.FAILED,
        "charge.succeeded": status.AUTHORIZED,
        "payment_intent.amount_capturable_updated": status.AUTHORIZED,
        "charge.captured": status.CAPTURED,
        "payment_intent.succeeded": status.CAPTURED,
        "charge.refunded": status.CAPTURED,
    }.items():
        assert isinstance(told[name], PaymentResult), name
        assert (told[name].status, told[name].provider_reference) == (expected, reference), name
        assert told[name].amount == RUPEES_500
    assert told["payment_intent.created"] is None
    assert isinstance(told["refund.created"], RefundResult)
    assert told["charge.dispute.created"].status is DisputeStatus.OPEN
    assert told["charge.dispute.closed"].status is DisputeStatus.WON
    assert isinstance(told["charge.dispute.funds_reinstated"], DisputeResult)


async def test_twin_events_have_two_ids_and_one_payment(shop):
    await shop.control("faults", twin_events=True)
    await shop.paid()
    told = [one for one in await heard(shop) if one.event_type == "payment_intent.succeeded"]
    assert len({one.event_id for one in told}) == 2
    assert len({one.payload.provider_payment_id for one in told}) == 1


async def test_voided_authorization_is_told_by_both_families(shop):
    reference = await shop.paid("authorized")
    with shop.simulator.store.transaction():
        shop.simulator.app.state.books.cancel(reference, {})
    told = {one.event_type: one.payload for one in await heard(shop)}
    assert told["payment_intent.canceled"].status is ProviderPaymentStatus.VOIDED
    assert told["charge.refunded"].status is ProviderPaymentStatus.VOIDED


async def test_saved_instrument_is_told_with_its_customer(shop):
    await shop.paid(request=replace(REQUEST, mandate=Mandate(max_amount=RUPEES_500)))
    told = {one.event_type: one.payload for one in await heard(shop)}
    (method,) = await shop.all("payment_methods")
    assert told["payment_method.attached"] == TokenResult(
        provider_token=method["id"],
        provider_customer=method["customer"],
        is_usable=True,
        mode=Mode.TEST,
    )


def test_detached_instrument_stops_being_usable():
    method = {"id": "pm_1", "object": "payment_method", "customer": None, "livemode": False}
    told = event("payment_method.detached", method, previous_attributes={"customer": "cus_1"})
    assert told.payload == TokenResult(
        provider_token="pm_1", provider_customer="cus_1", is_usable=False, mode=Mode.TEST
    )


@pytest.mark.parametrize(("status", "usable"), [("active", True), ("inactive", False)])
def test_mandate_says_whether_its_instrument_is_usable(status, usable):
    mandate = {"id": "m", "object": "mandate", "payment_method": "pm_1", "status": status}
    assert event("mandate.updated", mandate).payload.is_usable is usable


def test_pending_mandate_says_nothing():
    mandate = {"id": "m", "object": "mandate", "payment_method": "pm_1", "status": "pending"}
    assert event("mandate.updated", mandate).payload is None


@pytest.mark.parametrize("status", ["paid", "unpaid", "no_payment_required"])
@pytest.mark.parametrize(
    "kind", ["completed", "async_payment_succeeded", "async_payment_failed", "expired"]
)
def test_session_is_a_hint_and_never_money(kind, status):
    session = FIXTURES["checkout.session"] | {
        "payment_status": status,
        "amount_total": 1099,
        "currency": "usd",
    }
    told = event(f"checkout.session.{kind}", session)
    assert told.needs_fetch
    assert told.payload.provider_reference == session["payment_intent"]
    assert told.payload.status is not ProviderPaymentStatus.CAPTURED
    unpaid = event(f"checkout.session.{kind}", session | {"payment_intent": None})
    assert (unpaid.payload, unpaid.needs_fetch) == (None, False)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("warning_needs_response", DisputeStatus.OPEN),
        ("warning_closed", DisputeStatus.WON),
        ("under_review", DisputeStatus.OPEN),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
        ("prevented", DisputeStatus.WON),
    ],
)
@pytest.mark.parametrize("kind", ["updated", "funds_withdrawn", "funds_reinstated", "closed"])
def test_dispute_has_the_status_that_it_names(kind, word, status):
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 1099,
        "currency": "usd",
        "livemode": False,
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": word,
    }
    told = event(f"charge.dispute.{kind}", dispute).payload
    assert (told.status, told.reason, told.provider_payment_id) == (status, "fraudulent", "pi_1")


def test_payload_keeps_the_mode_that_stripe_gave_it():
    intent = FIXTURES["payment_intent"] | {
        "status": "succeeded",
        "amount_received": 1099,
        "livemode": True,
    }
    assert event("payment_intent.succeeded", intent, livemode=True).payload.mode is Mode.LIVE
    refund = FIXTURES["refund"] | {"payment_intent": "pi_1"}
    assert event("refund.updated", refund, livemode=True).payload.mode is Mode.LIVE
    crossed = event("payment_intent.succeeded", intent, livemode=False)
    assert (crossed.event_type, crossed.payload) == ("unreadable", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_received": 0},
        {"amount_received": "1099"},
        {"amount_received": 10.99},
        {"amount_received": True},
        {"currency": "xyz"},
        {"status": "paid"},
        {"livemode": None},
        {"id": ""},
        {"object": "charge"},
    ],
)
def test_doubtful_payment_moves_nothing(changes):
    intent = FIXTURES["payment_intent"] | {"status": "succeeded", "amount_received": 1099}
    assert event("payment_intent.succeeded", intent).payload is not None
    told = event("payment_intent.succeeded", intent | changes)
    assert (told.event_id, told.event_type, told.payload) == ("evt_1", "unreadable", None)


@pytest.mark.parametrize("kind", ["charge.succeeded", "refund.created", "charge.dispute.created"])
def test_what_no_payment_intent_made_is_not_ours(kind):
    fixture = FIXTURES["refund" if kind.startswith("refund") else "charge"]
    thing = fixture | {"object": "dispute" if "dispute" in kind else fixture["object"]}
    assert event(kind, thing).payload is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"object":"event"}'])
def test_body_that_is_no_event_is_unreadable(body):
    told = parse_event(body)
    assert (told.event_type, told.payload) == ("unreadable", None)


def test_vectors_bodies_are_told_for_what_they_are():
    assert [parse_event(body.encode()).event_type for _, body, _ in GENUINE] == [
        # Without a type.
        "unreadable",
        # Succeeded, and nothing was received: its status was overridden by hand.
        "unreadable",
    ]


def test_secret_is_in_no_error():
    secret, body, header = GENUINE[0]
    with pytest.raises(WebhookRejected) as refused:
        check(secret, body + " ", header)
    assert secret not in str(refused.value)
    assert KEYS["webhook_secret"] not in str(refused.value)
