"""What is made to go wrong on purpose, and the middleware that spoils answers.

``429`` and ``500`` come before the effect; every other API fault comes after it, which is the
worse moment. ``slow_drip`` is the whole answer, but so slowly that only a limit on the whole call
ends it early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from litestar.types import ASGIApp, HTTPResponseBodyEvent, Message, Receive, Scope, Send

__all__ = ["ApiFault", "Broken", "FaultChange", "Faults", "Spoiling", "WebhookFaults"]

_JSON = b"application/json"
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_DRIP_S = 0.2


class WebhookFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``duplicate`` is the number of extra copies, sent at the same time; ``forge`` that of
    altered copies under the genuine signature. ``delay_s`` is in seconds. ``old_secret`` signs as
    before the secret was rotated, where the provider signs with one.
    """

    lose: bool = False
    duplicate: int = 0
    delay_s: float = 0.0
    reorder: bool = False
    forge: int = 0
    old_secret: bool = False


class ApiFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next ``times`` API answers whose path holds ``path`` go wrong."""

    next: Literal[
        "429",
        "500",
        "500_after_effect",
        "timeout_after_effect",
        "html",
        "connection_reset",
        "slow_drip",
    ]
    times: int = 1
    path: str = ""


class FaultChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts to set. Those left out stay as they are; none at all resets everything.

    A provider's own switches are further fields of a subclass, each ``UNSET`` by default.
    """

    webhooks: WebhookFaults | msgspec.UnsetType = msgspec.UNSET
    api: ApiFault | msgspec.UnsetType = msgspec.UNSET


class Faults:
    """The faults in force. They are not kept on disk: a restart heals.

    ``switches`` are a provider's own, by name with their defaults: ``faults["strict_receipts"]``.
    """

    def __init__(self, change: type[FaultChange] = FaultChange, **switches: Any) -> None:
        self.change_type = change
        self.stopping = asyncio.Event()
        self._defaults = switches
        self.reset()

    def reset(self) -> None:
        self.webhooks = WebhookFaults()
        self.api: ApiFault | None = None
        self._switches = dict(self._defaults)

    def __getitem__(self, switch: str) -> Any:
        return self._switches[switch]

    def change(self, change: FaultChange) -> None:
        if change == type(change)():
            self.reset()
        if change.webhooks is not msgspec.UNSET:
            self.webhooks = change.webhooks
        if change.api is not msgspec.UNSET:
            self.api = change.api if change.api.times > 0 else None
        for name in self._switches:
            value = getattr(change, name, msgspec.UNSET)
            if value is not msgspec.UNSET:
                self._switches[name] = value

    def shown(self) -> dict[str, object]:
        return {
            "webhooks": msgspec.to_builtins(self.webhooks),
            "api": msgspec.to_builtins(self.api),
            **self._switches,
        }

    def take(self, path: str) -> str | None:
        """The fault for this request, which is then used up once."""
        fault = self.api
        if fault is None or fault.path not in path:
            return None
        left = fault.times - 1
        self.api = msgspec.structs.replace(fault, times=left) if left else None
        return fault.next


@dataclass(frozen=True, slots=True)
class Broken:
    """How a provider words its troubles: JSON bodies of a 500 and of a 429.

    ``hanging`` is told of a request while its answer hangs, and again once it is over.
    """

    trouble: bytes
    too_many: bytes
    hanging: Callable[[Scope, bool], None] = lambda _scope, _hangs: None


class Spoiling:
    """``app`` whose API answers go wrong when ``faults`` say so. ``is_api`` judges a path.

    ``hang_s`` is how long a timed-out or dripping answer takes, unless its reader gives up first.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        broken: Broken,
        *,
        hang_s: float,
        is_api: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._faults = faults
        self._broken = broken
        self._hang_s = hang_s
        self._is_api = is_api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        fault = self._faults.take(path) if self._is_api(path) else None
        if fault is None:
            await self._app(scope, receive, send)
        elif fault == "429":
            await _answer(send, 429, self._broken.too_many, _JSON)
        elif fault == "500":
            await _answer(send, 500, self._broken.trouble, _JSON)
        else:
            answer: list[Message] = []
            await self._app(scope, receive, _kept_in(answer))
            await self._spoil(fault, answer, scope, receive, send)

    async def _spoil(
        self, fault: str, answer: list[Message], scope: Scope, receive: Receive, send: Send
    ) -> None:
        match fault:
            case "500_after_effect":
                await _answer(send, 500, self._broken.trouble, _JSON)
            case "html":
                await _answer(send, 200, _HTML, b"text/html")
            case "connection_reset":
                await _cut(send)
            case "slow_drip":
                await self._drip(answer, receive, send)
            case _:
                await self._hang(scope, receive)
                await _answer(send, 504, _HTML, b"text/html")

    async def _hang(self, scope: Scope, receive: Receive) -> None:
        self._broken.hanging(scope, True)
        try:
            await self._is_left_within(self._hang_s, receive)
        finally:
            self._broken.hanging(scope, False)

    async def _drip(self, answer: list[Message], receive: Receive, send: Send) -> None:
        """One byte after another, each in time for a reader's timeout, and at last the rest."""
        start, *bodies = answer
        body = b"".join(
            message["body"] for message in bodies if message["type"] == "http.response.body"
        )
        await send(start)
        sent = 0
        while sent < min(len(body) - 1, int(self._hang_s / _DRIP_S)):
            await send(_part(body[sent : sent + 1], more=True))
            sent += 1
            if await self._is_left_within(_DRIP_S, receive):
                break
        await send(_part(body[sent:], more=False))

    async def _is_left_within(self, wait_s: float, receive: Receive) -> bool:
        """Wait, unless the reader goes away or the simulator stops: then at once and true."""
        waits = {
            asyncio.ensure_future(_disconnected(receive)),
            asyncio.ensure_future(self._faults.stopping.wait()),
        }
        try:
            done, _ = await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        return bool(done)


def _kept_in(answer: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        answer.append(message)

    return keep


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(_part(body, more=False))


async def _cut(send: Send) -> None:
    # More is promised than is sent, and the app ends: the server can only cut the connection.
    headers = [(b"content-type", _JSON), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send(_part(b'{"id":', more=True))


def _part(body: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}
