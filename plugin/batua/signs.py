"""Signs of life: when a worker last went round, and how the ledger's last proof ended.

A row each, written over: whoever looks sees what is, and not what was.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from piccolo.columns import Text, Timestamptz
from piccolo.table import Table

from batua.clock import Clock
from batua.database import Database, Reader

__all__ = ["BEAT_EVERY_S", "Seen", "Sign", "Signs"]

BEAT_EVERY_S = 10.0
ALIVE_S = 30
"""A worker that has not beaten for so long is dead, or its machine is."""
FORGOTTEN = timedelta(days=1)

_PROOF = "proof"


class Sign(Table, tablename="batua_sign"):
    """``kind``: worker, proof. ``verdict`` is a proof's: sound or broken; else it is empty."""

    name = Text(primary_key=True)
    kind = Text()
    verdict = Text()
    at = Timestamptz()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the signs say: workers that live, the newest beat, and the last proof."""

    workers: int
    beaten_at: datetime | None
    proved_at: datetime | None
    is_sound: bool


class Signs:
    """Leaves signs in a database, and reads them."""

    def __init__(self, database: Database, *, now: Clock) -> None:
        self._database = database
        self._now = now
        self._worker = f"worker:{socket.gethostname()}:{os.getpid()}"

    async def beat(self) -> None:
        """This process's worker lives. Those that have been dead for a day are forgotten."""
        await self._leave(self._worker, "worker", "")

    async def record_proof(self, *, is_sound: bool) -> None:
        """The ledger was proved, and this is the verdict."""
        await self._leave(_PROOF, _PROOF, "sound" if is_sound else "broken")

    async def read(self, reader: Reader | None = None) -> Seen:
        """What they say now."""
        rows = await (reader or self._database).fetch("select kind, verdict, at from batua_sign")
        beats = [row["at"] for row in rows if row["kind"] == "worker"]
        proof = next((row for row in rows if row["kind"] == _PROOF), None)
        alive_since = self._now() - timedelta(seconds=ALIVE_S)
        return Seen(
            workers=sum(beat > alive_since for beat in beats),
            beaten_at=max(beats, default=None),
            proved_at=proof["at"] if proof else None,
            is_sound=proof is not None and proof["verdict"] == "sound",
        )

    async def _leave(self, name: str, kind: str, verdict: str) -> None:
        now = self._now()
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "delete from batua_sign where kind = 'worker' and at < $1", now - FORGOTTEN
            )
            await transaction.execute(
                "insert into batua_sign (name, kind, verdict, at) values ($1, $2, $3, $4)"
                " on conflict (name) do update set verdict = excluded.verdict, at = excluded.at",
                name,
                kind,
                verdict,
                now,
            )
