"""PayPal's words and what they mean to us: tables only, each with its source.

Sources were read on 2026-11-22. ``SPEC`` is github paypal/paypal-rest-api-specifications
@ec4d8f36 openapi/*.json, ``DOC`` is developer.paypal.com.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from batua.contract import DisputeStatus, ProviderPaymentStatus, ProviderRefundStatus

__all__ = [
    "ALREADY_CAPTURED",
    "API_HOSTS",
    "CAPTURE_STATUSES",
    "CERT_HOSTS",
    "CERT_NAMES",
    "CERT_PATH",
    "CURRENCIES",
    "DIGITS",
    "DISPUTE_OUTCOMES",
    "DUPLICATE_INVOICE",
    "EVENTS",
    "MINIMUMS",
    "OPEN_ORDERS",
    "PAYMENT_CODES",
    "REFUND_CODES",
    "REFUND_STATUSES",
    "REVERSAL_CODES",
    "SIMULATOR_WEBHOOK_ID",
    "TOKEN_IS_USABLE",
    "TRANSACTION_PAYMENTS",
    "TRANSACTION_REFUNDS",
    "UNDECIDED_ISSUES",
    "UNREADABLE",
    "Subject",
]

API_HOSTS: Mapping[str, str] = {
    "live": "api-m.paypal.com",
    "sandbox": "api-m.sandbox.paypal.com",
}
"""SPEC, ``servers`` of every API."""

CERT_HOSTS: Mapping[str, tuple[str, ...]] = {
    "live": ("api.paypal.com", "api-m.paypal.com"),
    "sandbox": ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com"),
}
"""``api.`` is what real deliveries of 2015, 2016 and 2024 name; ``api-m.`` is the API's own host,
which is trusted with our secret anyway."""

CERT_PATH = "/v1/notifications/certs/"
"""The path of those real deliveries."""

CERT_NAMES: Mapping[str, str] = {
    "live": "messageverificationcerts.paypal.com",
    "sandbox": "messageverificationcerts.sandbox.paypal.com",
}
"""The live name is that of the certificate of 2024. The sandbox's is not verified."""

SIMULATOR_WEBHOOK_ID = "WEBHOOK_ID"
"""Signed instead of a webhook's id in events of PayPal's own simulator, which anyone can have
sent to himself (DOC api/rest/webhooks/rest; real captures of 2024)."""

CAPTURE_STATUSES: Mapping[str, ProviderPaymentStatus] = {
    "PENDING": ProviderPaymentStatus.PENDING,
    "COMPLETED": ProviderPaymentStatus.CAPTURED,
    # Money that came and went, by a refund that is told apart: the capture itself stays.
    "PARTIALLY_REFUNDED": ProviderPaymentStatus.CAPTURED,
    "REFUNDED": ProviderPaymentStatus.CAPTURED,
    "DECLINED": ProviderPaymentStatus.FAILED,
    "FAILED": ProviderPaymentStatus.FAILED,
}
"""SPEC payments_payment_v2 ``capture_status``. An order's own status says nothing of the money:
it is COMPLETED while its capture is PENDING."""

OPEN_ORDERS = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"})
"""SPEC checkout_orders_v2 ``order_status``: nobody has promised any money yet."""

REFUND_STATUSES: Mapping[str, ProviderRefundStatus] = {
    "PENDING": ProviderRefundStatus.PENDING,
    "COMPLETED": ProviderRefundStatus.SUCCEEDED,
    "CANCELLED": ProviderRefundStatus.FAILED,
    "FAILED": ProviderRefundStatus.FAILED,
}
"""SPEC payments_payment_v2 ``refund_status``."""

DISPUTE_OUTCOMES: Mapping[str, DisputeStatus] = {
    "RESOLVED_BUYER_FAVOUR": DisputeStatus.LOST,
    "ACCEPTED": DisputeStatus.LOST,
    "RESOLVED_SELLER_FAVOUR": DisputeStatus.WON,
    "DENIED": DisputeStatus.WON,
    "CANCELED_BY_BUYER": DisputeStatus.WON,
    # PayPal pays out of its own purse, to either side. Where it takes from the seller after all,
    # ``money_movements`` say so, and they go first.
    "RESOLVED_WITH_PAYOUT": DisputeStatus.WON,
    "NONE": DisputeStatus.WON,
}
"""SPEC customer_disputes_v1 ``dispute_outcome.outcome_code``, of a dispute that is RESOLVED."""


class Subject(StrEnum):
    """The kind of resource that a webhook's event carries."""

    ORDER = "order"
    CAPTURE = "capture"
    REFUND = "refund"
    DISPUTE = "dispute"
    TOKEN = "token"  # noqa: S105 - a kind of resource, no secret


EVENTS: Mapping[str, Subject] = {
    "CHECKOUT.ORDER.APPROVED": Subject.ORDER,
    "CHECKOUT.ORDER.COMPLETED": Subject.ORDER,
    "PAYMENT.CAPTURE.PENDING": Subject.CAPTURE,
    "PAYMENT.CAPTURE.COMPLETED": Subject.CAPTURE,
    # Both names are in use: DECLINED in the v2 table and in real captures, DENIED elsewhere.
    "PAYMENT.CAPTURE.DECLINED": Subject.CAPTURE,
    "PAYMENT.CAPTURE.DENIED": Subject.CAPTURE,
    # Both carry a refund, not a capture.
    "PAYMENT.CAPTURE.REFUNDED": Subject.REFUND,
    "PAYMENT.CAPTURE.REVERSED": Subject.REFUND,
    "CUSTOMER.DISPUTE.CREATED": Subject.DISPUTE,
    "CUSTOMER.DISPUTE.UPDATED": Subject.DISPUTE,
    "CUSTOMER.DISPUTE.RESOLVED": Subject.DISPUTE,
    "VAULT.PAYMENT-TOKEN.CREATED": Subject.TOKEN,
    "VAULT.PAYMENT-TOKEN.DELETED": Subject.TOKEN,
}
"""DOC api-basics/notifications/webhooks/event-names and checkout/save-payment-methods. An event
that is not here means nothing to us."""

TOKEN_IS_USABLE: Mapping[str, bool] = {
    "VAULT.PAYMENT-TOKEN.CREATED": True,
    "VAULT.PAYMENT-TOKEN.DELETED": False,
}
"""The event's name decides: its resource has no status."""

UNREADABLE = "unreadable"
"""Our event type for a body that is signed but does not say what it is about."""

ALREADY_CAPTURED = "ORDER_ALREADY_CAPTURED"
DUPLICATE_INVOICE = "DUPLICATE_INVOICE_ID"
"""SPEC checkout_orders_v2 ``orders.capture-422``, the field ``issue``."""

UNDECIDED_ISSUES = frozenset({"ORDER_COMPLETION_IN_PROGRESS", "PREVIOUS_REQUEST_IN_PROGRESS"})
"""SPEC ``orders.capture-422`` and payments_payment_v2 ``409``: an earlier call still runs."""

PAYMENT_CODES = frozenset({"T0000", "T0003", "T0006"})
"""DOC transaction-search/transaction-event-codes: general, pre-approved (a saved instrument) and
PayPal Checkout payments. Which of them a vault charge gets is not verified."""

REFUND_CODES = frozenset({"T1107"})
"""The same page: a refund that the merchant began."""

REVERSAL_CODES = frozenset({"T1106", "T1201"})
"""The same page: a reversal by PayPal, and a chargeback."""

TRANSACTION_PAYMENTS: Mapping[str, ProviderPaymentStatus] = {
    "S": ProviderPaymentStatus.CAPTURED,
    # Fully given back afterwards, by a transaction of its own.
    "V": ProviderPaymentStatus.CAPTURED,
    "P": ProviderPaymentStatus.PENDING,
    "D": ProviderPaymentStatus.FAILED,
}
TRANSACTION_REFUNDS: Mapping[str, ProviderRefundStatus] = {
    "S": ProviderRefundStatus.SUCCEEDED,
    "P": ProviderRefundStatus.PENDING,
    "D": ProviderRefundStatus.FAILED,
    "V": ProviderRefundStatus.FAILED,
}
"""SPEC reporting_transactions_v1 ``transaction_status``: success, reversed, pending, denied."""

CURRENCIES = frozenset(
    {
        "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS",
        "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
    }
)  # fmt: skip
"""DOC reports/reference/paypal-supported-currencies. BRL, CNY and MYR work for accounts of their
country alone. No INR: since 2021-04-01 nobody can receive it (DOC currency-codes)."""

DIGITS: Mapping[str, int] = {"HUF": 0, "JPY": 0, "TWD": 0}
"""The same page, "zero-digit currency". ISO 4217 counts HUF and TWD in hundredths."""

MINIMUMS: Mapping[str, int] = {"HUF": 100, "TWD": 100}
"""One whole unit, in our minor units: less can't be written."""
