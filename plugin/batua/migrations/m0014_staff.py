"""How staff get in: sessions whose token is nowhere, second factors, and one-time passwords."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns
from batua.migrations.m0001_foundation import session_table

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0014_staff"


def forwards(dialect: Dialect) -> list[str]:
    """Make the tables anew: whoever is signed in signs in again."""
    columns = Columns(dialect)
    return [
        "drop table batua_session",
        """create table batua_session (
            id text not null primary key,
            token_sha256 text not null unique check (length(token_sha256) = 64),
            staff_id integer not null references batua_staff (id) on delete cascade,
            address text not null,
            has_second_factor boolean not null,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            ends_at timestamptz not null,
            check (expires_at <= ends_at)
        )""",
        "create index batua_session_staff on batua_session (staff_id)",
        f"""create table batua_second_factor (
            staff_id integer not null primary key references batua_staff (id) on delete cascade,
            secret text not null,
            {columns.integer("last_step", at_least=0)},
            created_at timestamptz not null
        )""",
        """create table batua_recovery_code (
            id text not null primary key,
            staff_id integer not null references batua_second_factor (staff_id) on delete cascade,
            code_sha256 text not null check (length(code_sha256) = 64),
            unique (staff_id, code_sha256)
        )""",
        "alter table batua_staff"
        " add column has_one_time_password boolean not null default false",
    ]  # fmt: skip


def backwards(dialect: Dialect) -> list[str]:
    """Drop them, and make the table of sessions that Piccolo had."""
    return [
        "alter table batua_staff drop column has_one_time_password",
        "drop table batua_recovery_code",
        "drop table batua_second_factor",
        "drop table batua_session",
        session_table(Columns(dialect)),
    ]
