"""What is seen of every request: an id that follows it, its real status, and how long it took.

A middleware sees a request begin.  What becomes of one that fails is decided behind every
middleware, so its end is seen where the app sends: there a 429 is a 429.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from batua.clock import NewId, new_id
from batua.following import start_following
from batua.redaction import has_card_number
from batua_api.metrics import Metrics
from batua_api.straight import header_of
from batua_api.tracing import RequestSpan

__all__ = ["REQUEST_ID", "Observer"]

REQUEST_ID = "X-Request-Id"
API = "/api/v1/"
NO_ROUTE = "(none)"
NO_ANSWER = 499
"""The status of a request whose client went away before it was answered."""

_SEEN = "batua_seen"
_HEADER = REQUEST_ID.lower().encode()
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    request_id: str
    began: float
    span: RequestSpan
    status: int = 0


class Observer:
    """Watches the requests of one app: ``middleware`` their beginning, ``see_sent`` their end."""

    def __init__(self, metrics: Metrics, *, new_id: NewId = new_id) -> None:
        self._metrics = metrics
        self._new_id = new_id

    @property
    def middleware(self) -> Any:
        """The outermost of the API's, and of the panel's."""

        # A function: Litestar copies whatever else stands among its layers.
        def build(app: ASGIApp) -> ASGIApp:
            async def observed(scope: Scope, receive: Receive, send: Send) -> None:
                if scope["type"] == ScopeType.HTTP:
                    await self._observe(app, scope, receive, send)
                else:
                    await app(scope, receive, send)

            return observed

        return build

    async def _observe(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        seen = self._begin(scope)
        with seen.span:
            await app(scope, receive, send)
        # What it raised is answered further out; else it has been, or nobody waits for it.
        if not seen.status:
            self._end(scope, seen, NO_ANSWER)

    async def see_sent(self, message: Any, scope: Any) -> None:
        """What the app sends. Of a host's own requests nothing is noted."""
        if message["type"] != "http.response.start":
            return
        seen: _Seen | None = scope["state"].get(_SEEN)
        if seen is None:
            # Documentation is answered past our door too.
            if message["status"] in {404, 405} and scope["path"].startswith(API):
                self._metrics.request_answered(NO_ROUTE, scope["method"], message["status"])
        elif not seen.status:
            message["headers"] = [*message["headers"], (_HEADER, seen.request_id.encode())]
            self._end(scope, seen, message["status"])

    def _begin(self, scope: Any) -> _Seen:
        sent = header_of(scope, _HEADER)
        is_sane = bool(sent) and _SANE.fullmatch(sent) is not None and not has_card_number(sent)
        request_id = sent if is_sane else self._new_id("req")
        start_following(request_id=request_id)
        span = self._metrics.tracer.request(scope["method"], _route_of(scope), request_id)
        seen = scope["state"][_SEEN] = _Seen(request_id, time.perf_counter(), span)
        return seen

    def _end(self, scope: Any, seen: _Seen, status: int) -> None:
        seen.status = status
        took_s = time.perf_counter() - seen.began
        method, route = str(scope["method"]), _route_of(scope)
        self._metrics.request_answered(route, method, status, took_s)
        seen.span.end(status)
        if log.isEnabledFor(logging.DEBUG):
            told = {"method": method, "route": route, "status": status}
            log.debug("request_answered", extra={**told, "took_ms": round(took_s * 1000, 1)})


def _route_of(scope: Any) -> str:
    """As it was declared, so that an id in it makes no route of its own."""
    return scope.get("path_template") or "/admin"
