"""The demo's shop below ``/demo/``: its pages, and what these alone may ask for.

There a visitor becomes a seeded customer with a tap, and reads the staff's login. So these routes
are added by ``batua demo`` alone, which listens on 127.0.0.1, and answer nobody but the shop's own
pages, opened on this machine: whatever else asks, or comes through a proxy, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Response, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.handlers import BaseRouteHandler
from litestar.params import RawBody
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send

from batua.errors import Forbidden, NotFound
from batua.settings import Settings
from batua.wallets import Newcomer
from batua_api.auth import Scope as TokenScope
from batua_api.auth import issue_token
from batua_api.bodies import decode_body
from batua_api.frontend import FOLDER

__all__ = ["DEMO", "Provider", "StaffLogin", "demo_shop"]

DEMO = "/demo"
TOKEN_LIFE = timedelta(minutes=10)
"""The page fetches a new one when it is refused."""

POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

AnyConnection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[AnyConnection, BaseRouteHandler], None]


class Provider(msgspec.Struct, frozen=True):
    """A simulator, as the page shows it."""

    code: str
    name: str
    url: str
    has_books: bool


@dataclass(frozen=True, slots=True)
class StaffLogin:
    """Of whoever stands behind the counter."""

    user: str
    password: str = field(repr=False)


class _Visitor(msgspec.Struct, forbid_unknown_fields=True):
    customer: str


def demo_shop(
    settings: Settings,
    *,
    customers: Mapping[str, Newcomer],
    providers: tuple[Provider, ...],
    staff: StaffLogin,
) -> list[ControllerRouterHandler]:
    """The shop of these customers, at the ``public_url`` of the settings."""
    about = {
        "base": settings.public_url,
        "customers": [
            {"id": customer, "name": who.name, "phone": who.phone}
            for customer, who in customers.items()
        ],
        "providers": providers,
    }
    own_page = _own_page(settings.public_url)

    @get(f"{DEMO}/about.json", include_in_schema=False)
    async def tell() -> Response[dict[str, Any]]:
        """Who may come in, and which providers there are. No secret is in it."""
        return _unkept(about)

    @post(f"{DEMO}/session", guards=[own_page], status_code=200, include_in_schema=False)
    async def come_in(body: RawBody) -> Response[dict[str, Any]]:
        """A seeded customer's token, good for a few minutes."""
        customer = decode_body(body, _Visitor).customer
        if customer not in customers:
            raise NotFound("customer", customer)
        return _unkept(
            {"token": issue_token(settings, customer, TokenScope.CUSTOMER, None, ttl=TOKEN_LIFE)}
        )

    @post(f"{DEMO}/staff", guards=[own_page], status_code=200, include_in_schema=False)
    async def step_behind() -> Response[dict[str, Any]]:
        """The login that the demo has printed, too."""
        return _unkept({"url": "/admin/", "user": staff.user, "password": staff.password})

    return [to_the_shop, tell, come_in, step_behind, _pages()]


@get("/", include_in_schema=False)
async def to_the_shop() -> Redirect:
    """The shop is what a visitor is shown first."""
    return Redirect(f"{DEMO}/")


def _own_page(base: str) -> Guard:
    """Refuses whoever is not a page of ``base`` in a browser on this machine.

    A browser names a page's origin with every POST and lets no script change it; the host stops
    names that somebody points at 127.0.0.1.
    """
    host = urlsplit(base).netloc

    def guard(connection: AnyConnection, _: BaseRouteHandler) -> None:
        headers = connection.headers
        is_own = (
            _is_here(connection)
            and headers.getall("host", []) == [host]
            and headers.getall("origin", []) == [base]
            and not any(name in headers for name in FORWARDED)
        )
        if not is_own:
            raise Forbidden(
                "forbidden", f"The demo lets in its own page alone. Open {base}{DEMO}/ here."
            )

    return guard


def _is_here(connection: AnyConnection) -> bool:
    try:
        return connection.client is not None and ip_address(connection.client.host).is_loopback
    except ValueError:
        return False


def _pages() -> ControllerRouterHandler:
    return create_static_files_router(
        DEMO, [FOLDER / "demo"], html_mode=True, name="demo", middleware=[_guarded]
    )


def _guarded(app: ASGIApp) -> ASGIApp:
    """Pages load nothing from elsewhere, are framed by nobody, and are asked for anew."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders(message)
                headers["content-security-policy"] = POLICY
                headers["referrer-policy"] = "same-origin"
                headers["cache-control"] = "no-cache"
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        await app(scope, receive, send_on)

    return serve


def _unkept(content: dict[str, Any]) -> Response[dict[str, Any]]:
    return Response(content, headers={"cache-control": "no-store"})
