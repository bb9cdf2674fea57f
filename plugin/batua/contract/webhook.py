"""Webhooks: the bytes as they arrived, and the events that an adapter found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from batua.contract.results import DisputeResult, PaymentResult, RefundResult, TokenResult

__all__ = ["EventPayload", "WebhookEvent", "WebhookRequest"]

EventPayload = PaymentResult | RefundResult | DisputeResult | TokenResult


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """The request as it arrived. A signature is over bytes, not over parsed JSON.

    Header names are in lower case. ``received_at`` is UTC.
    """

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One verified event.

    ``event_id`` is the provider's id of the event, or empty where there is none.
    ``payload`` is None for a kind of event that means nothing to us: it is kept and ignored.
    ``needs_fetch`` says that the signature binds too little of the body: the core then fetches
    the payment from the provider and lets only that answer move money.
    """

    event_id: str
    event_type: str
    payload: EventPayload | None
    occurred_at: datetime | None = None
    needs_fetch: bool = False
