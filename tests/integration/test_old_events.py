"""How long events are kept, and what keeps one longer."""

from datetime import timedelta

import pytest

from batua.database import Dialect
from batua.events import Keeping
from batua.events.keeping import BATCH
from tests.support.shop import open_shop

DAYS = 90


@pytest.fixture
async def shop(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        yield shop


async def listen(shop, *names):
    """Listeners that nobody tells anything: a test says what became of their deliveries."""
    for name in names:
        await shop.run(
            "insert into batua_listener (id, kind, url, events, status, note, secret, created_at,"
            " updated_at, version) values ($1, 'webhook', 'https://x', '*', 'enabled', '', 's',"
            " $2, $2, 1)",
            name,
            shop.clock.now(),
        )


async def happen(shop, *events, told=()):
    """Events now, and for each its deliveries: listener and status."""
    now = shop.clock.now()
    async with shop.batua.database.transaction() as transaction:
        await transaction.execute_many(
            "insert into batua_event (id, type, data, created_at, routed_at)"
            " values ($1, 'order.paid', '{}', $2, $3)",
            [(event, now, now) for event in events],
        )
        await transaction.execute_many(
            "insert into batua_delivery (id, event_id, listener_id, status, attempts, note,"
            " next_attempt_at, delivered_at, created_at, version)"
            " values ($1, $2, $3, $4, 1, '', $5, $6, $7, 1)",
            [
                (f"{event}-{listener}", event, listener, status,
                 now if status == "pending" else None, now if status == "delivered" else None, now)
                for event in events
                for listener, status in told
            ],
        )  # fmt: skip


async def kept(shop):
    events = {row["id"] for row in await shop.rows("event")}
    deliveries = {row["event_id"] for row in await shop.rows("delivery")}
    assert deliveries <= events
    return events


def keeping(shop, days=DAYS):
    return Keeping(shop.batua.database, now=shop.clock.now, days=days)


async def test_what_everybody_was_told_of_goes_when_its_time_is_up(shop):
    await listen(shop, "a", "b", "off")
    await happen(shop, "told", told=[("a", "delivered"), ("b", "dead")])
    await happen(shop, "heard-by-nobody")
    await happen(shop, "waits", told=[("a", "pending"), ("b", "delivered")])
    await happen(shop, "waits-for-off", told=[("off", "pending"), ("b", "delivered")])
    await happen(shop, "unrouted")
    await shop.run("update batua_event set routed_at = null where id = 'unrouted'")
    await shop.batua.listeners.disable("off", "by a test")
    shop.clock.advance(timedelta(days=DAYS).total_seconds())
    assert await keeping(shop).sweep() == 0
    await happen(shop, "new", told=[("a", "delivered")])
    shop.clock.advance(1)
    assert await keeping(shop, days=0).sweep() == 0
    assert await keeping(shop).sweep() == 3
    assert await kept(shop) == {"waits", "unrouted", "new"}
    assert len(await shop.rows("delivery")) == 3
    # A replay reaches what is kept, and makes it wait again.
    listeners = shop.batua.listeners
    assert await listeners.replay("a", since=shop.clock.now() - timedelta(days=1)) == 1
    shop.clock.advance(timedelta(days=DAYS).total_seconds())
    assert await keeping(shop).sweep() == 0
    await listeners.disable("a", "by a test")
    assert await keeping(shop).sweep() == 2
    assert await kept(shop) == {"unrouted"}


async def test_many_go_a_batch_at_a_time_but_for_what_is_being_replayed(shop, open_more):
    await listen(shop, "a")
    many = [f"evt_{number:05}" for number in range(BATCH + 1)]
    await happen(shop, *many, told=[("a", "delivered")])
    shop.clock.advance(timedelta(days=DAYS + 1).total_seconds())
    if shop.batua.database.dialect is Dialect.SQLITE:  # one writes at a time
        assert await keeping(shop).sweep() == BATCH + 1
        assert await kept(shop) == set()
        return
    other = await open_more(shop.batua.settings.database_url, pool_size=2)
    async with other.transaction() as replaying:
        await replaying.fetch("select id from batua_event where id = $1 for key share", many[-1])
        assert await keeping(shop).sweep() == BATCH
    assert await kept(shop) == {many[-1]}
    assert await keeping(shop).sweep() == 1


async def test_the_worker_keeps_them_as_long_as_the_setting_says(sqlite_url, clock):
    async with open_shop(sqlite_url, clock, event_days=2) as shop:
        await happen(shop, "old")
        clock.advance(timedelta(days=3).total_seconds())
        (routine,) = [each for each in shop.batua.worker._routines if each.name == "old events"]
        assert await routine.do() == 1
