"""Stripe's objects as it serialises them, and its refusals.

Source of the fields: openapi/fixtures3.json of github stripe/openapi @f6c2a48f, 2026-11-22.
"""

from __future__ import annotations

import secrets
import string
from typing import Any

__all__ = [
    "Document",
    "Refused",
    "new_charge",
    "new_customer",
    "new_dispute",
    "new_id",
    "new_intent",
    "new_method",
    "new_payout",
    "new_refund",
]

Document = dict[str, Any]

_ALPHABET = string.ascii_letters + string.digits


class Refused(Exception):
    """An answer with an error body: docs.stripe.com/api/errors, 2026-11-22.

    ``is_run`` says that the endpoint had begun to run, so that an idempotency key keeps it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        is_run: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_run = is_run
        self.body: Document = {"error": {"type": kind, "message": message, **more}}


def new_id(prefix: str) -> str:
    """``prefix_`` and 24 letters and digits."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def new_intent(fields: Document, now: int, *, livemode: bool) -> Document:
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": fields["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": fields.get("automatic_payment_methods"),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": fields.get("capture_method", "automatic"),
        "client_secret": f"{intent_id}_secret_{new_id('x')[2:]}",
        "created": now,
        "currency": fields["currency"],
        "customer": fields.get("customer"),
        "description": fields.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": livemode,
        "metadata": fields.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "receipt_email": fields.get("receipt_email"),
        "setup_future_usage": fields.get("setup_future_usage"),
        "status": "requires_payment_method",
    }


def new_charge(intent: Document, amount: int, currency: str, now: int) -> Document:
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "created": now,
        "currency": currency,
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": intent["livemode"],
        "metadata": intent["metadata"],
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
        "refunded": False,
        "status": "succeeded",
    }


def new_refund(charge: Document, fields: Document, amount: int, now: int) -> Document:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": fields.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": fields.get("reason"),
        "status": "pending",
    }


def new_dispute(charge: Document, amount: int, now: int) -> Document:
    return {
        "id": new_id("dp"),
        "object": "dispute",
        "amount": amount,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "is_charge_refundable": False,
        "livemode": charge["livemode"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }


def new_customer(fields: Document, now: int, *, livemode: bool) -> Document:
    return {
        "id": new_id("cus"),
        "object": "customer",
        "created": now,
        "email": fields.get("email"),
        "livemode": livemode,
        "metadata": fields.get("metadata", {}),
        "name": fields.get("name"),
        "phone": fields.get("phone"),
    }


def new_method(customer: str, now: int, *, livemode: bool) -> Document:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "card": {"brand": "visa", "last4": "4242"},
        "created": now,
        "customer": customer,
        "livemode": livemode,
        "metadata": {},
        "type": "card",
    }


def new_payout(amount: int, currency: str, now: int, *, livemode: bool) -> Document:
    return {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": now,
        "automatic": True,
        "created": now,
        "currency": currency,
        "livemode": livemode,
        "metadata": {},
        "status": "paid",
        "type": "bank_account",
    }
