"""What we ask of Razorpay: the bodies of its calls, and what it would refuse or misread.

Pure functions. The same request always gives the same body.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from batua.contract import (
    ChargeRequest,
    GatewayRejected,
    Mandate,
    Money,
    PaymentRequest,
    RefundRequest,
    UpiIntentRequest,
    minor_digits,
)
from batua.gateways.razorpay.codes import CURRENCIES, MANDATE_FREQUENCIES, MINIMUMS
from batua.gateways.razorpay.results import CUSTOMER_NOTE, REFUND_NOTE

__all__ = [
    "CHARGE_NOTE",
    "CLAIM_NOTE",
    "PAYMENT_NOTE",
    "charge_order_body",
    "customer_body",
    "debit_body",
    "mandate_body",
    "order_body",
    "refund_body",
    "refuse_odd_thousandths",
    "refuse_uncollectable",
    "upi_body",
]

PAYMENT_NOTE = "batua_payment_id"
CLAIM_NOTE = "batua_claim"
"""On the order of a charge: who has made it, and so may debit."""
CHARGE_NOTE = "batua_charge"
"""On a payment that we began ourselves with a saved token: it saves no new one."""

_NOTES_MAX = 15
_NOTE_LENGTH_MAX = 256
_RECEIPT_LENGTH_MAX = 40
_NAME_LENGTH = range(3, 51)
_MANDATE_LIFE = timedelta(days=3650)


def refuse_uncollectable(amount: Money) -> None:
    """Raise ``GatewayRejected`` for an amount that Razorpay would refuse or misread."""
    if amount.currency not in CURRENCIES:
        raise GatewayRejected(
            f"Razorpay does not collect {amount.currency} here", failure_code="currency_unsupported"
        )
    if amount.amount < max(1, MINIMUMS.get(amount.currency, 1)):
        raise GatewayRejected(
            f"{amount} is below Razorpay's minimum", failure_code="amount_less_than_minimum_amount"
        )
    refuse_odd_thousandths(amount)


def refuse_odd_thousandths(amount: Money) -> None:
    # Razorpay keeps two decimals of KWD, BHD and OMR: the last digit of three must be 0.
    if minor_digits(amount.currency) == 3 and amount.amount % 10:
        raise GatewayRejected(
            f"Razorpay wants {amount.currency} in steps of 10 minor units, got {amount.amount}",
            failure_code="amount_not_representable",
        )


def order_body(request: PaymentRequest, *, is_automatic: bool) -> dict[str, Any]:
    """The body of ``POST /v1/orders``. ``is_automatic`` has Razorpay capture by itself."""
    return _order(request.payment_id, request.amount, request.metadata, is_automatic=is_automatic)


def mandate_body(
    request: PaymentRequest, mandate: Mandate, customer: str, now: datetime, *, is_automatic: bool
) -> dict[str, Any]:
    """An order whose payment saves a UPI mandate as well.

    Source: MD:api/payments/recurring-payments/upi/create-authorization-transaction.md.
    """
    if {request.amount.currency, mandate.max_amount.currency} != {"INR"}:
        raise GatewayRejected("a UPI mandate is of INR", failure_code="currency_unsupported")
    body = _order(
        request.payment_id,
        request.amount,
        {CUSTOMER_NOTE: customer, **request.metadata},
        is_automatic=is_automatic,
    )
    expires_at = mandate.expires_at or now + _MANDATE_LIFE
    return body | {
        "customer_id": customer,
        "method": "upi",
        "token": {
            "max_amount": mandate.max_amount.amount,
            "expire_at": int(expires_at.timestamp()),
            "frequency": MANDATE_FREQUENCIES[mandate.frequency],
        },
    }


def customer_body(mandate: Mandate) -> dict[str, Any]:
    """The body of ``POST /v1/customers``: the same details are the same customer.

    Raises ``GatewayRejected`` without email and phone: then all such payers would be one.
    """
    if not mandate.email and not mandate.phone:
        raise GatewayRejected(
            "a mandate needs its payer's email or phone", failure_code="contact_missing"
        )
    name = mandate.name if len(mandate.name) in _NAME_LENGTH else ""
    details = {"name": name, "email": mandate.email, "contact": mandate.phone}
    return {"fail_existing": "0"} | {key: value for key, value in details.items() if value}


def charge_order_body(request: ChargeRequest, claim: str) -> dict[str, Any]:
    """The order of one charge. Its payer is not there, so it is captured at once."""
    return _order(request.payment_id, request.amount, {CLAIM_NOTE: claim}, is_automatic=True)


def debit_body(
    request: ChargeRequest, order_id: str, *, email: str, contact: str
) -> dict[str, Any]:
    """The body of ``POST /v1/payments/create/recurring``.

    Source: MD:api/payments/recurring-payments/upi/create-subsequent-payments.md.
    """
    return {
        "email": email,
        "contact": contact,
        "amount": request.amount.amount,
        "currency": request.amount.currency,
        "order_id": order_id,
        "customer_id": request.provider_customer,
        "token": request.provider_token,
        "recurring": True,
        "description": request.description or request.payment_id,
        "notes": _notes({PAYMENT_NOTE: request.payment_id, CHARGE_NOTE: "1"}),
    }


def upi_body(request: UpiIntentRequest, *, email: str, contact: str) -> dict[str, Any]:
    """The body of ``POST /v1/payments/create/upi``.

    Source: MD:payments/payment-gateway/s2s-integration/payment-methods/upi/intent.md.
    """
    return {
        "amount": request.amount.amount,
        "currency": request.amount.currency,
        "order_id": request.provider_reference,
        "email": email,
        "contact": contact,
        "method": "upi",
        "description": request.description or request.payment_id,
        "notes": _notes({PAYMENT_NOTE: request.payment_id}),
        "upi": {"flow": "intent"},
    }


def refund_body(request: RefundRequest, *, speed: str = "normal") -> dict[str, Any]:
    """The body of a refund; identical on every retry, as its idempotency key demands."""
    notes = {REFUND_NOTE: request.refund_id}
    if request.reason:
        notes["reason"] = request.reason
    return {
        "amount": request.amount.amount,
        "speed": speed,
        "receipt": request.refund_id,
        "notes": _notes(notes),
    }


def _order(
    payment_id: str, amount: Money, notes: Mapping[str, str], *, is_automatic: bool
) -> dict[str, Any]:
    if len(payment_id) > _RECEIPT_LENGTH_MAX:
        raise GatewayRejected(
            f"payment_id is longer than {_RECEIPT_LENGTH_MAX} characters: {payment_id}",
            failure_code="receipt_too_long",
        )
    return {
        "amount": amount.amount,
        "currency": amount.currency,
        "receipt": payment_id,
        "unique_receipt": True,
        "payment_capture": is_automatic,
        "notes": _notes({PAYMENT_NOTE: payment_id, **notes}),
    }


def _notes(pairs: Mapping[str, str]) -> dict[str, str]:
    kept = list(pairs.items())[:_NOTES_MAX]
    return {key[:_NOTE_LENGTH_MAX]: value[:_NOTE_LENGTH_MAX] for key, value in kept}
