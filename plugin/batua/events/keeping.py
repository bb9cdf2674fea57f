"""How long events are kept: until nobody needs them, and then until their time is up."""

from __future__ import annotations

from datetime import timedelta

from batua.clock import Clock
from batua.database import Database, Dialect, Row

__all__ = ["Keeping"]

BATCH = 500

# What a listener that is disabled was to be told is not waited for: that may be for ever.
WAITED_FOR = (
    "next_attempt_at is not null and listener_id not in"
    " (select id from batua_listener where status = 'disabled')"
)


class Keeping:
    """Deletes events that are older than ``days`` and that everybody was told of; 0 for never.

    An event that is still to be told to anybody who listens stays, and so do its deliveries.
    """

    def __init__(self, database: Database, *, now: Clock, days: int) -> None:
        self._database = database
        self._now = now
        self._days = days

    async def sweep(self) -> int:
        """Delete what is due, a batch at a time; returns how many events it were."""
        deleted = 0
        while self._days:
            gone = await self._delete([row["id"] for row in await self._due()])
            deleted += gone
            if gone < BATCH:  # what somebody has locked at the moment is due the next time too
                break
        return deleted

    async def _due(self) -> list[Row]:
        rows = await self._database.fetch(
            "select id from batua_event e where created_at < $1 and routed_at is not null"
            " and not exists (select 1 from batua_delivery"
            f" where event_id = e.id and {WAITED_FOR}) order by created_at limit {BATCH}",
            self._now() - timedelta(days=self._days),
        )
        return list(rows)

    async def _delete(self, ids: list[str]) -> int:
        dialect = self._database.dialect
        async with self._database.transaction() as transaction:
            # A replay locks what it makes due again: whoever is first, the other sees it.
            skip = " for update skip locked" if dialect is Dialect.POSTGRES else ""
            locked = await transaction.fetch(
                f"select id from batua_event where {dialect.in_list('id', '$1')}{skip}", ids
            )
            mine = [row["id"] for row in locked]
            await transaction.execute(
                f"delete from batua_delivery where {dialect.in_list('event_id', '$1')}"
                f" and not ({WAITED_FOR})",
                mine,
            )
            return await transaction.execute(
                f"delete from batua_event where {dialect.in_list('id', '$1')} and not exists"
                " (select 1 from batua_delivery where event_id = batua_event.id)",
                mine,
            )
