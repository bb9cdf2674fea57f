"""What tests of the engine do to it, and look at afterwards."""

from __future__ import annotations

import asyncio
import contextlib

import asyncpg

from batua.database import Dialect
from batua.ledger.chain import transfer_hash
from tests.support.ledger import (
    BANK,
    RAVI,
    movement,
)

__all__ = [
    "Commits",
    "assert_chain_holds",
    "at_once",
    "breaks_a_constraint",
    "edit",
    "head_of",
    "holding_the_lock",
]


class Commits(list):
    """What ``on_commit`` was told."""

    def __call__(self, tables):
        self.append(tables)


async def at_once(engine, *operations):
    """Submit all in one tick, so that they are one group; exceptions are answers."""
    return await asyncio.gather(*map(engine.submit, operations), return_exceptions=True)


async def head_of(database):
    """The ledger's head row."""
    return dict(await database.fetch_one("select * from batua_ledger"))


async def assert_chain_holds(database):
    """Every link from the first transfer to the head; returns how many there are."""
    transfers = await database.fetch("select * from batua_transfer order by seq")
    entries = await database.fetch("select * from batua_entry order by id")
    sides = {row["id"]: row["balance_after"] for row in entries}
    previous = ""
    for number, transfer in enumerate(transfers, 1):
        seq = transfer["seq"]
        assert seq == number, "no gaps"
        assert transfer["hash"] == transfer_hash(
            previous,
            dict(transfer),
            transfer["created_at"],
            (sides[2 * seq - 1], sides[2 * seq]),
        )
        previous = transfer["hash"]
    head = await head_of(database)
    assert head["head_hash"] == previous
    assert head["transfer_seq"] == len(transfers)
    assert len(entries) == 2 * len(transfers)
    assert sum(row["amount"] for row in entries) == 0
    return len(transfers)


def breaks_a_constraint(book):
    """Stages a hold that the schema refuses."""
    book.post(movement(BANK, RAVI, 5))
    hold = book.hold("hld_bad", RAVI, 5)
    hold["amount"] = 0


@contextlib.asynccontextmanager
async def holding_the_lock(database):
    """Nobody else gets at the ledger's head inside this block."""
    lock = " for update" if database.dialect is Dialect.POSTGRES else ""
    async with database.transaction() as transaction:
        await transaction.fetch(f"select * from batua_ledger{lock}")
        yield


async def edit(url, statement):
    """Run SQL past the engine."""
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()
