"""Those who are told: an HTTP server on loopback that does what its paths say."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from standardwebhooks import Webhook

from batua.testing.serving import until_met

__all__ = ["Receiver", "Told", "receiving"]

MEGABYTE = b"x" * 1_000_000


@dataclass
class Told:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> object:
        """What a receiver's own library makes of it. Raises where the signature is wrong."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """``/500`` answers so, ``/hang`` never does; ``answers`` has the next statuses of a path."""

    port: int = 0
    told: list[Told] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    sent: int = 0

    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def of(self, path: str) -> Sequence[Told]:
        return [each for each in self.told if each.path == path]

    async def until(self, path: str) -> None:
        """Until somebody has been at ``path``."""
        async with asyncio.timeout(10), self.heard:
            await self.heard.wait_for(lambda: self.of(path))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            writer.close()
            self.tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        path = first.split(" ")[1]
        async with self.heard:
            self.told.append(Told(path, headers, body))
            self.heard.notify_all()
        if path == "/hang":
            await reader.read()  # until it is given up
        elif path == "/vanish":
            return
        elif path == "/drip":
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        elif path == "/garbage":
            writer.write(b"\0\1\2 this is no HTTP\r\n\r\n")
        elif path == "/long-head":
            writer.write(b"HTTP/1.1 200 OK\r\nx: " + MEGABYTE + b"\r\n\r\n")
        elif path == "/redirect":
            writer.write(b"HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n")
        elif path == "/huge":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
            for _ in range(100):
                writer.write(MEGABYTE)
                await writer.drain()
                self.sent += len(MEGABYTE)
        else:
            planned = self.answers.get(path)
            status = planned.pop(0) if planned else int(path[1:]) if path[1:].isdigit() else 200
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on 127.0.0.1, at ``port``."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await until_met()
        for task in receiver.tasks:
            task.cancel()
        await asyncio.gather(*receiver.tasks, return_exceptions=True)
