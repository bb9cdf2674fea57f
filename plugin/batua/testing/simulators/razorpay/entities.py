"""Razorpay's entities as it serialises them, and its refusals."""

from __future__ import annotations

import secrets
import string
from typing import Any

__all__ = [
    "NOT_FOUND",
    "Document",
    "Refused",
    "new_customer",
    "new_dispute",
    "new_id",
    "new_order",
    "new_payment",
    "new_refund",
    "new_settlement",
    "new_token",
    "public",
]

NOT_FOUND = "The id provided does not exist"

Document = dict[str, Any]

_ALPHABET = string.ascii_letters + string.digits


class Refused(Exception):
    """An answer with an error body. Source: MD:errors.md of Razorpay's docs, 2026-11-22."""

    def __init__(
        self,
        description: str,
        *,
        status: int = 400,
        field: str | None = None,
        step: str = "payment_initiation",
        reason: str = "input_validation_failed",
    ) -> None:
        super().__init__(description)
        self.status = status
        self.body: Document = {
            "error": {
                "code": "BAD_REQUEST_ERROR",
                "description": description,
                "source": "NA" if reason == "NA" else "business",
                "step": step,
                "reason": reason,
                "metadata": {},
                **({"field": field} if field else {}),
            }
        }


def new_id(prefix: str) -> str:
    """``prefix_`` and 14 letters and digits, as MD:api/understand.md has it."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(14))


def public(document: Document) -> Document:
    """The document as an answer shows it: without our own marks, empty notes as a list."""
    shown = {key: value for key, value in document.items() if not key.startswith("_")}
    if "notes" in shown:
        shown["notes"] = shown["notes"] or []
    return shown


def new_order(body: Document, now: int, *, is_automatic: bool) -> Document:
    return {
        "id": new_id("order"),
        "entity": "order",
        "amount": body["amount"],
        "amount_paid": 0,
        "amount_due": body["amount"],
        "currency": body["currency"],
        "receipt": body.get("receipt"),
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": body.get("notes") or {},
        "created_at": now,
        "_is_automatic": is_automatic,
        "_mandate": body.get("token"),
        "_customer_id": body.get("customer_id"),
    }


def new_payment(order: Document, amount: int, currency: str, now: int) -> Document:
    return {
        "id": new_id("pay"),
        "entity": "payment",
        "amount": amount,
        "currency": currency,
        "status": "created",
        "order_id": order["id"],
        "invoice_id": None,
        "international": currency != "INR",
        "method": "upi",
        "amount_refunded": 0,
        "refund_status": None,
        "captured": False,
        "description": None,
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": "success@razorpay",
        "email": "void@razorpay.com",
        "contact": "+919999999999",
        "customer_id": None,
        "token_id": None,
        "notes": {},
        "fee": None,
        "tax": None,
        "error_code": None,
        "error_description": None,
        "error_source": None,
        "error_step": None,
        "error_reason": None,
        "acquirer_data": {"rrn": None},
        "created_at": now,
        "upi": {"vpa": "success@razorpay"},
    }


def new_refund(payment: Document, body: Document, amount: int, now: int) -> Document:
    return {
        "id": new_id("rfnd"),
        "entity": "refund",
        "amount": amount,
        "currency": payment["currency"],
        "payment_id": payment["id"],
        "notes": body.get("notes") or {},
        "receipt": body.get("receipt"),
        "acquirer_data": {"arn": None},
        "created_at": now,
        "batch_id": None,
        "status": "pending",
        "speed_processed": "normal",
        "speed_requested": body.get("speed") or "normal",
    }


def new_dispute(payment: Document, amount: int, now: int) -> Document:
    return {
        "id": new_id("disp"),
        "entity": "dispute",
        "payment_id": payment["id"],
        "amount": amount,
        "currency": payment["currency"],
        "amount_deducted": 0,
        "reason_code": "goods_or_services_not_received_or_partially_received",
        "respond_by": now + 7 * 24 * 3600,
        "status": "open",
        "phase": "chargeback",
        "created_at": now,
    }


def new_settlement(amount: int, *, fees: int, tax: int, status: str, now: int) -> Document:
    """A payout to the shop's bank. No currency is published for it."""
    return {
        "id": new_id("setl"),
        "entity": "settlement",
        "amount": amount - fees,
        "status": status,
        "fees": fees,
        "tax": tax,
        "utr": f"{now}vxp0rj",
        "created_at": now,
    }


def new_customer(body: Document, now: int) -> Document:
    return {
        "id": new_id("cust"),
        "entity": "customer",
        "name": body.get("name"),
        "email": body.get("email"),
        "contact": body.get("contact"),
        "gstin": None,
        "notes": body.get("notes") or {},
        "created_at": now,
    }


def new_token(mandate: Document, customer_id: str, now: int) -> Document:
    """A saved instrument. Its published form does not name its customer."""
    return {
        "id": new_id("token"),
        "entity": "token",
        "token": new_id("t").removeprefix("t_"),
        "bank": None,
        "wallet": None,
        "method": "upi",
        "vpa": {"username": "success", "handle": "razorpay", "name": None},
        "recurring": True,
        "recurring_details": {"status": "initiated", "failure_reason": None},
        "auth_type": None,
        "mrn": None,
        "used_at": now,
        "created_at": now,
        "start_time": now,
        "max_amount": mandate["max_amount"],
        "expired_at": mandate["expire_at"],
        "dcc_enabled": False,
        "_customer_id": customer_id,
    }
