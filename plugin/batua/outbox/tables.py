"""The outbox's table, as Piccolo knows it."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

__all__ = ["OutboxMessage"]


class OutboxMessage(Table, tablename="batua_outbox"):
    """A message to a customer, written in the transaction that moved the money."""

    id = Text(primary_key=True)
    dedupe_key = Text(unique=True)
    template = Text()
    customer_id = Text()
    parameters = Text()
    order_id = Text(null=True)
    top_up_id = Text(null=True)
    refund_id = Text(null=True)
    notifier = Text(null=True)
    status = Text()
    provider_reference = Text(null=True)
    note = Text()
    attempts = BigInt()
    next_attempt_at = Timestamptz(null=True)
    created_at = Timestamptz()
    sent_at = Timestamptz(null=True)
    version = BigInt()
