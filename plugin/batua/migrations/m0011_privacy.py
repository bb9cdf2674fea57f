"""Erased customers, and texts that are kept for a while and no longer."""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0011_privacy"

OWNED = ("batua_consent", "batua_adjustment", "batua_payment", "batua_capture", "batua_refund")
"""Tables that are asked for all of a customer's rows. No one-tap payment writes them."""

REFUSED = "batua_erasure is append-only: an erasure is never taken back"


def forwards(dialect: Dialect) -> list[str]:
    """Add the record of erasures, what says that a text is gone, and how what is due is found."""
    return [
        "alter table batua_customer add column erased_at timestamptz",
        "alter table batua_customer add column redacted_at timestamptz",
        "create index batua_customer_erased on batua_customer (erased_at)"
        " where erased_at is not null",
        "alter table batua_inbox add column redacted_at timestamptz",
        "create index batua_inbox_kept on batua_inbox (received_at) where redacted_at is null",
        "create index batua_idempotency_kept on batua_idempotency (finished_at)"
        " where response_body is not null",
        *(f"create index {table}_owner on {table} (customer_id)" for table in OWNED),
        """create table batua_erasure (
            id text not null primary key,
            customer_id text not null references batua_customer (id),
            reason text not null check (reason <> ''),
            erased_by text not null check (erased_by <> ''),
            created_at timestamptz not null
        )""",
        "create index batua_erasure_customer on batua_erasure (customer_id)",
        *_append_only(dialect),
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop what was added."""
    statements = [
        "drop table batua_erasure",
        *(f"drop index {table}_owner" for table in OWNED),
        "drop index batua_idempotency_kept",
        "drop index batua_inbox_kept",
        "alter table batua_inbox drop column redacted_at",
        "drop index batua_customer_erased",
        "alter table batua_customer drop column redacted_at",
        "alter table batua_customer drop column erased_at",
    ]
    if dialect is Dialect.POSTGRES:
        statements.append("drop function batua_refuse_erasure_change()")
    return statements


def _append_only(dialect: Dialect) -> list[str]:
    if dialect is Dialect.SQLITE:
        refuse = f"begin select raise(abort, '{REFUSED}'); end"
        return [
            f"create trigger batua_erasure_no_update before update on batua_erasure {refuse}",
            f"create trigger batua_erasure_no_delete before delete on batua_erasure {refuse}",
            # INSERT OR REPLACE deletes without firing a delete trigger.
            "create trigger batua_erasure_no_replace before insert on batua_erasure"
            f" when exists (select 1 from batua_erasure where id = new.id) {refuse}",
        ]
    return [
        f"""create function batua_refuse_erasure_change() returns trigger language plpgsql as $$
            begin raise exception '{REFUSED}'
                using errcode = 'integrity_constraint_violation'; end $$""",
        "create trigger batua_erasure_no_change before update or delete on batua_erasure"
        " for each row execute function batua_refuse_erasure_change()",
        "create trigger batua_erasure_no_truncate before truncate on batua_erasure"
        " for each statement execute function batua_refuse_erasure_change()",
    ]
