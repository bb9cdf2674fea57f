"""Notices a gateway whose webhooks have stopped while it still takes money.

The poller and the browser's return make good what a webhook would have told, so nobody would
miss it: but every payment is late then, and what begins at the provider is not heard of at all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from batua.clock import Clock
from batua.database import Database, Reader
from batua.registry import Registry

__all__ = ["Hearing", "Silence"]

CAPTURES_MIN = 3
GRACE_MAX_S = 300
"""A capture that is younger may still be told of."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hearing:
    """When a genuine webhook last came, and whether its absence is odd."""

    last: datetime | None
    is_silent: bool


class Silence:
    """A gateway is silent when three captures have been found since its last webhook, and that
    came more than ``silence_s`` seconds ago or never. A webhook ends it, and nothing else does.
    """

    def __init__(
        self, database: Database, registry: Registry, *, now: Clock, silence_s: int
    ) -> None:
        self._database = database
        self._registry = registry
        self._now = now
        self._silence = timedelta(seconds=silence_s)
        self._grace = timedelta(seconds=min(GRACE_MAX_S, silence_s // 2))
        self._silent: set[str] = set()

    async def hearings(self, reader: Reader | None = None) -> dict[str, Hearing]:
        """Of every gateway that works and takes money itself, by its code. Only reads."""
        return {
            code: await self._hearing(reader or self._database, code)
            for code, plugin in self._registry.gateways.items()
            if plugin.instance is not None and self._registry.processor_of(code) == code
        }

    async def look(self) -> None:
        """Say when a silence begins and when it ends, once each."""
        for code, hearing in (await self.hearings()).items():
            if hearing.is_silent and code not in self._silent:
                self._silent.add(code)
                log.error(
                    "%s takes money but sends no webhooks, the last: %s. Check the webhook's"
                    " address and secret in its dashboard",
                    code,
                    hearing.last.isoformat() if hearing.last else "never",
                )
            elif not hearing.is_silent and code in self._silent:
                self._silent.discard(code)
                log.info("%s sends webhooks again", code)

    async def _hearing(self, reader: Reader, code: str) -> Hearing:
        row = await reader.fetch_one(
            "select received_at from batua_inbox where gateway = $1"
            " order by received_at desc limit 1",
            code,
        )
        last = None if row is None else row["received_at"]
        now = self._now()
        if last is not None and now - last <= self._silence:
            return Hearing(last, is_silent=False)
        captures = await reader.fetch(
            "select 1 from batua_capture where gateway = $1 and captured_at > $2"
            f" and captured_at <= $3 limit {CAPTURES_MIN}",
            code,
            last or datetime(1970, 1, 1, tzinfo=UTC),
            now - self._grace,
        )
        return Hearing(last, is_silent=len(captures) == CAPTURES_MIN)
