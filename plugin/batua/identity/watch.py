"""Keeps a process's knowledge of who may come in at most five seconds old.

No request asks the database: a task looks every two seconds whether anything has changed. While
it can't, nobody knows what was revoked, and so nobody is let in.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from batua.clock import Clock
from batua.database import Database
from batua.errors import TryAgain
from batua.following import begin_for_all
from batua.identity.snapshot import EMPTY, Snapshot, read_snapshot

__all__ = ["FRESH_S", "Watch"]

LOOK_EVERY_S = 2.0
FRESH_S = 5.0
"""How old knowledge may be: a revocation holds everywhere this long after its commit."""
APART_S = 0.5
"""The time between two looks at the least: a flood of made-up keys asks no more often."""
LOOK_S_MAX = 2.0
FIRST_LOOK_S_MAX = 60.0
"""The first look reads everything that was ever revoked; those after it, what is new."""
USED_EVERY = timedelta(minutes=1)

log = logging.getLogger(__name__)


class Watch:
    """``monotonic`` counts seconds. ``now`` is only written beside keys that were used."""

    def __init__(
        self,
        database: Database,
        *,
        now: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        apart_s: float = APART_S,
    ) -> None:
        self._database = database
        self._now = now
        self._monotonic = monotonic
        self._apart_s = apart_s
        self._snapshot = EMPTY
        self._seen_at = float("-inf")
        self._began_at = float("-inf")
        self._is_well = True
        self._looking = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._used: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look now, and then again and again until the block ends."""
        await self.refresh()
        task = asyncio.create_task(self._repeat())
        try:
            yield
        finally:
            tasks = [each for each in (task, self._next) if each is not None]
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def current(self) -> Snapshot:
        """What is known, and was true within the last five seconds.

        Raises ``TryAgain``: ``database_unavailable``.
        """
        if not self.is_fresh:
            await self.refresh()
            if not self.is_fresh:
                raise TryAgain(
                    "database_unavailable",
                    "The database does not answer, so nobody knows which tokens were revoked."
                    " Try again.",
                    retry_after_s=2,
                )
        return self._snapshot

    async def refresh(self) -> Snapshot:
        """What was true at a moment after this call, or what was known if nobody can say.

        All who ask before a look begins share it.
        """
        if self._next is None or self._next.done():
            self._next = begin_for_all(self._look())
        await asyncio.shield(self._next)
        return self._snapshot

    def used(self, key_id: str) -> None:
        """An API key was used now. It is written down later, at most once a minute."""
        self._used[key_id] = self._now()

    @property
    def is_fresh(self) -> bool:
        """Whether what is known was true within the last five seconds."""
        return self._monotonic() - self._seen_at <= FRESH_S

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.refresh()
            try:
                async with asyncio.timeout(LOOK_S_MAX):
                    await self._write_uses()
            except Exception:
                # It is nice to know, and no reason to stop watching.
                log.exception("when API keys were used could not be written")

    async def _look(self) -> None:
        async with self._looking:
            await asyncio.sleep(max(0.0, self._began_at + self._apart_s - self._monotonic()))
            self._next = None  # whoever asks from now on wants a later one
            self._began_at = began_at = self._monotonic()
            try:
                is_first = self._snapshot is EMPTY
                async with asyncio.timeout(FIRST_LOOK_S_MAX if is_first else LOOK_S_MAX):
                    self._snapshot = await read_snapshot(self._database, self._snapshot)
            except Exception as error:
                # Whatever it is: what is not known for five seconds shuts the door.
                self._say(is_well=False, reason=repr(error))
            else:
                self._seen_at = began_at
                self._say(is_well=True, reason="")

    def _say(self, *, is_well: bool, reason: str) -> None:
        if is_well is not self._is_well:
            self._is_well = is_well
            if is_well:
                log.warning("revocations are known again")
            else:
                log.error("revocations can't be read; soon nobody is let in: %s", reason)

    async def _write_uses(self) -> None:
        due = {
            key_id: moment
            for key_id, moment in self._used.items()
            if key_id not in self._written or moment - self._written[key_id] >= USED_EVERY
        }
        if not due:
            return
        async with self._database.transaction() as transaction:
            for key_id, moment in sorted(due.items()):
                await transaction.execute(
                    "update batua_api_key set last_used_at = $2 where id = $1"
                    " and (last_used_at is null or last_used_at <= $3)",
                    key_id,
                    moment,
                    moment - USED_EVERY,
                )
        self._written |= due
        for key_id, moment in due.items():
            if self._used[key_id] == moment:
                del self._used[key_id]
