"""Tell each listener what is due: at least once, in a lane of its own.

A lane is a task that works for one listener until nothing of its is due.  One that hangs holds up
its own alone.  What is being told is leased: whoever is killed meanwhile leaves it due again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from batua.clock import Clock
from batua.database import Database, Dialect, Row
from batua.events.facts import Event, event_of
from batua.events.routing import Router
from batua.notes import as_note, note_of

__all__ = ["Courier", "Deliveries", "DeliveryFailed"]

SIDE_BY_SIDE = 4
"""How much of one listener's is under way at a time."""
LEASES = 2
"""A lease is so many times as long as telling may take: nobody else begins meanwhile."""
JITTER = 0.1
BROKEN_PAUSE = timedelta(seconds=5)
"""How long a lane that broke is not begun anew: what broke it may last, and must not fill a log."""

log = logging.getLogger(__name__)


class DeliveryFailed(Exception):
    """It did not take it: tell it again later. ``is_gone`` says that it wants nothing any more."""

    def __init__(self, note: str, *, is_gone: bool = False) -> None:
        super().__init__(note)
        self.is_gone = is_gone


class Courier(Protocol):
    """How listeners of one kind are told.

    ``limit_s`` is how long that takes at most. ``retry_s`` is how long to wait after each failure,
    in seconds; after the last it is dead. Who has failed for ``failing_max`` is disabled, if that
    is given.
    """

    @property
    def kind(self) -> str: ...

    @property
    def limit_s(self) -> float: ...

    @property
    def retry_s(self) -> Sequence[float]: ...

    @property
    def failing_max(self) -> timedelta | None: ...

    @property
    def is_idle(self) -> bool:
        """Whether this process can tell nobody anything, so that nothing is looked for."""

    def reaches(self, listener: Row) -> bool:
        """Whether this process can tell it anything."""

    async def tell(self, listener: Row, event: Event[Any]) -> None:
        """Tell it, within ``limit_s``.

        Raises ``DeliveryFailed``, or anything else, and is asked again later.
        """


class Deliveries:
    """The lanes of one kind of listener. Several processes may have them."""

    def __init__(
        self,
        database: Database,
        router: Router,
        courier: Courier,
        *,
        now: Clock,
        spread: Callable[[], float],
    ) -> None:
        self._database = database
        self._router = router
        self._courier = courier
        self._now = now
        self._spread = spread
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._rest_until: dict[str, datetime] = {}

    async def send_due(self) -> int:
        """Route what is new, and see that everybody with something due has a lane.

        Waits for none of them; returns how much there was to begin.
        """
        if self._courier.is_idle:
            return 0
        routed = await self._router.route()
        waiting = await self._database.fetch(
            "select l.* from batua_listener l where l.kind = $1 and l.status = 'enabled'"
            " and exists (select 1 from batua_delivery d"
            " where d.listener_id = l.id and d.next_attempt_at <= $2)",
            self._courier.kind,
            self._now(),
        )
        begun = [row["id"] for row in waiting if self._may_begin(row)]
        for listener_id in begun:
            self._rest_until.pop(listener_id, None)
            self._lanes[listener_id] = asyncio.create_task(self._lane(listener_id))
        return routed + len(begun)

    def _may_begin(self, listener: Row) -> bool:
        listener_id = listener["id"]
        rests = listener_id in self._rest_until and self._now() < self._rest_until[listener_id]
        return not rests and listener_id not in self._lanes and self._courier.reaches(listener)

    async def drain(self) -> int:
        """Do all that is due, and wait for it; returns how often there was something to begin."""
        done = 0
        while (begun := await self.send_due()) or self._lanes:
            done += begun
            await asyncio.gather(*self._lanes.values())
        return done

    async def stop(self) -> None:
        """End every lane between two steps: what is cut off is due again after its lease."""
        lanes = list(self._lanes.values())
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def _lane(self, listener_id: str) -> None:
        try:
            while rows := await self._lease(listener_id):
                async with asyncio.TaskGroup() as telling:
                    for row in rows:
                        telling.create_task(self._deliver(listener_id, row))
        except Exception:
            # It is begun anew after a pause; the others go on meanwhile.
            log.exception("the lane of %s broke", listener_id)
            self._rest_until[listener_id] = self._now() + BROKEN_PAUSE
        finally:
            del self._lanes[listener_id]

    async def _lease(self, listener_id: str) -> list[Row]:
        now = self._now()
        until = now + timedelta(seconds=LEASES * self._courier.limit_s)
        skip = " for update of d skip locked" if self._database.dialect is Dialect.POSTGRES else ""
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch(
                "select d.id as delivery_id, d.attempts, e.* from batua_delivery d"
                " join batua_event e on e.id = d.event_id"
                " join batua_listener l on l.id = d.listener_id"
                " where d.listener_id = $1 and d.next_attempt_at <= $2 and l.status = 'enabled'"
                f" order by d.next_attempt_at, d.id limit {SIDE_BY_SIDE}{skip}",
                listener_id,
                now,
            )
            await transaction.execute_many(
                "update batua_delivery set next_attempt_at = $1, attempts = attempts + 1,"
                " version = version + 1 where id = $2",
                [(until, row["delivery_id"]) for row in rows],
            )
        return list(rows)

    async def _deliver(self, listener_id: str, row: Row) -> None:
        listener = await self._database.fetch_one(
            "select * from batua_listener where id = $1", listener_id
        )
        if listener is None:
            return
        try:
            await self._courier.tell(listener, event_of(row))
        except DeliveryFailed as failure:
            await self._failed(listener, row, as_note(str(failure)), is_gone=failure.is_gone)
        except Exception as error:
            # Whatever a host's handler raises: what is behind it, and all others, go on.
            log.exception("%s failed on %s", listener_id, row["id"])
            await self._failed(listener, row, note_of(error))
        else:
            await self._delivered(listener, row)

    async def _delivered(self, listener: Row, row: Row) -> None:
        await self._close(row, "delivered", "", None)
        if listener["failing_since"] is not None:
            await self._mark(listener, "failing_since = null")

    async def _failed(self, listener: Row, row: Row, note: str, *, is_gone: bool = False) -> None:
        now, attempts, retry_s = self._now(), row["attempts"] + 1, self._courier.retry_s
        if attempts > len(retry_s):
            log.error(
                "event %s is dead for %s after %d attempts: %s",
                row["id"], listener["id"], attempts, note,
            )  # fmt: skip
            await self._close(row, "dead", note, None)
        else:
            wait_s = retry_s[attempts - 1] * (1 + JITTER * self._spread())
            await self._close(row, "pending", note, now + timedelta(seconds=wait_s))
        since, most = listener["failing_since"], self._courier.failing_max
        is_hopeless = since is not None and most is not None and now - since >= most
        if is_gone or is_hopeless:
            why = "it said that it is gone" if is_gone else f"it has failed since {since:%Y-%m-%d}"
            log.error("listener %s is disabled: %s", listener["id"], why)
            await self._mark(listener, "status = 'disabled', note = $1", why)
        elif since is None:
            await self._mark(listener, "failing_since = $1", now)

    async def _close(
        self, row: Row, status: str, note: str, next_attempt_at: datetime | None
    ) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "update batua_delivery set status = $1, note = $2, next_attempt_at = $3,"
                # Whoever was slower than its lease has nothing to say about the next attempt.
                " delivered_at = $4, version = version + 1 where id = $5 and attempts = $6",
                status,
                note,
                next_attempt_at,
                self._now() if status == "delivered" else None,
                row["delivery_id"],
                row["attempts"] + 1,
            )

    async def _mark(self, listener: Row, change: str, *values: object) -> None:
        """What became of a listener; whoever changed it meanwhile knows better."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                f"update batua_listener set {change}, version = version + 1"
                f" where id = ${len(values) + 1} and version = ${len(values) + 2}",
                *values,
                listener["id"],
                listener["version"],
            )
