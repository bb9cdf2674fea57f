"""A wallet's balance as server-sent events: on connect, and whenever it has changed.

An event's id says what exactly the client was shown. It is the same in every process and after
every restart, so whoever comes back with it is told unless nothing has changed.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar.exceptions import HTTPException
from litestar.response import Stream as StreamedResponse
from litestar.types import Receive, Scope, Send

from batua.errors import Refusal, TryAgain
from batua.wallets import LiveWallets, SeenWallet, Stream
from batua_api.views import wallet_view

__all__ = ["EVENTS", "LAST_EVENT_ID", "READMIT", "WalletEvents", "end_stream"]

EVENTS = "text/event-stream"
READMIT = "batua_readmit"
"""Where in a connection's state the gatekeeper leaves what judges its caller again."""
_END = "batua_end_stream"

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LAST_EVENT_ID = "Last-Event-ID"
RETRY = b"retry: 2000\n\n"
"""How many milliseconds a client waits before it comes back."""
READMIT_EVERY_S = 2.0
"""A process knows of a revocation within two seconds, and all refuse within five."""
BEAT_EVERY_S = 15.0
BEAT = b":\n\n"
"""A comment: whoever stands between sees that the connection is in use."""

Readmit = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class WalletEvents(StreamedResponse):
    """The answer that goes on. It ends with its caller's right to it, or with the server.

    Raises, before it begins, what ``LiveWallets.watching`` and ``Stream.first`` raise.
    """

    def __init__(self, wallets: LiveWallets, customer: str, currency: str, *, shown: str) -> None:
        super().__init__((), headers=HEADERS, media_type=EVENTS)
        self._wallets = wallets
        self._watched = (customer, currency)
        self._shown = shown

    def to_asgi_response(self, *arguments: Any, **options: Any) -> Any:
        begin = super().to_asgi_response(*arguments, **options).start_response

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            with self._wallets.watching(*self._watched) as stream:
                await stream.first()
                state: dict[str, Any] = scope["state"]
                state[_END] = stream.end
                await begin(send)
                gone = asyncio.ensure_future(_gone(receive))
                gone.add_done_callback(lambda _: stream.end())
                try:
                    await _tell(stream, state[READMIT], self._shown, send)
                finally:
                    gone.cancel()

        return answer


def end_stream(scope: Any) -> None:
    """End what is streamed on this connection, if anything is: the server is about to stop."""
    end: Callable[[], None] | None = scope["state"].get(_END)
    if end is not None:
        end()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _tell(stream: Stream, readmit: Readmit, shown: str, send: Send) -> None:
    """Tell of the newest state whenever the client was ``shown`` another one, and end politely.

    A client that reads slowly holds up ``send``, and has missed what came and went meanwhile.
    """
    clock = asyncio.get_running_loop().time
    await send(_body(RETRY))
    beat_at = clock() + BEAT_EVERY_S
    while not stream.is_over:
        is_welcome = await _is_welcome(readmit)
        if is_welcome is False:
            break
        if is_welcome and stream.seen is not None:
            event_id, event = _event(stream.seen)
            if event_id != shown:
                shown = event_id
                await send(_body(event))
        if clock() >= beat_at:
            await send(_body(BEAT))
            beat_at = clock() + BEAT_EVERY_S
        await stream.wait(READMIT_EVERY_S)
    await send(_body(b"", more=False))


async def _is_welcome(readmit: Readmit) -> bool | None:
    """Whether the caller would be let in now; None while nobody can tell."""
    try:
        await readmit()
    except TryAgain:
        return None
    except (Refusal, HTTPException):
        return False
    except Exception:
        log.exception("whether a caller may go on watching could not be found out")
        return False
    return True


def _event(seen: SeenWallet) -> tuple[str, bytes]:
    """The id and the whole text of what tells of ``seen``.

    The version alone would do, but for a database that was put back: it counts up to it again.
    """
    told = msgspec.json.encode(wallet_view(seen.wallet))
    event_id = f"{seen.version}.{hashlib.sha256(told).hexdigest()[:16]}"
    return event_id, b"id: %s\nevent: balance\ndata: %s\n\n" % (event_id.encode(), told)


def _body(content: bytes, *, more: bool = True) -> Any:
    return {"type": "http.response.body", "body": content, "more_body": more}
