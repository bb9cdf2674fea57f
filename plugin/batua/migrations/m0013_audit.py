"""The audit log, append-only, and its head."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns
from batua.migrations.m0001_foundation import append_only

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0013_audit"


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
        *append_only("batua_audit", dialect, key="seq", why="what somebody did is never changed"),
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop both."""
    del dialect
    return ["drop table batua_audit_head", "drop table batua_audit"]
