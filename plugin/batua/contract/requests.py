"""What the core hands to an adapter: frozen snapshots of what it needs, never a table row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from batua.contract.money import Money

__all__ = [
    "CardTokenRequest",
    "ChargeRequest",
    "ConfirmRequest",
    "DisputeLookup",
    "FollowUpRequest",
    "Mandate",
    "MandateFrequency",
    "NetworkTokenRequest",
    "PaymentLookup",
    "PaymentRequest",
    "RefundLookup",
    "RefundRequest",
    "UpiIntentRequest",
]


class MandateFrequency(StrEnum):
    """How often a mandate may be charged at most."""

    AS_PRESENTED = "as_presented"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """What the payer is asked to allow for later: charges without them, up to a limit.

    ``max_amount`` is the most of one charge; ``expires_at`` is UTC. Where a provider knows no
    limits, the instrument is saved all the same and the limits are ours to keep.
    """

    max_amount: Money
    frequency: MandateFrequency = MandateFrequency.AS_PRESENTED
    expires_at: datetime | None = None
    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """A payment to create at the provider.

    ``payment_id`` is ours, 30 characters of ``[a-z0-9_]``: it is the idempotency key, and the
    provider must be able to find the payment by it. ``metadata`` holds short strings for the
    provider's dashboard. ``mandate`` asks for the payer's instrument to be saved as well; only a
    gateway that declares ``recurring`` is given one.
    """

    payment_id: str
    amount: Money
    description: str = ""
    return_url: str = ""
    customer: str = ""
    mandate: Mandate | None = None
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
    proof: Mapping[str, str] = field(repr=False)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeLookup:
    """A dispute to ask the provider about."""

    provider_dispute_id: str
    provider_payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRequest:
    """A charge of a saved instrument, without its payer. ``payment_id`` is the idempotency key.

    ``provider_token`` and ``provider_customer`` are those of a ``TokenResult``.
    """

    payment_id: str
    amount: Money
    provider_token: str
    provider_customer: str
    description: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTokenRequest:
    """A sealed token of a wallet such as Google Pay, for the processor that it was made for.

    ``kind`` names the wallet, such as ``google_pay``. It pays the payment that
    ``provider_reference`` names, and no other; ``payment_id`` is ours and the idempotency key.
    """

    payment_id: str
    provider_reference: str
    amount: Money
    kind: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTokenRequest:
    """A card or device number that was opened from a wallet's token: never stored, never logged."""

    payment_id: str
    provider_reference: str
    amount: Money
    kind: str
    number: str = field(repr=False)
    expiry_month: int = field(repr=False)
    expiry_year: int = field(repr=False)
    cryptogram: str = field(default="", repr=False)
    eci: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpiIntentRequest:
    """A payment that ``create_payment`` has made, to be opened in the payer's UPI app."""

    payment_id: str
    provider_reference: str
    amount: Money
    description: str = ""
    customer: str = ""
