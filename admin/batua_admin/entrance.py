"""What a request passes before the panel sees it: a body and a query that it can take."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from batua.errors import InvalidRequest
from batua.limits import BodyTooLarge, read_body, require_shallow

__all__ = ["Entrance"]

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
FORM = re.compile(r"/api/forms/(?!grouped/)[^/]+/")
"""Where Piccolo takes whatever it gets for a JSON object, and raises."""


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Entrance:
    """Stands before the panel of one shop. ``is_secure`` is for one that is reached by https."""

    def __init__(self, panel: ASGIApp, *, is_secure: bool) -> None:
        self.app = panel
        self._is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if self._is_secure:
            # TLS ends before us: by this Piccolo looks where a form was sent from.
            scope["scheme"] = "https"
        send = self._setting_cookies(scope, send)
        if b"%00" in scope["query_string"]:  # no text in a database has it
            await _refuse(_Refused(400, "There is no text with a zero byte."), send)
            return
        if scope["method"] in WITHOUT_BODY:
            await self.app(scope, receive, send)
            return
        try:
            body = await _read(scope, receive)
            if body is None:
                return  # the browser went away before it had said what it wants
            if scope["method"] == "POST" and FORM.fullmatch(_below_root(scope)):
                _require_object(body)
        except _Refused as refused:
            await _refuse(refused, send)
        else:
            await self.app(scope, _replay(body, receive), send)

    def _setting_cookies(self, scope: HTTPScope, send: Send) -> Send:
        """Piccolo gives its CSRF token to the whole site, and over http too."""
        ours = f"; Path={scope.get('root_path', '')}/" + ("; Secure" if self._is_secure else "")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (name, value.replace(b"; Path=/;", ours.encode() + b";"))
                    if name == b"set-cookie" and value.startswith(b"csrftoken=")
                    else (name, value)
                    for name, value in message["headers"]
                ]
                message = {**message, "headers": headers}
            await send(message)

        return sending


def _content_types(scope: HTTPScope) -> list[bytes]:
    headers = scope["headers"]
    return [value.strip().lower() for name, value in headers if name == b"content-type"]


async def _read(scope: HTTPScope, receive: Receive) -> bytes | None:
    if any(kind.startswith(b"multipart/") for kind in _content_types(scope)):
        raise _Refused(415, "The panel takes no files.")
    try:
        body = await read_body(receive)
        require_shallow(body or b"")
    except BodyTooLarge as large:
        raise _Refused(413, str(large)) from None
    except InvalidRequest as deep:
        raise _Refused(400, str(deep)) from None
    return body


def _below_root(scope: HTTPScope) -> str:
    return scope["path"].removeprefix(scope.get("root_path", ""))


def _require_object(body: bytes) -> None:
    try:
        decoded = msgspec.json.decode(body.decode())
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = None
    if not isinstance(decoded, dict):
        raise _Refused(400, "Send a JSON object.")


def _replay(body: bytes, receive: Receive) -> Receive:
    """What was read, once more; then whatever the browser says after it."""
    message: Any = {"type": "http.request", "body": body, "more_body": False}
    unread = [message]

    async def received() -> Any:
        return unread.pop() if unread else await receive()

    return received


async def _refuse(refused: _Refused, send: Send) -> None:
    body = msgspec.json.encode({"detail": str(refused)})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]
    start: Message = {
        "type": "http.response.start", "status": refused.status, "headers": headers,
    }  # fmt: skip
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
