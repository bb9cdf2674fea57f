"""Razorpay's words and what they mean to us: tables only, each with its source.

Sources were read on 2026-11-22. ``MD`` is github razorpay/markdown-docs @ab3bda5f, ``S2S`` is
razorpay.com/docs/payments/payment-gateway/s2s-integration.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from batua.contract import (
    DisputeStatus,
    MandateFrequency,
    ProviderPaymentStatus,
    ProviderRefundStatus,
)

__all__ = [
    "ALREADY_IN_PROGRESS",
    "AUTHENTICATION_FAILED",
    "AUTHENTICATION_TEXTS",
    "CURRENCIES",
    "DISPUTE_STATUSES",
    "DUPLICATE_RECEIPT",
    "EVENTS",
    "INVALID_ID",
    "MANDATE_FREQUENCIES",
    "MINIMUMS",
    "NOT_FOUND",
    "PAYMENT_STATUSES",
    "REFUND_STATUSES",
    "SETTLEMENT_CURRENCY",
    "TOKEN_BEARERS",
    "TOKEN_IS_USABLE",
    "UNDECIDED_CODES",
    "UNREADABLE",
    "Subject",
]

PAYMENT_STATUSES: Mapping[str, ProviderPaymentStatus] = {
    "created": ProviderPaymentStatus.PENDING,
    "authorized": ProviderPaymentStatus.AUTHORIZED,
    "captured": ProviderPaymentStatus.CAPTURED,
    # Fully refunded after its capture. wire.py tells it from an authorization given back.
    "refunded": ProviderPaymentStatus.CAPTURED,
    "failed": ProviderPaymentStatus.FAILED,
}
"""MD:api/payments/entity.md, the attribute ``status``."""

REFUND_STATUSES: Mapping[str, ProviderRefundStatus] = {
    "pending": ProviderRefundStatus.PENDING,
    "processed": ProviderRefundStatus.SUCCEEDED,
    "failed": ProviderRefundStatus.FAILED,
}
"""MD:api/refunds/entity.md, the attribute ``status``."""

DISPUTE_STATUSES: Mapping[str, DisputeStatus] = {
    "open": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "action_required": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    # A suspicion of fraud that was laid to rest, by an explanation or by a refund of our own:
    # Razorpay has taken nothing (MD:payments/disputes.md). results.py looks at what it deducted.
    "closed": DisputeStatus.WON,
}
"""MD:api/disputes/fetch.md; ``action_required`` is an event's name only, and its published payload
says ``open``."""


class Subject(StrEnum):
    """The part of a webhook's payload that its event speaks of."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    TOKEN = "token"  # noqa: S105


EVENTS: Mapping[str, Subject] = {
    "payment.authorized": Subject.PAYMENT,
    "payment.captured": Subject.PAYMENT,
    "payment.failed": Subject.PAYMENT,
    "order.paid": Subject.PAYMENT,
    "refund.created": Subject.REFUND,
    "refund.processed": Subject.REFUND,
    "refund.failed": Subject.REFUND,
    "refund.speed_changed": Subject.REFUND,
    "payment.dispute.created": Subject.DISPUTE,
    "payment.dispute.won": Subject.DISPUTE,
    "payment.dispute.lost": Subject.DISPUTE,
    "payment.dispute.closed": Subject.DISPUTE,
    "payment.dispute.under_review": Subject.DISPUTE,
    "payment.dispute.action_required": Subject.DISPUTE,
    "token.confirmed": Subject.TOKEN,
    "token.rejected": Subject.TOKEN,
    "token.cancelled": Subject.TOKEN,
    "token.paused": Subject.TOKEN,
}
"""MD:webhooks/{payments,orders,refunds,disputes}.md and
MD:api/payments/recurring-payments/webhooks.md. An event that is not here means nothing to us."""

TOKEN_BEARERS = frozenset({"payment.authorized", "payment.captured"})
"""Only a payment names the token that it has saved together with its customer: the token's own
events name no customer. MD:api/payments/recurring-payments/webhooks.md."""

TOKEN_IS_USABLE: Mapping[str, bool] = {
    "token.confirmed": True,
    "token.rejected": False,
    "token.cancelled": False,
    "token.paused": False,
}
"""The event's name decides: a published ``token.cancelled`` still has ``status: active``."""

UNREADABLE = "unreadable"
"""Our event type for a body that is signed but can't be believed to the letter."""

NOT_FOUND = "The id provided does not exist"
"""HTTP 400, never 404, with a full stop or without. MD:api/payments/capture.md."""

INVALID_ID = "is not a valid id"
"""The end of the refusal of an id that Razorpay can't have given. MD:api/disputes/fetch.md."""

DUPLICATE_RECEIPT = "Order receipt should be unique."
"""HTTP 400. S2S:error-index."""

ALREADY_IN_PROGRESS = "Another request with the same idempotency key is still in progress."
"""HTTP 409. MD:api/refunds/normal-refunds-idempotent.md."""

AUTHENTICATION_FAILED = "authentication_failed"
AUTHENTICATION_TEXTS = ("authentication failed", "api key provided is invalid")
"""Seen with HTTP 400 as well as 401, in lower case here. MD:api/authentication.md."""

UNDECIDED_CODES = frozenset({"GATEWAY_ERROR", "SERVER_ERROR"})
"""The bank or Razorpay failed midway: no refusal, whatever the HTTP status. MD:errors.md."""

CURRENCIES = frozenset(
    "INR JPY KWD BHD OMR USD GBP EUR AUD CAD CHF CNY HKD".split()  # noqa: SIM905
)
"""INR, JPY, KWD, BHD and OMR by MD:api/orders/create.md; USD and GBP by
razorpay.com/docs/payments/international-payments/currency-conversion; the rest by
razorpay.com/docs/payments/international-payments/outward-remittances/s2s-integration/
supported-currencies.md. Razorpay lists over a hundred; we declare those whose minor unit we know.
All but INR must be enabled for the account."""

MINIMUMS: Mapping[str, int] = {"INR": 100}
"""In paise. MD:api/orders/create.md. No other minimum is published."""

MANDATE_FREQUENCIES: Mapping[MandateFrequency, str] = {
    MandateFrequency.AS_PRESENTED: "as_presented",
    MandateFrequency.DAILY: "daily",
    MandateFrequency.WEEKLY: "weekly",
    MandateFrequency.MONTHLY: "monthly",
    MandateFrequency.YEARLY: "yearly",
}
"""MD:api/payments/recurring-payments/upi/create-authorization-transaction.md."""

SETTLEMENT_CURRENCY = "INR"
"""A settlement does not tell its currency (MD:api/settlements/entity.md). Razorpay pays out to
Indian banks in rupees; an account that is paid out otherwise is not verified."""
