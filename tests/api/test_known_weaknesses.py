"""What Litestar has been attacked by, against the app as we configure it.

The advisories: CVE-2026-25478 (CORS by a pattern), CVE-2026-25479 (allowed hosts by a pattern),
CVE-2026-25480 (keys of files in a cache), PYSEC-2026-2603 (X-Forwarded-Host), CVE-2026-48060 (the
CSRF token in HTML), CVE-2025-59152 (rate limits by X-Forwarded-For).
"""

from importlib.metadata import version

import pytest
import pytest_asyncio
from litestar.stores.memory import MemoryStore

from batua.database import migrate
from batua.settings import read_settings
from batua_api import BatuaPlugin, create_app
from tests.support.api import open_api
from tests.support.clock import FakeClock
from tests.support.databases import opened

MODULE = pytest.mark.asyncio(loop_scope="module")
EVIL = "evil.example"
CLAIMS = {
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-For": "203.0.113.66",
    "X-Original-URL": "/admin/",
    "Forwarded": f"host={EVIL};proto=gopher;for=203.0.113.66",
    "Origin": f"https://{EVIL}",
}
PAGES = ("/gateways", "/wallet", "/docs", "/docs/openapi.json", "/health", "/nowhere")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('weak') / 'shop.sqlite'}"
    async with opened(url) as database:
        await migrate(database)
    async with open_api(url, FakeClock()) as api:
        yield api


def test_nothing_of_litestars_that_was_attacked_is_in_use():
    app = create_app(BatuaPlugin(read_settings({}, jwt_secret="x" * 32), {}))
    assert tuple(map(int, version("litestar").split(".")[:2])) >= (2, 25)
    # Ours are a gatekeeper, the panel's own CSRF tokens, and limits of our own.
    assert (app.cors_config, app.allowed_hosts, app.csrf_config) == (None, [], None)
    assert app.response_cache_config.get_store_from_app(app).__class__ is MemoryStore
    assert {type(store) for store in app.stores._stores.values()} <= {MemoryStore}
    assert not app.debug
    routed = [handler for route in app.routes for handler in getattr(route, "route_handlers", [])]
    assert len(routed) > 30
    assert [handler for handler in routed if handler.cache] == []


@MODULE
async def test_no_other_site_may_read_what_we_answer(api):
    for path in PAGES:
        asked = {"Access-Control-Request-Method": "POST", **CLAIMS}
        for answer in (
            await api.get(path, headers=CLAIMS),
            await api.http.request("OPTIONS", path, headers=asked),
        ):
            allowed = [name for name in answer.headers if name.startswith("access-control-")]
            assert allowed == [], path


@MODULE
async def test_no_header_says_where_we_are(api):
    for path in PAGES:
        answer = await api.get(path, headers=CLAIMS)
        assert EVIL not in answer.text, path
        assert EVIL not in str(answer.headers), path
    moved = await api.http.get(api.http.base_url.copy_with(path="/admin"), headers=CLAIMS)
    assert (moved.status_code, moved.headers["location"]) == (307, "/admin/")
    asked = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}
    opened_top_up = await api.post("/topups", asked, headers={**CLAIMS, "Host": EVIL})
    assert opened_top_up.status_code == 201
    assert EVIL not in opened_top_up.text
