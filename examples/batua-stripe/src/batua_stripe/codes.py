"""Stripe's words and what they mean to us: tables only, each with its source.

Sources were read on 2026-11-22. ``SDK`` is the Python package stripe 16.1.0 and ``DOC`` is
docs.stripe.com.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from batua.contract import DisputeStatus, ProviderPaymentStatus, ProviderRefundStatus

__all__ = [
    "CHANGES",
    "CURRENCIES",
    "DISPUTE_STATUSES",
    "EVENTS",
    "INTENT_STATUSES",
    "MINIMUMS",
    "REFUND_STATUSES",
    "THREE_DECIMAL",
    "TOKEN_IS_USABLE",
    "UNREADABLE",
    "ZERO_DECIMAL",
    "Subject",
]

INTENT_STATUSES: Mapping[str, ProviderPaymentStatus] = {
    # Without an attempt this is no result at all; after one it failed. wire.py tells them apart.
    "requires_payment_method": ProviderPaymentStatus.FAILED,
    "requires_confirmation": ProviderPaymentStatus.PENDING,
    "requires_action": ProviderPaymentStatus.PENDING,
    "processing": ProviderPaymentStatus.PENDING,
    "requires_capture": ProviderPaymentStatus.AUTHORIZED,
    "succeeded": ProviderPaymentStatus.CAPTURED,
    "canceled": ProviderPaymentStatus.VOIDED,
}
"""SDK:_payment_intent.py, the attribute ``status``."""

REFUND_STATUSES: Mapping[str, ProviderRefundStatus] = {
    "pending": ProviderRefundStatus.PENDING,
    # Stripe waits for the payer's bank details.
    "requires_action": ProviderRefundStatus.PENDING,
    "succeeded": ProviderRefundStatus.SUCCEEDED,
    "failed": ProviderRefundStatus.FAILED,
    "canceled": ProviderRefundStatus.FAILED,
}
"""SDK:_refund.py, the attribute ``status``."""

DISPUTE_STATUSES: Mapping[str, DisputeStatus] = {
    # An inquiry: nothing is withdrawn unless it becomes a dispute.
    "warning_needs_response": DisputeStatus.OPEN,
    "warning_under_review": DisputeStatus.OPEN,
    "warning_closed": DisputeStatus.WON,
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "appeal_needs_response": DisputeStatus.OPEN,
    "appeal_under_review": DisputeStatus.OPEN,
    # Not verified: taken as "never became a chargeback"; a refund made for it comes as a refund.
    "prevented": DisputeStatus.WON,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
"""SDK:_dispute.py, the attribute ``status``."""


class Subject(StrEnum):
    """What the object of an event is."""

    INTENT = "payment_intent"
    CHARGE = "charge"
    SESSION = "checkout.session"
    REFUND = "refund"
    DISPUTE = "dispute"
    TOKEN = "payment_method"  # noqa: S105 - a word of Stripe's
    MANDATE = "mandate"


EVENTS: Mapping[str, Subject] = {
    "payment_intent.amount_capturable_updated": Subject.INTENT,
    "payment_intent.canceled": Subject.INTENT,
    "payment_intent.created": Subject.INTENT,
    "payment_intent.partially_funded": Subject.INTENT,
    "payment_intent.payment_failed": Subject.INTENT,
    "payment_intent.processing": Subject.INTENT,
    "payment_intent.requires_action": Subject.INTENT,
    "payment_intent.succeeded": Subject.INTENT,
    "charge.captured": Subject.CHARGE,
    "charge.expired": Subject.CHARGE,
    "charge.failed": Subject.CHARGE,
    "charge.pending": Subject.CHARGE,
    # The refunds themselves come as refund.*: this says only that the charge was captured.
    "charge.refunded": Subject.CHARGE,
    "charge.succeeded": Subject.CHARGE,
    "charge.updated": Subject.CHARGE,
    "charge.dispute.closed": Subject.DISPUTE,
    "charge.dispute.created": Subject.DISPUTE,
    "charge.dispute.funds_reinstated": Subject.DISPUTE,
    "charge.dispute.funds_withdrawn": Subject.DISPUTE,
    "charge.dispute.updated": Subject.DISPUTE,
    "charge.refund.updated": Subject.REFUND,
    "refund.created": Subject.REFUND,
    "refund.failed": Subject.REFUND,
    "refund.updated": Subject.REFUND,
    "checkout.session.async_payment_failed": Subject.SESSION,
    "checkout.session.async_payment_succeeded": Subject.SESSION,
    "checkout.session.completed": Subject.SESSION,
    "checkout.session.expired": Subject.SESSION,
    "mandate.updated": Subject.MANDATE,
    "payment_method.attached": Subject.TOKEN,
    "payment_method.detached": Subject.TOKEN,
}
"""SDK: the event names among the parameters of webhook endpoints."""

TOKEN_IS_USABLE: Mapping[str, bool] = {
    "payment_method.attached": True,
    "payment_method.detached": False,
}

CHANGES: Mapping[Subject, tuple[str, ...]] = {
    Subject.INTENT: ("payment_intent.succeeded",),
    Subject.REFUND: ("refund.failed", "refund.updated"),
    Subject.DISPUTE: (
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
    ),
}
"""The events by which a later change of money shows. At most 20 fit one list of events
(SDK:params/_event_list_params.py)."""

MINIMUMS: Mapping[str, int] = {
    "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1500,
    "DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "IDR": 50, "ILS": 50, "INR": 50,
    "JPY": 50, "KRW": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50, "PLN": 200,
    "RON": 200, "RUB": 50, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50, "ZAR": 50,
}  # fmt: skip
"""The smallest charge in minor units: DOC:currencies#minimum-and-maximum-charge-amounts, as quoted
by several public integrations. It holds where the account settles in that currency; a charge that
is converted must meet the settlement currency's minimum, which Stripe checks itself."""

ZERO_DECIMAL = frozenset(
    {
        "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
        "XOF", "XPF",
    }
)  # fmt: skip
"""DOC:currencies#zero-decimal. UGX stands there too, but by #special-cases its amounts carry two
decimals: it is not collected, as nobody could say what 500 means."""

THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""DOC:currencies: their last digit must be 0. That sentence is gone from later copies of the page;
to keep it costs nothing."""

CURRENCIES = frozenset(MINIMUMS) | ZERO_DECIMAL | THREE_DECIMAL
"""Those for which Stripe's own pages say how they are counted. ISK and others, which Stripe counts
with two decimals and CLDR with none, are left out: our minor unit would not be Stripe's."""

UNREADABLE = "unreadable"
"""The type of an event whose signature is right and whose body we don't understand."""
