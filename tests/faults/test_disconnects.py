"""Clients that go away: what was asked for whole is done once, and half a request is none."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections import Counter

import asyncpg
import pytest

from tests.postgres import run_apart
from tests.support.api import open_api
from tests.support.clients import JWT_SECRET, ShopClient, assert_sound, new_name, order_of
from tests.support.databases import read_rows
from tests.support.leftovers import assert_all_returned, assert_books_agree, assert_nothing_left
from tests.support.processes import clean_environ, run_batua, running_serve
from tests.support.proxy import Cut

VARIABLES = {
    "BATUA_JWT_SECRET": JWT_SECRET,
    "BATUA_RATE_LIMIT": "off",
    "BATUA_CUSTOMER_ORDERS": "on",
    "BATUA_APPROVAL_LIMIT": "1000000000",
}
PRICE = 7
OPENING = 1_000_000
AT_ONCE = 8
SESSIONS_MAX = 12
"""What a server's two pools may have together."""
BEGINS_WITHIN_S = 0.25
WAYS = ("close", "reset", "end of what is sent")
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of nought: closing sends RST, as when a client's machine or its network goes."""
TOP_UP = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}


@pytest.fixture(scope="module")
def server(shop_url, tmp_path_factory):
    """The production server on each engine; afterwards its ledger is sound, and nothing is open."""
    cwd = tmp_path_factory.mktemp("shop")
    migrated = run_batua("migrate", environ=clean_environ(shop_url), cwd=cwd)
    assert migrated.returncode == 0, migrated.stderr
    with running_serve(shop_url, cwd=cwd, **VARIABLES) as server:
        yield server
        run_apart(assert_nothing_left(shop_url, sessions_max=SESSIONS_MAX))
        run_apart(assert_sound(shop_url))


@pytest.fixture
async def shop(server):
    async with ShopClient(server) as shop:
        yield shop


# --- a client that goes away --------------------------------------------------------------------


def one_tap(reference):
    return order_of(PRICE, reference) | {"pay_with": "wallet"}


def request_of(path, body, token, key):
    """All bytes of a POST."""
    content = json.dumps(body).encode()
    lines = (
        f"POST /api/v1{path} HTTP/1.1",
        "Host: shop",
        f"Authorization: Bearer {token}",
        f"Idempotency-Key: {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + content


async def send_and_vanish(port, sent, *, wait_s=0.0, how="reset"):
    """Send these bytes, wait, and go away without an answer."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, sent)
        await asyncio.sleep(wait_s)
        if how == "end of what is sent":
            client.shutdown(socket.SHUT_WR)
            await asyncio.sleep(wait_s)
        elif how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def found(shop, who, reference):
    """The orders of that reference as soon as there is one, or none after a while."""
    deadline = asyncio.get_running_loop().time() + BEGINS_WITHIN_S
    while True:
        orders = (await shop.get(who, f"/orders?reference={reference}"))["items"]
        if orders or asyncio.get_running_loop().time() > deadline:
            return orders
        await asyncio.sleep(0.01)


async def in_rows_of(size, count, act):
    """Do ``act`` for each number below ``count``, some at once; returns what it gave."""
    done = []
    for first in range(0, count, size):
        done += await asyncio.gather(*map(act, range(first, min(first + size, count))))
    return done


async def test_a_whole_request_has_one_effect_and_one_stored_answer(shop, soak):
    who, chance, outcomes = new_name("whole"), random.Random("whole"), Counter()
    await shop.give(who, OPENING)
    taps = [(new_name("tap"), chance.uniform(0, 0.012)) for _ in range(2_000 if soak else 48)]

    async def tap(number):
        key, wait_s = taps[number]
        how = WAYS[number % len(WAYS)]
        sent = request_of("/orders", one_tap(key), shop.token(who), key)
        # Some at once, others when a group is being written.
        await send_and_vanish(shop.program.port, sent, wait_s=wait_s * (number % 4 > 0), how=how)
        orders = await found(shop, who, key)
        again = await shop.call(who, "POST", "/orders", one_tap(key), key=key)
        more = await shop.call(who, "POST", "/orders", one_tap(key), key=key)
        assert (again.status_code, more.status_code) == (201, 201), again.text
        assert again.content == more.content
        assert more.headers["Idempotency-Replayed"] == "true"
        is_replayed = again.headers.get("Idempotency-Replayed") == "true"
        # What nobody replays began only now: the request that was cut off never did.
        assert is_replayed or not orders
        if orders:
            assert [(order["id"], order["status"]) for order in orders] == [
                (again.json()["id"], "paid")
            ]
        outcomes[how, is_replayed] += 1
        return key, again.json()["id"]

    paid = dict(await in_rows_of(AT_ONCE, len(taps), tap))
    print(f"\n{dict(outcomes)}")
    assert all(outcomes[how, True] for how in WAYS), f"nobody was cut off at work: {outcomes}"
    await assert_paid_once(shop, who, paid)


async def test_a_request_that_ends_at_any_byte_was_none(shop, soak):
    who, chance = new_name("part"), random.Random("part")
    await shop.give(who, OPENING)

    async def tap(number):
        key = new_name("part")
        whole = request_of("/orders", one_tap(key), shop.token(who), key)
        # The last bytes of the head and of the body more often than the rest.
        near = (len(whole) - 1, whole.index(b"\r\n\r\n") + chance.randrange(5))
        end = near[number % 8] if number % 8 < len(near) else chance.randrange(len(whole))
        how = WAYS[number % len(WAYS)]
        wait_s = chance.choice((0, 0.003))
        await send_and_vanish(shop.program.port, whole[:end], wait_s=wait_s, how=how)
        return key

    keys = await in_rows_of(AT_ONCE, 3_000 if soak else 64, tap)
    await asyncio.sleep(BEGINS_WITHIN_S)
    assert await shop.balance(who) == OPENING

    # The keys are free: whoever asks again in full is the first.
    paid = {}
    for key in keys[:: len(keys) // 16]:
        answer = await shop.call(who, "POST", "/orders", one_tap(key), key=key)
        assert answer.status_code == 201
        assert "Idempotency-Replayed" not in answer.headers
        paid[key] = answer.json()["id"]
    await assert_paid_once(shop, who, paid)


async def assert_paid_once(shop, who, paid):
    """These are all orders of ``who``, each paid once."""
    orders = await read_rows(
        shop.program.database_url,
        "select id, reference, status, amount from batua_order where customer_id = $1",
        who,
    )
    assert {order["reference"]: order["id"] for order in orders} == paid
    assert len(orders) == len(paid)
    assert {(order["status"], order["amount"]) for order in orders} == {("paid", PRICE)}
    assert await shop.balance(who) == OPENING - PRICE * len(paid)


# --- while the provider is asked ----------------------------------------------------------------


async def test_a_top_up_whose_payer_left_while_the_provider_was_asked_is_opened_once(
    database_url, clock
):
    async with open_api(database_url, clock, rate_limit=False) as api:
        provider = api.shop.provider
        provider._proxy.arm(Cut.DELAY, statement=b"POST /v1/orders")
        sent = request_of("/topups", TOP_UP, api.token("asha"), "left")
        leaving = asyncio.create_task(send_and_vanish(api.http.base_url.port, sent, wait_s=0.1))
        await provider._proxy.met.wait()
        await leaving
        await asyncio.sleep(0.05)
        assert [row["provider_reference"] for row in await api.shop.rows("payment")] == [None]

        provider._proxy.release()
        async with asyncio.timeout(10):
            while not (rows := await finished_keys(api)):  # noqa: ASYNC110 - it asks a database
                await asyncio.sleep(0.01)
        assert [row["response_status"] for row in rows] == [201]
        answer = await api.post("/topups", TOP_UP, key="left")
        assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
        (order,) = provider.orders()
        assert answer.json()["checkout"]["provider_reference"] == order["id"]
        (top_up,) = await api.shop.rows("top_up")
        assert top_up["id"] == answer.json()["id"]

        # The payer comes back to it, and gets a part back later.
        await provider.pay(order["id"])
        with pytest.raises(AssertionError):
            await assert_books_agree(database_url, await provider.payments())
        await api.shop.hear()
        await api.shop.refund_top_up(top_up["id"], 20_000)
        await api.shop.hear()
        assert await api.shop.balance("asha") == 30_000
        await assert_books_agree(database_url, await provider.payments())
        await assert_all_returned(api.shop.batua)


async def finished_keys(api):
    return await api.shop.rows("idempotency", "status = 'finished'")


# --- the check itself ---------------------------------------------------------------------------


async def test_what_a_session_leaves_open_is_found(postgres_url):
    connection = await asyncpg.connect(postgres_url, server_settings={"application_name": "batua"})
    await connection.execute("select pg_advisory_lock(1)")
    with pytest.raises(AssertionError, match="ExclusiveLock advisory"):
        await assert_nothing_left(postgres_url, within_s=0)
    await connection.execute("select pg_advisory_unlock_all()")
    await assert_nothing_left(postgres_url, sessions_max=1)
    with pytest.raises(AssertionError, match="1 sessions, not 0"):
        await assert_nothing_left(postgres_url, sessions_max=0)
    await connection.execute("begin")
    with pytest.raises(AssertionError, match="idle in transaction: begin"):
        await assert_nothing_left(postgres_url, within_s=0)
    await connection.close()
