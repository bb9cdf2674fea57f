"""Razorpay's webhooks: verified bytes to one event. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from batua.contract import (
    EventPayload,
    Mode,
    TokenResult,
    WebhookEvent,
)
from batua.gateways.razorpay.bodies import CHARGE_NOTE
from batua.gateways.razorpay.codes import (
    EVENTS,
    TOKEN_BEARERS,
    TOKEN_IS_USABLE,
    UNREADABLE,
    Subject,
)
from batua.gateways.razorpay.results import dispute_result, payment_result, refund_result
from batua.gateways.razorpay.wire import (
    Entity,
    Unreadable,
    moment,
    note,
    required,
    text,
)

__all__ = ["parse_event", "parse_events"]

_EVENT_ID_LENGTH_MAX = 128


def parse_events(body: bytes, event_id: str, mode: Mode) -> tuple[WebhookEvent, ...]:
    """The event of a body whose signature was verified; never raises.

    A payment that has saved an instrument is a second event: no other names the instrument and
    its customer beside the payment that they belong to. What can't be read to the letter becomes
    an ``unreadable`` event without a payload, so that nothing genuine is dropped and nothing
    doubtful moves money.
    """
    try:
        return tuple(_events(msgspec.json.decode(body), _event_id(event_id), mode))
    # RecursionError: a deeply nested body. UnicodeDecodeError is a ValueError, as is ours.
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return (WebhookEvent(event_id=_event_id(event_id), event_type=UNREADABLE, payload=None),)


def parse_event(body: bytes, event_id: str, mode: Mode) -> WebhookEvent:
    """The event itself, without the instrument that it may tell of beside."""
    return parse_events(body, event_id, mode)[0]


def _event_id(header: str) -> str:
    # The header is not signed. What is no short printable word is as good as none.
    fits = header.isascii() and header.isprintable() and len(header) <= _EVENT_ID_LENGTH_MAX
    return header if fits else ""


def _events(envelope: Any, event_id: str, mode: Mode) -> Iterator[WebhookEvent]:
    if not isinstance(envelope, dict) or not isinstance(envelope.get("event"), str):
        raise Unreadable("an envelope without an event")
    event_type: str = envelope["event"]
    contents = envelope.get("payload")
    parts = contents if isinstance(contents, dict) else {}
    # refund.speed_changed and order.notification.* carry created_at one level down.
    occurred_at = moment(envelope.get("created_at")) or moment(parts.get("created_at"))
    subject = EVENTS.get(event_type)
    payloads = [_payload(event_type, subject, parts, mode) if subject else None]
    if event_type in TOKEN_BEARERS and (saved := _saved(_entity(parts, "payment"), mode)):
        payloads.append(saved)
    for payload in payloads:
        yield WebhookEvent(
            event_id=event_id, event_type=event_type, payload=payload, occurred_at=occurred_at
        )


def _saved(payment: Entity, mode: Mode) -> TokenResult | None:
    token, customer = text(payment, "token_id"), text(payment, "customer_id")
    if not token or not customer or note(payment, CHARGE_NOTE):
        return None
    return TokenResult(provider_token=token, provider_customer=customer, is_usable=True, mode=mode)


def _payload(event_type: str, subject: Subject, parts: Entity, mode: Mode) -> EventPayload | None:
    match subject:
        case Subject.PAYMENT:
            return payment_result(_entity(parts, "payment"), mode)
        case Subject.REFUND:
            return _refund_payload(event_type, parts, mode)
        case Subject.DISPUTE:
            return dispute_result(_entity(parts, "dispute"), mode)
        case Subject.TOKEN:
            return _token_result(event_type, _entity(parts, "token"), mode)


def _refund_payload(event_type: str, parts: Entity, mode: Mode) -> EventPayload | None:
    refund = refund_result(_entity(parts, "refund"), mode)
    if not isinstance(parts.get("payment"), dict):
        return refund
    payment = _entity(parts, "payment")
    if payment.get("captured") is not False:
        return refund
    # The automatic return of an authorization that nobody captured, told as a refund
    # (razorpay.com/docs/webhooks/refunds, 2026-11-22). As a refund it would take money from a
    # wallet that never got any.
    if event_type != "refund.processed":
        return None
    given_back = {**payment, "status": "refunded"}
    return payment_result(given_back, mode)


def _token_result(event_type: str, token: Entity, mode: Mode) -> TokenResult:
    return TokenResult(
        provider_token=required(token, "id"),
        provider_customer=text(token, "customer_id"),
        is_usable=TOKEN_IS_USABLE[event_type],
        mode=mode,
    )


def _entity(parts: Entity, name: str) -> Entity:
    part = parts.get(name)
    entity = part.get("entity") if isinstance(part, dict) else None
    if not isinstance(entity, dict):
        raise Unreadable(f"no {name} in the payload")
    return entity
