"""The audit log, append-only, and its head."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0013_audit"

REFUSED = "batua_audit is append-only: what somebody did is never changed"


def forwards(dialect: Dialect) -> list[str]:
    """Add the log and its head."""
    columns = Columns(dialect)
    return [
        f"""create table batua_audit (
            {columns.key("seq")},
            id text not null unique,
            created_at timestamptz not null,
            actor text not null check (actor <> ''),
            role text not null,
            address text not null,
            act text not null check (act <> ''),
            subject text not null,
            reason text not null,
            asked text not null,
            before text not null,
            after text not null,
            {columns.integer("transfer_seq", at_least=0)},
            head_hash text not null,
            hash text not null check (length(hash) = 64)
        )""",
        "create index batua_audit_actor on batua_audit (actor, seq)",
        "create index batua_audit_subject on batua_audit (subject, seq)",
        "create index batua_audit_act on batua_audit (act, seq)",
        f"""create table batua_audit_head (
            {columns.key("id")} check (id = 1),
            {columns.integer("seq", at_least=0)},
            hash text not null,
            {columns.integer("version", at_least=1, default=1)}
        )""",
        "insert into batua_audit_head (id, seq, hash) values (1, 0, '')",
        *_append_only(dialect),
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop both."""
    del dialect
    return ["drop table batua_audit_head", "drop table batua_audit"]


def _append_only(dialect: Dialect) -> list[str]:
    if dialect is Dialect.SQLITE:
        refuse = f"begin select raise(abort, '{REFUSED}'); end"
        return [
            f"create trigger batua_audit_no_update before update on batua_audit {refuse}",
            f"create trigger batua_audit_no_delete before delete on batua_audit {refuse}",
            # INSERT OR REPLACE deletes without firing a delete trigger.
            "create trigger batua_audit_no_replace before insert on batua_audit"
            f" when exists (select 1 from batua_audit where seq = new.seq) {refuse}",
        ]
    return [
        "create trigger batua_audit_no_change before update or delete on batua_audit"
        " for each row execute function batua_refuse_change()",
        "create trigger batua_audit_no_truncate before truncate on batua_audit"
        " for each statement execute function batua_refuse_change()",
    ]
