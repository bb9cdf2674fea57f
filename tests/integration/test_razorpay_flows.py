"""What the Razorpay gateway does besides a plain payment, against its simulator over real HTTP."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from batua.contract import (
    DisputeLookup,
    DisputeResult,
    DisputeStatus,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundLookup,
    RefundRequest,
    RefundResult,
    WebhookRejected,
)
from tests.support.provider import (
    LOST,
    PAYMENT,
    RUPEES_500,
    open_gateway,
)

REFUND = "ref_0123456789abcdefghjkmnpqrs"
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


def follow_up(payment_id):
    return FollowUpRequest(
        idempotency_key=PAYMENT, provider_payment_id=payment_id, amount=RUPEES_500
    )


def refund_of(payment_id, amount=20_000):
    return RefundRequest(
        refund_id=REFUND, provider_payment_id=payment_id, amount=Money(amount, "INR")
    )


def refund_lookup(payment_id):
    return RefundLookup(
        refund_id=REFUND,
        provider_refund_id="",
        provider_payment_id=payment_id,
        amount=Money(20_000, "INR"),
    )


# --- capture and late authorization ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("capture", "status"), [("automatic", "captured"), ("manual", "authorized")]
)
async def test_capture_is_automatic_unless_it_is_to_be_manual(capture, status):
    async with open_gateway(capture=capture) as shop:
        created = await shop.create()
        query = {"order_id": created.provider_reference, "key_id": shop.simulator.key_id}
        await shop.http.post("/v1/checkout", params=query, data={"outcome": "pay"})
        (attempt,) = await shop.attempts()
        assert attempt.status == status
        captured = await shop.gateway.capture(follow_up(attempt.provider_payment_id))
        assert captured.status is ProviderPaymentStatus.CAPTURED
        assert len(await shop.ledger()) == 1


@pytest.mark.parametrize("is_blank", [False, True])
@pytest.mark.parametrize("is_odd", [False, True])
async def test_failed_payment_may_be_authorized_late_and_captured(shop, is_blank, is_odd):
    await shop.switch(blank_errors=is_blank, odd_captured=is_odd)
    payment_id = await shop.paid("failed")
    (failed,) = await shop.attempts()
    assert (failed.status, failed.failure_code) == (ProviderPaymentStatus.FAILED, "payment_failed")
    late = await shop.control("advance", payment=payment_id, outcome="authorized")
    assert late["late_authorized"] is True
    (authorized,) = await shop.attempts()
    assert (authorized.status, authorized.failure_code) == (ProviderPaymentStatus.AUTHORIZED, "")
    assert await shop.heard("payment.authorized") == [authorized]
    await shop.gateway.capture(follow_up(payment_id))
    (captured,) = await shop.attempts()
    assert await shop.heard("payment.captured") == [captured]
    assert captured.status is ProviderPaymentStatus.CAPTURED


@pytest.mark.parametrize("is_odd", [False, True])
async def test_authorization_that_nobody_captured_goes_back_as_voided(shop, is_odd):
    payment_id = await shop.paid("authorized")
    await shop.switch(odd_captured=is_odd)
    (refund,) = (await shop.control("return_authorizations"))["refunds"]
    (attempt,) = await shop.attempts()
    assert attempt.status is ProviderPaymentStatus.VOIDED
    assert await shop.heard("refund.processed") == [attempt]
    assert await shop.heard("refund.created") == [None]
    assert refund["payment_id"] == payment_id
    with pytest.raises(GatewayRejected):
        await shop.gateway.capture(follow_up(payment_id))
    assert await shop.ledger() == []


@pytest.mark.parametrize("fault", LOST)
async def test_lost_answer_to_a_capture_leaves_one_capture(hasty, fault):
    payment_id = await hasty.paid("authorized")
    await hasty.spoil(fault, "/capture")
    with pytest.raises(GatewayOutcomeUnknown):
        await hasty.gateway.capture(follow_up(payment_id))
    again = await hasty.again().capture(follow_up(payment_id))
    assert again.status is ProviderPaymentStatus.CAPTURED
    assert [line["id"] for line in await hasty.ledger()] == [payment_id]
    assert len(await hasty.heard("payment.captured")) == 1


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize(
    "switch", [{}, {"strict_receipts": True}, {"ignores_unique_receipt": True}], ids=str
)
async def test_lost_answer_to_a_create_leaves_one_order(hasty, fault, switch):
    await hasty.switch(**switch)
    await hasty.spoil(fault, "/orders")
    created = await hasty.create()
    assert await hasty.create() == created or switch == {"ignores_unique_receipt": True}
    await hasty.control("pay", reference=created.provider_reference, outcome="captured")
    # Where nothing is unique a second order may exist, but both are read and one was paid.
    (attempt,) = await hasty.attempts()
    assert attempt.provider_reference == created.provider_reference


@pytest.mark.parametrize("status", [400, 401])
async def test_wrong_key_is_known_by_either_status(status):
    async with open_gateway(key_secret="wrong") as shop:
        await shop.switch(refused_key_status=status)
        for ask in (
            shop.create(),
            shop.attempts(),
            shop.gateway.list_settlements(shop.now, shop.now),
        ):
            with pytest.raises(GatewayRejected) as refused:
                await ask
            assert refused.value.failure_code == "authentication_failed"


# --- refunds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_instant", [True, False])
async def test_optimum_refund_may_silently_become_a_normal_one(is_instant):
    async with open_gateway(refund_speed="optimum") as shop:
        await shop.switch(instant_refunds=is_instant)
        payment_id = await shop.paid()
        made = await shop.gateway.refund(refund_of(payment_id))
        (refund,) = (await shop.payments())[0]["refunds"]
        assert refund["speed_requested"] == "optimum"
        assert refund["speed_processed"] == ("instant" if is_instant else "normal")
        changes = await shop.heard("refund.speed_changed")
        assert [change.refund_id for change in changes] == [REFUND] * (not is_instant)
        found = await shop.gateway.fetch_refund(refund_lookup(payment_id))
        assert (found.status, found.refund_id) == (ProviderRefundStatus.SUCCEEDED, made.refund_id)


async def test_refund_begun_in_the_dashboard_is_not_ours(shop):
    payment_id = await shop.paid()
    await shop.control("refund", payment=payment_id, amount=1_000)
    (refund,) = await shop.heard("refund.processed")
    assert (refund.refund_id, refund.amount) == ("", Money(1_000, "INR"))
    assert await shop.gateway.fetch_refund(refund_lookup(payment_id)) is None


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("keys_work", [True, False])
async def test_lost_answer_to_a_refund_leaves_one_refund(hasty, fault, keys_work):
    await hasty.switch(refund_keys_work=keys_work)
    payment_id = await hasty.paid()
    await hasty.spoil(fault, "/refund")
    with pytest.raises(GatewayOutcomeUnknown):
        await hasty.gateway.refund(refund_of(payment_id))
    first = await hasty.gateway.refund(refund_of(payment_id))
    assert await hasty.gateway.fetch_refund(refund_lookup(payment_id)) == first
    if keys_work:
        again = await hasty.again().refund(refund_of(payment_id))
        assert again.provider_refund_id == first.provider_refund_id
    (line,) = await hasty.ledger()
    assert [refund["amount"] for refund in line["refunds"]] == [20_000]


@pytest.mark.parametrize("fault", NOT_DONE)
async def test_fault_before_the_effect_refunds_nothing(shop, fault):
    payment_id = await shop.paid()
    await shop.spoil(fault, "/refund")
    with pytest.raises((GatewayUnavailable, GatewayOutcomeUnknown)):
        await shop.gateway.refund(refund_of(payment_id))
    assert (await shop.ledger())[0]["refunds"] == []
    await shop.gateway.refund(refund_of(payment_id))
    assert len((await shop.ledger())[0]["refunds"]) == 1


# --- disputes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "status", "amount"),
    [
        ([{"status": "open"}], DisputeStatus.OPEN, 50_000),
        (
            [{"status": "open"}, {"status": "open", "word": "under_review"}],
            DisputeStatus.OPEN,
            50_000,
        ),
        ([{"status": "open", "amount": 700}, {"status": "won"}], DisputeStatus.WON, 700),
        ([{"status": "open"}, {"status": "lost"}], DisputeStatus.LOST, 50_000),
        ([{"status": "open"}, {"status": "won", "word": "closed"}], DisputeStatus.WON, 50_000),
        ([{"status": "open"}, {"status": "won", "deducted": 9_000}], DisputeStatus.LOST, 9_000),
    ],
)
async def test_dispute_is_told_as_it_is_fetched(shop, moves, status, amount):
    payment_id = await shop.paid()
    for move in moves:
        told = await shop.control("move_dispute", payment=payment_id, **move)
    lookup = DisputeLookup(provider_dispute_id=told["id"], provider_payment_id=payment_id)
    found = await shop.gateway.fetch_dispute(lookup)
    assert (found.status, found.amount) == (status, Money(amount, "INR"))
    events = [each.payload for each in await shop.events() if "dispute" in each.event_type]
    assert events[-1] == found
    assert len(events) == len(moves)


async def test_dispute_that_razorpay_never_saw_is_none(shop):
    payment_id = await shop.paid()
    for dispute_id in ("disp_00000000000000", "disp_1"):
        lookup = DisputeLookup(provider_dispute_id=dispute_id, provider_payment_id=payment_id)
        assert await shop.gateway.fetch_dispute(lookup) is None
    told = await shop.control("dispute", payment=payment_id, status="open")
    other = DisputeLookup(provider_dispute_id=told["id"], provider_payment_id="pay_1")
    with pytest.raises(GatewayRejected) as refused:
        await shop.gateway.fetch_dispute(other)
    assert refused.value.failure_code == "reference_mismatch"
    await shop.spoil("500", "/disputes")
    with pytest.raises(GatewayUnavailable):
        await shop.gateway.fetch_dispute(other)


async def test_refused_question_is_no_answer_to_it():
    async with open_gateway(key_secret="wrong") as shop:
        dispute = DisputeLookup(provider_dispute_id="disp_1", provider_payment_id="pay_1")
        refund = refund_lookup("pay_1")
        by_id = RefundLookup(
            refund_id=REFUND,
            provider_refund_id="rfnd_1",
            provider_payment_id="pay_1",
            amount=RUPEES_500,
        )
        for ask in (
            shop.gateway.fetch_dispute(dispute),
            shop.gateway.fetch_refund(refund),
            shop.gateway.fetch_refund(by_id),
        ):
            with pytest.raises(GatewayRejected) as refused:
                await ask
            assert refused.value.failure_code == "authentication_failed"


# --- lists ----------------------------------------------------------------------------------------


async def test_list_has_every_capture_refund_and_dispute_and_nothing_that_took_no_money(shop):
    captured = await shop.paid()
    await shop.paid("failed", payment_id="pay_failed")
    await shop.paid("authorized", payment_id="pay_returned")
    await shop.control("return_authorizations")
    ours = await shop.gateway.refund(refund_of(captured, 1_000))
    await shop.control("refund", payment=captured, amount=500)
    told = await shop.control("dispute", payment=captured, status="open", amount=700)
    since, until = shop.now - timedelta(hours=1), shop.now + timedelta(seconds=1)
    listed = await shop.gateway.list_transactions(since, until)
    captures = [each for each in listed if isinstance(each, PaymentResult)]
    refunds = [each for each in listed if isinstance(each, RefundResult)]
    disputes = [each for each in listed if isinstance(each, DisputeResult)]
    assert [each.provider_payment_id for each in captures] == [captured]
    assert {each.refund_id: each.amount.amount for each in refunds} == {REFUND: 1_000, "": 500}
    assert ours.provider_refund_id in {each.provider_refund_id for each in refunds}
    assert [each.provider_dispute_id for each in disputes] == [told["id"]]
    assert len(listed) == 4


async def test_list_finds_what_ended_long_after_it_began(shop):
    begun = shop.now
    payment_id = await shop.paid("failed")
    shop.now = begun + timedelta(days=6)
    await shop.control("advance", payment=payment_id, outcome="captured")
    (capture,) = await shop.gateway.list_transactions(
        shop.now - timedelta(hours=1), shop.now + timedelta(hours=1)
    )
    assert capture.provider_payment_id == payment_id
    shop.now = begun + timedelta(days=100)
    await shop.control("dispute", payment=payment_id, status="open")
    await shop.control("refund", payment=payment_id, amount=100)
    shop.now = begun + timedelta(days=190)
    await shop.control("dispute", payment=payment_id, status="lost")
    since, until = shop.now - timedelta(hours=1), shop.now + timedelta(hours=1)
    (dispute,) = await shop.gateway.list_transactions(since, until)
    assert dispute.status is DisputeStatus.LOST
    # The payment of a refund is asked for where it is too old to be in the list.
    at = begun + timedelta(days=100)
    kinds = [
        type(each) for each in await shop.gateway.list_transactions(at, at + timedelta(days=1))
    ]
    assert kinds == [RefundResult, DisputeResult]


async def test_window_leaves_out_its_last_moment(shop):
    await shop.paid()
    assert await shop.gateway.list_transactions(shop.now - timedelta(days=1), shop.now) == ()
    later = shop.now + timedelta(seconds=1)
    assert len(await shop.gateway.list_transactions(shop.now, later)) == 1
    # Before the least time that Razorpay takes.
    epoch = datetime(1970, 2, 1, tzinfo=UTC)
    assert len(await shop.gateway.list_transactions(epoch, later)) == 1


async def test_list_reads_all_pages(shop):
    created = await shop.create()
    books = shop.simulator.app.state.books
    for _ in range(205):
        books.payments.pay(created.provider_reference, "captured")
    later = shop.now + timedelta(seconds=1)
    listed = await shop.gateway.list_transactions(shop.now, later)
    assert len({each.provider_payment_id for each in listed}) == len(listed) == 205


@pytest.mark.parametrize("path", ["/v1/payments", "/v1/refunds", "/v1/disputes", "/v1/settlements"])
async def test_list_that_can_not_be_read_is_unavailable(shop, path):
    await shop.paid()
    await shop.spoil("500", path)
    window = (shop.now, shop.now + timedelta(1))
    is_payout = path.endswith("settlements")
    listing = shop.gateway.list_settlements if is_payout else shop.gateway.list_transactions
    with pytest.raises(GatewayUnavailable):
        await listing(*window)


async def test_settlements_of_the_time_are_listed(shop):
    await shop.paid()
    first = await shop.control("pay_out")
    shop.now += timedelta(days=1)
    await shop.paid(payment_id="pay_2")
    second = await shop.control("pay_out", status="failed")
    today = await shop.gateway.list_settlements(shop.now, shop.now + timedelta(days=1))
    (settlement,) = today
    assert settlement.provider_settlement_id == second["id"]
    assert (settlement.amount, settlement.fees) == (Money(48_820, "INR"), 1_180)
    assert (settlement.tax, settlement.status) == (180, "failed")
    both = await shop.gateway.list_settlements(
        shop.now - timedelta(days=1), shop.now + timedelta(days=1)
    )
    assert {each.provider_settlement_id for each in both} == {first["id"], second["id"]}


# --- secrets and events ---------------------------------------------------------------------------


async def test_old_secret_counts_only_while_it_is_listed():
    async with open_gateway(webhook_secret="simulator_webhook_secret") as shop:
        await shop.paid()
        with pytest.raises(WebhookRejected):
            await shop.events(old_secret=True)
    both = "simulator_webhook_secret, simulator_old_webhook_secret"
    async with open_gateway(webhook_secret=both) as shop:
        await shop.paid()
        assert await shop.events(old_secret=True) == await shop.events()


async def test_events_of_a_whole_life_only_go_forward(shop):
    payment_id = await shop.paid("authorized")
    await shop.gateway.capture(follow_up(payment_id))
    await shop.gateway.refund(refund_of(payment_id))
    types = [each.event_type for each in await shop.events()]
    assert types == [
        "payment.authorized",
        "payment.captured",
        "order.paid",
        "refund.created",
        "refund.processed",
    ]
    ranks = [
        list(ProviderPaymentStatus).index(each.payload.status) for each in (await shop.events())[:3]
    ]
    assert all(earlier <= later for earlier, later in pairwise(ranks))
