"""The whole job under fixed keys, so that it can be cut off anywhere and taken up again.

Run as a program it does the job in a fork of itself for every line that it reads, so that a
failpoint may kill it: ``kill@12`` and what ``run_child`` takes, with spaces between.
"""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3, as our own entry points do.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import asyncio
import os
import sqlite3
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx

from batua.database import Database, Transaction, Write
from batua.failpoints import arm, parse
from batua.ledger import Book, OpenHold, account_needs
from batua.wallets import NO_RULES, AdjustmentKind, DecideAdjustment, Direction
from tests.support.clock import START, FakeClock
from tests.support.ledger import RAVI, Staged
from tests.support.provider import Provider
from tests.support.shop import SECOND_PERSON, Shop, open_shop

__all__ = [
    "STEPS",
    "open_path",
    "outcome",
    "run_child",
    "take_up",
    "take_up_killed",
    "three_at_once",
]

Step = Callable[[Shop], Awaitable[Any]]

HOLD_ENDS = START + timedelta(hours=1)
BONUS_ENDS = START + timedelta(hours=2)
SETTLES_S = 4 * 3600
"""After this no payment is waited for any more, however late it was opened."""


# --- the steps ----------------------------------------------------------------------------------


async def _pay(shop: Shop, reference: str) -> None:
    """The payer pays once, whatever happens to us."""
    orders = {row["order_id"]: row for row in await shop.provider.payments()}
    if reference not in orders:
        await shop.provider.pay(reference)
    await shop.hear()


async def give(shop: Shop) -> None:
    await shop.batua.engine.submit(shop.adjustment(100_000, id="adj_opening"))


async def top_up(shop: Shop) -> None:
    opened = await shop.open_top_up(50_000, key="top-up")
    await _pay(shop, opened["payment"]["provider_reference"])


async def refund_of_top_up(shop: Shop) -> None:
    opened = await shop.open_top_up(50_000, key="top-up")
    await shop.refund_top_up(opened["top_up"]["id"], 10_000, key="refund-0")


async def one_tap(shop: Shop) -> None:
    await shop.create_order(30_000, pay=True, key="one-tap", reference="A-1")


async def by_gateway(shop: Shop) -> None:
    order = await shop.create_order(20_000, key="order", reference="A-2")
    opened = await shop.pay_by_gateway(order["id"], key="pay")
    await _pay(shop, opened["payment"]["provider_reference"])


async def cancelled(shop: Shop) -> None:
    order = await shop.create_order(5_000, key="no-order", reference="A-4")
    await shop.cancel(order["id"], key="cancel")


async def cancelled_split(shop: Shop) -> None:
    """What was held of the wallet is given back."""
    order = await shop.create_order(150_000, key="no-split-order", reference="A-5")
    await shop.pay_split(order["id"], key="no-split")
    await shop.cancel(order["id"], key="cancel-split")


async def split(shop: Shop) -> None:
    order = await shop.create_order(150_000, key="split-order", reference="A-3")
    opened = await shop.pay_split(order["id"], key="split")
    await _pay(shop, opened["payment"]["provider_reference"])


async def _order(shop: Shop, reference: str) -> str:
    rows = await shop.rows("order", f"reference = '{reference}'")
    order: str = rows[0]["id"]
    return order


async def refund_to_wallet(shop: Shop) -> None:
    await shop.refund(await _order(shop, "A-1"), "wallet", 10_000, key="refund-1")


async def refund_to_source(shop: Shop) -> None:
    await shop.refund(await _order(shop, "A-2"), "source", 5_000, key="refund-2")


async def approved_refund(shop: Shop) -> None:
    """It is too much for one person."""
    order = await _order(shop, "A-2")
    asked = await shop.refund(order, "source", 4_000, key="refund-3", approval_limit=1_000)
    await shop.batua.orders.decide_refund(asked["id"], approver=SECOND_PERSON, approve=True)


async def approved_debit(shop: Shop) -> None:
    """It is held until a second person takes it."""
    asked = shop.adjustment(1_000, id="adj_debit", direction=Direction.DEBIT, approval_limit=100)
    await shop.batua.engine.submit(asked)
    decision = DecideAdjustment(
        adjustment_id="adj_debit",
        approver=SECOND_PERSON,
        approve=True,
        new_id=shop.batua.new_id,
        rules=NO_RULES,
    )
    await shop.batua.engine.submit(decision)


async def _pay_at_once(shop: Shop, *keys: str, beside: Sequence[Awaitable[Any]] = ()) -> None:
    """Ravi taps on all of them in one tick, so that they are one group."""
    taps = [
        shop.create_order(5_000, "ravi", pay=True, key=key, reference=f"B-{key}") for key in keys
    ]
    for done in (await asyncio.gather(*taps, *beside, return_exceptions=True))[: len(taps)]:
        if isinstance(done, BaseException):
            raise done


async def three_at_once(shop: Shop) -> None:
    await shop.batua.engine.submit(shop.adjustment(60_000, "ravi", id="adj_ravi"))
    await _pay_at_once(shop, "one", "two", "three")


def _hold_nothing(book: Book) -> None:
    """What the schema refuses, and with it the whole group."""
    book.hold("hld_nothing", RAVI, 5)["amount"] = 0


async def beside_a_broken_one(shop: Shop) -> None:
    """A group that fails and is run again one by one."""
    broken = shop.batua.engine.submit(Staged(_hold_nothing, tuple(account_needs(RAVI))))
    await _pay_at_once(shop, "four", "five", beside=[broken])


async def expired_hold(shop: Shop) -> None:
    hold = OpenHold(id="hld_late", account=RAVI, amount=2_000, expires_at=HOLD_ENDS)
    await shop.batua.engine.submit(hold)
    await _work_at(shop, HOLD_ENDS)
    assert (await shop.row("hold", "hld_late"))["status"] == "expired"


async def expired_bonus(shop: Shop) -> None:
    kind = AdjustmentKind.BONUS
    bonus = shop.adjustment(500, "ravi", id="adj_bonus", kind=kind, expires_at=BONUS_ENDS)
    await shop.batua.engine.submit(bonus)
    await _work_at(shop, BONUS_ENDS)
    assert await shop.transfers(kind="bonus_expiry")


async def _work_at(shop: Shop, time: datetime) -> None:
    """Do what is due at ``time``, or now if that is over. The worker swallows what goes wrong."""
    await shop.work(max(0, (time - shop.clock.now()).total_seconds()))


async def look(shop: Shop) -> None:
    """Read twice as of one moment, as the proof does."""
    async with shop.batua.database.snapshot() as reader:
        accounts = await reader.fetch("select posted from batua_account")
        entries = await reader.fetch("select amount from batua_entry")
    assert sum(row["posted"] for row in accounts) == sum(row["amount"] for row in entries) == 0


STEPS: tuple[Step, ...] = (
    give, top_up, refund_of_top_up, one_tap, by_gateway, cancelled, cancelled_split, split,
    refund_to_wallet, refund_to_source, approved_refund, approved_debit, three_at_once,
    beside_a_broken_one, expired_hold, expired_bonus, look,
)  # fmt: skip


# --- the two ways to write ----------------------------------------------------------------------


@asynccontextmanager
async def open_path(
    path: str, database_url: str, clock: FakeClock, provider: Provider
) -> AsyncIterator[Shop]:
    """A shop whose engine is ``alone``, or ``crowded``: then somebody else writes before it.

    Alone it writes a group with one guarded statement. Crowded it takes the head's lock, loads,
    decides, writes and commits.
    """
    async with open_shop(database_url, clock, provider=provider) as shop:
        if path == "alone":
            yield shop
            return
        async with _another_writer(database_url) as write:
            shop.batua.engine._database = _Crowded(shop.batua.database, write)
            yield shop


class _Crowded:
    """The engine's database, to which another process writes just before each write of ours.

    So what was loaded without the lock is always stale, and under the lock the head is never as
    the engine left it.
    """

    def __init__(self, database: Database, write: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._write = write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        await self._write()
        await self._database.write_all(writes, meanwhile)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        await self._write()
        async with self._database.transaction() as transaction:
            yield transaction


@asynccontextmanager
async def _another_writer(database_url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Moves the head's version, as every writer does; past our code, which counts its passes.

    It is another process: what is cancelled here goes on there.
    """
    scheme, _, rest = database_url.partition("://")
    opened = _sqlite(rest[1:]) if scheme == "sqlite" else _postgres(database_url)
    one_by_one = asyncio.Lock()
    async with opened as execute:

        async def write() -> None:
            async with one_by_one:
                await execute("update batua_ledger set version = version + 1")

        yield lambda: asyncio.shield(write())
        async with one_by_one:
            pass


@asynccontextmanager
async def _postgres(database_url: str) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection.execute
    finally:
        await connection.close()


@asynccontextmanager
async def _sqlite(path: str) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        yield lambda sql: asyncio.to_thread(connection.execute, sql)
    finally:
        connection.close()


# --- cut off and taken up -----------------------------------------------------------------------


async def take_up(shop: Shop, step: Step, *, tries: int = 8) -> None:
    """Do a step, and if it is cut off do it again with the same keys when its lease is over."""
    for _ in range(tries):
        done = await asyncio.gather(asyncio.create_task(step(shop)), return_exceptions=True)
        if not isinstance(done[0], BaseException):
            return
        shop.clock.advance(31)
        await asyncio.gather(asyncio.create_task(shop.work()), return_exceptions=True)
    raise AssertionError(f"{step.__name__} does not come to an end") from done[0]


async def take_up_killed(shop: Shop) -> None:
    """Do all of it again after a process was killed. Time has gone on since it last wrote."""
    (head,) = await shop.rows("ledger")
    written_s = (head["last_at"] - shop.clock.now()).total_seconds()
    shop.clock.advance(31 + max(0, written_s))
    for step in STEPS:
        await take_up(shop, step)


async def outcome(shop: Shop) -> dict[str, Any]:
    """What must be the same however often the job was cut off."""
    await shop.work(SETTLES_S)
    for _ in range(6):
        await shop.work(61)
    await shop.assert_sound()
    accounts = await shop.rows("account", order="key")
    paid = await shop.provider.payments()
    return {
        "accounts": {row["key"]: (row["posted"], row["held"]) for row in accounts},
        "orders": {row["reference"]: row["status"] for row in await shop.rows("order")},
        "payments": await _sorted(shop, "payment", "amount", "status"),
        "refunds": await _sorted(shop, "refund", "amount", "status"),
        "adjustments": await _sorted(shop, "adjustment", "amount", "status"),
        "holds": await _sorted(shop, "hold", "amount", "captured", "status"),
        "lots": await _sorted(shop, "lot", "kind", "amount", "remaining", "held"),
        "transfers": await _sorted(shop, "transfer", "kind", "amount"),
        "messages": await _sorted(shop, "outbox", "template", "customer_id", "status"),
        "keys": await _sorted(shop, "idempotency", "key", "status", "response_status"),
        "theirs": sorted((row["amount"], row["status"], row["amount_refunded"]) for row in paid),
        "waiting": [row["status"] for row in await shop.rows("inbox") if row["next_attempt_at"]],
    }


async def _sorted(shop: Shop, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[column] for column in columns) for row in await shop.rows(table))


async def run_child(path: str, database_url: str, base: str, proxied: str) -> None:
    """The job in this process, against the provider of another one."""
    async with httpx.AsyncClient(base_url=base, verify=False, trust_env=False) as http:
        proxy: Any = SimpleNamespace(url=proxied)
        provider = Provider(http, proxy, simulator=None)
        async with open_path(path, database_url, FakeClock(START), provider) as shop:
            for step in STEPS:
                await step(shop)


# --- in a process of its own ---------------------------------------------------------------------


def _listen() -> None:
    """For each line do the job in a fork, which has imported all already, and say how it ended."""
    for line in sys.stdin:
        failpoint, *arguments = line.split()
        child = os.fork()
        if child == 0:
            _do(failpoint, arguments)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _do(failpoint: str, arguments: list[str]) -> None:
    ended = 1
    try:
        armed = parse(failpoint)
        assert armed is not None
        with arm(armed):
            asyncio.run(run_child(*arguments))
        ended = 0
    except BaseException:  # whatever it was, this process is a copy and may not go on
        traceback.print_exc()
    finally:
        os._exit(ended)


if __name__ == "__main__":
    _listen()
