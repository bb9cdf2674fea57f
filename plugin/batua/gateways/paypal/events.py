"""PayPal's webhooks: verified bytes to one event. Pure functions, no I/O.

The signature binds a CRC-32 of the body and no more, so that every event needs a fetch and its
payload holds nothing but the ids that lead there: no status, no amount.
"""

from __future__ import annotations

from typing import Any

import msgspec

from batua.contract import (
    DisputeResult,
    DisputeStatus,
    EventPayload,
    Mode,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundResult,
    TokenResult,
    WebhookEvent,
)
from batua.gateways.paypal.codes import EVENTS, TOKEN_IS_USABLE, UNREADABLE, Subject
from batua.gateways.paypal.disputes import disputed_captures
from batua.gateways.paypal.reading import Entity, Unreadable, dictionary, moment, required, text
from batua.gateways.paypal.wire import linked_id, order_id_of, refund_id_of

__all__ = ["parse_event"]

_EVENT_ID_LENGTH_MAX = 128
_UNTOLD = Money(0, "USD")
"""Stands where a result must have an amount and the event's own is not believed."""


def parse_event(body: bytes, mode: Mode) -> WebhookEvent:
    """The event of a body whose signature was verified; never raises.

    What does not say what it is about becomes an ``unreadable`` event without a payload, so that
    nothing genuine is dropped and a person sees it.
    """
    try:
        return _event(msgspec.json.decode(body), mode)
    # RecursionError: a deeply nested body. UnicodeDecodeError is a ValueError, as is ours.
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return WebhookEvent(event_id="", event_type=UNREADABLE, payload=None, needs_fetch=True)


def _event(envelope: Any, mode: Mode) -> WebhookEvent:
    if not isinstance(envelope, dict):
        raise Unreadable("an envelope that is no object")
    event_type = required(envelope, "event_type")
    subject = EVENTS.get(event_type)
    resource = dictionary(envelope.get("resource"))
    return WebhookEvent(
        event_id=_event_id(text(envelope, "id")),
        event_type=event_type,
        payload=_payload(event_type, subject, resource, mode) if subject else None,
        occurred_at=moment(envelope.get("create_time")),
        needs_fetch=True,
    )


def _event_id(value: str) -> str:
    fits = value.isascii() and value.isprintable() and len(value) <= _EVENT_ID_LENGTH_MAX
    return value if fits else ""


def _payload(event_type: str, subject: Subject, resource: Entity, mode: Mode) -> EventPayload:
    match subject:
        case Subject.ORDER:
            order_id = required(resource, "id")
            return _payment(order_id, order_id, mode)
        case Subject.CAPTURE:
            order_id = order_id_of(resource)
            if not order_id:
                raise Unreadable("a capture of no order")
            return _payment(required(resource, "id"), order_id, mode)
        case Subject.REFUND:
            return _refund(resource, mode)
        case Subject.DISPUTE:
            return _dispute(resource, mode)
        case Subject.TOKEN:
            return TokenResult(
                provider_token=required(resource, "id"),
                provider_customer=text(dictionary(resource.get("customer")), "id"),
                is_usable=TOKEN_IS_USABLE[event_type],
                mode=mode,
            )


def _payment(provider_payment_id: str, order_id: str, mode: Mode) -> PaymentResult:
    return PaymentResult(
        provider_payment_id=provider_payment_id,
        provider_reference=order_id,
        status=ProviderPaymentStatus.PENDING,
        amount=_UNTOLD,
        mode=mode,
    )


def _refund(resource: Entity, mode: Mode) -> RefundResult:
    capture_id = linked_id(resource, "captures")
    if not capture_id:
        raise Unreadable("a refund of no capture")
    return RefundResult(
        provider_refund_id=required(resource, "id"),
        provider_payment_id=capture_id,
        status=ProviderRefundStatus.PENDING,
        amount=_UNTOLD,
        mode=mode,
        refund_id=refund_id_of(text(resource, "custom_id")),
    )


def _dispute(resource: Entity, mode: Mode) -> DisputeResult:
    return DisputeResult(
        provider_dispute_id=required(resource, "dispute_id"),
        provider_payment_id=next(iter(disputed_captures(resource)), ""),
        status=DisputeStatus.OPEN,
        amount=_UNTOLD,
        mode=mode,
    )
