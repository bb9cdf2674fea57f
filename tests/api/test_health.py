"""Health tells the truth, in time, whatever has happened to the database and the workers."""

from __future__ import annotations

import time

import asyncpg

from batua_api.figures import LOOK_S_MAX, Figures
from tests.support.api import open_api


async def test_a_database_that_hangs_is_a_503_within_the_bound(postgres_url, clock):
    async with open_api(postgres_url, clock) as api:
        assert (await api.get("/health/ready", None)).status_code == 200
        holder = await asyncpg.connect(postgres_url)
        try:
            async with holder.transaction():
                await holder.execute("lock table batua_migration in access exclusive mode")
                for path in ("/health/ready", "/health"):
                    began = time.monotonic()
                    answer = await api.get(path, None)
                    assert time.monotonic() - began < LOOK_S_MAX + 1.5
                    assert answer.status_code == 503
                    assert answer.json()["reason"] == "the database does not answer within 2 s"
                    assert (await api.get("/health/live", None)).status_code == 200
        finally:
            await holder.close()
        assert (await api.get("/health/ready", None)).status_code == 200


async def test_figures_are_read_every_ten_seconds_and_tell_what_is(sqlite_url, clock):
    now = 0.0
    async with open_api(sqlite_url, clock) as api:
        batua = api.shop.batua
        figures = Figures(batua, batua.engine._watcher, monotonic=lambda: now)
        await api.shop.give(50_000)
        await batua.signs.beat()
        first = await figures.standing()
        assert first.liability == {"INR": 50_000}
        assert (first.signs.workers, first.signs.proved_at) == (1, None)

        await api.shop.give(20_000, "ravi")
        await batua.signs.record_proof(is_sound=False)
        now += 9
        assert await figures.standing() is first
        now += 1
        clock.advance(31)
        second = await figures.standing()
        assert second.liability == {"INR": 70_000}
        assert second.signs.workers == 0, "its last beat is 31 seconds old"
        assert second.signs.proved_at is not None
        assert not second.signs.is_sound

        await batua.signs.beat()
        clock.advance(86_401)
        await batua.signs.record_proof(is_sound=True)
        rows = await batua.database.fetch("select name, verdict from batua_sign")
        assert [tuple(dict(row).values()) for row in rows] == [("proof", "sound")]


async def test_a_worker_gives_a_sign_as_soon_as_it_works(sqlite_url, clock):
    async with open_api(sqlite_url, clock) as api:
        api.shop.batua.worker.start()
        deadline = time.monotonic() + 10
        while (await api.shop.batua.signs.read()).workers == 0:
            assert time.monotonic() < deadline
            await api.shop.pause()
