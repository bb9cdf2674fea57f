"""The tables of events, of who listens, and of what each was told, as Piccolo knows them."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

__all__ = ["Delivery", "Event", "Listener"]


class Event(Table, tablename="batua_event"):
    """Something that has happened, written in the transaction that made it happen.

    ``data`` is JSON. ``routed_at`` is when a delivery was made for each who listens.
    """

    id = Text(primary_key=True)
    type = Text()
    data = Text()
    created_at = Timestamptz()
    routed_at = Timestamptz(null=True)


class Listener(Table, tablename="batua_listener"):
    """Who is told of events: a webhook's endpoint, or a hook of the host's.

    ``events`` are types with a space between them, or ``*``. The secrets are sealed;
    ``old_secret`` signs too until ``old_until``. ``failing_since`` is when it last began to fail.
    """

    id = Text(primary_key=True)
    kind = Text()
    url = Text()
    events = Text()
    status = Text()
    note = Text()
    secret = Text(secret=True)
    old_secret = Text(null=True, secret=True)
    old_until = Timestamptz(null=True)
    failing_since = Timestamptz(null=True)
    created_at = Timestamptz()
    updated_at = Timestamptz()
    version = BigInt()


class Delivery(Table, tablename="batua_delivery"):
    """One event to one listener: due, done or dead."""

    id = Text(primary_key=True)
    event_id = Text()
    listener_id = Text()
    status = Text()
    attempts = BigInt()
    note = Text()
    next_attempt_at = Timestamptz(null=True)
    delivered_at = Timestamptz(null=True)
    created_at = Timestamptz()
    version = BigInt()
