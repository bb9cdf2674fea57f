"""Events kept as text come back as they were."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batua.contract import (
    AMOUNT_MAX,
    DisputeResult,
    DisputeStatus,
    Mode,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundResult,
    TokenResult,
    WebhookEvent,
    active_currencies,
)
from batua.inbox.events import decode_events, encode_events

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
moments = st.none() | st.datetimes(
    # Hypothesis wants the bounds bare, and adds the zone.
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=zones,
)
money = st.builds(
    Money,
    st.integers(-AMOUNT_MAX, AMOUNT_MAX),
    st.sampled_from(sorted(active_currencies())),
)
modes = st.sampled_from(Mode)
payloads = (
    st.none()
    | st.builds(
        PaymentResult,
        provider_payment_id=texts,
        provider_reference=texts,
        status=st.sampled_from(ProviderPaymentStatus),
        amount=money,
        mode=modes,
        occurred_at=moments,
        method=texts,
        failure_code=texts,
        failure_message=texts,
    )
    | st.builds(
        RefundResult,
        provider_refund_id=texts,
        provider_payment_id=texts,
        status=st.sampled_from(ProviderRefundStatus),
        amount=money,
        mode=modes,
        refund_id=texts,
        occurred_at=moments,
        failure_code=texts,
        failure_message=texts,
    )
    | st.builds(
        DisputeResult,
        provider_dispute_id=texts,
        provider_payment_id=texts,
        status=st.sampled_from(DisputeStatus),
        amount=money,
        mode=modes,
        reason=texts,
        occurred_at=moments,
    )
    | st.builds(
        TokenResult,
        provider_token=texts,
        provider_customer=texts,
        is_usable=st.booleans(),
        mode=modes,
    )
)
events = st.builds(
    WebhookEvent,
    event_id=texts,
    event_type=texts,
    payload=payloads,
    occurred_at=moments,
    needs_fetch=st.booleans(),
)


@given(st.lists(events, max_size=4).map(tuple))
def test_events_come_back_as_they_were(written):
    assert decode_events(encode_events(written)) == written


def test_a_kind_that_nobody_knows_is_not_guessed():
    text = encode_events((WebhookEvent(event_id="e", event_type="t", payload=None),))

    with pytest.raises(KeyError):
        decode_events(text.replace('"kind":null', '"kind":"voucher"'))


def test_an_amount_that_is_no_whole_number_is_not_read():
    event = WebhookEvent(
        event_id="e",
        event_type="t",
        payload=PaymentResult(
            provider_payment_id="p",
            provider_reference="r",
            status=ProviderPaymentStatus.CAPTURED,
            amount=Money(12_345, "INR"),
            mode=Mode.TEST,
        ),
    )

    for wrong in ("12345.0", '"12345"', "true", "null"):
        with pytest.raises(msgspec.ValidationError):
            decode_events(encode_events((event,)).replace("12345", wrong))
