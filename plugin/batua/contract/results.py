"""What an adapter hands back: the provider's word, translated into ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from batua.contract.capabilities import Mode
from batua.contract.money import Money

__all__ = [
    "CreatedPayment",
    "DisputeResult",
    "DisputeStatus",
    "FetchedPayment",
    "PaymentResult",
    "ProviderPaymentStatus",
    "ProviderRefundStatus",
    "RefundResult",
    "SettlementResult",
    "TokenResult",
    "TransactionResult",
    "UpiIntent",
]


class ProviderPaymentStatus(StrEnum):
    """The provider's word on one attempt of a payer, in order of progress."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"


class ProviderRefundStatus(StrEnum):
    """The provider's word on a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """The provider's word on a dispute."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedPayment:
    """A payment that now waits at the provider for its payer.

    ``checkout`` is what the browser needs to pay: no secret may be in it.
    ``url`` is the page to send the payer to, or None where the browser opens the provider's own
    widget.
    """

    provider_reference: str
    checkout: Mapping[str, str | int] = field(default_factory=dict)
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentResult:
    """One attempt of a payer at the provider.

    ``provider_payment_id`` names the attempt (it is what is captured and refunded),
    ``provider_reference`` the payment that we created and to which the attempt belongs. ``amount``
    is what the provider says was paid, never what we asked.
    """

    provider_payment_id: str
    provider_reference: str
    status: ProviderPaymentStatus
    amount: Money
    mode: Mode
    occurred_at: datetime | None = None
    method: str = ""
    failure_code: str = ""
    failure_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPayment:
    """The provider's truth about a payment: its reference and every attempt on it.

    ``provider_reference`` is empty when the provider has never heard of our payment.
    ``created`` is the payment itself where the adapter can rebuild what ``create_payment`` would
    have answered, so that a lost answer can be mended.
    """

    provider_reference: str
    attempts: tuple[PaymentResult, ...] = ()
    created: CreatedPayment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResult:
    """A refund at the provider. ``refund_id`` is ours, where the provider echoes it."""

    provider_refund_id: str
    provider_payment_id: str
    status: ProviderRefundStatus
    amount: Money
    mode: Mode
    refund_id: str = ""
    occurred_at: datetime | None = None
    failure_code: str = ""
    failure_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeResult:
    """A payer's bank wants the money back, has taken it, or has given it up.

    ``amount`` is what is disputed, not a fee. ``LOST`` says that the provider has taken it for
    good, ``WON`` that it has not, or has brought it back.
    """

    provider_dispute_id: str
    provider_payment_id: str
    status: DisputeStatus
    amount: Money
    mode: Mode
    reason: str = ""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResult:
    """A saved instrument or mandate became usable, or stopped being so."""

    provider_token: str
    provider_customer: str
    is_usable: bool
    mode: Mode


TransactionResult = PaymentResult | RefundResult | DisputeResult
"""What a provider lists of a time: whatever may have moved money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementResult:
    """What a provider has paid out to the shop's bank. ``fees`` and ``tax`` are minor units."""

    provider_settlement_id: str
    amount: Money
    mode: Mode
    status: str
    fees: int = 0
    tax: int = 0
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpiIntent:
    """A ``upi://pay`` link of the processor: opened on a phone, or shown as a QR code."""

    link: str
    provider_payment_id: str = ""
