"""Put the panel into a Litestar app.

Litestar strips a mount's prefix and normalizes the path; the panel's single page needs its
trailing slash and its links need ``root_path``.  So both are put back from the raw path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LazyPanel", "panel_handler"]

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'%s; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    b"frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)
INLINE_STYLES = b" 'unsafe-inline'"
"""Piccolo's page makes some of its styles in the browser, and no nonce reaches all of them."""
STYLED_BY_FILES = "/pages/"
"""Ours have theirs in files."""

HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
)
"""On every answer, with the policy. Strict-Transport-Security is for whoever ends TLS."""

NOT_KEPT = (b"cache-control", b"no-store")
"""On all that says anything of the shop: a browser keeps none of it."""
KEPT = "/assets/"
"""What is named by its contents, and the same for everybody."""

Headers = tuple[tuple[bytes, bytes], ...]

log = logging.getLogger(__name__)


class LazyPanel:
    """A panel that ``build`` makes when somebody first comes.

    Making it takes a second of a processor, and most processes are never asked for it.
    """

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._building = asyncio.Lock()
        self._panel: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        panel = self._panel or await self._first()
        await panel(scope, receive, send)

    async def _first(self) -> ASGIApp:
        async with self._building:
            if self._panel is None:
                # In a thread: payments go on meanwhile.
                self._panel = await asyncio.to_thread(self._build)
            return self._panel


def panel_handler(path: str = "/admin") -> ASGIRouteHandler:
    """The route of the panel that the app's start put into ``app.state.batua_panel``."""

    # A host's own login and CSRF guard leave the panel to its own (by Litestar's names).
    opt = {"exclude_from_auth": True, "exclude_from_csrf": True}

    @asgi(path, is_mount=True, copy_scope=True, opt=opt)
    async def panel(scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = scope["litestar_app"].state.batua_panel
        sent = _sent_path(scope)
        root = scope.get("root_path", "").rstrip("/")
        answering = _Answering(send, _headers(sent.removeprefix(f"{root}{path}")))
        if sent == f"{root}{path}":
            await _redirect(f"{sent}/", scope, receive, answering)
            return
        inner: Any = {**scope, "path": sent, "root_path": f"{root}{path}"}
        try:
            await app(inner, receive, answering)
        except Exception:
            # Answered here: what answers further out knows nothing of these headers.
            log.exception("the panel failed at %s %s", scope.get("method"), sent)
            if answering.has_begun:
                raise
            await _fail(scope, receive, answering)

    return panel


class _Answering:
    """A panel's way to its browser: it puts our headers on whatever is answered."""

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send = send
        self._headers = headers
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            ours = {name for name, _ in self._headers}
            theirs = [each for each in message.get("headers", []) if each[0].lower() not in ours]
            message = {**message, "headers": [*theirs, *self._headers]}
        await self._send(message)


def _headers(below: str) -> Headers:
    """Ours for what is at ``below`` in the panel."""
    styles = b"" if below.startswith(STYLED_BY_FILES) else INLINE_STYLES
    kept = () if below.startswith(KEPT) else (NOT_KEPT,)
    return ((b"content-security-policy", POLICY % styles), *HEADERS, *kept)


def _sent_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return unquote(raw.partition(b"?")[0].decode("latin-1"))


async def _redirect(target: str, scope: Scope, receive: Receive, send: Send) -> None:
    response = ASGIResponse(status_code=307, headers={"location": target})
    await response(scope, receive, send)


async def _fail(scope: Scope, receive: Receive, send: Send) -> None:
    response = ASGIResponse(
        status_code=500,
        body=b'{"detail": "Something went wrong here. It is in the server\'s log."}',
        media_type="application/json",
    )
    await response(scope, receive, send)
