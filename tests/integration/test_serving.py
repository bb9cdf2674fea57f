"""A server inside the tests' own loop: when it has ended, nothing of it is left open."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from batua.testing import serving as module
from batua.testing.serving import serving

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def test_whoever_it_can_not_finish_with_is_cut_off(monkeypatch):
    monkeypatch.setattr(module, "_STOP_TIMEOUT_S", 0.1)
    heard, let_go = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        heard.set()
        with suppress(asyncio.CancelledError):
            await let_go.wait()
        await let_go.wait()

    async with serving(app) as base:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(base).port)
        writer.write(REQUEST)
        await heard.wait()
    try:
        assert await asyncio.wait_for(reader.read(), 2) == b""
    finally:
        let_go.set()
        writer.close()
        await asyncio.sleep(0.05)
