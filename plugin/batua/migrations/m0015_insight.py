"""What is counted of the ledger for staff, and what the figures of a shop are found by."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import CURRENCY, Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0015_insight"


def forwards(dialect: Dialect) -> list[str]:
    """Add the tables of counted figures, empty: the worker counts what the ledger has."""
    columns = Columns(dialect)
    by_code_point = ' collate "C"' if dialect is Dialect.POSTGRES else ""
    return [
        f"""create table batua_insight (
            id integer primary key check (id = 1),
            {columns.integer("seq", at_least=0)},
            at timestamptz not null
        )""",
        "insert into batua_insight (id, seq, at) values (1, 0, '1970-01-01 00:00:00.000000+00:00')",
        f"""create table batua_day_figure (
            id text not null primary key,
            {_day("day", 10)},
            {CURRENCY},
            figure text not null,
            {columns.integer("number")},
            {columns.integer("total")},
            check (id = day || ':' || currency || ':' || figure)
        )""",
        "create index batua_day_figure_day on batua_day_figure (day)",
        f"""create table batua_customer_figure (
            id text not null primary key,
            customer_id text not null,
            {CURRENCY},
            {_day("cohort", 7)},
            {columns.integer("waiting", at_least=0)},
            {columns.integer("waiting_since", at_least=0)},
            spent_month text not null,
            check (id = customer_id || ':' || currency)
        )""",
        f"""create table batua_customer_month (
            id text not null primary key,
            customer_id text not null,
            {CURRENCY},
            {_day("month", 7)},
            {columns.integer("orders")},
            {columns.integer("spent")},
            {columns.integer("refunded")},
            check (id = customer_id || ':' || currency || ':' || month)
        )""",
        "create index batua_customer_month_top on batua_customer_month"
        f" (month, currency, spent desc, customer_id{by_code_point})",
        f"""create table batua_cohort_figure (
            id text not null primary key,
            {_day("cohort", 7)},
            {CURRENCY},
            {_day("month", 7)},
            {columns.integer("joined", at_least=0)},
            {columns.integer("spenders", at_least=0)},
            {columns.integer("orders")},
            {columns.integer("spent")},
            check (id = cohort || ':' || currency || ':' || month)
        )""",
        # A payment at a gateway is slow anyway; one from the wallet writes no row here.
        "create index batua_payment_opened on batua_payment (created_at, gateway, status)",
        "create index batua_refund_awaiting on batua_refund (status)"
        " where status = 'awaiting_approval'",
        "create index batua_adjustment_awaiting on batua_adjustment (status)"
        " where status = 'awaiting_approval'",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop them: all of it can be counted again."""
    del dialect
    return [
        "drop index batua_adjustment_awaiting",
        "drop index batua_refund_awaiting",
        "drop index batua_payment_opened",
        "drop table batua_cohort_figure",
        "drop table batua_customer_month",
        "drop table batua_customer_figure",
        "drop table batua_day_figure",
        "drop table batua_insight",
    ]


def _day(name: str, length: int) -> str:
    """A day or a month as ISO 8601 writes it, in UTC."""
    return f"{name} text not null check (length({name}) = {length})"
