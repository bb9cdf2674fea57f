"""How long a body may be, and how deep its JSON may nest, asked before anybody parses it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from batua.errors import InvalidRequest

__all__ = ["BODY_BYTES_MAX", "JSON_DEPTH_MAX", "BodyTooLarge", "read_body", "require_shallow"]

BODY_BYTES_MAX = 1_000_000
JSON_DEPTH_MAX = 64

# One that never ends is taken to its end: a search from each quote in it would never end either.
STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class BodyTooLarge(Exception):
    """More than ``BODY_BYTES_MAX`` bytes came. What comes after them is not read."""

    def __init__(self) -> None:
        super().__init__(f"The body is larger than {BODY_BYTES_MAX} bytes.")


async def read_body(receive: Callable[[], Awaitable[Any]]) -> bytes | None:
    """All of a request's body, as ASGI hands it out; None where the client went away before.

    Raises ``BodyTooLarge``.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge
        if not message.get("more_body"):
            return bytes(body)


def require_shallow(body: bytes) -> None:
    """Refuse a body that nests deeper than any of ours: parsers recurse, and fail badly.

    What nests wrongly is not told apart. Raises ``InvalidRequest``.
    """
    if body.count(b"[") + body.count(b"{") <= JSON_DEPTH_MAX:
        return
    brackets = STRINGS.sub(b"", body).translate(None, NOT_BRACKETS)
    for _ in range(JSON_DEPTH_MAX):  # each turn takes the innermost pairs away, and all in C
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return
    raise InvalidRequest(f"The body is not JSON, or nests deeper than {JSON_DEPTH_MAX}.")
