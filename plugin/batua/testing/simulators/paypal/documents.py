"""PayPal's entities as they are kept: names in front of which stands ``_`` are never shown.

Shapes: SPEC checkout_orders_v2, payments_payment_v2, customer_disputes_v1 and
vault_payment_tokens_v3, read 2026-11-22.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime

from batua.testing.simulators.paypal.errors import Document
from batua.testing.simulators.paypal.money import fee_of, minor, money
from batua.testing.simulators.paypal.validation import paypal_source

__all__ = [
    "PAYER",
    "iso",
    "new_authorization",
    "new_capture",
    "new_dispute",
    "new_id",
    "new_order",
    "new_refund",
    "new_token",
    "receivable",
    "wallet",
]

PAYER = "SIMPAYER00001"
"""The PayPal account of the only payer: 13 letters and digits."""

_SHOWN_OF_UNIT = (
    "reference_id", "amount", "custom_id", "invoice_id", "description", "soft_descriptor",
)  # fmt: skip
_CAPITALS = string.ascii_uppercase + string.digits


def new_id(length: int = 17) -> str:
    """A transaction id is 17 capitals and digits (SPEC reporting_transactions_v1)."""
    return "".join(secrets.choice(_CAPITALS) for _ in range(length))


def iso(at: float) -> str:
    """Unix seconds as PayPal writes a time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_order(body: Document, now: str, *, status: str) -> Document:
    unit = body["purchase_units"][0]
    source = paypal_source(body)
    asked = source.get("experience_context") or body.get("application_context") or {}
    attributes = source.get("attributes") or {}
    return {
        "id": new_id(),
        "intent": body["intent"],
        "status": status,
        # The only purchase unit is called default (SPEC purchase_unit).
        "purchase_units": [
            {"reference_id": "default"}
            | {name: unit[name] for name in _SHOWN_OF_UNIT if unit.get(name) is not None}
        ],
        "create_time": now,
        "update_time": now,
        "_has_source": bool(source),
        "_vault_id": source.get("vault_id") or "",
        "_is_to_vault": bool((attributes.get("vault") or {}).get("store_in_vault")),
        "_customer": (attributes.get("customer") or {}).get("id") or "",
        "_return_url": str(asked.get("return_url") or ""),
        "_cancel_url": str(asked.get("cancel_url") or ""),
    }


def wallet() -> Document:
    """``payment_source.paypal`` once the payer is known."""
    return {
        "email_address": "payer@example.com",
        "account_id": PAYER,
        "account_status": "VERIFIED",
        "name": {"given_name": "Asha", "surname": "Rao"},
    }


def new_capture(order: Document, amount: Document, status: str, now: str) -> Document:
    """``status`` COMPLETED, PENDING or DECLINED."""
    details = {"PENDING": "PENDING_REVIEW", "DECLINED": "OTHER"}.get(status)
    return {
        "id": new_id(),
        "status": status,
        **({"status_details": {"reason": details}} if details else {}),
        "amount": amount,
        "final_capture": True,
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        **(receivable(amount) if status == "COMPLETED" else {}),
        **_own_ids(order["purchase_units"][0]),
        "create_time": now,
        "update_time": now,
        "_order": order["id"],
        "_authorization": "",
        "_is_preapproved": bool(order["_vault_id"]),
    }


def receivable(amount: Document) -> Document:
    """What the seller receives: not told while a capture is pending (SPEC)."""
    currency, gross = amount["currency_code"], minor(amount)
    fee = fee_of(gross, currency)
    return {
        "seller_receivable_breakdown": {
            "gross_amount": amount,
            "paypal_fee": money(fee, currency),
            "net_amount": money(gross - fee, currency),
        }
    }


def new_authorization(order: Document, now: str) -> Document:
    unit = order["purchase_units"][0]
    return {
        "id": new_id(),
        "status": "CREATED",
        "amount": unit["amount"],
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        **_own_ids(unit),
        "create_time": now,
        "update_time": now,
        "_order": order["id"],
    }


def new_refund(
    capture: Document, body: Document, amount: Document, *, refunded: int, status: str, now: str
) -> Document:
    """``refunded`` minor units were refunded of this capture before."""
    currency = amount["currency_code"]
    kept = ("custom_id", "invoice_id", "note_to_payer")
    named: Document = {name: body[name] for name in kept if name in body}
    return {
        "id": new_id(),
        "status": status,
        **({"status_details": {"reason": "ECHECK"}} if status != "COMPLETED" else {}),
        "amount": amount,
        # The payment's own ids are repeated where the refund brings none.
        **_own_ids(capture),
        **named,
        "seller_payable_breakdown": {
            "gross_amount": amount,
            "paypal_fee": money(0, currency),
            "net_amount": amount,
            "total_refunded_amount": money(refunded + minor(amount), currency),
        },
        "create_time": now,
        "update_time": now,
        "_capture": capture["id"],
    }


def new_dispute(capture: Document, amount: Document, now: str) -> Document:
    """An open dispute; ``id`` is its ``dispute_id``."""
    dispute_id = f"PP-R-{new_id(3)}-{secrets.randbelow(10**8):08d}"
    transaction = {
        "buyer_transaction_id": new_id(),
        "seller_transaction_id": capture["id"],
        "create_time": capture["create_time"],
        "transaction_status": "COMPLETED",
        "gross_amount": capture["amount"],
        "seller": {"merchant_id": "SIMMERCHANT01", "name": "Shop"},
    }
    transaction |= {"invoice_number": capture["invoice_id"]} if "invoice_id" in capture else {}
    transaction |= {"custom": capture["custom_id"]} if "custom_id" in capture else {}
    return {
        "id": dispute_id,
        "dispute_id": dispute_id,
        "create_time": now,
        "update_time": now,
        "disputed_transactions": [transaction],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": "OPEN",
        "dispute_state": "REQUIRED_ACTION",
        "dispute_amount": amount,
        "dispute_life_cycle_stage": "CHARGEBACK",
        "dispute_channel": "INTERNAL",
        "money_movements": [],
        "_capture": capture["id"],
    }


def new_token(customer: str, order_id: str) -> Document:
    """A saved PayPal account. Its id is short and in lower case in SPEC's samples."""
    return {
        "id": new_id(8).lower(),
        "customer": {"id": customer or new_id(10)},
        "payment_source": {"paypal": wallet()},
        "metadata": {"order_id": order_id},
        "_is_deleted": False,
    }


def _own_ids(source: Document) -> Document:
    return {name: source[name] for name in ("custom_id", "invoice_id") if name in source}
