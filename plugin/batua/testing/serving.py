"""Serve an ASGI app on loopback inside the running event loop: for simulators and tests."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

__all__ = ["free_port", "serving"]

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10
_LOOK_S = 0.005


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Server(uvicorn.Server):
    """A server inside somebody's event loop, who listens to signals himself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Any, *, port: int | None = None) -> AsyncIterator[str]:
    """Serve ``app`` with real HTTP on 127.0.0.1 and yield its base URL without a slash.

    Raises ``OSError`` when the port is taken, ``RuntimeError`` when the app does not start, and
    ``TimeoutError`` when that takes longer than ten seconds.
    """
    with socket.create_server(("127.0.0.1", port or 0), backlog=1024) as listening:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            server_header=False,
            access_log=False,
            log_config=None,
            log_level=logging.WARNING,
            timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        )
        server = _Server(config)
        running = asyncio.create_task(_run(server, listening))
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await _started(server, running)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    try:
        await server.serve([listening])
    except SystemExit:  # that is how it says it, and it would end the whole process
        raise RuntimeError("the app did not start: see the log") from None


async def _started(server: uvicorn.Server, running: asyncio.Task[None]) -> None:
    while not server.started:
        if running.done():
            await running
        await asyncio.sleep(_LOOK_S)
