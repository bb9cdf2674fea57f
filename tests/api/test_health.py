"""Health tells the truth, in time, whatever has happened to the database and the workers."""

from __future__ import annotations

import asyncio
import time

import asyncpg

from batua.identity import FRESH_S
from batua_api.auth import Authenticator
from batua_api.figures import LOOK_S_MAX, Figures
from tests.support.api import open_api
from tests.support.issuer import serving_issuer


async def why_not_ready(api):
    """The reason, which both pages give; empty where it is ready."""
    answers = [await api.get(path, None) for path in ("/health/ready", "/health")]
    (reason,) = {answer.json().get("reason", "") for answer in answers}
    assert {answer.status_code for answer in answers} == {503 if reason else 200}
    return reason


async def until_ready(api):
    deadline = time.monotonic() + 10
    while (answer := await api.get("/health/ready", None)).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        await api.shop.pause()
    assert await why_not_ready(api) == ""


async def test_a_database_that_hangs_is_a_503_within_the_bound(postgres_url, clock):
    async with open_api(postgres_url, clock) as api:
        assert (await api.get("/health/ready", None)).status_code == 200
        holder = await asyncpg.connect(postgres_url)
        try:
            async with holder.transaction():
                await holder.execute("lock table batua_migration in access exclusive mode")
                began = time.monotonic()
                asked = [api.get(path, None) for path in ("/health/ready", "/health")]
                for answer in await asyncio.gather(*asked):
                    assert time.monotonic() - began < LOOK_S_MAX + 5
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
        door = Authenticator(batua.settings, clock.now)
        figures = Figures(batua, batua.engine._watcher, door, monotonic=lambda: now)
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


async def test_who_comes_while_figures_are_read_waits_for_them(sqlite_url, clock):
    async with open_api(sqlite_url, clock) as api:
        batua = api.shop.batua
        door = Authenticator(batua.settings, clock.now)
        figures = Figures(batua, batua.engine._watcher, door)
        assert None not in await asyncio.gather(*(figures.standing() for _ in range(5)))


async def test_a_worker_gives_a_sign_as_soon_as_it_works(sqlite_url, clock):
    async with open_api(sqlite_url, clock) as api:
        api.shop.batua.worker.start()
        deadline = time.monotonic() + 10
        while (await api.shop.batua.signs.read()).workers == 0:
            assert time.monotonic() < deadline
            await api.shop.pause()


async def test_not_ready_says_what_is_wrong_and_what_to_do(sqlite_url, clock):
    async with open_api(sqlite_url, clock) as api:
        await until_ready(api)
        add = "insert into batua_migration (name, applied_at) values ('9999_later', $1)"
        await api.shop.run(add, clock.now())
        told = await why_not_ready(api)
        assert "migrations that this version does not know: 9999_later" in told
        assert "Install the version that made them" in told
        await api.shop.run("delete from batua_migration where name = '9999_later'")
        assert await why_not_ready(api) == ""

        # What can't be read for five seconds is not known, and lets nobody in.
        watch = api.shop.batua.identity.watch
        await api.shop.run("delete from batua_identity")
        watch._monotonic = lambda: time.monotonic() + FRESH_S
        assert (await why_not_ready(api)).startswith("which tokens were revoked is not known")
        assert (await api.get("/wallet")).status_code == 503
        await api.shop.run("insert into batua_identity (id, version) values (1, 0)")
        await until_ready(api)


async def test_ready_waits_for_the_issuers_keys_until_they_were_there_once(sqlite_url, clock):
    async with serving_issuer() as issuer:
        issuer.status = 500
        async with open_api(sqlite_url, clock, jwt_jwks_url=issuer.url) as api:
            assert "BATUA_JWT_JWKS_URL could not be fetched" in await why_not_ready(api)
            issuer.status = 200
            await until_ready(api)
    async with open_api(sqlite_url, clock, jwt_jwks_url=issuer.url) as api:
        assert "BATUA_JWT_JWKS_URL could not be fetched" in await why_not_ready(api)


async def test_whether_calls_are_counted_together_is_told(postgres_url, clock):
    async def told():
        health = (await api.get("/health", None)).json()["rate_limits"]
        figures = (await api.get("/metrics", None)).text
        return health, f"\nbatua_rate_limits_apart {float(health == 'apart')}\n" in figures

    async with open_api(postgres_url, clock) as api:
        assert (await api.get("/wallet")).status_code == 200
        assert await told() == ("together", True)
        holder = await asyncpg.connect(postgres_url)
        try:
            async with holder.transaction():
                await holder.execute("lock table batua_call_count in access exclusive mode")
                assert (await api.get("/wallet")).status_code == 200
                assert await told() == ("apart", True)
        finally:
            await holder.close()
        deadline = time.monotonic() + 10
        while await told() != ("together", True):
            assert time.monotonic() < deadline
            await api.shop.pause()
