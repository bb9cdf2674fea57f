"""Which rates a call counts under: its address's, its caller's and its route's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from litestar import Controller
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope as Connection

from batua.errors import ConfigurationError
from batua.limits import ClientAddresses, Rate
from batua.settings import Settings
from batua_api.auth import Principal, Scope

__all__ = ["Rates", "address_of"]


class Rates:
    """What the settings say. Raises ``ConfigurationError`` for a route that there is not."""

    def __init__(
        self, settings: Settings, addresses: ClientAddresses, nouns: Sequence[type[Controller]]
    ) -> None:
        self._addresses = addresses
        self._address = Rate("address", settings.rate_limit_address)
        self._caller = Rate("caller", settings.rate_limit_customer)
        self._service = Rate("caller", settings.rate_limit_service)
        self._routes = dict(_route_rates(settings.rate_limit_routes, set(_limited(nouns))))

    def of(
        self, connection: Connection, handler: Any, principal: Principal | None
    ) -> list[tuple[Rate, str]]:
        """What is counted of a call, and for whom. ``principal`` is None of a stranger."""
        address = address_of(self._addresses, connection)
        counted = [(self._address, address)]
        if principal is not None:
            rate = self._service if principal.scope is Scope.SERVICE else self._caller
            counted.append((rate, principal.actor))
        route = self._routes.get(handler.operation_id)
        if route is not None:
            counted.append((route, address if principal is None else principal.actor))
        return counted


def address_of(addresses: ClientAddresses, connection: Connection) -> str:
    """Where a call comes from, behind whichever proxies are trusted."""
    client: Any = connection["client"]
    return addresses.find(client[0] if client else None, connection["headers"])


def _limited(nouns: Sequence[type[Controller]]) -> Iterator[str]:
    for noun in nouns:
        if not vars(noun).get("opt", {}).get("is_unlimited"):
            handlers = (each for each in vars(noun).values() if isinstance(each, HTTPRouteHandler))
            yield from (str(handler.operation_id) for handler in handlers)


def _route_rates(told: str, known: set[str]) -> Iterator[tuple[str, Rate]]:
    for part in filter(None, (part.strip() for part in told.split(","))):
        route, _, most = (piece.strip() for piece in part.partition("="))
        if not (most.isascii() and most.isdigit() and int(most)):
            raise ConfigurationError(
                f"BATUA_RATE_LIMIT_ROUTES: {part!r} must be a route, = and how often a minute"
            )
        if route not in known:
            raise ConfigurationError(
                f"BATUA_RATE_LIMIT_ROUTES: there is no route {route!r} with limits; those are "
                f"{', '.join(sorted(known))}"
            )
        yield route, Rate(f"route {route}", int(most))
