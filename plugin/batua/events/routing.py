"""From events to deliveries: one for each who listens, once."""

from __future__ import annotations

from batua.clock import Clock, NewId
from batua.database import Database, Dialect
from batua.events.listeners import hears

__all__ = ["Router"]

BATCH = 200
NEW = f"select id, type from batua_event where routed_at is null order by id limit {BATCH}"


class Router:
    """Several may run: an event is routed by one of them."""

    def __init__(self, database: Database, *, now: Clock, new_id: NewId) -> None:
        self._database = database
        self._now = now
        self._new_id = new_id

    async def route(self) -> int:
        """Make deliveries of new events, a batch at a time; returns how many events they were.

        Who is disabled gets none: what has happened meanwhile is replayed.
        """
        if await self._database.fetch_one(NEW) is None:
            return 0  # a look that takes no lock
        now = self._now()
        skip = " for update skip locked" if self._database.dialect is Dialect.POSTGRES else ""
        async with self._database.transaction() as transaction:
            events = await transaction.fetch(f"{NEW}{skip}")
            listeners = await transaction.fetch(
                "select id, events from batua_listener where status = 'enabled'"
            )
            await transaction.execute_many(
                "insert into batua_delivery (id, event_id, listener_id, status, attempts, note,"
                " next_attempt_at, created_at, version)"
                " values ($1, $2, $3, 'pending', 0, '', $4, $5, 1)",
                [
                    (self._new_id("dlv"), event["id"], listener["id"], now, now)
                    for event in events
                    for listener in listeners
                    if hears(listener, event["type"])
                ],
            )
            await transaction.execute_many(
                "update batua_event set routed_at = $1 where id = $2",
                [(now, event["id"]) for event in events],
            )
        return len(events)
