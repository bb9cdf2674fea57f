"""The production HTTP server: uvicorn, and what it does not do by itself."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import nullcontext
from typing import Any, NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from batua_api.event_stream import end_stream
from batua_api.metrics import shared_figures

__all__ = ["Connection", "run_server"]

HEAD_BYTES_MAX = 65_536
REQUEST_S_MAX = 30.0
"""How long a client may take to send a request whole, or to begin with the first one."""
UNREAD_S_MAX = 30.0
"""How long a client may leave unread what was answered, once all buffers on its way are full."""
STOP_S_MAX = 30
"""How long a server that was told to stop waits for those whom it still serves."""
WORKER_SILENT_S_MAX = 30
"""How long one of several processes may say nothing, as while it starts on a busy machine, until
it is replaced. uvicorn's 5 s are too few there: it would start them over and over."""
IDLE_S_MAX = 75
"""How long a connection may stay open between two requests."""

_HEAD_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class JoinedWrites(asyncio.Transport):
    """A transport that sends the head of an answer together with what follows it at once.

    uvicorn writes them one after the other: two calls of the system for each answer, two packets,
    and whoever reads is woken twice.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif data[:5] == b"HTTP/":
            self._head = bytes(data)
            self._loop.call_soon(self._send_head)  # what follows may be long in coming
        else:
            self._transport.write(data)

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)

    def close(self) -> None:
        self._send_head()
        self._transport.close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()


class Connection(HttpToolsProtocol):
    """A client's connection: what it sends has to end, in bytes and in time, and it has to read.

    uvicorn waits for ever for the end of a request and keeps all that comes of its head, so that
    a few clients who never finish would take all memory, or all connections that the process has.
    Nor would it stop while an answer goes on that has no end: streams are ended when it has to.
    """

    _message_ended = True
    _in_head = False
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # uvicorn says so too: asyncio types it by the base of all transports.
        super().connection_made(JoinedWrites(transport, self.loop))
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._message_ended or self.transport.is_closing():
            return
        self._start_deadline()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.transport.write(_HEAD_TOO_LONG)
                self.transport.close()

    def on_message_begin(self) -> None:
        self._message_ended, self._in_head, self._head_bytes = False, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._message_ended = True
        self._end_deadline()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        # To close it would wait until all was read.
        self._unread = self.loop.call_later(UNREAD_S_MAX, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def shutdown(self) -> None:
        super().shutdown()
        if self.cycle is not None:
            end_stream(self.cycle.scope)

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_S_MAX, self._is_late)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_late(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def run_server(app: str, *, host: str, port: int, workers: int) -> None:
    """Serve what the factory ``app`` ("module:name") makes until SIGINT or SIGTERM."""
    # uvicorn raises the signal again once it has stopped; to be told to stop is no failure.
    signal.signal(signal.SIGTERM, _end)
    with shared_figures() if workers > 1 else nullcontext():
        uvicorn.run(app, workers=workers, **options(host, port))


def _end(number: int, frame: object) -> NoReturn:
    del number, frame
    sys.exit(0)


def options(host: str, port: int) -> dict[str, Any]:
    return {
        "factory": True,
        "host": host,
        "port": port,
        "http": Connection,
        "ws": "none",
        "lifespan": "on",
        # Who a client is, is not for it to say in a header.
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "timeout_keep_alive": IDLE_S_MAX,
        "timeout_graceful_shutdown": STOP_S_MAX,
        "timeout_worker_healthcheck": WORKER_SILENT_S_MAX,
    }
