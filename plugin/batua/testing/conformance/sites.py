"""Servers on loopback that outlive a check: a simulator moves in, and out again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from litestar.types import ASGIApp, Receive, Scope, Send

from batua.testing.serving import serving

__all__ = ["Site", "Sites"]


class Site:
    """One address. Whoever lives there answers; between two checks nobody does."""

    def __init__(self) -> None:
        self.url = ""
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) == "lifespan":
            await _live(receive, send)
        elif self.app is not None:
            await self.app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class Sites:
    """The sites of one event loop. Starting and stopping a server takes longer than a check."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._free: list[Site] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def site(self) -> AsyncIterator[Site]:
        """An address of one's own until the block ends."""
        if not self._free:
            site = Site()
            site.url = await self._stack.enter_async_context(serving(site))
            self._free.append(site)
        site = self._free.pop()
        try:
            yield site
        finally:
            site.app = None
            self._free.append(site)


async def _live(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})  # type: ignore[typeddict-item]  # Litestar gives it the types of HTTP.
