"""The foundation: ledger, wallets, orders, payments, inbox, outbox and staff."""

from __future__ import annotations

from batua.clock import new_id
from batua.dialect import Dialect
from batua.migrations.columns import CURRENCY, Columns

__all__ = ["NAME", "append_only", "backwards", "forwards", "lot_table", "session_table"]

NAME = "0001_foundation"


def forwards(dialect: Dialect) -> list[str]:
    """Create every table, its constraints, indexes and append-only triggers, and the head row."""
    columns = Columns(dialect)
    return [
        *_ledger(columns, dialect),
        *_wallets(columns),
        *_orders(columns),
        *_payments(columns),
        *_messages(columns, dialect),
        *_staff(columns),
        *append_only("batua_transfer", dialect, key="seq"),
        *append_only("batua_entry", dialect),
        "insert into batua_ledger (id, ledger_id, transfer_seq, account_seq, head_hash, last_at)"
        f" values (1, '{new_id('ldg')}', 0, 0, '', '1970-01-01 00:00:00.000000+00:00')",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop all of it, children first."""
    tables = (
        "batua_session", "batua_staff", "batua_gateway", "batua_outbox", "batua_inbox",
        "batua_refund", "batua_capture", "batua_payment", "batua_order", "batua_adjustment",
        "batua_top_up",
        "batua_consent", "batua_customer", "batua_idempotency", "batua_lot", "batua_hold",
        "batua_entry", "batua_transfer", "batua_account", "batua_ledger",
    )  # fmt: skip
    statements = [f"drop table {table}" for table in tables]
    if dialect is Dialect.POSTGRES:
        statements.append("drop function batua_refuse_change()")
    return statements


def _ledger(columns: Columns, dialect: Dialect) -> list[str]:
    del dialect
    return [
        f"""create table batua_ledger (
            id integer primary key check (id = 1),
            ledger_id text not null,
            {columns.integer("transfer_seq", at_least=0)},
            {columns.integer("account_seq", at_least=0)},
            head_hash text not null,
            last_at timestamptz not null
        )""",
        f"""create table batua_account (
            {columns.key("id")},
            key text not null unique,
            kind text not null,
            owner text not null,
            {CURRENCY},
            {columns.amount("posted", at_least=None)},
            {columns.amount("held")},
            may_overdraw boolean not null,
            {columns.one_of("status", "active", "frozen")},
            created_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (key = kind || ':' || owner || ':' || currency),
            check (may_overdraw or posted - held >= 0)
        )""",
        "create index batua_account_owner on batua_account (owner, kind)",
        f"""create table batua_transfer (
            {columns.key("seq")},
            id text not null unique,
            kind text not null,
            debit_account bigint not null references batua_account (id),
            credit_account bigint not null references batua_account (id),
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            order_id text,
            top_up_id text,
            payment_id text,
            refund_id text,
            reverses bigint references batua_transfer (seq),
            reason text not null,
            actor text not null,
            approved_by text,
            occurred_at timestamptz not null,
            created_at timestamptz not null,
            hash text not null,
            check (debit_account <> credit_account)
        )""",
        "create index batua_transfer_created on batua_transfer (created_at)",
        "create index batua_transfer_order on batua_transfer (order_id) where order_id is not null",
        "create index batua_transfer_top_up on batua_transfer (top_up_id)"
        " where top_up_id is not null",
        "create unique index batua_transfer_reverses on batua_transfer (reverses)"
        " where reverses is not null",
        f"""create table batua_entry (
            {columns.key("id")},
            account_id bigint not null references batua_account (id),
            transfer_seq bigint not null references batua_transfer (seq),
            {columns.amount("amount", at_least=None)},
            {columns.amount("balance_after", at_least=None)},
            check (amount <> 0),
            check (id = transfer_seq * 2 - case when amount < 0 then 1 else 0 end)
        )""",
        "create unique index batua_entry_account on batua_entry (account_id, transfer_seq)",
        f"""create table batua_hold (
            id text not null primary key,
            account_id bigint not null references batua_account (id),
            {columns.amount("amount", at_least=1)},
            {columns.amount("captured", default=0)},
            {CURRENCY},
            {columns.one_of("status", "held", "captured", "voided", "expired")},
            order_id text,
            refund_id text,
            expires_at timestamptz,
            created_at timestamptz not null,
            closed_at timestamptz,
            {columns.integer("version", at_least=1)},
            check (captured <= amount)
        )""",
        "create index batua_hold_account on batua_hold (account_id) where status = 'held'",
        *lot_table(columns),
        f"""create table batua_idempotency (
            id text not null primary key,
            principal text not null,
            route text not null,
            key text not null,
            fingerprint text not null,
            {columns.one_of("status", "in_progress", "finished")},
            subject text not null,
            {columns.optional_integer("response_status")},
            response_body text,
            lease_until timestamptz not null,
            created_at timestamptz not null,
            finished_at timestamptz,
            {columns.integer("version", at_least=1)},
            check (status = 'in_progress' or response_status is not null)
        )""",
    ]


def lot_table(columns: Columns) -> list[str]:
    """Lots as the foundation had them; ``m0002`` replaces them."""
    return [
        f"""create table batua_lot (
            id text not null primary key,
            account_id bigint not null references batua_account (id),
            {columns.one_of("kind", "paid", "bonus", "refund")},
            {columns.amount("amount", at_least=1)},
            {columns.amount("remaining")},
            {columns.amount("held", default=0)},
            {CURRENCY},
            transfer_seq bigint not null references batua_transfer (seq),
            expires_at timestamptz,
            created_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (remaining <= amount),
            check (held <= remaining),
            check (kind <> 'paid' or expires_at is null)
        )""",
        "create index batua_lot_account on batua_lot (account_id) where remaining > 0",
    ]


def _wallets(columns: Columns) -> list[str]:
    return [
        f"""create table batua_customer (
            id text not null primary key,
            name text not null,
            phone text not null,
            language text not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)}
        )""",
        f"""create table batua_consent (
            id text not null primary key,
            customer_id text not null references batua_customer (id),
            channel text not null,
            address text not null,
            wording text not null,
            source text not null,
            given_at timestamptz not null,
            revoked_at timestamptz,
            revoked_reason text,
            {columns.integer("version", at_least=1)}
        )""",
        "create unique index batua_consent_current on batua_consent (customer_id, channel)"
        " where revoked_at is null",
        f"""create table batua_top_up (
            id text not null primary key,
            customer_id text not null references batua_customer (id),
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            gateway text not null,
            {columns.one_of("status", "pending", "processing", "succeeded", "failed", "expired",
                            "partially_refunded", "refunded", "disputed", "charged_back",
                            "suspense")},
            {columns.amount("credited", default=0)},
            {columns.amount("refunded", default=0)},
            {columns.amount("refund_reserved", default=0)},
            return_url text not null,
            failure text not null,
            expires_at timestamptz not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (refunded + refund_reserved <= credited)
        )""",
        f"""create table batua_adjustment (
            id text not null primary key,
            customer_id text not null references batua_customer (id),
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            {columns.one_of("direction", "credit", "debit")},
            reason_code text not null check (reason_code <> ''),
            note text not null,
            {columns.one_of("status", "awaiting_approval", "posted", "rejected")},
            requested_by text not null check (requested_by <> ''),
            approved_by text,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (approved_by is null or approved_by <> requested_by)
        )""",
        "create index batua_top_up_customer on batua_top_up (customer_id, id)",
        "create index batua_top_up_open on batua_top_up (expires_at)"
        " where status in ('pending', 'processing')",
    ]  # fmt: skip


def _orders(columns: Columns) -> list[str]:
    return [
        f"""create table batua_order (
            id text not null primary key,
            reference text not null unique,
            customer_id text not null references batua_customer (id),
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            description text not null,
            items text not null,
            {columns.one_of("status", "pending", "paid", "partially_refunded", "refunded",
                            "cancelled")},
            {columns.amount("paid_from_wallet", default=0)},
            {columns.amount("paid_by_gateway", default=0)},
            {columns.amount("refunded", default=0)},
            {columns.amount("refund_reserved", default=0)},
            created_by text not null,
            paid_at timestamptz,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (refunded + refund_reserved <= paid_from_wallet + paid_by_gateway),
            check (paid_from_wallet + paid_by_gateway in (0, amount)),
            check (status in ('pending', 'cancelled')
                   or paid_from_wallet + paid_by_gateway = amount)
        )""",
        "create index batua_order_customer on batua_order (customer_id, id)",
    ]  # fmt: skip


def _payments(columns: Columns) -> list[str]:
    return [
        f"""create table batua_payment (
            id text not null primary key,
            gateway text not null,
            {columns.one_of("mode", "test", "live")},
            {columns.one_of("purpose", "top_up", "order")},
            top_up_id text references batua_top_up (id),
            order_id text references batua_order (id),
            customer_id text not null,
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            {columns.one_of("status", "created", "pending", "authorized", "succeeded", "failed",
                            "expired", "cancelled")},
            provider_reference text,
            checkout text not null,
            failure text not null,
            expires_at timestamptz not null,
            {columns.integer("polls", at_least=0)},
            next_poll_at timestamptz,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check ((purpose = 'top_up') = (top_up_id is not null)),
            check ((purpose = 'order') = (order_id is not null))
        )""",
        "create unique index batua_payment_reference"
        " on batua_payment (gateway, provider_reference)",
        "create index batua_payment_order on batua_payment (order_id) where order_id is not null",
        "create index batua_payment_top_up on batua_payment (top_up_id)"
        " where top_up_id is not null",
        "create index batua_payment_poll on batua_payment (next_poll_at)"
        " where next_poll_at is not null",
        f"""create table batua_capture (
            id text not null primary key,
            gateway text not null,
            {columns.one_of("mode", "test", "live")},
            provider_payment_id text not null,
            provider_reference text not null,
            payment_id text not null references batua_payment (id),
            top_up_id text,
            order_id text,
            customer_id text not null,
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            {columns.one_of("destination", "wallet", "order", "suspense")},
            reason text not null,
            transfer_seq bigint not null references batua_transfer (seq),
            method text not null,
            {columns.amount("refunded", default=0)},
            {columns.amount("refund_reserved", default=0)},
            captured_at timestamptz not null,
            created_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (refunded + refund_reserved <= amount)
        )""",
        "create unique index batua_capture_provider"
        " on batua_capture (gateway, provider_payment_id)",
        "create index batua_capture_payment on batua_capture (payment_id)",
        "create index batua_capture_order on batua_capture (order_id) where order_id is not null",
        "create index batua_capture_top_up on batua_capture (top_up_id)"
        " where top_up_id is not null",
        "create index batua_capture_suspense on batua_capture (created_at)"
        " where destination = 'suspense'",
        f"""create table batua_refund (
            id text not null primary key,
            order_id text references batua_order (id),
            top_up_id text references batua_top_up (id),
            capture_id text references batua_capture (id),
            gateway text,
            customer_id text not null,
            {columns.amount("amount", at_least=1)},
            {CURRENCY},
            {columns.one_of("destination", "wallet", "source", "auto")},
            {columns.amount("wallet_amount")},
            {columns.amount("source_amount")},
            {columns.amount("capture_amount")},
            reason text not null,
            {columns.one_of("status", "awaiting_approval", "pending", "succeeded", "failed",
                            "unknown", "rejected")},
            requested_by text not null,
            approved_by text,
            provider_refund_id text,
            failure text not null,
            {columns.integer("polls", at_least=0)},
            next_poll_at timestamptz,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)},
            check (wallet_amount + source_amount = amount),
            check ((order_id is null) <> (top_up_id is null)),
            check (approved_by is null or approved_by <> requested_by)
        )""",
        "create index batua_refund_order on batua_refund (order_id) where order_id is not null",
        "create index batua_refund_top_up on batua_refund (top_up_id) where top_up_id is not null",
        "create unique index batua_refund_provider on batua_refund (gateway, provider_refund_id)",
        "create index batua_refund_poll on batua_refund (next_poll_at)"
        " where next_poll_at is not null",
        f"""create table batua_gateway (
            code text not null primary key,
            {columns.one_of("state", "disabled", "test", "enabled")},
            updated_by text not null,
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1)}
        )""",
    ]  # fmt: skip


def _messages(columns: Columns, dialect: Dialect) -> list[str]:
    raw = "bytea" if dialect is Dialect.POSTGRES else "blob"
    return [
        f"""create table batua_inbox (
            id text not null primary key,
            gateway text not null,
            event_id text not null,
            body_sha256 text not null,
            event_type text not null,
            body {raw} not null,
            headers text not null,
            events text not null,
            {columns.one_of("status", "received", "applied", "ignored", "unmatched", "quarantined",
                            "dead")},
            provider_reference text,
            note text not null,
            {columns.integer("attempts", at_least=0)},
            next_attempt_at timestamptz,
            received_at timestamptz not null,
            applied_at timestamptz,
            {columns.integer("version", at_least=1)}
        )""",
        "create unique index batua_inbox_key on batua_inbox (gateway, event_id, body_sha256)",
        "create index batua_inbox_due on batua_inbox (next_attempt_at)"
        " where next_attempt_at is not null",
        "create index batua_inbox_unmatched on batua_inbox (gateway, provider_reference)"
        " where status in ('unmatched', 'received')",
        f"""create table batua_outbox (
            id text not null primary key,
            dedupe_key text not null unique,
            template text not null,
            customer_id text not null,
            parameters text not null,
            order_id text,
            top_up_id text,
            refund_id text,
            notifier text,
            {columns.one_of("status", "pending", "sent", "delivered", "read", "failed",
                            "skipped", "dead")},
            provider_reference text,
            note text not null,
            {columns.integer("attempts", at_least=0)},
            next_attempt_at timestamptz,
            created_at timestamptz not null,
            sent_at timestamptz,
            {columns.integer("version", at_least=1)}
        )""",
        "create index batua_outbox_due on batua_outbox (next_attempt_at)"
        " where next_attempt_at is not null",
        "create index batua_outbox_customer on batua_outbox (customer_id, id)",
        "create index batua_outbox_provider on batua_outbox (provider_reference)"
        " where provider_reference is not null",
    ]  # fmt: skip


def _staff(columns: Columns) -> list[str]:
    # The columns of Piccolo's BaseUser and SessionsBase, with a role beside them.
    return [
        f"""create table batua_staff (
            {columns.serial("id")},
            username varchar(100) not null unique,
            password varchar(255) not null,
            first_name varchar(255),
            last_name varchar(255),
            email varchar(255) not null unique,
            active boolean not null,
            admin boolean not null,
            superuser boolean not null,
            last_login timestamp,
            {columns.one_of("role", "viewer", "support", "finance", "owner")}
        )""",
        session_table(columns),
    ]


def session_table(columns: Columns) -> str:
    """Sessions as Piccolo keeps them, their tokens in clear."""
    return f"""create table batua_session (
        {columns.serial("id")},
        token varchar(100) not null unique,
        user_id integer not null references batua_staff (id) on delete cascade,
        expiry_date timestamp not null,
        max_expiry_date timestamp not null
    )"""


def append_only(
    table: str,
    dialect: Dialect,
    *,
    key: str = "id",
    why: str = "post a reversing transfer instead",
) -> list[str]:
    """The triggers that refuse to change, delete or replace a row of ``table``.

    ``why`` is told on SQLite; on PostgreSQL one function refuses for all tables.
    """
    message = f"{table} is append-only: {why}"
    if dialect is Dialect.SQLITE:
        refuse = f"begin select raise(abort, '{message}'); end"
        return [
            f"create trigger {table}_no_update before update on {table} {refuse}",
            f"create trigger {table}_no_delete before delete on {table} {refuse}",
            # INSERT OR REPLACE deletes without firing a delete trigger.
            f"create trigger {table}_no_replace before insert on {table}"
            f" when exists (select 1 from {table} where {key} = new.{key}) {refuse}",
        ]
    function = """create or replace function batua_refuse_change() returns trigger as $$
        begin raise exception '% is append-only: post a reversing transfer instead', tg_table_name
            using errcode = 'integrity_constraint_violation'; end
        $$ language plpgsql"""
    return [
        function,
        f"create trigger {table}_no_change before update or delete on {table}"
        " for each row execute function batua_refuse_change()",
        f"create trigger {table}_no_truncate before truncate on {table}"
        " for each statement execute function batua_refuse_change()",
    ]
