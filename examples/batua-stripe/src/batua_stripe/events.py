"""Stripe's webhooks: verified bytes to one event. Pure functions, no I/O.

The signature binds the whole body, so its word is believed. Only a Checkout Session's event asks
for a fetch: it names the payment intent and does not say what was received on it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from batua.contract import (
    EventPayload,
    Mode,
    PaymentResult,
    ProviderPaymentStatus,
    TokenResult,
    WebhookEvent,
)

from batua_stripe.client import Entity, Unreadable
from batua_stripe.codes import EVENTS, TOKEN_IS_USABLE, UNREADABLE, Subject
from batua_stripe.wire import (
    attempt,
    charge_result,
    dispute_result,
    id_of,
    mode_in,
    moment,
    money,
    part,
    refund_result,
    required,
    text,
)

__all__ = ["parse_event"]

_OF_AN_INTENT = {Subject.CHARGE, Subject.SESSION, Subject.REFUND, Subject.DISPUTE}


def parse_event(body: bytes) -> WebhookEvent:
    """The event of a body whose signature was verified; never raises.

    What can't be read to the letter becomes an ``unreadable`` event without a payload, so that
    nothing genuine is dropped and nothing doubtful moves money.
    """
    envelope: Any = None
    try:
        envelope = msgspec.json.decode(body)
        return _event(envelope)
    # RecursionError: a deeply nested body. UnicodeDecodeError is a ValueError, as is ours.
    except (msgspec.MsgspecError, ValueError, RecursionError):
        event_id = text(envelope, "id") if isinstance(envelope, dict) else ""
        return WebhookEvent(event_id=event_id, event_type=UNREADABLE, payload=None)


def _event(envelope: Any) -> WebhookEvent:
    if not isinstance(envelope, dict) or envelope.get("object") != "event":
        raise Unreadable("no event")
    event_type, occurred_at = required(envelope, "type"), moment(envelope.get("created"))
    subject = EVENTS.get(event_type)
    payload: EventPayload | None = None
    if subject is not None:
        entity = part(part(envelope, "data"), "object")
        payload = _payload(event_type, subject, envelope, entity, occurred_at)
    return WebhookEvent(
        event_id=required(envelope, "id"),
        event_type=event_type,
        payload=payload,
        occurred_at=occurred_at,
        needs_fetch=subject is Subject.SESSION and payload is not None,
    )


def _payload(
    event_type: str,
    subject: Subject,
    envelope: Entity,
    entity: Entity,
    occurred_at: datetime | None,
) -> EventPayload | None:
    mode = mode_in(envelope)
    if mode_in({"livemode": mode is Mode.LIVE, **entity}) is not mode:
        raise Unreadable("an event of one mode about an object of the other")
    if entity.get("object") != subject.value:
        raise Unreadable(f"{event_type} about another kind of object")
    if subject in _OF_AN_INTENT and entity.get("payment_intent") is None:
        # Made by no payment intent, so not ours; or a session that nobody has tried to pay yet.
        return None
    if subject is Subject.TOKEN:
        return _token(event_type, envelope, entity, mode)
    if subject is Subject.MANDATE:
        return _mandate(entity, mode)
    return _money(event_type, subject, entity, mode, occurred_at)


def _money(
    event_type: str, subject: Subject, entity: Entity, mode: Mode, occurred_at: datetime | None
) -> EventPayload | None:
    match subject:
        case Subject.INTENT:
            return attempt(entity, occurred_at=occurred_at)
        case Subject.CHARGE:
            return charge_result(entity, occurred_at=occurred_at)
        case Subject.SESSION:
            return _session_hint(event_type, entity, mode)
        case Subject.REFUND:
            return refund_result(entity, mode)
        case _:
            return dispute_result(entity)


def _session_hint(event_type: str, session: Entity, mode: Mode) -> PaymentResult:
    # "completed" may well be unpaid (DOC:payments/checkout/fulfillment, 2026-11-22): so this says
    # only where to ask.
    intent_id = id_of(session, "payment_intent")
    return PaymentResult(
        provider_payment_id=intent_id,
        provider_reference=intent_id,
        status=ProviderPaymentStatus.FAILED
        if event_type.endswith("_failed")
        else ProviderPaymentStatus.PENDING,
        amount=money(session, "amount_total"),
        mode=mode,
        occurred_at=moment(session.get("created")),
    )


def _token(event_type: str, envelope: Entity, method: Entity, mode: Mode) -> TokenResult:
    # Once it is detached only the event still says whose it was.
    before = part(part(envelope, "data"), "previous_attributes")
    customer = text(method, "customer") or text(before, "customer")
    return TokenResult(
        provider_token=required(method, "id"),
        provider_customer=customer,
        is_usable=TOKEN_IS_USABLE[event_type],
        mode=mode,
    )


def _mandate(mandate: Entity, mode: Mode) -> TokenResult | None:
    # Pending says nothing yet (SDK:_mandate.py: active, inactive, pending).
    if text(mandate, "status") == "pending":
        return None
    return TokenResult(
        provider_token=id_of(mandate, "payment_method"),
        provider_customer="",
        is_usable=text(mandate, "status") == "active",
        mode=mode,
    )
