"""Events: written with the money for whoever listens, and hooks of a host that are called."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import msgspec
import pytest

from batua.errors import ConfigurationError, Conflict
from batua.events import Event, EventType, OrderFact
from batua.events.facts import FACTS
from batua.events.hooks import RETRY_S
from batua.wallets import NO_RULES, DecideAdjustment
from tests.support.disputes import dispute, provider_payment, refunded_there
from tests.support.shop import SECOND_PERSON, open_shop

TYPES = [told for told in EventType if told is not EventType.WEBHOOK_TEST]


class Host:
    """A host whose hooks note what they are told, and fail as often as a test wants."""

    def __init__(self):
        self.told = []
        self.fails = []

    async def hear(self, event):
        self.told.append(event)
        if self.fails:
            failure = self.fails.pop(0)
            if failure == "hang":
                await asyncio.sleep(3600)
            raise failure

    def hooks(self, *types):
        return {str(told): self.hear for told in types or TYPES}


@pytest.fixture
def host():
    return Host()


@pytest.fixture
async def shop(database_url, clock, host):
    """A shop whose host hears of all there is."""
    async with open_shop(database_url, clock, hooks=host.hooks(), hook_timeout_s=0.3) as opened:
        yield opened


async def news(shop, host):
    """What the host is told that it was not told before, by type."""
    await shop.batua.hooks.drain()
    told, host.told = host.told, []
    assert len({event.id for event in told}) == len(told)
    return dict(Counter(str(event.type) for event in told)), told


async def only_news(shop, host, wanted):
    """The one event of the ``wanted`` type, when that is all there is."""
    types, (event,) = await news(shop, host)
    assert types == {wanted: 1}
    assert event.occurred_at == shop.clock.now()
    return event.data


# --- what is told ---------------------------------------------------------------------------------


async def test_orders_are_told_of_once_each(shop, host):
    await shop.give(60_000)
    adjusted = await only_news(shop, host, "wallet.adjusted")
    assert (adjusted.customer, adjusted.direction, adjusted.amount) == ("asha", "credit", 60_000)

    order = (await shop.create_order(30_000, pay=True))["id"]
    paid = await only_news(shop, host, "order.paid")
    assert (paid.id, paid.status, paid.paid_from_wallet) == (order, "paid", 30_000)

    await shop.refund(order, "wallet", 10_000)
    types, told = await news(shop, host)
    assert types == {"order.refunded": 1, "refund.succeeded": 1}
    by_type = {str(event.type): event.data for event in told}
    refunded, refund = by_type["order.refunded"], by_type["refund.succeeded"]
    assert (refunded.status, refunded.refunded) == ("partially_refunded", 10_000)
    assert (refund.order, refund.status, refund.to_wallet) == (order, "succeeded", 10_000)

    cancelled = (await shop.create_order())["id"]
    for _ in range(2):
        await shop.cancel(cancelled)
    assert (await only_news(shop, host, "order.cancelled")).id == cancelled


async def test_refunds_at_the_source_are_told_of_when_they_are_done_or_have_failed(shop, host):
    order = await shop.paid_order(40_000, by="gateway")
    paid = await only_news(shop, host, "order.paid")
    assert (paid.paid_by_gateway, paid.paid_from_wallet) == (40_000, 0)
    await shop.refund(order, "source", 10_000)
    await shop.hear()
    types, _ = await news(shop, host)
    assert types == {"order.refunded": 1, "refund.succeeded": 1}
    await shop.provider.refunds_end("failed")
    await shop.refund(order, "source", 20_000)
    await shop.hear()
    failed = await only_news(shop, host, "refund.failed")
    assert (failed.status, failed.to_source) == ("failed", 20_000)
    payment = await provider_payment(shop, order_id=order)
    assert await refunded_there(shop, payment, 5_000) == ("applied", "applied")
    types, _ = await news(shop, host)
    assert types == {"order.refunded": 1, "refund.succeeded": 1}
    await refunded_there(shop, payment, 5_000, "failed")
    await only_news(shop, host, "refund.failed")
    rejected = await shop.refund(order, "source", 1_000, approval_limit=0)
    await shop.batua.orders.decide_refund(rejected["id"], approver=SECOND_PERSON, approve=False)
    assert await news(shop, host) == ({}, [])


async def test_top_ups_are_told_of_when_they_succeed_fail_and_expire(shop, host):
    opened = await shop.open_top_up()
    reference = opened["payment"]["provider_reference"]
    for _ in range(2):
        await shop.provider.pay(reference, "failed")
        await shop.hear(times=2)
    assert (await only_news(shop, host, "topup.failed")).id == opened["top_up"]["id"]
    await shop.provider.pay(reference)
    await shop.hear(times=2)
    credited = await only_news(shop, host, "topup.succeeded")
    assert (credited.status, credited.credited) == ("succeeded", 50_000)

    await shop.open_top_up()
    await shop.work(after_s=4_000)
    types, _ = await news(shop, host)
    assert types == {"topup.expired": 1}

    # A payment that comes for an order which is cancelled meanwhile is in the wallet.
    order = (await shop.create_order(40_000))["id"]
    payment = (await shop.pay_by_gateway(order))["payment"]
    await shop.cancel(order)
    await shop.provider.pay(payment["provider_reference"])
    await shop.hear()
    types, told = await news(shop, host)
    assert types == {"order.cancelled": 1, "wallet.credited": 1}
    credit = next(event.data for event in told if event.type == "wallet.credited")
    assert (credit.order, credit.amount, credit.reason) == (order, 40_000, "order_is_cancelled")


async def test_a_top_ups_refund_that_fails_is_told_of_and_one_that_is_refused_is_not(shop, host):
    top_up = await shop.topped_up(50_000)
    await news(shop, host)
    await shop.refund_top_up(top_up, 10_000)
    await shop.hear()
    refund = await only_news(shop, host, "refund.succeeded")
    assert (refund.top_up, refund.to_source) == (top_up, 10_000)
    await shop.provider.refunds_end("failed")
    await shop.refund_top_up(top_up, 10_000)
    await shop.hear()
    await only_news(shop, host, "refund.failed")
    waiting = await shop.refund_top_up(top_up, 10_000, approval_limit=0)
    await shop.batua.refunder.decide(waiting["id"], approver=SECOND_PERSON, approve=False)
    assert await news(shop, host) == ({}, [])


async def test_disputes_are_told_of_as_they_go(shop, host):
    payment = await provider_payment(shop, top_up_id=await shop.topped_up(50_000))
    await news(shop, host)
    for status, told, wallet in (("open", "opened", "frozen"), ("won", "won", "unfrozen")):
        await dispute(shop, payment, status)
        types, events = await news(shop, host)
        assert types == {f"dispute.{told}": 1, f"wallet.{wallet}": 1}
        facts = {event.type: event.data for event in events}
        fact = facts[f"dispute.{told}"]
        assert (fact.status, fact.amount, fact.reason) == (status, 50_000, "fraudulent")
        assert facts[f"wallet.{wallet}"].customer == "asha"
        await dispute(shop, payment, status)
        assert await news(shop, host) == ({}, [])
    await dispute(shop, payment, "lost", id="disp_2")
    types, _ = await news(shop, host)
    assert types == {"dispute.opened": 1, "dispute.lost": 1, "wallet.frozen": 1}


async def test_an_adjustment_is_told_of_when_it_is_posted(shop, host):
    for approve in (True, False):
        asked = shop.adjustment(9_000, approval_limit=0)
        await shop.batua.engine.submit(asked)
        assert await news(shop, host) == ({}, [])
        decision = DecideAdjustment(
            adjustment_id=asked.id,
            approver=SECOND_PERSON,
            approve=approve,
            new_id=shop.batua.new_id,
            rules=NO_RULES,
        )
        for _ in range(2):
            await shop.batua.engine.submit(decision)
        if approve:
            assert (await only_news(shop, host, "wallet.adjusted")).status == "posted"
    assert await news(shop, host) == ({}, [])


async def test_nothing_is_written_until_somebody_listens_and_from_then_on_all_is(
    database_url, clock, host
):
    async with open_shop(database_url, clock) as shop:
        order = await shop.paid_order()
        assert await shop.rows("event") == []
        async with open_shop(
            database_url, clock, provider=shop.provider, hooks=host.hooks(EventType.ORDER_PAID)
        ) as other:
            # The first shop is another process: it has read the head before, and writes on it.
            await shop.refund(order, "wallet", 100)
            await shop.paid_order()
            types = Counter(row["type"] for row in await shop.rows("event"))
            assert types == {
                "order.refunded": 1, "refund.succeeded": 1, "wallet.adjusted": 1, "order.paid": 1,
            }  # fmt: skip
            heard, _ = await news(other, host)
            assert heard == {"order.paid": 1}
            # It asked for one type alone: of the others there is nothing to tell it.
            assert len(await other.rows("delivery")) == 1


async def test_what_a_refused_or_repeated_request_would_have_told_is_not_written(shop, host):
    await shop.give(100)
    await news(shop, host)
    assert (await shop.create_order(30_000, pay=True, key="k")).status == 402
    await shop.give(60_000)
    await news(shop, host)
    for _ in range(3):
        await shop.create_order(30_000, pay=True, key="same", reference="R-1")
    await only_news(shop, host, "order.paid")


# --- how it is told -------------------------------------------------------------------------------


async def test_a_hook_that_raises_or_hangs_is_called_again_and_harms_nobody(
    database_url, clock, caplog
):
    good, bad = Host(), Host()
    bad.fails = [RuntimeError("the host's database is away"), "hang", TimeoutError("its own")]
    hooks = {"wallet.adjusted": bad.hear, "order.paid": good.hear}
    async with open_shop(database_url, clock, hooks=hooks, hook_timeout_s=0.2) as shop:
        await shop.give(50_000)
        await shop.create_order(30_000, pay=True)
        await shop.batua.hooks.drain()
        assert (len(bad.told), len(good.told)) == (1, 1)
        assert await shop.balance() == 20_000
        notes = []
        for wait_s in RETRY_S[:3]:
            (row,) = await shop.rows("delivery", "listener_id = 'hook:wallet.adjusted'")
            notes.append((row["status"], row["note"]))
            assert await shop.batua.hooks.drain() == 0
            # A spread of a tenth, so that not all come back at once.
            clock.advance(wait_s * 1.1)
            await shop.batua.hooks.drain()
        assert notes == [
            ("pending", "RuntimeError: the host's database is away"),
            ("pending", "not done within 0.2 s"),
            ("pending", "TimeoutError: its own"),
        ]
        assert len({event.id for event in bad.told}) == 1
        assert len(bad.told) == 4
        (row,) = await shop.rows("delivery", "listener_id = 'hook:wallet.adjusted'")
        assert (row["status"], row["attempts"]) == ("delivered", 4)
    assert "the host's database is away" in caplog.text


async def test_after_the_last_try_it_is_dead_until_somebody_replays_it(shop, host, caplog):
    host.fails = [ValueError("a bug")] * (len(RETRY_S) + 1)
    began = shop.clock.now()
    await shop.give(100)
    for wait_s in (*RETRY_S, 0):
        await shop.batua.hooks.drain()
        shop.clock.advance(wait_s * 1.1)
    (row,) = await shop.rows("delivery")
    assert (row["status"], row["attempts"]) == ("dead", len(host.told))
    assert "is dead for hook:wallet.adjusted after 12 attempts: ValueError: a bug" in caplog.text
    shop.clock.advance(30 * 86_400)
    assert await shop.batua.hooks.drain() == 0
    host.told.clear()
    assert await shop.batua.listeners.replay("hook:wallet.adjusted", since=began) == 1
    assert (await news(shop, host))[0] == {"wallet.adjusted": 1}
    (row,) = await shop.rows("delivery")
    assert row["status"] == "delivered"


async def test_a_note_has_no_secret_and_one_that_no_database_could_store_harms_nobody(shop, host):
    host.fails = [OSError("postgresql://host:hunter2-hunter2@db/shop is away\0\ud800")]
    for _ in range(3):
        await shop.give(100)
    await shop.batua.hooks.drain()
    rows = await shop.rows("delivery")
    assert sorted((row["status"], row["note"]) for row in rows) == [
        ("delivered", ""),
        ("delivered", ""),
        ("pending", "OSError: postgresql://host:[secret]@db/shop is away?"),
    ]


async def test_a_lane_that_breaks_rests_before_it_is_begun_anew(shop, host, caplog):
    host.fails = [ConnectionError("away")]
    await shop.give(100)
    await shop.batua.hooks.drain()
    shop.clock.advance(RETRY_S[0] * 1.1)
    # What is due is found, and can't be taken.
    await shop.run("alter table batua_delivery rename column attempts to tries")
    for broken in (1, 2):
        async with asyncio.timeout(20):
            assert await shop.batua.hooks.drain() == 1
        assert await shop.batua.hooks.send_due() == 0
        assert caplog.text.count("the lane of hook:wallet.adjusted broke") == broken
        shop.clock.advance(5)
    await shop.run("alter table batua_delivery rename column tries to attempts")
    assert await shop.batua.hooks.drain() == 1
    assert [row["status"] for row in await shop.rows("delivery")] == ["delivered"]


async def test_the_limit_of_a_replay_counts_what_the_listener_hears(shop, monkeypatch):
    began = shop.clock.now()
    monkeypatch.setattr("batua.events.listeners.REPLAYED_MAX", 2)
    for _ in range(2):
        await shop.give(50_000)
    await shop.create_order(30_000, pay=True)
    await shop.batua.hooks.drain()
    assert await shop.batua.listeners.replay("hook:order.paid", since=began) == 1
    assert await shop.batua.listeners.replay("hook:wallet.adjusted", since=began) == 2
    await shop.run("update batua_listener set events = '*' where id = 'hook:order.paid'")
    with pytest.raises(Conflict) as refused:
        await shop.batua.listeners.replay("hook:order.paid", since=began)
    assert refused.value.code == "too_much_to_replay"


async def test_processes_of_a_host_that_start_at_once_all_listen(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        listeners = shop.batua.listeners

        async def enlist_at_once():
            # Each names its hooks in an order of its own.
            orders = [TYPES, TYPES[::-1]] * 3
            await asyncio.gather(*(listeners.enlist(types) for types in orders))
            return await shop.rows("listener")

        assert {(row["id"], row["status"], row["version"]) for row in await enlist_at_once()} == {
            (f"hook:{told}", "enabled", 1) for told in TYPES
        }
        (head,) = await shop.rows("ledger")
        assert head["announces"]
        for told in TYPES:
            await listeners.disable(f"hook:{told}", "no use for it")
        assert {(row["status"], row["note"]) for row in await enlist_at_once()} == {("enabled", "")}


async def test_whoever_starts_without_the_hook_leaves_its_events_to_whoever_has_it(
    database_url, clock, host
):
    async with open_shop(database_url, clock, hooks=host.hooks(EventType.WALLET_ADJUSTED)):
        pass
    async with open_shop(database_url, clock) as worker:
        await worker.give(100)
        await worker.work()
        (row,) = await worker.rows("delivery")
        assert (row["status"], row["attempts"], host.told) == ("pending", 0, [])
    async with open_shop(database_url, clock, hooks=host.hooks(EventType.WALLET_ADJUSTED)) as back:
        await back.work()
        assert len(host.told) == 1


async def test_a_hook_for_what_never_happens_is_a_mistake(sqlite_url, clock, host):
    for told in ("order.payed", "webhook.test", "*"):
        with pytest.raises(ConfigurationError, match="there is no event type"):
            async with open_shop(sqlite_url, clock, hooks={told: host.hear}):
                pass


# --- the contract ---------------------------------------------------------------------------------


async def test_what_is_stored_reads_back_and_names_no_person(shop, host):
    await shop.batua.customers.put(
        "asha", name="Asha Rao", phone="+915550000001", consents={}, source="test"
    )
    await shop.paid_order()
    (stored,) = await shop.rows("event", "type = 'order.paid'")
    assert set(json.loads(stored["data"])) == set(OrderFact.__struct_fields__)
    _, told = await news(shop, host)
    for event in told:
        text = msgspec.json.encode(event)
        assert b"Rao" not in text
        assert b"5550000001" not in text
        decoded = msgspec.json.decode(text, type=Event[FACTS[event.type]])
        assert decoded == event


def test_every_type_has_its_fact():
    assert set(FACTS) == set(EventType)
