"""A server that stops with the ledger's lock in its hand (SIGSTOP, a paused machine), and goes on.

Run as a program it is the ``batua`` command that stops itself at one place of a group of payments,
once, just as SIGSTOP from outside would if it could be aimed: ``STOP_AT`` names the failpoints that
must be passed in order. ``IDLE_MS`` is how long PostgreSQL lets it keep a transaction idle.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time

import httpx
import pytest

from batua import failpoints
from batua.database import postgres
from batua_api.cli import main
from tests.postgres import run_apart
from tests.support import processes
from tests.support.clients import JWT_SECRET, ShopClient, assert_sound, new_name, order_of
from tests.support.databases import read_rows
from tests.support.leftovers import assert_nothing_left
from tests.support.processes import running_serve

VARIABLES = {
    "BATUA_JWT_SECRET": JWT_SECRET,
    "BATUA_RATE_LIMIT": "off",
    "BATUA_CUSTOMER_ORDERS": "on",
    "BATUA_APPROVAL_LIMIT": "1000000000",
    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
}
PRICE = 7
OPENING = 1_000_000
CLIENTS = 8
SESSIONS_MAX = 24
"""What the pools of two servers may have together."""
SOON_MS = 1_000
AFTERWARDS_S = 5
"""How long payments may take once PostgreSQL has ended the session that stands still."""
IDLE = (
    "select pid from pg_stat_activity where application_name = 'batua'"
    " and datname = current_database() and state = 'idle in transaction'"
)
WAITING = (
    "select pg_blocking_pids(pid) as pids from pg_stat_activity where application_name = 'batua'"
    " and datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"
)

UNDER_THE_LOCK = ("database.begun", "database.answered")
WRITTEN_UNDER_THE_LOCK = ("database.begun", "database.committing")
ON_A_VERSION = ("database.committing",)


class Stop:
    """Stands in for a failpoint: stops this process when ``names`` were passed in this order."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def reach(self, name: str) -> None:
        if self._names and self._names[0] == name:
            del self._names[0]
            if not self._names:
                os.kill(os.getpid(), signal.SIGSTOP)


# --- two servers, one of which stops --------------------------------------------------------------


@contextlib.contextmanager
def serving(url, cwd, *, idle_ms=SOON_MS, stop_at=()):
    """A server that may stop itself, and goes on at the latest when it is killed."""
    told = VARIABLES | {"IDLE_MS": str(idle_ms), "STOP_AT": " ".join(stop_at)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "BATUA", (sys.executable, "-m", "tests.faults.test_stopped"))
        with running_serve(url, cwd=cwd, **told) as program:
            yield program


@pytest.fixture(scope="module")
def second(postgres_server, tmp_path_factory):
    """The other server, which goes on. Afterwards the ledger is sound, and nothing is open."""
    url = postgres_server.create()
    with serving(url, tmp_path_factory.mktemp("second")) as program:
        yield program
        run_apart(assert_nothing_left(url, sessions_max=SESSIONS_MAX))
        run_apart(assert_sound(url))
    postgres_server.drop(url)


@pytest.fixture
async def other(second):
    async with ShopClient(second) as shop:
        yield shop


@pytest.fixture
async def who(other):
    """A customer of this test alone, who can pay."""
    name = new_name("who")
    await other.give(name, OPENING)
    return name


@contextlib.asynccontextmanager
async def stopping_beside(other, cwd, **options):
    """One more server on the same ledger: the one that stops."""
    with serving(other.program.database_url, cwd, **options) as program:
        async with ShopClient(program) as shop:
            yield shop


def is_stopped(program):
    """Whether the process stands still, which its parent may ask."""
    asked = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, program.process.pid, asked) is not None


async def until_stopped(program):
    async with asyncio.timeout(10):
        while not is_stopped(program):  # noqa: ASYNC110 - a stopped process tells nobody
            await asyncio.sleep(0.01)


def resume(program):
    with contextlib.suppress(ProcessLookupError):
        program.process.send_signal(signal.SIGCONT)


def tap(shop, who, key):
    body = order_of(PRICE, key) | {"pay_with": "wallet"}
    return shop.call(who, "POST", "/orders", body, key=key)


async def paid_by(shop, who, key, *, within_s=20):
    """Send a tap until it is answered with an order; returns its id."""
    async with asyncio.timeout(within_s):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await tap(shop, who, key)
                if answer.status_code == 201:
                    return answer.json()["id"]
                # A lost session, an unknown commit, or the other one that is at it.
                assert answer.status_code in {409, 503}, answer.text
                assert answer.status_code == 503 or "in_progress" in answer.text, answer.text
            await asyncio.sleep(0.05)


async def assert_paid_once(shop, who, paid):
    """These are all orders of theirs, each paid once, and nothing else is open in the database."""
    url = shop.program.database_url
    orders = await read_rows(
        url, "select id, reference, status from batua_order where customer_id = $1", who
    )
    assert {order["reference"]: order["id"] for order in orders} == paid
    assert len(orders) == len(paid)
    assert {order["status"] for order in orders} == {"paid"}
    assert await shop.balance(who) == OPENING - PRICE * len(paid)
    await assert_nothing_left(url, sessions_max=SESSIONS_MAX)
    await shop.verify()


# --- aimed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [UNDER_THE_LOCK, WRITTEN_UNDER_THE_LOCK], ids=" ".join)
async def test_who_stops_with_the_lock_loses_it_and_writes_nothing_twice(
    other, who, tmp_path, soak, place
):
    url = other.program.database_url
    idle_ms = postgres.IDLE_IN_TRANSACTION_TIMEOUT_MS if soak else SOON_MS
    async with stopping_beside(other, tmp_path, idle_ms=idle_ms, stop_at=place) as one:
        # Who has seen another's payment locks the head for the next group.
        paid = {key: await paid_by(one, who, key) for key in [new_name("first")]}
        keys = [new_name("tap") for _ in range(CLIENTS)]
        hanging = {key: asyncio.create_task(tap(one, who, key)) for key in keys}
        await until_stopped(one.program)
        stopped_at = time.monotonic()
        (holder,) = await read_rows(url, IDLE)

        # Their clients give up and go to the other server, with payments of its own.
        new = [new_name("other") for _ in range(CLIENTS)]
        going = [asyncio.create_task(paid_by(other, who, key, within_s=60)) for key in keys + new]
        await until_waiting_for(url, holder["pid"])
        assert not any(task.done() for task in going)
        # Meanwhile everybody reads.
        assert await other.balance(who) == OPENING - PRICE
        paid |= zip(keys + new, await asyncio.gather(*going), strict=True)
        took_s = time.monotonic() - stopped_at
        print(f"\n{took_s:.1f} s with an idle limit of {idle_ms / 1000:.0f} s")
        assert took_s < idle_ms / 1000 + AFTERWARDS_S
        assert is_stopped(one.program)
        assert not any(task.done() for task in hanging.values())

        resume(one.program)
        await assert_told_the_same(one, who, hanging, paid)
        await assert_paid_once(other, who, paid)


async def until_waiting_for(url, pid):
    """Until a session of the other server waits for the one that stands still."""
    async with asyncio.timeout(10):
        while [row["pids"] for row in await read_rows(url, WAITING)] != [[pid]]:  # noqa: ASYNC110 - it asks
            await asyncio.sleep(0.02)


async def assert_told_the_same(shop, who, hanging, paid):
    """Whoever waited at the stopped server hears of the one order, now or when asking again."""
    async with asyncio.timeout(20):
        for key, task in hanging.items():
            answer = await task
            assert answer.status_code in {201, 503}, answer.text
            if answer.status_code == 201:
                assert answer.json()["id"] == paid[key]
            else:
                assert int(answer.headers["Retry-After"]) >= 1
    for key, order in paid.items():
        again = await tap(shop, who, key)
        assert (again.status_code, again.json()["id"]) == (201, order)
        assert again.headers["Idempotency-Replayed"] == "true"


async def test_who_stops_before_writing_on_a_version_holds_nobody_up_and_writes_on_no_later_one(
    other, who, tmp_path
):
    async with stopping_beside(other, tmp_path, stop_at=ON_A_VERSION) as one:
        keys = [new_name("tap") for _ in range(CLIENTS)]
        hanging = {key: asyncio.create_task(tap(one, who, key)) for key in keys}
        await until_stopped(one.program)
        half = [*keys[::2], *(new_name("other") for _ in range(CLIENTS))]
        ids = await asyncio.gather(*(paid_by(other, who, key, within_s=5) for key in half))
        paid = dict(zip(half, ids, strict=True))

        resume(one.program)
        # The other half is begun by nobody but the server that was stopped.
        for key in keys[1::2]:
            paid[key] = (await hanging[key]).json()["id"]
        await assert_told_the_same(one, who, hanging, paid)
        await assert_paid_once(other, who, paid)


# --- at random ------------------------------------------------------------------------------------


async def test_stopped_and_resumed_at_random_under_load_every_payment_exists_once(
    other, who, tmp_path, soak
):
    chance, paid, ended = random.Random("stopped"), {}, asyncio.Event()
    caught, stands_still = 0, f"{IDLE} and state_change < clock_timestamp() - interval '40 ms'"
    async with stopping_beside(other, tmp_path) as one:
        shops = one, other

        async def shop_on(number):
            while not ended.is_set():
                key = new_name("tap")
                paid[key] = await paid_by(shops[number % 2], who, key, within_s=60)

        shoppers = [asyncio.create_task(shop_on(number)) for number in range(2 * CLIENTS)]
        for turn in range(200 if soak else 8):
            await asyncio.sleep(chance.uniform(0.02, 0.2))
            victim = shops[turn % 2].program
            victim.process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(0.05)
                caught += len(await read_rows(other.program.database_url, stands_still))
                # Some stop for longer than PostgreSQL lets them keep the lock.
                await asyncio.sleep(chance.choice((0, 0.1, 1.2)))
            finally:
                resume(victim)
        ended.set()
        await asyncio.gather(*shoppers)
        print(f"\n{len(paid)} paid, {caught} of the stops with the lock")
        assert caught or not soak, "nobody was stopped with the lock"
        again = list(paid)[-20:]
        assert [await paid_by(one, who, key) for key in again] == [paid[key] for key in again]
        await assert_paid_once(other, who, paid)


def run() -> None:
    """The command itself, told when to stop."""
    postgres.IDLE_IN_TRANSACTION_TIMEOUT_MS = int(os.environ["IDLE_MS"])
    failpoints._armed = Stop(os.environ.get("STOP_AT", "").split())
    main()


if __name__ == "__main__":
    run()
