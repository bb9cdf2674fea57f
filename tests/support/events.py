"""A customer who watches the wallet: server-sent events, as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

__all__ = ["Event", "Watched", "watching"]

SOON_S = 10.0


@dataclass(frozen=True)
class Event:
    """One event, with its data read."""

    id: str
    name: str
    data: dict[str, Any]


@dataclass
class Watched:
    """An open stream. ``events`` are all that came so far, ``lines`` what they were read from."""

    response: httpx.Response
    events: list[Event] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    is_over: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Read until it ends."""
        found: dict[str, str] = {}
        try:
            async for line in self.response.aiter_lines():
                self.lines.append(line)
                name, _, value = line.partition(": ")
                if line:
                    found[name] = value
                    continue
                if "data" in found:
                    data = json.loads(found["data"])
                    self.events.append(Event(found["id"], found["event"], data))
                    self._news.set()
                found = {}
        finally:
            self.is_over = True
            self._news.set()

    async def until(self, field: str, value: Any) -> Event:
        """The newest event, once its ``field`` is that."""
        async with asyncio.timeout(SOON_S):
            while not self.events or self.events[-1].data[field] != value:
                assert not self.is_over, "it has ended"
                self._news.clear()
                await self._news.wait()
        return self.events[-1]

    async def ended(self) -> None:
        async with asyncio.timeout(SOON_S):
            while not self.is_over:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def watching(
    http: httpx.AsyncClient, headers: Mapping[str, str], path: str = "/wallet/events"
) -> AsyncIterator[Watched]:
    """Watch the wallet of whoever the ``headers`` speak for, until the block ends."""
    async with http.stream("GET", path, headers=headers, timeout=None) as response:
        assert response.status_code == 200, await response.aread()
        watched = Watched(response)
        reading = asyncio.create_task(watched.read())
        try:
            yield watched
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                await reading
