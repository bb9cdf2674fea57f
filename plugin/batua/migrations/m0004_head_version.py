"""The head row gets a version: what was decided on one head is never written onto another."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0004_head_version"

# One statement writes a whole group on PostgreSQL, so it has to stop itself. 40001: run it again.
REQUIRE_CHANGED = """create function batua_require_changed(name text, wanted bigint, changed bigint)
    returns void language plpgsql as $$
    begin
        if changed <> wanted then
            raise exception '%: % guarded rows had changed', name, wanted - changed
                using errcode = '40001';
        end if;
    end $$"""


def forwards(dialect: Dialect) -> list[str]:
    """Give the head a version, and PostgreSQL the function that compares row counts."""
    version = Columns(dialect).integer("version", at_least=1, default=1)
    added = [f"alter table batua_ledger add column {version}"]
    return [*added, REQUIRE_CHANGED] if dialect is Dialect.POSTGRES else added


def backwards(dialect: Dialect) -> list[str]:
    """Take both away again."""
    dropped = ["alter table batua_ledger drop column version"]
    if dialect is Dialect.POSTGRES:
        dropped.append("drop function batua_require_changed")
    return dropped
