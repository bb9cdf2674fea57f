"""The middleware in front of the API: rate limits, authentication and scopes.

Calls from one address are counted before their token is looked at, so that guessing tokens is
limited too.  The counts are this process's own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from litestar.enums import ScopeType
from litestar.exceptions import TooManyRequestsException
from litestar.types import ASGIApp, Receive, Scope, Send

from batua.clock import Clock
from batua.errors import InvalidRequest
from batua_api.auth import Authenticator, Principal, require_allowed
from batua_api.hosting import FindCustomer, find_host_customer
from batua_api.straight import call_straight, header_of, may_go_straight

__all__ = ["Gatekeeper", "RateLimiter", "gatekeeper"]

WINDOW_S = 60
PER_CUSTOMER = 600
PER_ADDRESS = 6_000


class RateLimiter:
    """Counts calls per minute and caller."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._window = 0
        self._counts: defaultdict[str, int] = defaultdict(int)

    def count(self, caller: str, limit: int) -> None:
        """Count one call. Raises ``TooManyRequestsException`` with ``Retry-After`` (seconds)."""
        moment = self._now().timestamp()
        window = int(moment // WINDOW_S)
        if window != self._window:
            self._window = window
            self._counts.clear()
        self._counts[caller] += 1
        if self._counts[caller] > limit:
            wait_s = math.ceil((window + 1) * WINDOW_S - moment)
            raise TooManyRequestsException(
                f"More than {limit} requests in a minute. Try again in {wait_s} seconds.",
                headers={"Retry-After": str(wait_s)},
            )


class Gatekeeper:
    """Lets a request in. A route with ``opt={"is_public": True}`` needs no token."""

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        limiter: RateLimiter | None,
        find_customer: FindCustomer | None,
    ) -> None:
        self.app = app
        self._authenticator = authenticator
        self._limiter = limiter
        self._find_customer = find_customer
        self._straight: dict[int, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._admit(scope)
            handler = scope["route_handler"]
            if self._goes_straight(handler):
                await call_straight(handler.fn, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _goes_straight(self, handler: Any) -> bool:
        known = self._straight.get(id(handler))
        if known is None:  # a route's handlers live as long as the app
            known = self._straight[id(handler)] = may_go_straight(handler)
        return known

    async def _admit(self, scope: Any) -> None:
        path = scope["path"]
        if "\0" in path or "\ufffd" in path or b"%00" in scope["query_string"]:
            # PostgreSQL can't compare NUL, and invalid UTF-8 would make two ids into one.
            raise InvalidRequest("The address has a character in it that no id of ours has.")
        options = scope["route_handler"].opt
        limiter = None if options.get("is_unlimited") else self._limiter
        if limiter is not None:
            client = scope.get("client")
            limiter.count(f"address {client[0] if client else ''}", PER_ADDRESS)
        if options.get("is_public"):
            return
        principal = await self._caller(scope)
        if limiter is not None:
            limiter.count(principal.actor, PER_CUSTOMER)
        require_allowed(principal, options)
        await self._authenticator.require_enabled(principal)
        scope["user"] = principal

    async def _caller(self, scope: Any) -> Principal:
        if self._find_customer is not None:
            customer = await find_host_customer(self._find_customer, scope)
            if customer is not None:
                return customer
        return await self._authenticator.authenticate(header_of(scope, b"authorization"))


def gatekeeper(
    authenticator: Authenticator,
    limiter: RateLimiter | None,
    find_customer: FindCustomer | None = None,
) -> Any:
    """The middleware factory that Litestar wants."""

    def build(app: ASGIApp) -> Gatekeeper:
        return Gatekeeper(app, authenticator, limiter, find_customer)

    return build
