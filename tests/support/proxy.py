"""A TCP proxy in front of PostgreSQL that loses connections just when it hurts."""

from __future__ import annotations

import asyncio
import contextlib
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from batua.testing.serving import until_met

__all__ = ["Cut", "CuttingProxy"]


class Cut(StrEnum):
    """What to do to the connection on which the watched statement is sent."""

    BEFORE = "before"  # the statement never reaches the server
    AFTER = "after"  # the server answers it, and nobody hears
    DELAY = "delay"  # the answer waits until ``release``
    LATE = "late"  # the connection is lost at once, and the server gets it after ``release``


class CuttingProxy:
    """Passes bytes on between asyncpg and the server until it is armed or taken down."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._parts = parts
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched = b""
        self._cut = Cut.BEFORE
        self._times = 0
        self._lingers = False
        self._released = asyncio.Event()
        self.met = asyncio.Event()
        """Set when the watched statement has come by."""
        self.answered = asyncio.Event()
        """Set when the server has answered one that came late."""

    @property
    def url(self) -> str:
        """The server's URL, by way of this proxy."""
        user = f"{self._parts.username}@" if self._parts.username else ""
        return self._parts._replace(netloc=f"{user}127.0.0.1:{self._port}").geturl()

    async def up(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await until_met()
        self._released.set()
        for writer in self._open.copy():
            writer.transport.abort()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def arm(self, cut: Cut, *, statement: bytes = b"COMMIT;", times: int = 1) -> None:
        """Do ``cut`` to the next ``times`` connections on which ``statement`` is sent."""
        self._cut, self._watched, self._times = cut, statement, times
        self._released.clear()
        self.answered.clear()
        self.met.clear()

    def release(self) -> None:
        """Let what was held back through."""
        self._released.set()

    def linger(self) -> None:
        """Pass on what a server says last, but not that it hung up, until ``release``."""
        self._lingers = True
        self._released.clear()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            await self._serve(reader, writer)
        except OSError:
            pass  # the server is away, or either side went: both ends are closed below
        finally:
            await self._shut(writer)
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        self._open.add(server_writer)
        hold = asyncio.Event()
        pumps = {
            asyncio.create_task(self._upwards(reader, server_writer, writer, hold)),
            asyncio.create_task(self._downwards(server_reader, writer, hold)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if self._lingers:
                await self._released.wait()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await self._shut(server_writer)

    async def _upwards(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        hold: asyncio.Event,
    ) -> None:
        while chunk := await reader.read(65536):
            if self._times and self._watched in chunk:
                self._times -= 1
                self.met.set()
                if self._cut is Cut.BEFORE:
                    return
                hold.set()
                if self._cut is Cut.LATE:
                    client.transport.abort()
                    await self._released.wait()
                    writer.write(chunk)
                    await self.answered.wait()
                    return
            writer.write(chunk)
            await writer.drain()

    async def _downwards(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hold: asyncio.Event
    ) -> None:
        while chunk := await reader.read(65536):
            if hold.is_set():
                if self._cut is Cut.LATE:
                    self.answered.set()
                if self._cut in {Cut.AFTER, Cut.LATE}:
                    return
                await self._released.wait()
                hold.clear()
            writer.write(chunk)
            await writer.drain()

    async def _shut(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
