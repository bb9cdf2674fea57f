"""What is made to go wrong on purpose, and the middleware that spoils answers.

``429`` comes before the effect; every other API fault comes after it, which is the worse moment.
"""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ApiFault", "FaultChange", "Faults", "WebhookFaults", "spoiling"]

_JSON = b"application/json"
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_TOO_MANY = (
    b'{"error":{"code":"BAD_REQUEST_ERROR","description":"Request failed",'
    b'"source":"NA","step":"NA","reason":"NA","metadata":{}}}'
)
_BROKEN = b'{"error":{"code":"SERVER_ERROR","description":"We are facing some trouble"}}'


class WebhookFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``duplicate`` is the number of extra copies, sent at the same time. ``delay_s`` seconds."""

    lose: bool = False
    duplicate: int = 0
    delay_s: float = 0.0
    reorder: bool = False


class ApiFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next ``times`` API answers whose path holds ``path`` go wrong."""

    next: Literal["500_after_effect", "timeout_after_effect", "429", "html", "connection_reset"]
    times: int = 1
    path: str = ""


class FaultChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts to set. Those left out stay as they are; none at all resets everything."""

    webhooks: WebhookFaults | msgspec.UnsetType = msgspec.UNSET
    api: ApiFault | msgspec.UnsetType = msgspec.UNSET
    strict_receipts: bool | msgspec.UnsetType = msgspec.UNSET
    refund_outcome: Literal["processed", "pending", "failed"] | msgspec.UnsetType = msgspec.UNSET


class Faults:
    """The faults in force. They are not kept on disk: a restart heals."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.keys_in_progress: set[str] = set()
        self.reset()

    def reset(self) -> None:
        self.webhooks = WebhookFaults()
        self.api: ApiFault | None = None
        self.strict_receipts = False
        self.refund_outcome = "processed"

    def change(self, change: FaultChange) -> None:
        if change == FaultChange():
            self.reset()
        if change.webhooks is not msgspec.UNSET:
            self.webhooks = change.webhooks
        if change.api is not msgspec.UNSET:
            self.api = change.api if change.api.times > 0 else None
        if change.strict_receipts is not msgspec.UNSET:
            self.strict_receipts = change.strict_receipts
        if change.refund_outcome is not msgspec.UNSET:
            self.refund_outcome = change.refund_outcome

    def shown(self) -> dict[str, object]:
        return {
            "webhooks": msgspec.to_builtins(self.webhooks),
            "api": msgspec.to_builtins(self.api),
            "strict_receipts": self.strict_receipts,
            "refund_outcome": self.refund_outcome,
        }

    def take(self, path: str) -> str | None:
        """The fault for this request, which is then used up once."""
        fault = self.api
        if fault is None or fault.path not in path:
            return None
        left = fault.times - 1
        self.api = msgspec.structs.replace(fault, times=left) if left else None
        return fault.next


def spoiling(app: ASGIApp, faults: Faults, hang_s: float) -> ASGIApp:
    """``app`` whose API answers go wrong when ``faults`` say so."""

    async def spoiled(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        is_api = "/v1/" in path and not path.endswith("/checkout")
        fault = faults.take(path) if is_api else None
        if fault is None:
            await app(scope, receive, send)
        elif fault == "429":
            await _answer(send, 429, _TOO_MANY, _JSON)
        else:
            await app(scope, receive, _drop)
            await _spoil(fault, scope, receive, send)

    async def _spoil(fault: str, scope: Scope, receive: Receive, send: Send) -> None:
        match fault:
            case "500_after_effect":
                await _answer(send, 500, _BROKEN, _JSON)
            case "html":
                await _answer(send, 200, _HTML, b"text/html")
            case "connection_reset":
                await _cut(send)
            case _:
                await _hang(scope, receive)
                await _answer(send, 504, _HTML, b"text/html")

    async def _hang(scope: Scope, receive: Receive) -> None:
        key = dict(scope["headers"]).get(b"x-refund-idempotency", b"").decode("latin-1")
        # While an answer is owed, Razorpay calls the same key in progress.
        faults.keys_in_progress |= {key} if key else set()
        waits = {
            asyncio.ensure_future(_disconnected(receive)),
            asyncio.ensure_future(faults.stopping.wait()),
        }
        try:
            await asyncio.wait(waits, timeout=hang_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            faults.keys_in_progress.discard(key)
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    return spoiled


async def _drop(_message: Message) -> None:
    """The effect is kept and the answer is not."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _cut(send: Send) -> None:
    # More is promised than is sent, and the app ends: the server can only cut the connection.
    headers = [(b"content-type", _JSON), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"id":', "more_body": True})
