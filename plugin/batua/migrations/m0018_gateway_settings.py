"""What staff write of gateways' settings, sealed."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0018_gateway_settings"


def forwards(dialect: Dialect) -> list[str]:
    """Add the table. A row stays when its setting is cleared: it says who did that."""
    columns = Columns(dialect)
    return [
        f"""create table batua_gateway_setting (
            id text not null primary key check (id = gateway || '.' || name),
            gateway text not null check (gateway <> ''),
            name text not null check (name <> ''),
            sealed text check (sealed <> ''),
            updated_by text not null check (updated_by <> ''),
            updated_at timestamptz not null,
            {columns.integer("version", at_least=1, default=1)}
        )""",
        "create index batua_gateway_setting_gateway on batua_gateway_setting (gateway)",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop it."""
    del dialect
    return ["drop table batua_gateway_setting"]
