"""How staff find a customer: by phone, and by how an id or a name begins."""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0019_finding"


def forwards(dialect: Dialect) -> list[str]:
    """Add the indexes. A customer's row is written once, at first use: no payment pays for them.

    PostgreSQL finds beginnings in the order of bytes alone, which SQLite has anyway.
    """
    bytewise = ' collate "C"' if dialect is Dialect.POSTGRES else ""
    statements = [
        "create index batua_customer_phone on batua_customer (phone) where phone <> ''",
        f"create index batua_customer_name on batua_customer (lower(name){bytewise})",
    ]
    if bytewise:
        statements.append(f"create index batua_customer_begins on batua_customer (id{bytewise})")
    return statements


def backwards(dialect: Dialect) -> list[str]:
    """Drop them."""
    statements = ["drop index batua_customer_phone", "drop index batua_customer_name"]
    if dialect is Dialect.POSTGRES:
        statements.append("drop index batua_customer_begins")
    return statements
