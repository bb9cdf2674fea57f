"""Events, who listens to them, and what each was told."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0010_events"


def forwards(dialect: Dialect) -> list[str]:
    """Add the three tables, and to the ledger's head whether anybody listens."""
    columns = Columns(dialect)
    return [
        "alter table batua_ledger add column announces boolean not null default false",
        """create table batua_event (
            id text not null primary key,
            type text not null,
            data text not null,
            created_at timestamptz not null,
            routed_at timestamptz
        )""",
        "create index batua_event_new on batua_event (id) where routed_at is null",
        "create index batua_event_day on batua_event (created_at)",
        f"""create table batua_listener (
            id text not null primary key,
            {columns.one_of("kind", "webhook", "hook")},
            url text not null,
            events text not null check (length(events) > 0),
            {columns.one_of("status", "enabled", "disabled")},
            note text not null,
            secret text not null,
            old_secret text,
            old_until timestamptz,
            failing_since timestamptz,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check ((kind = 'webhook') = (length(secret) > 0 and length(url) > 0)),
            check ((old_secret is null) = (old_until is null))
        )""",
        f"""create table batua_delivery (
            id text not null primary key,
            event_id text not null references batua_event (id),
            listener_id text not null references batua_listener (id),
            {columns.one_of("status", "pending", "delivered", "dead")},
            {columns.integer("attempts", at_least=0)},
            note text not null,
            next_attempt_at timestamptz,
            delivered_at timestamptz,
            created_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check ((status = 'pending') = (next_attempt_at is not null)),
            check ((status = 'delivered') = (delivered_at is not null))
        )""",
        "create unique index batua_delivery_once on batua_delivery (event_id, listener_id)",
        # What a lane looks for, and what waits for a person.
        "create index batua_delivery_due on batua_delivery (listener_id, next_attempt_at)"
        " where next_attempt_at is not null",
        "create index batua_delivery_dead on batua_delivery (listener_id) where status = 'dead'",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop what was added."""
    del dialect
    return [
        "drop table batua_delivery",
        "drop table batua_listener",
        "drop table batua_event",
        "alter table batua_ledger drop column announces",
    ]
