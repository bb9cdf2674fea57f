"""PostgreSQL is frozen, stopped and out of disk under load, and SQLite out of disk.

Each time: a clear refusal and no money moved, recovery without anybody, and a sound ledger.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import subprocess
from contextlib import AsyncExitStack, contextmanager, suppress

import httpx
import pytest

from batua import bootstrap
from batua.database import migrate
from batua.errors import CommitUnknown, DatabaseUnavailable, TryAgain
from tests.postgres import identity_in
from tests.support.clients import VARIABLES, ShopClient
from tests.support.databases import opened
from tests.support.leftovers import assert_nothing_left
from tests.support.load import under_load
from tests.support.own_postgres import own_postgres
from tests.support.processes import running_serve
from tests.support.shop import open_shop

SOME = 10
FROZEN_S = 1.5
RECOVERY_S = 20
SESSIONS_MAX = 12


@pytest.fixture(scope="module")
def server():
    with own_postgres() as server:
        yield server


async def readiness(shop):
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        answer = await http.get(f"{shop.program.base}/health/ready")
    return answer.status_code, answer.json()


async def until_ready(shop):
    async with asyncio.timeout(RECOVERY_S):
        while (await readiness(shop))[0] != 200:  # noqa: ASYNC110 - it asks
            await asyncio.sleep(0.05)


async def until_refused(load, code):
    async with asyncio.timeout(RECOVERY_S):
        while code not in load.refused:  # noqa: ASYNC110 - it counts
            await asyncio.sleep(0.02)


async def start(stack, url, cwd):
    serve = running_serve(url, cwd=cwd, **VARIABLES)
    program = await asyncio.to_thread(stack.enter_context, serve)
    return await stack.enter_async_context(ShopClient(program))


async def migrated(url):
    async with opened(url) as database:
        await migrate(database)


async def assert_well(load, shop, url):
    """Nobody touched the server, and it has recovered."""
    assert shop.program.process.poll() is None
    await load.assert_kept(url)
    await shop.verify()


async def test_a_postgres_that_freezes_and_one_that_stops_are_waited_for_and_found_again(
    server, tmp_path
):
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(server.run, "createdb", "shop")
        url = server.url("shop")
        await migrated(url)
        shop = await start(stack, url, tmp_path)
        async with under_load(lambda: shop) as load:
            await load.until_more(SOME)
            # Frozen: nobody is told anything yet, and nobody is told a lie.
            server.signal(signal.SIGSTOP)
            await asyncio.sleep(0.2)
            before = len(load.paid)
            await asyncio.sleep(FROZEN_S)
            assert len(load.paid) == before
            server.signal(signal.SIGCONT)
            await load.until_more(SOME, within_s=RECOVERY_S)

            # Stopped: each is refused at once, and told to ask again.
            await asyncio.to_thread(server.stop)
            await until_refused(load, "database_unavailable")
            status, told = await readiness(shop)
            assert (status, told["status"]) == (503, "unavailable")
            assert "the database does not answer" in told["reason"]
            refused = await shop.call("asha", "GET", "/wallet")
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            server.start()  # in this thread: it ends with the one that has started it
            await until_ready(shop)
            await load.until_more(SOME, within_s=RECOVERY_S)
        await assert_well(load, shop, url)
        await assert_nothing_left(url, sessions_max=SESSIONS_MAX)


async def test_a_shop_closes_though_its_postgres_is_frozen(server, clock, monkeypatch):
    """What was under way stays unknown, and is there or not there as a whole afterwards."""
    monkeypatch.setattr(bootstrap, "CLOSE_S_MAX", 1.0)
    await asyncio.to_thread(server.run, "createdb", "frozen")
    url = server.url("frozen")
    await migrated(url)
    async with asyncio.timeout(RECOVERY_S), open_shop(url, clock) as shop:
        await shop.give(500)
        shop.batua.worker.start()
        shop.is_provable = False
        server.signal(signal.SIGSTOP)
        giving = asyncio.create_task(shop.give(70))
        await asyncio.sleep(0.3)
    server.signal(signal.SIGCONT)
    with pytest.raises((CommitUnknown, TryAgain, DatabaseUnavailable)):
        await giving
    async with open_shop(url, clock) as shop:
        assert await shop.balance() in {500, 570}


@contextmanager
def small_disk(folder, megabytes):
    """A file system of its own, that is soon full. Only root can make one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here: only root may")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=20)


@contextmanager
def filled(folder):
    """Until the end of the block there is no room left at all."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    filler.unlink()


async def test_a_sqlite_whose_disk_is_full_refuses_payments_and_goes_on_when_there_is_room(
    sqlite_url, tmp_path
):
    disk = tmp_path / "disk"
    async with AsyncExitStack() as stack:
        stack.enter_context(small_disk(disk, 16))
        path, url = disk / "shop.sqlite", f"sqlite:///{disk / 'shop.sqlite'}"
        shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), path)
        shop = await start(stack, url, tmp_path)
        async with under_load(lambda: shop) as load:
            await load.until_more(SOME)
            with filled(disk):
                await until_refused(load, "database_unavailable")
                # Whoever only reads is served.
                assert (await shop.balance("asha")) > 0
            await load.until_more(SOME, within_s=RECOVERY_S)

            # A file that may not grow is an I/O error: whether it was written, is not known at
            # once, and nobody is told that it was.
            pid = shop.program.process.pid
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
            await until_refused(load, "outcome_unknown")
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
            await load.until_more(SOME, within_s=RECOVERY_S)
        await assert_well(load, shop, url)
        assert "the database is unavailable" in shop.program.said()
        await asyncio.to_thread(shop.program.kill)


async def test_a_postgres_whose_disk_is_full_refuses_payments_and_goes_on_when_there_is_room(
    server, tmp_path
):
    async with AsyncExitStack() as stack:
        # The tables' disk is full, as it happens first where the log has one of its own.
        space = server.folder / "space"
        stack.enter_context(small_disk(space, 32))
        identity_in(space)
        await asyncio.to_thread(
            server.run, "psql", "-c", f"create tablespace small location '{space}'"
        )
        await asyncio.to_thread(server.run, "createdb", "--tablespace=small", "full")
        url = server.url("full")
        await migrated(url)
        shop = await start(stack, url, tmp_path)
        async with under_load(lambda: shop) as load:
            await load.until_more(SOME)
            with filled(space):
                await until_refused(load, "database_unavailable")
                assert (await shop.balance("asha")) > 0
            await load.until_more(SOME, within_s=RECOVERY_S)
        await assert_well(load, shop, url)
        await asyncio.to_thread(shop.program.kill)
        await asyncio.to_thread(server.stop)
