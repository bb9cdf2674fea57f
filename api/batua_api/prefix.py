"""Serve below a path, as in ``https://shop.example/pay/``, whether a proxy takes it off or not."""

from __future__ import annotations

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

__all__ = ["Prefixed"]


class Prefixed:
    """An app below ``prefix``, such as ``/pay``: it hears of every path with the prefix on it.

    Litestar takes ``root_path`` out of a path wherever it stands, so that one without it could
    lose something else: ``/pay`` out of ``/api/v1/orders/…/payments``.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix
        self._raw_prefix = prefix.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known: Any = scope
        if "path" in known:  # it has none where the app only starts or ends
            known["root_path"] = self._prefix
            if not self._is_below(known["path"]):
                known["path"] = self._prefix + known["path"]
                known["raw_path"] = self._raw_prefix + (known.get("raw_path") or b"")
        await self._app(scope, receive, send)

    def _is_below(self, path: str) -> bool:
        return path == self._prefix or path.startswith(f"{self._prefix}/")
