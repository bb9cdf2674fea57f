"""Many callers at once through two server processes: exactly the limit is let in."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack

import httpx
import pytest

from batua.bootstrap import open_batua
from batua.contract import Money
from batua.settings import read_settings
from batua.wallets import NO_RULES, Adjust, AdjustmentReason, Direction
from batua_admin import create_staff
from tests.support.clients import JWT_SECRET, ShopClient, order_of
from tests.support.processes import running_serve

WINDOW_S = 60
PASSWORD = "a long password"
LOGINS = 5


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def counted_in(request, tmp_path):
    """The database of a shop, and what its processes are told of where they count."""
    if request.param == "redis":
        told = {"BATUA_REDIS_URL": request.getfixturevalue("redis_url"), "BATUA_REDIS_PREFIX": "f"}
        return request.getfixturevalue("postgres_url"), told
    return request.getfixturevalue(f"{request.param}_url"), {}


async def prepare(url):
    """A member of staff who logs in, and a customer who has money."""
    async with open_batua(read_settings({}, database_url=url), {}) as batua:
        await create_staff(batua, username="meera", password=PASSWORD, role="viewer")
        given = Adjust(
            id="adj_1",
            customer_id="asha",
            money=Money(1_000_000, "INR"),
            direction=Direction.CREDIT,
            reason_code=AdjustmentReason.OPENING_BALANCE,
            note="",
            requested_by="test",
            approval_limit=10**12,
            newcomers=batua.newcomers,
            new_id=batua.new_id,
            rules=NO_RULES,
        )
        await batua.engine.submit(given)


async def begin_of_a_window(clients, calls_s):
    """Wait until a window has room for all that is about to happen: it must not end in between."""
    (answer,) = await many(clients[:1], 1, lambda shop, _: shop.call("t", "GET", "/wallet"))
    now = answer.headers.get("date")
    assert now, "the server says what time it is"
    seconds = int(now.split(":")[2][:2])
    if seconds + calls_s > WINDOW_S:
        await asyncio.sleep(WINDOW_S - seconds + 0.5)


async def many(clients, count, call):
    return await asyncio.gather(*(call(clients[i % len(clients)], i) for i in range(count)))


async def log_in(shop, number):
    """One login, from a browser that knows the panel's token; a wrong password for most."""
    async with httpx.AsyncClient(
        base_url=f"{shop.program.base}/admin", trust_env=False, timeout=60, verify=False
    ) as http:
        http.cookies.set("csrftoken", "t" * 32)
        tried = {"username": "meera", "password": PASSWORD if number % 3 else "wrong"}
        headers = {"X-CSRFToken": "t" * 32}
        return await http.post("/public/login/", json=tried, headers=headers)


async def test_exactly_the_limit_of_payments_and_logins_is_let_in(counted_in, tmp_path, soak):
    url, told = counted_in
    calls, limit, logins = (1_000, 333, 1_000) if soak else (300, 100, 30)
    await prepare(url)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    variables = {
        "BATUA_JWT_SECRET": JWT_SECRET,
        "BATUA_CUSTOMER_ORDERS": "on",
        "BATUA_APPROVAL_LIMIT": "100000000",
        "BATUA_RATE_LIMIT_CUSTOMER": str(limit),
        "BATUA_RATE_LIMIT_ADDRESS": "100000",
        "BATUA_LOGIN_LIMIT_NAME": str(LOGINS),
        "BATUA_LOGIN_LIMIT_ADDRESS": "100000",
        **told,
    }
    async with asyncio.timeout(120):
        with ExitStack() as stack:
            # Starting waits for the port: in threads, so that both start at once.
            programs = await asyncio.gather(
                *(
                    asyncio.to_thread(
                        stack.enter_context, running_serve(url, cwd=tmp_path / name, **variables)
                    )
                    for name in ("one", "two")
                )
            )
            async with ShopClient(programs[0]) as one, ShopClient(programs[1]) as two:
                shops = [one, two]
                await begin_of_a_window(shops, 30 if soak else 15)

                paid = await many(shops, calls, pay)
                assert Counter(each.status_code for each in paid) == {
                    201: limit,
                    429: calls - limit,
                }
                refused = next(each for each in paid if each.status_code == 429)
                assert 1 <= int(refused.headers["retry-after"]) <= WINDOW_S
                assert refused.json()["code"] == "rate_limited"

                tried = await many(shops, logins, log_in)
                statuses = Counter(each.status_code for each in tried)
                assert statuses[200] + statuses[401] == LOGINS, statuses
                assert statuses[429] == logins - LOGINS
                over = next(each for each in tried if each.status_code == 429)
                assert 1 <= int(over.headers["retry-after"]) <= 300
                others = await one.balance("ravi")
                assert others == 0


async def pay(shop, _):
    return await shop.call("asha", "POST", "/orders", order_of(100) | {"pay_with": "wallet"})
