"""Signs of life, and what the figures of a shop are read by."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.migrations.columns import Columns

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0012_signs"


def forwards(dialect: Dialect) -> list[str]:
    """Add the table of signs, and indexes of the few rows that figures are made of."""
    columns = Columns(dialect)
    return [
        f"""create table batua_sign (
            name text not null primary key,
            {columns.one_of("kind", "worker", "proof")},
            {columns.one_of("verdict", "", "sound", "broken")},
            at timestamptz not null
        )""",
        # All accounts of a currency sum to zero: what we owe in wallets is what the few others
        # lack. Balances are in no index, or every payment would have to keep it.
        "create index batua_account_no_wallet on batua_account (kind) where kind <> 'wallet'",
        "create index batua_outbox_dead on batua_outbox (status) where status = 'dead'",
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop them."""
    del dialect
    return [
        "drop index batua_outbox_dead",
        "drop index batua_account_no_wallet",
        "drop table batua_sign",
    ]
