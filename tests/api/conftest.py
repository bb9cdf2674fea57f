"""The API's tests share one served shop an engine: the staff's panel takes a second to build.

So every test brings customers of its own (``api.newcomer()``) and leaves the clock as it likes:
tokens are made when they are sent.
"""

from __future__ import annotations

import shutil

import pytest
import pytest_asyncio

from tests.support.api import open_api
from tests.support.clock import FakeClock


@pytest_asyncio.fixture(scope="package", loop_scope="session", params=["sqlite", "postgres"])
async def api(request, tmp_path_factory):
    """A served shop, once on each engine. Its ledger is proved after the last test."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("api") / "shop.sqlite"
        shutil.copyfile(request.getfixturevalue("_migrated_file"), path)
        async with open_api(f"sqlite:///{path}", FakeClock(), rate_limit=False) as opened:
            yield opened
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create()
    async with open_api(url, FakeClock(), rate_limit=False) as opened:
        yield opened
    server.drop(url)


@pytest.fixture
def clock(request):
    """The served shop's clock where there is one, else a new one."""
    return request.getfixturevalue("api").clock if "api" in request.fixturenames else FakeClock()
