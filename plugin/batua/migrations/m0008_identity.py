"""Revoked tokens, disabled customers and API keys, and a count of their changes."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0008_identity"


def forwards(dialect: Dialect) -> list[str]:
    """Add the tables, and the one row that counts."""
    columns = Columns(dialect)
    return [
        f"""create table batua_identity (
            {columns.key("id")} check (id = 1),
            {columns.integer("version", at_least=0)}
        )""",
        "insert into batua_identity (id, version) values (1, 0)",
        f"""create table batua_revocation (
            id text not null primary key,
            {columns.integer("changed_in", at_least=1)},
            jti text,
            scope text check (scope in ('customer', 'staff', 'service')),
            subject text,
            issued_before timestamptz,
            created_at timestamptz not null,
            created_by text not null,
            check ((jti is null) = (subject is not null)),
            check ((subject is null) = (scope is null)),
            check ((subject is null) = (issued_before is null))
        )""",
        "create index batua_revocation_changed_in on batua_revocation (changed_in)",
        f"""create table batua_disabled_customer (
            id text not null primary key,
            {columns.integer("changed_in", at_least=1)},
            customer_id text not null,
            disabled_at timestamptz not null,
            disabled_by text not null,
            enabled_at timestamptz,
            enabled_by text,
            check ((enabled_at is null) = (enabled_by is null))
        )""",
        "create index batua_disabled_customer_changed_in on batua_disabled_customer (changed_in)",
        "create unique index batua_disabled_customer_now on batua_disabled_customer (customer_id)"
        " where enabled_at is null",
        """create table batua_api_key (
            id text not null primary key,
            name text not null,
            secret_sha256 text not null unique check (length(secret_sha256) = 64),
            permissions text not null,
            created_at timestamptz not null,
            created_by text not null,
            expires_at timestamptz,
            revoked_at timestamptz,
            last_used_at timestamptz
        )""",
        "create index batua_api_key_name on batua_api_key (name)",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop the tables."""
    del dialect
    return [
        "drop table batua_api_key",
        "drop table batua_disabled_customer",
        "drop table batua_revocation",
        "drop table batua_identity",
    ]
