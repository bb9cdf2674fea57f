"""How the tables of this room are written: counted, one after another, and then seen at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batua.database import Database, Transaction
from batua.identity.watch import Watch

__all__ = ["THIS_CHANGE", "changing"]

THIS_CHANGE = "(select version from batua_identity where id = 1)"
"""The count of the change whose transaction this is, for ``changed_in``."""


@asynccontextmanager
async def changing(database: Database, watch: Watch) -> AsyncIterator[Transaction]:
    """A transaction that other processes notice, and that this one has seen when the block ends."""
    async with database.transaction() as transaction:
        await transaction.execute("update batua_identity set version = version + 1 where id = 1")
        yield transaction
    await watch.refresh()
