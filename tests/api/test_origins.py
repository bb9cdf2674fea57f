"""Pages of other origins: nobody's but those that are named, and no cookie of anybody's."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from batua.errors import ConfigurationError
from batua_api.frontend import FOLDER, SERVED, frontend_files
from batua_api.origins import cors_config
from tests.support.api import open_api

SHOP = "https://shop.example"


async def asks(api, origin, method="POST", headers="authorization,content-type,idempotency-key"):
    return await api.http.options(
        "/orders",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


async def test_a_named_origin_may_call_and_read_what_it_needs(sqlite_url, clock):
    async with open_api(sqlite_url, clock, allowed_origins=f"{SHOP}, http://127.0.0.1:3000") as api:
        allowed = await asks(api, SHOP)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in allowed.headers
        assert (await asks(api, "http://127.0.0.1:3000")).status_code == 204

        for refused in (
            await asks(api, "https://evil.example"),
            await asks(api, f"{SHOP}.evil.example"),
            await asks(api, "null"),
            await asks(api, SHOP, method="DELETE"),
            await asks(api, SHOP, headers="x-anything"),
        ):
            assert refused.status_code == 400

        read = await api.get("/wallet", headers={"Origin": SHOP})
        assert read.headers["access-control-allow-origin"] == SHOP
        exposed = read.headers["access-control-expose-headers"]
        assert {"Idempotency-Replayed", "Retry-After"} <= set(exposed.split(", "))
        stranger = await api.get("/wallet", None, headers={"Origin": SHOP})
        assert stranger.status_code == 401
        assert stranger.headers["access-control-allow-origin"] == SHOP
        evil = await api.get("/wallet", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers


async def test_nobody_is_named_by_default(sqlite_url, clock):
    async with open_api(sqlite_url, clock) as api:
        asked = await asks(api, SHOP)
        assert asked.status_code == 401
        read = await api.get("/wallet", headers={"Origin": SHOP})
        for answer in (asked, read):
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "told",
    ["*", "https://*.example", "shop.example", f"{SHOP}/", f"{SHOP}/a", "https://Shop.example",
     "ftp://shop.example", "https://a@shop.example", "null"],
)  # fmt: skip
def test_what_is_no_origin_is_refused_at_start(told):
    with pytest.raises(ConfigurationError, match="BATUA_ALLOWED_ORIGINS"):
        cors_config(f"{SHOP},{told}")


@pytest.mark.parametrize(
    "told", ["http://[::1]:8000", "https://xn--abc.example", "http://localhost"]
)
def test_other_spellings_of_an_origin(told):
    assert cors_config(told).is_origin_allowed(told)


def test_the_customers_files_are_served_as_scripts():
    with TestClient(Litestar(frontend_files())) as client:
        for name in SERVED:
            for path in (FOLDER / name).glob("*.js"):
                read = client.get(f"/batua/{path.relative_to(FOLDER).as_posix()}")
                assert read.content == path.read_bytes()
                assert "javascript" in read.headers["content-type"]
