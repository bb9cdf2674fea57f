"""Events as text: what an adapter found in a webhook, kept beside its bytes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from batua.contract import (
    DisputeResult,
    EventPayload,
    PaymentResult,
    RefundResult,
    TokenResult,
    WebhookEvent,
)

__all__ = ["decode_events", "encode_events"]

_KINDS: dict[str, type[EventPayload]] = {
    "payment": PaymentResult,
    "refund": RefundResult,
    "dispute": DisputeResult,
    "token": TokenResult,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode_events(events: tuple[WebhookEvent, ...]) -> str:
    """The events as JSON, each with the kind of its payload beside it."""
    written = [
        {"kind": _NAMES[type(event.payload)] if event.payload else None, "event": event}
        for event in events
    ]
    return msgspec.json.encode(written).decode()


def decode_events(text: str) -> tuple[WebhookEvent, ...]:
    """What ``encode_events`` wrote."""
    return tuple(_decode(item) for item in msgspec.json.decode(text, type=list[_Item]))


class _Written(msgspec.Struct):
    """An event with its payload still raw: its kind says what it is."""

    event_id: str
    event_type: str
    payload: msgspec.Raw
    occurred_at: datetime | None
    needs_fetch: bool


class _Item(msgspec.Struct):
    kind: str | None
    event: _Written


def _decode(item: _Item) -> WebhookEvent:
    event = item.event
    payload: EventPayload | None = None
    if item.kind is not None:
        payload = msgspec.json.decode(event.payload, type=_KINDS[item.kind])
    return WebhookEvent(
        event_id=event.event_id,
        event_type=event.event_type,
        payload=payload,
        occurred_at=event.occurred_at,
        needs_fetch=event.needs_fetch,
    )
