"""Counts the ledger as it grows: each transfer once, in the order in which it was committed.

The worker does it, beside the payments and never in their way.  What it has not come to yet is
counted by whoever reads, so that figures are as new as the ledger.
"""

from __future__ import annotations

from batua.database import Database
from batua.insight.facts import read_facts
from batua.insight.keeping import TABLES, forget, read_counted, rows_of, tally_next, write_tally
from batua.insight.tally import Tally

__all__ = ["Counter"]

BATCH = 1_000
"""Transfers at a time: some milliseconds of a process in which customers may wait for others."""
REBUILD_BATCH = 20_000
"""The same on the command line, where nobody waits: a customer's row is written less often."""


class Counter:
    """Keeps the counted figures of one shop. Moves no money; all of it can be counted again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, *, batch: int = BATCH) -> None:
        """Count all that has come. Several may do it at once."""
        while await self._count_some(batch):
            pass

    async def rebuild(self) -> int:
        """Forget all and count from the first transfer on; returns how many it was."""
        async with self._database.transaction() as transaction:
            await forget(transaction)
        await self.count(batch=REBUILD_BATCH)
        async with self._database.snapshot() as reader:
            return (await read_counted(reader)).seq

    async def differing(self) -> list[str]:
        """Count the whole ledger again, in memory, and name the rows that are not so.

        Reads one moment and writes nothing.
        """
        async with self._database.snapshot() as reader:
            counted = await read_counted(reader)
            tally, dialect = Tally(0, counted.at), self._database.dialect
            while tally.seq < counted.seq:
                limit = min(REBUILD_BATCH, counted.seq - tally.seq)
                facts = await read_facts(reader, dialect, tally.seq, limit)
                if not facts:
                    return [f"batua_insight counts {counted.seq}, and the ledger has {tally.seq}"]
                for fact in facts:
                    tally.add(fact)
            different = []
            for table in TABLES:
                name = table._meta.tablename
                rows = await reader.fetch(f"select * from {name}")
                found = {row["id"]: dict(row) for row in rows}
                wanted = {row["id"]: row for row in rows_of(tally, table)}
                different += [
                    f"{name} {each}"
                    for each in found.keys() | wanted.keys()
                    if found.get(each) != wanted.get(each)
                ]
        return sorted(different)

    async def _count_some(self, batch: int) -> bool:
        async with self._database.snapshot() as reader:
            before = await read_counted(reader)
            tally = await tally_next(reader, self._database.dialect, batch)
        if tally.seq == before.seq:
            return False
        async with self._database.transaction() as transaction:
            await write_tally(self._database, transaction, tally, before=before)
        return True
