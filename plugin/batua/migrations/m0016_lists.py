"""Indexes that the panel's lists are found by, and that no one-tap payment has to keep.

A payment from a wallet writes an order, a transfer, entries, an idempotency key and a message.
What is indexed of those tables here is null in all that it writes. The rest is written when money
comes in from outside, goes back, or somebody is new.
"""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0016_lists"

INDEXES = {
    "batua_customer_created": "batua_customer (created_at)",
    "batua_hold_of": "batua_hold (account_id, id)",
    "batua_inbox_reference": "batua_inbox (gateway, provider_reference)"
    " where provider_reference is not null",
    "batua_lot_of": "batua_lot (account_key)",
    "batua_outbox_refund": "batua_outbox (refund_id) where refund_id is not null",
    "batua_outbox_top_up": "batua_outbox (top_up_id) where top_up_id is not null",
    "batua_refund_capture": "batua_refund (capture_id) where capture_id is not null",
    "batua_transfer_payment": "batua_transfer (payment_id) where payment_id is not null",
    "batua_transfer_refund": "batua_transfer (refund_id) where refund_id is not null",
}


def forwards(dialect: Dialect) -> list[str]:
    """Add them."""
    del dialect
    return [f"create index {name} on {what}" for name, what in INDEXES.items()]


def backwards(dialect: Dialect) -> list[str]:
    """Drop them."""
    del dialect
    return [f"drop index {name}" for name in reversed(INDEXES)]
