"""The middleware in front of the API: rate limits, authentication and scopes.

A call is counted for its address whether or not its token is good, so that guessing tokens is
limited too; for its caller, and for its route where that has a limit of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from batua.audit import Act, Actor, start_acting
from batua.errors import InvalidRequest
from batua.following import follow
from batua.limits import ClientAddresses, RateLimits
from batua_api.auth import Authenticator, Principal, Role, require_allowed, unauthorized
from batua_api.event_stream import READMIT
from batua_api.hosting import FindCustomer, find_host_customer
from batua_api.rates import Rates, address_of
from batua_api.straight import call_straight, header_of, may_go_straight

__all__ = ["Gatekeeper", "gatekeeper"]

QUERY_BYTES_MAX = 4096
"""Our longest query is a cursor with a few filters."""
HOST_EVERY = 15
"""Of so many times that the caller of a stream is judged again, a host's function is asked once."""
_BY_HOST = "batua_by_host"

READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gatekeeper:
    """Lets a request in. A route with ``opt={"is_public": True}`` needs no token."""

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        rates: Rates | None,
        addresses: ClientAddresses,
        find_customer: FindCustomer | None,
    ) -> None:
        self.app = app
        self._authenticator = authenticator
        self._rates = rates
        self._addresses = addresses
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
        if len(scope["query_string"]) > QUERY_BYTES_MAX:
            raise InvalidRequest(f"The query is longer than {QUERY_BYTES_MAX} bytes.")
        handler = scope["route_handler"]
        options = handler.opt
        rates = None if options.get("is_unlimited") else self._rates
        principal = None
        try:
            if not options.get("is_public"):
                principal = await self._caller(scope)
        finally:
            if rates is not None:
                limits: RateLimits = scope["litestar_app"].state.batua.rate_limits
                await limits.admit(*rates.of(scope, handler, principal))
        if principal is None:
            return
        require_allowed(principal, options)
        await self._authenticator.require_enabled(principal)
        scope["user"] = principal
        if options.get("is_stream"):
            scope["state"][READMIT] = self._readmission(scope)
        follow(principal=principal.actor)
        if principal.role is not None and scope["method"] not in READS:
            start_acting(self._act(principal, principal.role, scope))

    def _act(self, principal: Principal, role: Role, scope: Any) -> Act:
        """What staff do here: it is entered in the audit log beside what it changes."""
        actor = Actor(name=principal.actor, role=role, address=address_of(self._addresses, scope))
        about = next(iter(scope["path_params"].items()), None)
        return Act(
            id=scope["litestar_app"].state.batua.new_id("aud"),
            actor=actor,
            word=scope["route_handler"].operation_id,
            subject=f"{about[0].removesuffix('_id')}:{about[1]}" if about else "",
        )

    def _readmission(self, scope: Any) -> Callable[[], Awaitable[None]]:
        """What judges the caller of an answer that goes on, again and again.

        Raises what a new request would be refused with. It is not counted, and a host is asked
        more seldom: its function may have to look somewhere.
        """
        admitted: Principal = scope["user"]
        times = count(1)

        async def readmit() -> None:
            is_asked = not scope["state"].get(_BY_HOST) or next(times) % HOST_EVERY == 0
            if is_asked and await self._caller(scope) != admitted:
                raise unauthorized("Somebody else is signed in by now.")
            await self._authenticator.require_enabled(admitted)

        return readmit

    async def _caller(self, scope: Any) -> Principal:
        if self._find_customer is not None:
            customer = await find_host_customer(self._find_customer, scope)
            if customer is not None:
                scope["state"][_BY_HOST] = True
                return customer
        return await self._authenticator.authenticate(header_of(scope, b"authorization"))


def gatekeeper(
    authenticator: Authenticator,
    rates: Rates | None,
    addresses: ClientAddresses,
    find_customer: FindCustomer | None = None,
) -> Any:
    """The middleware factory that Litestar wants."""

    def build(app: ASGIApp) -> Gatekeeper:
        return Gatekeeper(app, authenticator, rates, addresses, find_customer)

    return build
