"""What the core hands to an adapter: frozen snapshots of what it needs, never a table row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batua.contract.money import Money

__all__ = [
    "ConfirmRequest",
    "FollowUpRequest",
    "PaymentLookup",
    "PaymentRequest",
    "RefundLookup",
    "RefundRequest",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """A payment to create at the provider.

    ``payment_id`` is ours, 30 characters of ``[a-z0-9_]``: it is the idempotency key, and the
    provider must be able to find the payment by it. ``metadata`` holds short strings for the
    provider's dashboard.
    """

    payment_id: str
    amount: Money
    description: str = ""
    return_url: str = ""
    customer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLookup:
    """A payment to ask the provider about.

    ``provider_reference`` is empty when the answer to ``create_payment`` was lost: then the
    adapter finds it by ``payment_id``.
    """

    payment_id: str
    provider_reference: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRequest:
    """What a browser brought back from the provider's page, unverified."""

    payment_id: str
    provider_reference: str
    amount: Money
    proof: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpRequest:
    """A capture or a void of a payment that the provider has authorized."""

    idempotency_key: str
    provider_payment_id: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """A refund to make. ``refund_id`` is ours and is the idempotency key (30 characters)."""

    refund_id: str
    provider_payment_id: str
    amount: Money
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLookup:
    """A refund to ask the provider about.

    ``provider_refund_id`` is empty when the answer was lost: then the adapter finds the refund
    by ``refund_id`` among those of ``provider_payment_id``.
    """

    refund_id: str
    provider_refund_id: str
    provider_payment_id: str
    amount: Money
