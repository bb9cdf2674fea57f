"""Serve an ASGI app on loopback inside the running event loop: for simulators and tests."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

__all__ = ["free_port", "serving"]

_START_TIMEOUT_S = 10.0


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(app: Any, *, port: int | None = None) -> AsyncIterator[str]:
    """Serve ``app`` with real HTTP on 127.0.0.1 and yield its base URL without a slash.

    Raises ``TimeoutError`` when the server does not listen within ten seconds.
    """
    port = port or free_port()
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
        # Above this many open connections granian lets new ones wait, idle ones included.
        backlog=1024,
    )
    running = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            await _listening(port, running)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        await running


async def _listening(port: int, running: asyncio.Task[None]) -> None:
    while not running.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return
    await running
