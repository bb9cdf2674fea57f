"""The newest migration, back and forwards under a server that people pay at: nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx

from batua.database import migrate, migrations, pending
from tests.support.clients import VARIABLES, ShopClient
from tests.support.databases import opened
from tests.support.load import under_load
from tests.support.processes import running_serve

SOME = 10


async def ready(program):
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        return await http.get(f"{program.base}/health/ready")


async def test_the_newest_migration_goes_back_and_forwards_under_payments(database_url, tmp_path):
    newest = migrations()[-1]
    async with AsyncExitStack() as stack:
        serve = running_serve(database_url, cwd=tmp_path, **VARIABLES)
        program = await asyncio.to_thread(stack.enter_context, serve)
        shop = await stack.enter_async_context(ShopClient(program))
        database = await stack.enter_async_context(opened(database_url))
        async with under_load(lambda: shop) as load:
            await load.until_more(SOME)
            # Code that is newer than its tables can't write all of them, and may say so by 500.
            load.statuses.add(500)
            assert await migrate(database, back=True) == [newest]
            told = await ready(program)
            assert (told.status_code, told.json()["status"]) == (503, "unavailable")
            assert newest in told.json()["reason"]
            assert "run batua migrate" in told.json()["reason"]
            await asyncio.sleep(0.3)
            assert await migrate(database) == [newest]
            assert (await ready(program)).status_code == 200
            # Nobody restarts it: it finds the new tables by itself.
            await load.until_more(SOME)
        assert await pending(database) == []
        await load.assert_kept(database_url)
        await shop.verify()
        assert program.process.poll() is None


async def test_stopped_migrated_and_started_again_customers_only_wait(sqlite_url, tmp_path):
    """The order of the how-to: stop, migrate, start. Who asks meanwhile asks again."""
    running = {}

    async def start(stack):
        serve = running_serve(sqlite_url, cwd=tmp_path, **VARIABLES)
        program = await asyncio.to_thread(stack.enter_context, serve)
        running["shop"] = await stack.enter_async_context(ShopClient(program))

    async with AsyncExitStack() as stack, opened(sqlite_url) as database:
        await start(stack)
        async with under_load(lambda: running["shop"]) as load:
            await load.until_more(SOME)
            # SIGTERM: it answers whom it has begun to serve, and takes nobody new.
            assert await asyncio.to_thread(running["shop"].program.stop) == 0
            await migrate(database, back=True)
            assert await migrate(database) == [migrations()[-1]]
            await start(stack)
            await load.until_more(SOME)
        await load.assert_kept(sqlite_url)
        assert load.refused <= {"in_progress", "overloaded"}
        await running["shop"].verify()
