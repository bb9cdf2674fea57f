"""The rows that a payment hangs on are looked for once a statement, and can't go away.

PostgreSQL checks a foreign key row by row, each time with a query of its own: seven for a payment,
a fifth of the time that the server has for it.  A group's rows come in one statement: there a
trigger looks for all their parents at once.  What else a foreign key does, it did for nobody:
accounts and customers are never deleted and keep their keys.  SQLite keeps its foreign keys.
"""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0006_parents"

CHILDREN = (
    ("batua_entry", "account_id", "batua_account", "id"),
    ("batua_entry", "transfer_seq", "batua_transfer", "seq"),
    ("batua_transfer", "debit_account", "batua_account", "id"),
    ("batua_transfer", "credit_account", "batua_account", "id"),
    ("batua_order", "customer_id", "batua_customer", "id"),
)
"""Table, column, and the parent's table and key."""

PARENTS = ("batua_account", "batua_customer")
"""What other rows name. Transfers are append-only already."""

KEPT = (("batua_account", "id", "key"), ("batua_customer", "id"), ("batua_order", "customer_id"))
"""Columns that never change: what is named, and what names."""


def forwards(dialect: Dialect) -> list[str]:
    """Take triggers for foreign keys, and keep parents where they are, on PostgreSQL."""
    if dialect is Dialect.SQLITE:
        return []
    return [
        *(f"alter table {table} drop constraint {table}_{column}_fkey"
          for table, column, _, _ in CHILDREN),
        *(statement for table in dict.fromkeys(child[0] for child in CHILDREN)
          for statement in _require_parents(table)),
        """create function batua_keep_parent() returns trigger language plpgsql as $$
            begin raise exception '% and other rows name each other: that stays', tg_table_name
                using errcode = 'foreign_key_violation'; end $$""",
        *(statement for table in PARENTS for statement in _stay(table)),
        *(_keep(table, columns) for table, *columns in KEPT),
    ]  # fmt: skip


def backwards(dialect: Dialect) -> list[str]:
    """Take the foreign keys again."""
    if dialect is Dialect.SQLITE:
        return []
    children = dict.fromkeys(child[0] for child in CHILDREN)
    return [
        *(f"drop trigger {table}_keeps_its_key on {table}" for table, *_ in KEPT),
        *(f"drop trigger {table}_stays on {table}" for table in PARENTS),
        *(f"drop trigger {table}_stays_whole on {table}" for table in PARENTS),
        "drop function batua_keep_parent()",
        *(f"drop trigger {table}_has_parents on {table}" for table in children),
        *(f"drop function {table}_require_parents()" for table in children),
        *(f"alter table {table} add constraint {table}_{column}_fkey"
          f" foreign key ({column}) references {parent} ({key})"
          for table, column, parent, key in CHILDREN),
    ]  # fmt: skip


def _require_parents(table: str) -> list[str]:
    checks = "".join(
        f"""
            if exists (select from added where not exists (
                select from {parent} where {parent}.{key} = added.{column})) then
                raise exception '{table}.{column} names no row of {parent}'
                    using errcode = 'foreign_key_violation';
            end if;"""
        for child, column, parent, key in CHILDREN
        if child == table
    )
    return [
        # Of the shop's own schema, whatever the search path of whoever inserts.
        f"""create function {table}_require_parents() returns trigger language plpgsql
            set search_path from current as $$
            begin{checks}
            return null;
            end $$""",
        f"create trigger {table}_has_parents after insert on {table}"
        " referencing new table as added"
        f" for each statement execute function {table}_require_parents()",
    ]


def _stay(table: str) -> list[str]:
    return [
        f"create trigger {table}_stays before delete on {table}"
        " for each row execute function batua_keep_parent()",
        f"create trigger {table}_stays_whole before truncate on {table}"
        " for each statement execute function batua_keep_parent()",
    ]


def _keep(table: str, columns: list[str]) -> str:
    return (
        f"create trigger {table}_keeps_its_key before update of {', '.join(columns)} on {table}"
        " for each row execute function batua_keep_parent()"
    )
