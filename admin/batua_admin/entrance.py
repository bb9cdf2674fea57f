"""What a request passes before the panel sees it: a body that it can take, and a place in line.

Piccolo counts logins in each process by itself, and says nobody when to come back: here they are
counted by all processes together, by address and by the name that is tried.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from piccolo_api.rate_limiting.middleware import RateLimitProvider

from batua.errors import InvalidRequest, RateLimited
from batua.limits import (
    BodyTooLarge,
    ClientAddresses,
    Rate,
    RateLimits,
    read_body,
    require_shallow,
)
from batua.settings import Settings

__all__ = ["Entrance", "Unlimited"]

WINDOW_S = 300
WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
CHECKS_A_PASSWORD = ("/public/login", "/api/change-password")
"""What begins with these, below the panel's own address."""


class Unlimited(RateLimitProvider):
    """In the place of Piccolo's own: whoever gets to it was counted before."""

    def increment(self, identifier: str) -> None:
        """Nothing to count."""


class _Login(msgspec.Struct):
    username: str = ""


class _Refused(Exception):
    def __init__(self, status: int, sentence: str, retry_after_s: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after_s = retry_after_s


class Entrance:
    """Stands before the panel of one shop."""

    def __init__(
        self, panel: ASGIApp, settings: Settings, limits: RateLimits, addresses: ClientAddresses
    ) -> None:
        self._panel = panel
        self._limits = limits
        self._addresses = addresses
        self._name = Rate("login name", settings.login_limit_name, WINDOW_S, "logins")
        self._address = Rate("login address", settings.login_limit_address, WINDOW_S, "logins")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._panel(scope, receive, send)
            return
        if scope["method"] in WITHOUT_BODY:
            await self._look(scope, receive, send)
            return
        try:
            body = await _read(scope, receive)
            if body is None:
                return  # the browser went away before it had said what it wants
            if _checks_a_password(scope):
                await self._count_login(scope, body)
        except _Refused as refused:
            await _refuse(refused, send)
        else:
            await self._panel(scope, _replay(body, receive), send)

    async def _look(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """What can't be looked for is a mistake of whoever asks: Piccolo raises, unanswered."""
        query = scope["query_string"]
        if b"%00" in query:  # no text in a database has it
            await _refuse(_Refused(400, "There is no text with a zero byte."), send)
            return
        try:
            await self._panel(scope, receive, send)
        except ValueError:
            if b"__order=" not in query:
                raise
            await _refuse(_Refused(400, "There is no such column to order by."), send)

    async def _count_login(self, scope: HTTPScope, body: bytes) -> None:
        """Count the name that Piccolo will try: so it must have one way to read it, and the same.

        It would read a form as well, and of two types take the first.
        """
        kinds = _content_types(scope)
        if len(kinds) != 1 or kinds[0].partition(b";")[0].strip() != b"application/json":
            raise _Refused(415, "Send the content type application/json, once.")
        try:
            name = msgspec.json.decode(body.decode(), type=_Login).username
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Refused(400, "Send a JSON object with username and password.") from None
        client: Any = scope["client"]
        address = self._addresses.find(client[0] if client else None, scope["headers"])
        counted = [(self._address, address)] + ([(self._name, name)] if name else [])
        try:
            await self._limits.admit(*counted)
        except RateLimited as limited:
            raise _Refused(429, str(limited), limited.retry_after_s) from None


def _checks_a_password(scope: HTTPScope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.startswith(CHECKS_A_PASSWORD)


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
    if refused.retry_after_s:
        headers.append((b"retry-after", b"%d" % refused.retry_after_s))
    start: Message = {
        "type": "http.response.start", "status": refused.status, "headers": headers,
    }  # fmt: skip
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
