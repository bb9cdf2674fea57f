"""How plugins reach their providers: with a limit on every call, and a breaker before it.

A provider may answer byte by byte for ever, each in time. So the limit is on the whole exchange,
the body included, and what ends it is never a thread that nobody can stop.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from batua.breaker import Breaker, BreakerOpen
from batua.calls import Calls
from batua.failpoints import reach

__all__ = ["BlockingCalls", "GuardedAdapter", "GuardedTransport"]

THREADS = 8
"""A provider that hangs fills its own threads and nobody else's."""
WAITING_MAX = 64
"""How many calls may wait for a thread: more would only wait to be told the same."""

T = TypeVar("T")


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport whose whole exchange ends within ``limit_s`` seconds.

    Raises ``httpx.ConnectError`` where the breaker is open, ``httpx.ConnectTimeout`` where the
    time was up before anything was sent, and ``httpx.ReadTimeout`` where it was up after.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, breaker: Breaker, limit_s: float, calls: Calls
    ) -> None:
        self._inner = inner
        self._breaker = breaker
        self._limit_s = limit_s
        self._calls = calls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reach("gateway.asking")
        try:
            call = self._breaker.begin()
        except BreakerOpen as refusal:
            raise httpx.ConnectError(str(refusal), request=request) from None
        try:
            with self._calls.told(request.method, str(request.url)) as told:
                response = await self._exchange(request)
                told.status = response.status_code
        except _SILENT:
            self._breaker.failed(call)
            raise
        except BaseException:
            # Given up by its caller, or never sent: that says nothing of the provider.
            self._breaker.abandoned(call)
            raise
        self._breaker.answered()
        reach("gateway.answered")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        sent = False

        async def trace(step: str, _: Mapping[str, Any]) -> None:
            nonlocal sent
            sent = sent or step.endswith("send_request_headers.started")

        # A handshake that is cut off from outside leaves its socket to the garbage collector: so
        # connecting and the handshake, which this bounds each, are over before the whole is.
        timeouts = dict(request.extensions.get("timeout") or {})
        timeouts["connect"] = min(timeouts.get("connect") or self._limit_s, self._limit_s / 2)
        request.extensions = {**request.extensions, "timeout": timeouts, "trace": trace}
        try:
            async with asyncio.timeout(self._limit_s):
                response = await self._inner.handle_async_request(request)
                await response.aread()
        except TimeoutError as error:
            late = httpx.ReadTimeout if sent else httpx.ConnectTimeout
            raise late(f"no whole answer within {self._limit_s} s", request=request) from error
        return response


_SILENT = (
    httpx.ConnectTimeout,
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
)


class GuardedAdapter(HTTPAdapter):
    """The same for a ``requests`` session, whose calls run in threads.

    A thread can't be stopped, but what it waits for can: once the time is up its connection is
    shut down, and the thread gets its error at once. Raises ``requests.ConnectTimeout`` where the
    breaker is open and ``requests.ReadTimeout`` where the time is up.
    """

    def __init__(self, breaker: Breaker, limit_s: float, calls: Calls) -> None:
        super().__init__(pool_maxsize=THREADS)
        self._breaker = breaker
        self._limit_s = limit_s
        self._calls = calls

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override] # by name, as a session calls it
        """Send it and read the whole answer."""
        try:
            call = self._breaker.begin()
        except BreakerOpen as refusal:
            raise requests.ConnectTimeout(str(refusal), request=request) from None
        try:
            with self._calls.told(request.method or "", request.url or "") as told:
                response = self._exchange(request, options)
                told.status = response.status_code
        except _LOST:
            self._breaker.failed(call)
            raise
        except BaseException:
            self._breaker.abandoned(call)
            raise
        self._breaker.answered()
        return response

    def _exchange(
        self, request: requests.PreparedRequest, options: dict[str, Any]
    ) -> requests.Response:
        options["timeout"] = options.get("timeout") or self._limit_s
        with _Cut(self._limit_s) as cut:
            try:
                response = super().send(request, **options)
                body = response.content  # reads all of it
            except requests.ConnectTimeout:
                raise
            except requests.RequestException as error:
                if cut.is_done:
                    raise self._late(request) from error
                raise
            if cut.is_done:
                # A body without a length ends where its connection does: nobody knows if it is all.
                raise self._late(request)
        # Whoever asked for a stream reads what is here already.
        response.raw = HTTPResponse(
            io.BytesIO(body), status=response.status_code, preload_content=False
        )
        return response

    def _late(self, request: requests.PreparedRequest) -> requests.ReadTimeout:
        return requests.ReadTimeout(f"no whole answer within {self._limit_s} s", request=request)


# ChunkedEncodingError is what requests raises for a connection that was lost within a body.
_LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class _Cut:
    """Shuts the connections of one call down when its time is up."""

    def __init__(self, after_s: float) -> None:
        self.is_done = False
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self._timer = threading.Timer(after_s, self._do)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _here.cut = self
        self._timer.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._timer.cancel()
        _here.cut = None
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()

    def watch(self, connection: socket.socket) -> None:
        """This connection is used by the call.

        It is known by a descriptor of its own: the connection's is closed by whoever uses it, and
        may be another's by the time that it is to be shut down.
        """
        with self._lock:
            line = socket.socket(fileno=os.dup(connection.fileno()))
            self._lines.append(line)
            if self.is_done:
                _shut_down(line)

    def _do(self) -> None:
        with self._lock:
            self.is_done = True
            for line in self._lines:
                _shut_down(line)


def _shut_down(line: socket.socket) -> None:
    with suppress(OSError):  # it may be lost already
        line.shutdown(socket.SHUT_RDWR)


class _Here(threading.local):
    """The call that this thread is making."""

    cut: _Cut | None = None


_here = _Here()


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        if _here.cut is not None:
            _here.cut.watch(made)
        return made

    def request(self, *args: Any, **options: Any) -> None:
        # One that is kept from an earlier call is connected already.
        if _here.cut is not None and self.sock is not None:
            _here.cut.watch(self.sock)
        super().request(*args, **options)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class BlockingCalls:
    """A plugin's threads: a few of them, and a bounded number of calls that wait for one.

    ``unavailable`` is the plugin's error for "nothing was sent".
    """

    def __init__(self, code: str, breaker: Breaker, unavailable: type[Exception]) -> None:
        self._code = code
        self._breaker = breaker
        self._unavailable = unavailable
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"batua-{code}")
        self._places = threading.BoundedSemaphore(THREADS + WAITING_MAX)

    async def run(self, call: Callable[[], T], /) -> T:
        """Run ``call`` in a thread. Raises ``unavailable`` at once where it would not run."""
        reach("gateway.asking")
        if self._breaker.refuses:
            raise self._unavailable(f"{self._code} has not answered lately: nothing was sent")
        if not self._places.acquire(blocking=False):
            raise self._unavailable(f"{self._code} is busy: nothing was sent")
        try:
            # Whoever asks is followed into the thread.
            running: Future[T] = self._threads.submit(copy_context().run, call)
        except RuntimeError:  # it is shut down
            self._places.release()
            raise
        # Whoever asked may go away: the place is free when the thread is.
        running.add_done_callback(lambda _: self._places.release())
        answer = await asyncio.wrap_future(running)
        reach("gateway.answered")
        return answer

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
