"""The short way to a handler that takes a raw body and answers with bytes, and back.

Between its router and a handler Litestar injects dependencies, models the handler's signature and
converts what it returns.  Routes that move money need none of it, and it took a fifth of the time
that Python has for a payment: they are marked ``STRAIGHT``, and the gatekeeper calls them itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from batua.limits import BODY_BYTES_MAX, BodyTooLarge, read_body

__all__ = ["STRAIGHT", "call_straight", "header_of", "may_go_straight"]

STRAIGHT = {"is_straight": True}
"""A route's ``opt``. Its handler takes ``request``, ``body`` and what the path names as text, and
returns a ``Response[bytes]`` with a media type, and without cookies or background tasks."""

Handler = Callable[..., Awaitable[Response[bytes]]]


def may_go_straight(handler: Any) -> bool:
    """Whether ``handler`` is marked, and nobody wants anything done around it.

    A host may guard all routes of its app, add headers to all answers or look at them: then its
    handlers are called as Litestar calls them.
    """
    return (
        isinstance(handler, HTTPRouteHandler)
        and bool(handler.opt.get("is_straight"))
        and not handler.resolve_guards()
        and not handler.resolve_before_request()
        and not handler.resolve_after_response()
        and not any(layer.after_request for layer in handler.ownership_layers)
        and not handler.resolve_response_headers()
        and not handler.resolve_response_cookies()
    )


async def call_straight(handler: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with what ``handler`` returns. What it raises is left to be handled."""
    body = await _read(scope, receive)
    if body is None:
        return  # the client went away before it had said what it wants
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    response = await handler(request=request, body=body, **scope["path_params"])
    content = response.content
    headers = [
        (b"content-type", (response.media_type or "application/json").encode()),
        (b"content-length", b"%d" % len(content)),
    ]
    if response.headers:
        named = response.headers.items()
        headers += [(name.lower().encode(), value.encode()) for name, value in named]
    status = response.status_code or 200
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})


def header_of(scope: Scope, name: bytes) -> str:
    """A request's header, or an empty string. ``name`` is in lower case, as servers give them."""
    for known, value in scope["headers"]:
        if known == name:
            return value.decode("latin-1")
    return ""


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body. Raises ``RequestEntityTooLarge`` and ``ClientException``."""
    announced = header_of(scope, b"content-length")
    if announced and not (announced.isascii() and announced.isdigit()):
        raise ClientException(f"Invalid content-length: {announced!r}")
    if announced and int(announced) > BODY_BYTES_MAX:
        raise RequestEntityTooLarge
    state = ScopeState.from_scope(scope)
    if state.body is Empty:
        try:
            body = await read_body(receive)
        except BodyTooLarge:
            raise RequestEntityTooLarge from None
        if body is None:
            return None
        state.body = body
    elif len(state.body) > BODY_BYTES_MAX:  # a host's middleware has read it
        raise RequestEntityTooLarge
    return state.body
