"""Where calls are counted: two processes add to one store, and each store counts alike."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import pytest

from batua.errors import ConfigurationError, RateLimited
from batua.limits import Rate, RateLimits, Window, open_rate_limits
from batua.limits.sqlite import SQLiteCounts, _discard
from batua.settings import read_settings

SHOPS = count()
HUNDRED = Rate("caller", 100)


@pytest.fixture(params=["sqlite", "postgres", "redis"])
async def open_counts(request, open_more, clock):
    """Opens what a process would: limits over a store that all of them share."""
    settings = {"redis_prefix": f"shop{next(SHOPS)}"}
    engine = "sqlite" if request.param == "redis" else request.param
    url = request.getfixturevalue(f"{engine}_url")
    if request.param == "redis":
        settings["redis_url"] = request.getfixturevalue("redis_url")
    opened = []

    async def open_one() -> RateLimits:
        core = read_settings({}, database_url=url, **settings)
        limits = open_rate_limits(core, await open_more(url, pool_size=2), now=clock.now)
        opened.append(limits)
        return limits

    yield open_one
    for limits in opened:
        await limits.close()


async def test_windows_are_counted_apart_and_callers_together(open_counts, clock):
    store, other = [(await open_counts())._counts for _ in range(2)]
    soon = int(clock.unix()) + 60
    asha, ravi, later = Window("a" * 32, soon), Window("b" * 32, soon), Window("a" * 32, soon + 60)

    assert await store.add({asha: 2, ravi: 1}) == {asha: 2, ravi: 1}
    assert await other.add({ravi: 1, later: 5, asha: 1}) == {ravi: 2, later: 5, asha: 3}


async def test_exactly_the_limit_is_let_in_of_many_processes(open_counts):
    processes = [await open_counts() for _ in range(3)]

    async def call(number):
        # Many callers at once beside the one: rows are locked in one order, or some would fail.
        who = "asha" if number % 2 else f"other{number % 37}"
        try:
            await processes[number % 3].admit((Rate("address", 10**6), "192.0.2.1"), (HUNDRED, who))
        except RateLimited:
            return None
        return who

    let = await asyncio.gather(*(call(number) for number in range(600)))
    assert let.count("asha") == 100
    assert len(let) - let.count(None) == 100 + 300
    assert not any(each.is_apart for each in processes)


async def test_old_windows_are_swept_and_no_others(open_counts, clock):
    limits = await open_counts()
    store, now = limits._counts, int(clock.unix())
    old, young = Window("a" * 32, now - 1), Window("a" * 32, now + 60)
    await store.add({old: 3, young: 3})
    await store.sweep(now - 1)
    if hasattr(store, "_redis"):  # its keys expire by themselves
        keys = [key async for key in store._redis.scan_iter(f"{store._prefix}:*")]
        assert len(keys) == 2
        left = [await store._redis.ttl(key) for key in keys]
        assert sorted(round(seconds, -1) for seconds in left) == [60, 120]
        return
    assert await store.add({old: 1, young: 1}) == {old: 1, young: 4}


@pytest.mark.parametrize("part", ["first page", "table", "nothing of it is left"])
async def test_a_malformed_file_is_made_anew(sqlite_url, caplog, part):
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    path = database.with_name(f"{database.name}.limits")
    windows = {Window(f"{number:032}", 60): 1 for number in range(1_000)}
    before = SQLiteCounts(database)
    await before.add(windows)
    await before.close()
    whole = path.read_bytes()
    garbage = {"first page": b"?" * 4096 + whole[4096:],
               "table": whole[:4096] + b"?" * (len(whole) - 4096),
               "nothing of it is left": b"no database at all, " * 500}  # fmt: skip
    path.write_bytes(garbage[part])

    counts, other = SQLiteCounts(database), SQLiteCounts(database)
    assert await counts.add(windows) == windows
    assert await other.add(windows) == dict.fromkeys(windows, 2), "in the same file"
    assert f"the counts of calls in {path} begin anew" in caplog.text
    await counts.sweep(60)
    assert await counts.add(windows) == windows
    await counts.close()
    await other.close()


async def test_who_comes_second_to_a_malformed_file_leaves_the_new_one(sqlite_url):
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    path = database.with_name(f"{database.name}.limits")
    counts = SQLiteCounts(database)
    window = Window("a" * 32, 60)
    await counts.add({window: 1})
    _discard(path)
    assert await counts.add({window: 1}) == {window: 2}
    await counts.close()
    assert path.exists()


async def test_the_counts_of_postgres_are_not_logged(postgres_url, open_more):
    database = await open_more(postgres_url)
    row = await database.fetch_one(
        "select relpersistence::text as kind from pg_class where relname = 'batua_call_count'"
    )
    assert row["kind"] == "u"


def test_an_address_that_is_no_redis_is_refused():
    for url in ("http://127.0.0.1", "127.0.0.1:6379"):
        with pytest.raises(ConfigurationError, match="BATUA_REDIS_URL must be redis://"):
            open_rate_limits(read_settings({}, redis_url=url), None, now=None)
