"""The API over real HTTP, as its callers see it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import jwt

from batua.settings import read_settings
from batua.testing.serving import serving
from batua_api import BatuaPlugin, create_app
from tests.support.clock import FakeClock
from tests.support.provider import Provider, open_provider
from tests.support.shop import JWT_SECRET, Shop

__all__ = ["CALLERS", "Api", "open_api", "token"]

CALLERS: Mapping[str, Mapping[str, str]] = {
    "asha": {"sub": "asha"},
    "ravi": {"sub": "ravi", "scope": "customer"},
    "viewer": {"sub": "vera", "scope": "staff"},
    "support": {"sub": "sam", "scope": "staff", "role": "support"},
    "finance": {"sub": "fay", "scope": "staff", "role": "finance"},
    "owner": {"sub": "olga", "scope": "staff", "role": "owner"},
    "service": {"sub": "shop", "scope": "service"},
}
"""Who calls. asha owns whatever a test makes; ravi is somebody else."""

_keys = count(1)


def token(
    clock: FakeClock,
    *,
    secret: str = JWT_SECRET,
    headers: Mapping[str, Any] | None = None,
    algorithm: str = "HS256",
    without: tuple[str, ...] = (),
    **claims: Any,
) -> str:
    """A signed token that is fine but for what a test changes."""
    expires = clock.now() + timedelta(hours=1)
    wanted = {"iss": "batua", "aud": "batua", "exp": int(expires.timestamp()), **claims}
    for name in without:
        wanted.pop(name, None)
    return jwt.encode(wanted, secret, algorithm=algorithm, headers=dict(headers or {}))


@dataclass
class Api:
    """``shop`` is the same shop from behind."""

    http: httpx.AsyncClient
    shop: Shop
    clock: FakeClock

    def headers(self, who: str | None, key: str | None = None) -> dict[str, str]:
        bearer = {} if who is None else {"Authorization": f"Bearer {self.token(who)}"}
        return {**bearer, **({} if key is None else {"Idempotency-Key": key})}

    def token(self, who: str) -> str:
        return token(self.clock, **CALLERS.get(who, {"sub": who}))

    async def get(self, path: str, who: str | None = "asha", **options: Any) -> httpx.Response:
        headers = {**self.headers(who), **options.pop("headers", {})}
        return await self.http.get(path, headers=headers, **options)

    async def post(
        self,
        path: str,
        body: Any = None,
        who: str | None = "asha",
        *,
        key: str | None = "",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """``body`` is raw where it is bytes. The key is a new one unless told; None sends none."""
        key = f"key-{next(_keys)}" if key == "" else key
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        return await self.http.request(
            method, path, content=content, headers={**self.headers(who, key), **(headers or {})}
        )

    def newcomer(self) -> str:
        """The id of a customer whom nobody has seen yet."""
        return f"c{next(_keys)}"

    def reference(self) -> str:
        """An order's number that nobody has used yet."""
        return f"N-{next(_keys)}"

    async def order(self, *, pay: bool = False, amount: int = 30_000, who: str = "asha") -> str:
        """An order, paid from the wallet or not; returns its id."""
        if pay:
            await self.shop.give(amount, who)
        made = await self.shop.create_order(amount, who, pay=pay, reference=self.reference())
        return made["id"]


@asynccontextmanager
async def open_api(
    database_url: str,
    clock: FakeClock,
    *,
    provider: Provider | None = None,
    environ: Mapping[str, str] | None = None,
    is_provable: bool = True,
    **settings: Any,
) -> AsyncIterator[Api]:
    """A served shop with a provider of its own. Its ledger must end up sound."""
    if provider is None:
        async with (
            open_provider() as own,
            open_api(
                database_url, clock, provider=own, environ=environ, is_provable=is_provable,
                **settings,
            ) as api,
        ):  # fmt: skip
            yield api
        return
    wanted = {
        "jwt_secret": JWT_SECRET,
        "customer_orders": True,
        "gateway_timeout_s": 1.0,
        "database_pool_size": 3,
        **settings,
    }
    core = read_settings({}, database_url=database_url, **wanted)
    plugin = BatuaPlugin(core, {**provider.environ, **(environ or {})}, now=clock.now)
    app = create_app(plugin)
    async with (
        serving(app) as base,
        httpx.AsyncClient(
            base_url=f"{base}/api/v1", verify=False, trust_env=False, timeout=20
        ) as http,
    ):
        shop = Shop(app.state.batua, provider, clock)
        yield Api(http, shop, clock)
        if is_provable:
            await shop.assert_sound()
