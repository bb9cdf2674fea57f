"""The orders' table, as Piccolo knows it."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

__all__ = ["Order"]


class Order(Table, tablename="batua_order"):
    """Something that a customer buys. ``reference`` is the shop's own number, unique in a shop."""

    id = Text(primary_key=True)
    reference = Text(unique=True)
    customer_id = Text()
    amount = BigInt()
    currency = Text()
    description = Text()
    items = Text()
    status = Text()
    paid_from_wallet = BigInt()
    paid_by_gateway = BigInt()
    refunded = BigInt()
    refund_reserved = BigInt()
    wallet_refunded = BigInt()
    created_by = Text()
    paid_at = Timestamptz(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()
