"""Give back the holds whose time is up."""

from __future__ import annotations

import asyncio

from batua.database import Database
from batua.errors import Conflict
from batua.ledger.engine import Engine
from batua.ledger.operations.answers import HoldClosed
from batua.ledger.operations.holds import ExpireHold

__all__ = ["expire_holds"]


async def expire_holds(engine: Engine, database: Database, *, holds_max: int = 256) -> int:
    """Expire what is due, the longest due first; returns how many. Several may run at once.

    Each is decided again under the lock: one that was captured or voided meanwhile is left alone.
    """
    rows = await database.fetch(
        "select id from batua_hold where status = 'held' and expires_at <= $1"
        " order by expires_at, id limit $2",
        engine.now(),
        holds_max,
    )
    answers = await asyncio.gather(*(_expire(engine, row["id"]) for row in rows))
    return sum(answer is not None and not answer.exists for answer in answers)


async def _expire(engine: Engine, id: str) -> HoldClosed | None:
    try:
        return await engine.submit(ExpireHold(id))
    except Conflict:
        return None
