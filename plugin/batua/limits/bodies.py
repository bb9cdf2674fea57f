"""How deep a JSON body may nest, asked before anybody parses it."""

from __future__ import annotations

import re

from batua.errors import InvalidRequest

__all__ = ["JSON_DEPTH_MAX", "require_shallow"]

JSON_DEPTH_MAX = 64

# One that never ends is taken to its end: a search from each quote in it would never end either.
STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


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
