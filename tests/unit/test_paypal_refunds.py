"""PayPal's refunds, disputes and transaction search against scripted answers."""

from datetime import datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from batua.contract import (
    DisputeLookup,
    DisputeStatus,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    ProviderRefundStatus,
)
from tests.support.paypal import (
    API,
    CAPTURE,
    CAPTURES,
    DISPUTE,
    DISPUTES,
    NOW,
    ORDER,
    ORDERS,
    PAYMENT,
    REFUND,
    REFUNDED,
    SEARCH,
    TEN,
    TEN_DOLLARS,
    TO_DISPUTE,
    TO_REFUND,
    PayPal,
    capture,
    dispute,
    gateway_to,
    movement,
    order,
    refund,
    refund_lookup,
    refusal,
)


@pytest.fixture
def paypal():
    return PayPal()


@pytest.fixture
def gateway(paypal):
    return gateway_to(paypal)


# --- refunds ---

REFUNDING = f"{CAPTURES}/{CAPTURE}/refund"


async def test_a_refund_bears_our_id_and_not_our_reason(gateway, paypal):
    paypal.on("POST", REFUNDING, httpx.Response(201, json=refund()))
    result = await gateway.refund(TO_REFUND)
    assert result.status is ProviderRefundStatus.SUCCEEDED
    assert (result.refund_id, result.provider_payment_id, result.amount) == (REFUND, CAPTURE, TEN)
    assert paypal.request_ids(REFUNDING) == [REFUND]
    (body,) = paypal.bodies(REFUNDING)
    assert body == {
        "amount": TEN_DOLLARS, "custom_id": f"refund.{REFUND}", "invoice_id": REFUND
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "read"),
    [("PENDING", "pending"), ("COMPLETED", "succeeded"), ("FAILED", "failed"),
     ("CANCELLED", "failed")],
)  # fmt: skip
async def test_a_refund_is_what_its_status_says(gateway, paypal, status, read):
    paypal.on("POST", REFUNDING, refund(status))
    result = await gateway.refund(TO_REFUND)
    assert (result.status, result.failure_code) == (read, status if read == "failed" else "")


async def test_a_minimal_refund_is_fetched(gateway, paypal):
    paypal.on("POST", REFUNDING, {"id": REFUNDED, "status": "COMPLETED"})
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.refund(TO_REFUND)
    paypal.on("GET", f"/v2/payments/refunds/{REFUNDED}", refund("PENDING"))
    assert (await gateway.refund(TO_REFUND)).status is ProviderRefundStatus.PENDING


async def test_a_refused_refund_counts_only_when_there_is_none_of_our_id(gateway, paypal):
    paypal.on("POST", REFUNDING, refusal("CAPTURE_FULLY_REFUNDED"))
    paypal.on("GET", f"{CAPTURES}/{CAPTURE}", capture())
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("COMPLETED", capture(), refunds=[refund()]))
    assert (await gateway.refund(TO_REFUND)).provider_refund_id == REFUNDED
    other = refund(custom_id="refund.another", invoice_id="another")
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("COMPLETED", capture(), refunds=[other]))
    with pytest.raises(GatewayRejected) as refused:
        await gateway.refund(TO_REFUND)
    assert refused.value.failure_code == "CAPTURE_FULLY_REFUNDED"
    paypal.on("GET", f"{ORDERS}/{ORDER}", httpx.ReadTimeout("lost"))
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.refund(TO_REFUND)


@pytest.mark.parametrize("mark", [{"custom_id": None}, {"invoice_id": None}])
async def test_a_refund_whose_answer_was_lost_is_found_by_our_id(gateway, paypal, mark):
    related = {"related_ids": {"order_id": ORDER}}
    paypal.on("GET", f"{CAPTURES}/{CAPTURE}", capture(links=[], supplementary_data=related))
    refunds = [refund(custom_id="x", invoice_id="y", id="other"), refund(**mark)]
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("COMPLETED", capture(), refunds=refunds))
    found = await gateway.fetch_refund(refund_lookup())
    assert found.provider_refund_id == REFUNDED


async def test_a_refund_that_paypal_does_not_have_is_none(gateway, paypal):
    assert await gateway.fetch_refund(refund_lookup()) is None
    assert await gateway.fetch_refund(refund_lookup(REFUNDED)) is None
    paypal.on("GET", f"{CAPTURES}/{CAPTURE}", capture(links=[]))
    assert await gateway.fetch_refund(refund_lookup()) is None
    paypal.on("GET", f"{CAPTURES}/{CAPTURE}", capture())
    paypal.on("GET", f"{ORDERS}/{ORDER}", order("COMPLETED", capture()))
    assert await gateway.fetch_refund(refund_lookup()) is None


async def test_a_refund_of_another_capture_is_refused(gateway, paypal):
    paypal.on("GET", f"/v2/payments/refunds/{REFUNDED}", refund())
    with pytest.raises(GatewayRejected) as refused:
        await gateway.fetch_refund(refund_lookup(REFUNDED, provider_payment_id="7U133281TB3277326"))
    assert refused.value.failure_code == "reference_mismatch"


FOREIGN = {"custom_id": PAYMENT, "invoice_id": PAYMENT}


@pytest.mark.parametrize(
    ("disputed", "is_told"),
    [
        (None, True),
        (dispute(), False),
        (dispute(outcome="CANCELED_BY_BUYER"), True),
        (dispute(create_time="2026-11-22T11:46:00Z"), True),
        (dispute(dispute_id="PP-D-gone"), True),
        (dispute(money_movements=[movement("DEBIT", "10.00")]), False),
        (dispute(money_movements=[movement("DEBIT", "9.00")]), True),
        (dispute("OPEN", money_movements=[movement("DEBIT", "10.00")]), False),
        (
            dispute(money_movements=[movement("DEBIT", "10.00"), movement("CREDIT", "10.00")]),
            False,
        ),
    ],
)
async def test_money_that_went_back_is_told_once(gateway, paypal, disputed, is_told):
    """By the dispute that took it, or else by the refund."""
    paypal.on("GET", f"/v2/payments/refunds/{REFUNDED}", refund(**FOREIGN))
    paypal.on("GET", DISPUTES, {"items": [disputed] if disputed else []})
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", disputed or refusal("", 404))
    found = await gateway.fetch_refund(refund_lookup(REFUNDED, refund_id=""))
    told = ("succeeded", "") if is_told else ("failed", "told_by_dispute")
    assert (found.status, found.failure_code, found.refund_id) == (*told, "")
    asked = [one.url.params for one in paypal.sent if one.url.path == DISPUTES]
    assert asked[0]["disputed_transaction_id"] == CAPTURE


async def test_while_a_dispute_is_open_a_strange_refund_waits(gateway, paypal):
    paypal.on("GET", f"/v2/payments/refunds/{REFUNDED}", refund(**FOREIGN))
    paypal.on("GET", DISPUTES, {"items": [dispute("UNDER_REVIEW")]})
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", dispute("UNDER_REVIEW"))
    with pytest.raises(GatewayUnavailable, match="open"):
        await gateway.fetch_refund(refund_lookup(REFUNDED, refund_id=""))


async def test_a_refund_of_ours_is_told_whatever_is_disputed(gateway, paypal):
    paypal.on("GET", f"/v2/payments/refunds/{REFUNDED}", refund())
    assert (await gateway.fetch_refund(refund_lookup(REFUNDED))).refund_id == REFUND
    assert [one.url.path for one in paypal.sent] == [f"/v2/payments/refunds/{REFUNDED}"]


# --- disputes ---


@pytest.mark.parametrize(
    ("found", "status", "amount"),
    [
        (dispute("OPEN"), DisputeStatus.OPEN, 1000),
        (dispute("WAITING_FOR_SELLER_RESPONSE"), DisputeStatus.OPEN, 1000),
        (dispute("OTHER"), DisputeStatus.OPEN, 1000),
        (dispute(), DisputeStatus.LOST, 1000),
        (dispute(outcome="ACCEPTED"), DisputeStatus.LOST, 1000),
        (dispute(outcome="RESOLVED_SELLER_FAVOUR"), DisputeStatus.WON, 1000),
        (dispute(outcome="DENIED"), DisputeStatus.WON, 1000),
        (dispute(outcome="CANCELED_BY_BUYER"), DisputeStatus.WON, 1000),
        (dispute(outcome="RESOLVED_WITH_PAYOUT"), DisputeStatus.WON, 1000),
        (
            dispute(
                dispute_outcome={
                    "outcome_code": "RESOLVED_BUYER_FAVOUR",
                    "amount_refunded": {"currency_code": "USD", "value": "4.00"},
                }
            ),
            DisputeStatus.LOST,
            400,
        ),
        (
            dispute(outcome="RESOLVED_WITH_PAYOUT", money_movements=[movement("DEBIT", "6.00")]),
            DisputeStatus.LOST,
            600,
        ),
        (
            dispute(money_movements=[movement("DEBIT", "6.00"), movement("CREDIT", "6.00")]),
            DisputeStatus.WON,
            1000,
        ),
        (
            dispute(
                outcome="RESOLVED_SELLER_FAVOUR",
                money_movements=[
                    movement("DEBIT", "15.00", reason="DISPUTE_FEE"),
                    movement("CREDIT", "10.00", party="BUYER"),
                ],
            ),
            DisputeStatus.WON,
            1000,
        ),
    ],
)
async def test_a_dispute_is_what_was_moved_or_else_its_outcome(
    gateway, paypal, found, status, amount
):
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", found)
    result = await gateway.fetch_dispute(TO_DISPUTE)
    assert (result.status, result.amount) == (status, Money(amount, "USD"))
    assert (result.provider_dispute_id, result.provider_payment_id) == (DISPUTE, CAPTURE)
    assert result.reason == "UNAUTHORISED"


async def test_a_dispute_of_another_payment_is_refused_and_an_unknown_one_is_none(gateway, paypal):
    assert await gateway.fetch_dispute(TO_DISPUTE) is None
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", dispute())
    with pytest.raises(GatewayRejected):
        await gateway.fetch_dispute(
            DisputeLookup(provider_dispute_id=DISPUTE, provider_payment_id="7U133281TB3277326")
        )
    found = await gateway.fetch_dispute(
        DisputeLookup(provider_dispute_id=DISPUTE, provider_payment_id="")
    )
    assert found.provider_payment_id == CAPTURE


@pytest.mark.parametrize("found", [dispute(outcome="INVENTED"), dispute(dispute_amount=None)])
async def test_a_dispute_that_can_not_be_read_is_unavailable(gateway, paypal, found):
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", found)
    with pytest.raises(GatewayUnavailable):
        await gateway.fetch_dispute(TO_DISPUTE)


# --- the transaction search ---


def found(code, amount, id, status="S", **changes):
    info = {
        "transaction_id": id, "transaction_event_code": code, "transaction_status": status,
        "transaction_amount": {"currency_code": "USD", "value": amount},
        "transaction_initiation_date": "2026-11-20T10:00:00+0000",
    } | changes  # fmt: skip
    return {"transaction_info": info}


def listed(*details, pages=1):
    return {"transaction_details": list(details), "total_pages": pages}


ODR = {"paypal_reference_id": ORDER, "paypal_reference_id_type": "ODR"}
TXN = {"paypal_reference_id": CAPTURE, "paypal_reference_id_type": "TXN"}
SINCE, UNTIL = NOW - timedelta(days=3), NOW


async def test_what_moved_is_listed_page_by_page(gateway, paypal):
    paypal.on("GET", DISPUTES, {"items": []})
    paypal.on("GET", f"{CAPTURES}/C2", capture())
    paypal.on(
        "GET",
        SEARCH,
        listed(
            found("T0006", "10.00", "C1", **ODR),
            found("T0003", "5.00", "C2", "P"),
            found("T0006", "-3.00", "C3"),
            found("T0403", "-20.00", "W1"),
            pages=2,
        ),
        listed(
            found("T1107", "-4.00", "R1", custom_field=f"refund.{REFUND}", **TXN),
            found("T1107", "-1.00", "R2", **TXN),
            found("T1110", "-9.00", "H1", **TXN),
            found("T1107", "9.00", "B1", **TXN),
            found("T1106", "-9.00", "B2"),
            found("T0400", "0.00000001", "X1"),
            pages=2,
        ),
    )
    results = await gateway.list_transactions(SINCE, UNTIL)
    shown = [
        (
            getattr(one, "provider_refund_id", one.provider_payment_id),
            str(one.status),
            one.amount.amount,
            getattr(one, "provider_reference", one.provider_payment_id),
        )
        for one in results
    ]
    assert shown == [
        ("C1", "captured", 1000, ORDER),
        ("C2", "pending", 500, ORDER),
        ("R1", "succeeded", 400, CAPTURE),
        ("R2", "succeeded", 100, CAPTURE),
    ]
    assert results[2].refund_id == REFUND
    pages = [one.url.params["page"] for one in paypal.sent if one.url.path == SEARCH]
    assert pages == ["1", "2"]


async def test_money_that_paypal_took_is_listed_once(gateway, paypal):
    paypal.on("GET", DISPUTES, {"items": [dispute()]})
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", dispute())
    late = {"transaction_initiation_date": "2026-11-22T11:50:00Z"}
    paypal.on("GET", SEARCH, listed(found("T1106", "-10.00", "R1", **TXN, **late)))
    (result,) = await gateway.list_transactions(SINCE, UNTIL)
    assert (result.provider_dispute_id, result.status) == (DISPUTE, DisputeStatus.LOST)
    paypal.on("GET", DISPUTES, {"items": []})
    (result,) = await gateway.list_transactions(SINCE, UNTIL)
    assert (result.provider_refund_id, result.amount) == ("R1", TEN)


async def test_a_refund_that_may_be_an_open_disputes_is_left_out_of_the_list(gateway, paypal):
    paypal.on("GET", DISPUTES, {"items": [dispute("OPEN")]})
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", dispute("OPEN"))
    late = {"transaction_initiation_date": "2026-11-22T11:50:00Z"}
    paypal.on("GET", SEARCH, listed(found("T1107", "-10.00", "R1", **TXN, **late)))
    (result,) = await gateway.list_transactions(SINCE, UNTIL)
    assert (result.provider_dispute_id, result.status) == (DISPUTE, DisputeStatus.OPEN)


@pytest.mark.parametrize("path", [DISPUTES, f"{DISPUTES}/{DISPUTE}"])
async def test_a_list_is_never_short_of_what_could_not_be_asked(gateway, paypal, path):
    paypal.on("GET", DISPUTES, {"items": [dispute()]})
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", dispute())
    late = {"transaction_initiation_date": "2026-11-22T11:50:00Z"}
    paypal.on("GET", SEARCH, listed(found("T1107", "-10.00", "R1", **TXN, **late)))
    paypal.on("GET", path, httpx.ReadTimeout("lost"), {"items": []})
    with pytest.raises(GatewayUnavailable):
        await gateway.list_transactions(SINCE, UNTIL)


async def test_money_that_came_without_an_order_is_listed_without_a_reference(gateway, paypal):
    paypal.on("GET", DISPUTES, {"items": []})
    paypal.on("GET", SEARCH, listed(found("T0000", "7.00", "C1")))
    (result,) = await gateway.list_transactions(SINCE, UNTIL)
    assert (result.provider_reference, result.amount) == ("", Money(700, "USD"))


async def test_a_long_time_is_asked_for_in_windows_and_nothing_twice(gateway, paypal):
    paypal.on("GET", DISPUTES, {"items": []})
    since = NOW - timedelta(days=80, milliseconds=1)
    early = {"transaction_initiation_date": (since - timedelta(seconds=1)).isoformat()}
    late = {"transaction_initiation_date": NOW.isoformat()}
    inside, before, at_end = (
        found("T0006", "1.00", "C1", **ODR),
        found("T0006", "1.00", "C0", **ODR, **early),
        found("T0006", "1.00", "C9", **ODR, **late),
    )
    paypal.on("GET", SEARCH, listed(inside, before, at_end))
    results = await gateway.list_transactions(since, NOW)
    assert [one.provider_payment_id for one in results] == ["C1"]
    spans = [
        (datetime.fromisoformat(one.url.params["start_date"]),
         datetime.fromisoformat(one.url.params["end_date"]))
        for one in paypal.sent if one.url.path == SEARCH
    ]  # fmt: skip
    assert len(spans) == 3
    assert all(end - start <= timedelta(days=31) for start, end in spans)
    assert spans[0][0] <= since
    assert spans[-1][1] >= NOW
    assert all(after[0] <= before[1] for before, after in pairwise(spans))


async def test_a_time_with_too_many_transactions_is_halved(gateway, paypal):
    paypal.on("GET", DISPUTES, {"items": []})
    too_many = refusal("", 400, "RESULTSET_TOO_LARGE")
    paypal.on(
        "GET", SEARCH, too_many, listed(found("T0006", "1.00", "C1", **ODR)),
        listed(found("T0006", "1.00", "C2", **ODR)),
    )  # fmt: skip
    results = await gateway.list_transactions(SINCE, UNTIL)
    assert [one.provider_payment_id for one in results] == ["C1", "C2"]
    paypal.on("GET", SEARCH, too_many)
    with pytest.raises(GatewayRejected):
        await gateway.list_transactions(UNTIL - timedelta(seconds=4), UNTIL)


async def test_disputes_are_listed_page_by_page_as_far_back_as_paypal_finds_them(gateway, paypal):
    next_page = f"{API}{DISPUTES}?next_page_token=abc%2B/1%3D"
    paypal.on("GET", SEARCH, listed())
    paypal.on(
        "GET", DISPUTES,
        {"items": [dispute()], "links": [{"rel": "next", "href": next_page}]},
        {"items": [dispute(), dispute(dispute_id="PP-D-2")]},
    )  # fmt: skip
    paypal.on("GET", f"{DISPUTES}/{DISPUTE}", dispute("OPEN"))
    paypal.on("GET", f"{DISPUTES}/PP-D-2", dispute(dispute_id="PP-D-2"))
    results = await gateway.list_transactions(NOW - timedelta(days=30), NOW + timedelta(days=1))
    assert [one.provider_dispute_id for one in results] == [DISPUTE, "PP-D-2"]
    first, second = (one.url.params for one in paypal.sent if one.url.path == DISPUTES)
    assert first["update_time_before"] == "2026-11-22T12:00:00.999Z"
    assert second["next_page_token"] == "abc+/1="
    paypal.sent.clear()
    await gateway.list_transactions(NOW - timedelta(days=400), NOW - timedelta(days=390))
    assert DISPUTES not in [one.url.path for one in paypal.sent]
