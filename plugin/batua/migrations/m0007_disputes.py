"""Disputes, what providers take back, bonuses of top-ups, and gateways that stand before others."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import CURRENCY, Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0007_disputes"

COLUMNS = (
    ("batua_top_up", "bonus"),
    ("batua_top_up", "bonus_returned"),
    ("batua_top_up", "disputed"),
    ("batua_capture", "clawed_back"),
    ("batua_capture", "disputed"),
    ("batua_refund", "bonus_amount"),
    ("batua_refund", "clawed_back"),
)
"""Amounts that are nothing for every row that there is."""


def forwards(dialect: Dialect) -> list[str]:
    """Add the table of disputes, and the amounts beside what they change."""
    columns = Columns(dialect)
    return [
        *(f"alter table {table} add column {columns.amount(name, default=0)}"
          for table, name in COLUMNS),
        "alter table batua_payment add column front text",
        f"""create table batua_dispute (
            id text not null primary key,
            gateway text not null,
            {columns.one_of("mode", "test", "live")},
            provider_dispute_id text not null,
            capture_id text not null references batua_capture (id),
            order_id text,
            top_up_id text,
            customer_id text not null,
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            {columns.one_of("status", "open", "won", "lost")},
            reason text not null,
            {columns.amount("bonus_amount", default=0)},
            {columns.amount("clawed_back", default=0)},
            froze boolean not null,
            opened_at timestamptz not null,
            closed_at timestamptz,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check ((status = 'open') = (closed_at is null))
        )""",
        "create unique index batua_dispute_provider"
        " on batua_dispute (provider_dispute_id, gateway)",
        "create index batua_dispute_customer on batua_dispute (customer_id)",
        "create index batua_dispute_capture on batua_dispute (capture_id)",
        "drop index batua_refund_provider",
        "create unique index batua_refund_provider on batua_refund (provider_refund_id, gateway)",
        # What a day's books are compared by, and how a silence is noticed.
        "create index batua_refund_day on batua_refund (gateway, created_at)",
        "create index batua_capture_day on batua_capture (gateway, captured_at)",
        "create index batua_inbox_day on batua_inbox (gateway, received_at)",
    ]  # fmt: skip


def backwards(dialect: Dialect) -> list[str]:
    """Drop what was added."""
    del dialect
    return [
        "drop index batua_inbox_day",
        "drop index batua_capture_day",
        "drop index batua_refund_day",
        "drop index batua_refund_provider",
        "create unique index batua_refund_provider on batua_refund (gateway, provider_refund_id)",
        "drop table batua_dispute",
        "alter table batua_payment drop column front",
        *(f"alter table {table} drop column {name}" for table, name in reversed(COLUMNS)),
    ]
