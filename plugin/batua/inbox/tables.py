"""The inbox's table, as Piccolo knows it."""

from __future__ import annotations

from piccolo.columns import BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table

__all__ = ["InboxEvent"]


class InboxEvent(Table, tablename="batua_inbox"):
    """A verified webhook, as its bytes arrived. Unique by gateway, event id and body.

    ``status``: received, applied, ignored (means nothing to us), unmatched (no such payment yet),
    quarantined (a person must look), dead (could not be applied). ``redacted_at`` says that its
    bytes and headers are not kept any more.
    """

    id = Text(primary_key=True)
    gateway = Text()
    event_id = Text()
    body_sha256 = Text()
    event_type = Text()
    body = Bytea()
    headers = Text()
    events = Text()
    status = Text()
    provider_reference = Text(null=True)
    note = Text()
    attempts = BigInt()
    next_attempt_at = Timestamptz(null=True)
    received_at = Timestamptz()
    applied_at = Timestamptz(null=True)
    redacted_at = Timestamptz(null=True)
    version = BigInt()
