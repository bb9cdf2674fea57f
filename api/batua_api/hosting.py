"""A host's own login, as Batua sees it: who among the shop's customers is calling.

``BatuaPlugin(authenticate=…)`` gets a function of the host's that looks at a request and names the
customer whom the host has signed in, or nobody.  A customer is all that can come of it: staff and
services always show a token of ours, whatever a host's function returns.
"""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.types import HTTPScope

from batua.errors import Forbidden
from batua.wallets import require_customer_id
from batua_api.auth import Principal, Scope
from batua_api.straight import header_of

__all__ = ["FindCustomer", "find_host_customer"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class FindCustomer(Protocol):
    """Names the customer whom the host has signed in on this request, or None for nobody.

    Then a token of ours is asked for. It may raise an ``HTTPException`` to refuse the request; with
    anything else that it raises the request fails, and nobody is let in.
    """

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], /) -> str | None: ...


async def find_host_customer(find: FindCustomer, scope: HTTPScope) -> Principal | None:
    """The host's customer, never anybody of more rights.

    Raises ``Forbidden`` (``cross_origin``) for a change that another site's page has sent along
    with the host's cookie, and ``TypeError`` where the host names its customer by no text.
    """
    customer: Any = await find(ASGIConnection(scope))
    if customer is None:
        return None
    if not isinstance(customer, str):
        raise TypeError(f"authenticate returned {type(customer).__name__}: a customer's id is text")
    require_customer_id(customer)
    if scope["method"] not in SAFE_METHODS and not header_of(scope, b"authorization"):
        _require_same_origin(scope)
    return Principal(customer, Scope.CUSTOMER, None)


def _require_same_origin(scope: HTTPScope) -> None:
    """A browser sends a cookie along for any page that asks; it says whose page that was.

    A bearer token needs no such care: another site's page has none to send.
    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    """
    site = header_of(scope, b"sec-fetch-site")
    if site:
        is_own = site in {"same-origin", "none"}
    else:
        origin = header_of(scope, b"origin")
        is_own = not origin or urlsplit(origin).netloc == header_of(scope, b"host")
    if not is_own:
        raise Forbidden("cross_origin", "This was sent by a page of another site.")
