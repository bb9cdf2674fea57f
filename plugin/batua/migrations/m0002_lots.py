"""Lots: credit that is not plain paid money, what moved in and out of each, and what holds keep."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import CURRENCY, Columns
from batua.migrations.m0001_foundation import append_only, lot_table

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0002_lots"


def forwards(dialect: Dialect) -> list[str]:
    """Replace the foundation's lot table, which nothing ever wrote, and add what lots need."""
    columns = Columns(dialect)
    return [
        "drop table batua_lot",
        f"""create table batua_lot (
            id text not null primary key,
            account_key text not null references batua_account (key),
            {columns.one_of("kind", "bonus", "refund")},
            {columns.amount("amount", at_least=1)},
            {columns.amount("remaining")},
            {columns.amount("held", default=0)},
            {CURRENCY},
            top_up_id text,
            expires_at timestamptz,
            created_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (remaining <= amount),
            check (held <= remaining),
            check (kind = 'bonus' or expires_at is null)
        )""",
        "create index batua_lot_open on batua_lot (account_key) where remaining > 0",
        "create index batua_lot_due on batua_lot (expires_at)"
        " where remaining > 0 and expires_at is not null",
        "create index batua_lot_top_up on batua_lot (top_up_id) where top_up_id is not null",
        f"""create table batua_lot_entry (
            id text not null primary key,
            lot_id text not null references batua_lot (id),
            transfer_id text not null references batua_transfer (id),
            {columns.amount("amount", at_least=None)},
            {columns.amount("remaining_after")},
            check (amount <> 0),
            check (id = transfer_id || '/' || lot_id)
        )""",
        "create index batua_lot_entry_transfer on batua_lot_entry (transfer_id)",
        "create index batua_lot_entry_lot on batua_lot_entry (lot_id)",
        f"""create table batua_hold_lot (
            id text not null primary key,
            hold_id text not null references batua_hold (id),
            lot_id text not null references batua_lot (id),
            {columns.amount("amount", at_least=1)},
            check (id = hold_id || '/' || lot_id)
        )""",
        "create index batua_hold_lot_hold on batua_hold_lot (hold_id)",
        "alter table batua_hold add column payment_id text",
        "create index batua_hold_order on batua_hold (order_id) where order_id is not null",
        "create index batua_hold_due on batua_hold (expires_at)"
        " where status = 'held' and expires_at is not null",
        f"alter table batua_order add column {columns.amount('wallet_refunded', default=0)}",
        "alter table batua_adjustment add column kind text not null default 'paid'"
        " check (kind in ('paid', 'bonus'))",
        "alter table batua_adjustment add column expires_at timestamptz",
        # What was refunded of the wallet's share: all that went to the wallet, but for what came
        # out of the gateway's share.
        "update batua_order set version = version + 1, wallet_refunded = ("
        " select sum(wallet_amount - capture_amount + source_amount) from batua_refund"
        " where order_id = batua_order.id and status not in ('awaiting_approval', 'rejected'))"
        " where id in (select order_id from batua_refund"
        " where status not in ('awaiting_approval', 'rejected'))",
        *append_only("batua_lot_entry", dialect),
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Give back the foundation's lot table."""
    columns = Columns(dialect)
    return [
        "alter table batua_adjustment drop column expires_at",
        "alter table batua_adjustment drop column kind",
        "alter table batua_order drop column wallet_refunded",
        "drop index batua_hold_due",
        "drop index batua_hold_order",
        "alter table batua_hold drop column payment_id",
        "drop table batua_hold_lot",
        "drop table batua_lot_entry",
        "drop table batua_lot",
        *lot_table(columns),
    ]
