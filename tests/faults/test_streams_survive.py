"""Several processes behind one database: who watches loses no change when a server ends."""

from __future__ import annotations

import asyncio
import time

import pytest

from batua.clock import utc_now
from batua.database import migrate
from tests.support.clients import VARIABLES, ShopClient
from tests.support.clock import FakeClock
from tests.support.databases import opened
from tests.support.events import watching
from tests.support.ports import free_port
from tests.support.processes import running_serve
from tests.support.shop import open_shop

STOP_S_MAX = 15.0
"""uvicorn would wait for thirty seconds for streams that nobody ends."""


@pytest.fixture
async def migrated_url(shop_url):
    async with opened(shop_url) as database:
        await migrate(database)
    return shop_url


async def test_no_change_is_lost_to_a_killed_server_nor_does_a_stream_hold_up_its_end(
    migrated_url, tmp_path
):
    port = free_port()

    def serve():
        return running_serve(migrated_url, cwd=tmp_path, port=port, **VARIABLES)

    # This process is the other one: it writes to the same database, and outlives the server.
    async with open_shop(migrated_url, FakeClock(utc_now())) as other:
        with serve() as first:
            async with ShopClient(first) as here:
                bearer = {"Authorization": f"Bearer {here.token('asha')}"}
                async with watching(here.http, bearer) as watched:
                    await watched.until("balance", 0)
                    await other.give(1_000)
                    await watched.until("balance", 1_000)
                    await here.buy("asha", 100)
                    known = await watched.until("balance", 900)
                    first.kill()
                    await watched.ended()
        await other.give(50)
        await other.give(50)
        with serve() as again:
            async with ShopClient(again) as here:
                resumed = {**bearer, "Last-Event-ID": known.id}
                async with watching(here.http, resumed) as watched:
                    newest = await watched.until("balance", 1_000)
                    assert watched.events == [newest], "it is told of what is, not of all that was"
                    await here.buy("asha", 1)
                    newest = await watched.until("balance", 999)
                resumed = {**bearer, "Last-Event-ID": newest.id}
                async with watching(here.http, resumed) as watched:
                    began = time.monotonic()
                    assert await asyncio.to_thread(again.stop) == 0
                    assert time.monotonic() - began < STOP_S_MAX
                    await watched.ended()
                    assert watched.events == [], "what it had was not told again"
