"""A shop behind PgBouncer in transaction mode: two servers and two workers."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import asyncpg
import pytest

from batua.database import open_database
from batua.errors import ConfigurationError
from batua.pooler import split_pooler
from tests.support.clients import VARIABLES, ShopClient, order_of
from tests.support.databases import opened, read_rows
from tests.support.leftovers import assert_books_agree, assert_nothing_left
from tests.support.pgbouncer import pooled_url
from tests.support.ports import free_port
from tests.support.processes import (
    gateway_at,
    run_batua,
    running_serve,
    running_simulator,
    running_worker,
)

SESSIONS = 8
"""Of PostgreSQL, for two servers and two workers that may want four times as many."""
TAPS = 40
PRICE = 100


@pytest.fixture(scope="module")
def pooled(postgres_server):
    """The URLs of one database: past PgBouncer, and through it."""
    url = postgres_server.create()
    with pooled_url(url, pool_size=SESSIONS) as through:
        yield url, through
    postgres_server.drop(url)


async def test_two_servers_and_two_workers_lose_and_double_nothing(pooled, tmp_path):
    direct, through = pooled
    port = free_port()
    async with AsyncExitStack() as stack:

        async def run(program):
            return await asyncio.to_thread(stack.enter_context, program)

        webhooks = f"http://127.0.0.1:{port}/api/v1/webhooks/razorpay"
        simulator = await run(running_simulator(cwd=tmp_path, webhook_url=webhooks))
        told = VARIABLES | gateway_at(simulator)
        programs = await asyncio.gather(
            run(running_serve(through, cwd=tmp_path, port=port, **told)),
            run(running_serve(through, cwd=tmp_path, **told)),
        )
        for _ in range(2):
            await run(running_worker(through, cwd=tmp_path, **told))
        shops = [await stack.enter_async_context(ShopClient(each, simulator)) for each in programs]
        await pay_in_every_way(*shops)
        await race(*shops)
        sessions = await read_rows(
            direct,
            "select count(*) as many from pg_stat_activity"
            " where application_name = 'batua' and datname = current_database()"
            " and backend_type = 'client backend'",
        )
        assert sessions[0]["many"] <= SESSIONS + 1  # one of them is this look
        await assert_nothing_left(direct)
        await assert_books_agree(direct, (await shops[0].books()).values())
    proved = await asyncio.to_thread(
        run_batua, "verify", "--quiet", environ=programs[0].environ, cwd=tmp_path
    )
    assert proved.returncode == 0, proved.stdout + proved.stderr


async def pay_in_every_way(one, two):
    """Each is begun at one server and looked at by the other."""
    top_up = await one.top_up("asha", 50_000)
    await one.pay(top_up)
    await two.until_balance("asha", 50_000)
    bought = await two.buy("asha", 30_000)
    await one.refund(bought["id"], to="wallet", amount=10_000)
    order = await one.order("asha", 70_000)
    await one.pay(await two.pay_split("asha", order["id"]))
    await two.until_status("asha", f"/orders/{order['id']}", "paid")
    await two.refund(order["id"], to="source", amount=5_000)
    await one.until_balance("asha", 0)


async def race(one, two):
    """Twice as many taps as the wallet has money for, at both, and one key sent to both at once."""
    await one.give("ravi", TAPS // 2 * PRICE)
    taps = [
        shop.call("ravi", "POST", "/orders", order_of(PRICE) | {"pay_with": "wallet"})
        for shop in (one, two)
        for _ in range(TAPS // 2)
    ]
    answers = await asyncio.gather(*taps)
    assert Counter(answer.status_code for answer in answers) == {201: TAPS // 2, 402: TAPS // 2}
    assert await two.balance("ravi") == 0
    await two.give("lata", 10 * PRICE)
    same = order_of(PRICE) | {"pay_with": "wallet"}
    twins = await asyncio.gather(
        *(shop.call("lata", "POST", "/orders", same, key="twin") for shop in (one, two) * 10)
    )
    assert {answer.status_code for answer in twins} == {201}
    assert len({answer.content for answer in twins}) == 1
    assert await one.balance("lata") == 9 * PRICE


async def test_what_a_session_would_keep_is_said_in_each_transaction(pooled):
    _, through = pooled
    names = ("idle_in_transaction_session_timeout", "enable_seqscan", "transaction_isolation",
             "timezone", "application_name")  # fmt: skip
    asked = ", ".join(f"current_setting('{name}') as {name}" for name in names)
    async with opened(through) as database:
        for _ in range(3):
            async with database.transaction() as transaction:
                found = await transaction.fetch_one(f"select {asked}")
            assert tuple(found.values()) == ("30s", "off", "read committed", "UTC", "batua")
        (after,) = await database.fetch(f"select {asked}")
        # Nothing of it stays for whoever gets the session next.
        assert tuple(after.values())[:2] == ("0", "on")


async def test_who_does_not_say_that_it_stands_there_is_turned_away_at_once(pooled):
    _, through = pooled
    database = open_database(through.partition("?")[0])
    with pytest.raises(asyncpg.PostgresError, match="unsupported startup parameter"):
        await database.open()
    await database.close()


# --- the URL ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://a:p%40ss@h:1/d", ("postgresql://a:p%40ss@h:1/d", False)),
        ("postgresql://h/d?search_path=shop", ("postgresql://h/d?search_path=shop", False)),
        ("postgresql://h/d?pooler=transaction", ("postgresql://h/d", True)),
        ("postgresql://h/d?sslmode=verify-full&pooler=transaction",
         ("postgresql://h/d?sslmode=verify-full", True)),
    ],
)  # fmt: skip
def test_the_url_says_whether_a_pooler_stands_between(url, expected):
    assert split_pooler(url) == expected


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("pooler=session", "pooler is transaction"),
        ("pooler=", "pooler is transaction"),
        ("pooler=transaction&search_path=shop", "search_path is lost behind a pooler"),
        ("options=-csearch_path%3Dshop&pooler=transaction", "options is lost"),
    ],
)
def test_what_a_pooler_would_lose_is_refused(query, why):
    with pytest.raises(ConfigurationError, match=why) as refused:
        open_database(f"postgresql://asha:secret@h/d?{query}")
    assert "secret" not in str(refused.value)
