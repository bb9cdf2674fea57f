"""Watched wallets behind the API: nothing is lost, out of order, or queued."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from batua.errors import DatabaseUnavailable, TryAgain
from batua.wallets import LiveWallets, read_wallet
from tests.support.shop import open_shop

SOON_S = 10.0


class Counted:
    """A database that counts what is read of it, and may be away."""

    def __init__(self, database):
        self._database = database
        self.reads = 0
        self.is_away = False

    def __getattr__(self, name):
        return getattr(self._database, name)

    async def fetch(self, sql, *args):
        self.reads += 1
        if self.is_away:
            raise DatabaseUnavailable("it is away")
        return await self._database.fetch(sql, *args)

    async def fetch_one(self, sql, *args):
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None


async def until(stream, posted):
    """Whatever a stream shows until it shows that."""
    shown = []
    async with asyncio.timeout(SOON_S):
        while not shown or shown[-1].wallet.posted != posted:
            if stream.seen is not None and stream.seen not in shown[-1:]:
                shown.append(stream.seen)
            else:
                await stream.wait(1.0)
    return shown


@pytest.fixture
async def shop(database_url, clock):
    async with open_shop(database_url, clock) as opened:
        yield opened


@pytest.fixture
async def live(shop):
    """Of another process: it hears of no commit."""
    opened = LiveWallets(Counted(shop.batua.database), per_customer=2, most=3)
    yield opened
    await opened.close()


async def test_what_others_commit_is_shown_in_order_and_to_its_end(shop, live):
    with live.watching("asha", "INR") as stream, live.watching("asha", "INR") as second:
        assert (await stream.first()).wallet == await read_wallet(
            shop.batua.database, "asha", "INR"
        )
        showing = [asyncio.create_task(until(each, 40)) for each in (stream, second)]
        for _ in range(40):
            await shop.give(1)
            await asyncio.sleep(0.01)
        for shown in await asyncio.gather(*showing):
            versions = [seen.version for seen in shown]
            assert versions == sorted(set(versions))
            assert [seen.wallet.posted for seen in shown] == sorted(
                {seen.wallet.posted for seen in shown}
            )
            assert len(shown) > 2, "it is told on the way, too"


async def test_who_does_not_look_for_a_while_finds_the_newest_state_alone(shop, live):
    with live.watching("asha", "INR") as stream, live.watching("asha", "INR") as other:
        await stream.first()
        for _ in range(5):
            await shop.give(1)
        await until(other, 5)
        assert [seen.wallet.posted for seen in await until(stream, 5)] == [5]


async def test_a_change_that_the_head_does_not_tell_of_is_found_all_the_same(shop, live):
    await shop.give(10)
    with live.watching("asha", "INR") as stream:
        assert (await stream.first()).wallet.status == "active"
        async with shop.batua.database.transaction() as transaction:
            await transaction.execute(
                "update batua_account set status = 'frozen', version = version + 1"
                " where key = 'wallet:asha:INR'"
            )
        async with asyncio.timeout(SOON_S):
            while stream.seen.wallet.status != "frozen":
                await stream.wait(1.0)


async def test_while_the_database_is_away_nobody_is_told_and_then_everybody(shop, live):
    database = live._database
    with live.watching("asha", "INR") as stream:
        await stream.first()
        database.is_away = True
        await shop.give(10)
        reads = database.reads
        async with asyncio.timeout(SOON_S):
            while database.reads == reads:  # noqa: ASYNC110 - nobody tells when a look failed
                await asyncio.sleep(0.01)
        assert stream.seen.wallet.posted == 0
        database.is_away = False
        await until(stream, 10)


async def test_nobody_looks_when_nobody_watches(live):
    database = live._database
    with live.watching("asha", "INR") as stream:
        await stream.first()
    await asyncio.sleep(0.2)
    reads = database.reads
    await asyncio.sleep(0.3)
    assert database.reads == reads
    assert live.open == 0
    with live.watching("asha", "INR") as again:
        await again.first()
    assert database.reads > reads


async def test_a_full_process_takes_nobody_more_and_keeps_whom_it_has(live):
    with ExitStack() as stack:
        streams = [stack.enter_context(live.watching(who, "INR")) for who in ("a", "b", "c")]
        with pytest.raises(TryAgain) as full, live.watching("d", "INR"):
            pass
        assert full.value.code == "overloaded"
        assert [(await stream.first()).wallet.customer for stream in streams] == ["a", "b", "c"]
    with live.watching("d", "INR") as stream:
        await stream.first()


async def test_closing_ends_every_stream(live):
    with live.watching("asha", "INR") as stream:
        await stream.first()
        waiting = asyncio.create_task(stream.wait(SOON_S))
        await asyncio.sleep(0)
        await live.close()
        async with asyncio.timeout(1):
            await waiting
        assert stream.is_over
