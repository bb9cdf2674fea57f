"""Serve an ASGI app on loopback inside the running event loop: for simulators and tests."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

__all__ = ["free_port", "serving", "until_met"]

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10
_LOOK_S = 0.005
_TICK_S = 1.0
_IDLE_S = 75
"""Longer than clients keep a connection: they must not send on one that is just being closed."""
_TURNS = 5
"""Accepting, its task, its transport, its protocol, and its handler's task."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until_met() -> None:
    """Until whoever was accepted on this loop is somebody's connection: that takes some turns.

    Who ends a server without it leaves open what came last.
    """
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class _Server(uvicorn.Server):
    """A server inside somebody's event loop, who listens to signals himself.

    It ends when it is told to: uvicorn's looks every tenth of a second whether it should, and then
    whether its last connections have gone.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Take no more connections, and end with those that are open."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # it writes the time for the headers, too
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        await until_met()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await self._finish()
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await until_met()
        await self.lifespan.shutdown()

    async def _finish(self) -> None:
        # uvicorn tells nobody when they have gone, nor that one has come while it ends.
        while self.server_state.connections or self.server_state.tasks:
            for connection in list(self.server_state.connections):
                connection.shutdown()
            await asyncio.sleep(_LOOK_S)
        for server in self.servers:
            await server.wait_closed()


@asynccontextmanager
async def serving(
    app: Any, *, port: int | None = None, http: Any = "httptools"
) -> AsyncIterator[str]:
    """Serve ``app`` with real HTTP on 127.0.0.1 and yield its base URL without a slash.

    ``http`` is uvicorn's class of a connection, or its name of one.

    Raises ``OSError`` when the port is taken, ``RuntimeError`` when the app does not start, and
    ``TimeoutError`` when that takes longer than ten seconds.
    """
    with socket.create_server(("127.0.0.1", port or 0), backlog=1024) as listening:
        config = uvicorn.Config(
            app,
            http=http,
            ws="none",
            lifespan="on",
            server_header=False,
            access_log=False,
            log_config=None,
            log_level=logging.WARNING,
            timeout_keep_alive=_IDLE_S,
        )
        server = _Server(config)
        running = asyncio.create_task(_run(server, listening))
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await _started(server, running)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.end()
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
