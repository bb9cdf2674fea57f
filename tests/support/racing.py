"""Who takes part in races with an exact outcome: the ledger, and what must not pass.

``CheckThenUpdate`` is the mistake itself: it reads, decides, and then writes.  Every harness is run
against a bank or a shop that makes it, and must fail.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from batua.clock import new_id
from batua.database import Database, Dialect, Row, Statement
from batua.errors import InsufficientFunds, Refusal
from batua.ledger import (
    AccountName,
    CaptureHold,
    Engine,
    Movement,
    OpenHold,
    PostTransfer,
    VoidHold,
)
from tests.support.shop import Shop

__all__ = [
    "SHOP",
    "Bank",
    "BankRun",
    "CheckThenUpdate",
    "LedgerBank",
    "NaiveBank",
    "NaiveShop",
    "ShopOfDoors",
    "at_once",
    "code_of",
    "run_bank",
]

T = TypeVar("T")

SUSPENSE = AccountName.suspense("bank", "INR")
REVENUE = AccountName.revenue("INR")
SHOP = "shop"


class Bank(Protocol):
    """Purses that hold money, in one place or through several doors."""

    async def open(self, balances: Mapping[str, int]) -> None: ...

    async def move(self, door: int, debit: str, credit: str, amount: int) -> bool:
        """Whether it was done; what has too little refuses."""

    async def read(self, door: int) -> dict[str, int]:
        """Every purse but the shop's, as of one moment."""

    async def hold(self, door: int, id: str, owner: str, amount: int) -> str:
        """Set a part of a purse aside. Answers ``done``, or a code that says why it was not."""

    async def capture(self, door: int, id: str, owner: str, amount: int) -> str: ...

    async def void(self, door: int, id: str) -> str: ...

    async def look(self, owner: str) -> tuple[int, int, int]:
        """What the purse has, what of it is held, and what the shop has."""


# --- the real thing -----------------------------------------------------------------------------


class LedgerBank:
    """The real thing: one engine a door, all on one database."""

    def __init__(self, databases: Sequence[Database], engines: Sequence[Engine]) -> None:
        self.databases, self.engines = databases, engines
        self._times = 0

    async def open(self, balances: Mapping[str, int]) -> None:
        total = sum(balances.values())
        await self._post(0, REVENUE, SUSPENSE, total, kind="test")
        for owner, amount in balances.items():
            await self._post(0, SUSPENSE, _wallet(owner), amount, kind="suspense_release")

    async def move(self, door: int, debit: str, credit: str, amount: int) -> bool:
        self._times += 1
        try:
            if self._times % 4 and credit != SHOP:
                await self._post(door, _wallet(debit), _wallet(credit), amount, kind="test")
            else:
                await self._hold_and_capture(door, debit, credit, amount)
        except InsufficientFunds:
            return False
        return True

    async def read(self, door: int) -> dict[str, int]:
        async with self.databases[door % len(self.databases)].snapshot() as reader:
            rows = await reader.fetch(
                "select owner, posted, held from batua_account where kind = 'wallet'"
            )
        assert all(0 <= row["held"] <= row["posted"] for row in rows), "negative"
        return {row["owner"]: row["posted"] for row in rows}

    async def hold(self, door: int, id: str, owner: str, amount: int) -> str:
        return await self._submit(door, OpenHold(id=id, account=_wallet(owner), amount=amount))

    async def capture(self, door: int, id: str, owner: str, amount: int) -> str:
        taken = Movement(id=id, kind="test", debit=_wallet(owner), credit=REVENUE, amount=amount,
                         reason="a race", actor="test")  # fmt: skip
        return await self._submit(door, CaptureHold(taken))

    async def void(self, door: int, id: str) -> str:
        return await self._submit(door, VoidHold(id))

    async def look(self, owner: str) -> tuple[int, int, int]:
        async with self.databases[0].snapshot() as reader:
            sql = "select posted, held from batua_account where key = $1"
            purse = await reader.fetch_one(sql, _wallet(owner).key)
            shop = await reader.fetch_one(sql, REVENUE.key)
        assert purse is not None
        assert shop is not None
        return purse["posted"], purse["held"], shop["posted"]

    async def _submit(self, door: int, operation: Any) -> str:
        return await code_of(self.engines[door % len(self.engines)].submit(operation))

    async def _hold_and_capture(self, door: int, debit: str, credit: str, amount: int) -> None:
        engine, hold = self.engines[door % len(self.engines)], new_id("hld")
        await engine.submit(OpenHold(id=hold, account=_wallet(debit), amount=amount))
        taken = Movement(id=hold, kind="test", debit=_wallet(debit),
                         credit=REVENUE if credit == SHOP else _wallet(credit), amount=amount,
                         reason="a race", actor="test")  # fmt: skip
        await engine.submit(CaptureHold(taken))

    async def _post(
        self, door: int, debit: AccountName, credit: AccountName, amount: int, *, kind: str
    ) -> None:
        movement = Movement(id=new_id("trf"), kind=kind, debit=debit, credit=credit,
                            amount=amount, reason="a race", actor="test")  # fmt: skip
        await self.engines[door % len(self.engines)].submit(PostTransfer(movement))


def _wallet(owner: str) -> AccountName:
    return AccountName.wallet(owner, "INR")


async def code_of(answering: Awaitable[Any]) -> str:
    """``done``, ``exists``, or the code of the refusal."""
    try:
        answer = await answering
    except Refusal as refusal:
        return refusal.ledger_code
    return "exists" if answer.exists else "done"


class ShopOfDoors:
    """The real thing: several shops as so many processes have them, all on one database."""

    def __init__(self, shops: Sequence[Shop]) -> None:
        self._shops = shops

    async def sell(self, customer: str, amount: int) -> str:
        """An order that is paid, and leaves the purse empty; returns its id."""
        return await self._shops[0].paid_order(amount, customer=customer)

    async def refund(self, door: int, order: str, amount: int) -> str:
        answer = await self._shops[door % len(self._shops)].refund(order, "wallet", amount)
        if answer.status == 201:
            return "done"
        assert answer.status == 409, answer
        return str(answer["code"])

    async def look(self, order: str, customer: str) -> tuple[int, int, int]:
        """What is refunded, what is about to be, and what the purse has."""
        row = await self._shops[0].row("order", order)
        return row["refunded"], row["refund_reserved"], await self._shops[0].balance(customer)


# --- the mistake --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckThenUpdate:
    """Reads a row, thinks about it, and then writes what it decided.

    Each statement commits by itself, or ``in_transaction`` all of them at READ COMMITTED, which
    is no better.  Who ``locks`` the row as well makes no mistake: such a one must pass, or else
    the harness caught something other than the race.
    """

    database: Database
    in_transaction: bool = False
    locks: bool = False

    async def create(self, *statements: str) -> None:
        async with self.database.transaction() as transaction:
            for sql in statements:
                await transaction.execute(sql)

    async def run(self, read: str, key: str, decide: Callable[[Row], Decision]) -> str:
        """Returns the answer of ``decide``, which comes with the statements that write it."""
        if not self.in_transaction:
            answer, writes = decide(await self._slowly(self.database.fetch_one(read, key)))
            for sql, args in writes:
                async with self.database.transaction() as transaction:
                    await transaction.execute(sql, *args)
            return answer
        suffix = " for update" if self._has_row_locks and self.locks else ""
        async with self.database.transaction() as transaction:
            row = await self._slowly(transaction.fetch_one(f"{read}{suffix}", key))
            answer, writes = decide(row)
            for sql, args in writes:
                await transaction.execute(sql, *args)
        return answer

    @property
    def _has_row_locks(self) -> bool:
        return self.database.dialect is Dialect.POSTGRES  # BEGIN IMMEDIATE locks all of SQLite

    async def _slowly(self, reading: Awaitable[Row | None]) -> Row:
        row = await reading
        assert row is not None
        await asyncio.sleep(0.001)  # as long as a look at something else takes
        return row


Decision = tuple[str, Sequence[Statement]]

# With keys: PostgreSQL, which is told to find rows by key, would compile each statement first.
PURSES = "create table purse (owner text primary key, balance bigint, held bigint)"
HOLDS = "create table purse_hold (id text primary key, owner text, amount bigint, status text)"
SALES = "create table sale (id text primary key, owner text, paid bigint, refunded bigint)"
OPEN_PURSE = "insert into purse values ($1, $2, 0)"
THE_PURSE = "select * from purse where owner = $1"
TAKE = "update purse set balance = balance - $1 where owner = $2"
GIVE = "update purse set balance = balance + $1 where owner = $2"
SET_ASIDE = "update purse set held = held + $1 where owner = $2"
CLOSE = "update purse_hold set status = $1 where id = $2"
REFUND = "update sale set refunded = refunded + $1 where id = $2"


class NaiveBank:
    """Each purse is a row that somebody reads and then changes."""

    def __init__(
        self, database: Database, *, in_transaction: bool = False, locks: bool = False
    ) -> None:
        self._database = database
        self._steps = CheckThenUpdate(database, in_transaction=in_transaction, locks=locks)

    async def open(self, balances: Mapping[str, int]) -> None:
        await self._steps.create(PURSES, HOLDS)
        async with self._database.transaction() as transaction:
            for owner, amount in {**balances, SHOP: 0}.items():
                await transaction.execute(OPEN_PURSE, owner, amount)

    async def move(self, door: int, debit: str, credit: str, amount: int) -> bool:
        del door

        def decide(purse: Row) -> Decision:
            if purse["balance"] < amount:
                return "exceeds_available_balance", ()
            return "done", ((TAKE, (amount, debit)), (GIVE, (amount, credit)))

        return await self._steps.run(THE_PURSE, debit, decide) == "done"

    async def read(self, door: int) -> dict[str, int]:
        del door
        rows = await self._database.fetch(
            "select owner, balance from purse where owner <> $1", SHOP
        )
        return {row["owner"]: row["balance"] for row in rows}

    async def hold(self, door: int, id: str, owner: str, amount: int) -> str:
        del door

        def decide(purse: Row) -> Decision:
            if purse["balance"] - purse["held"] < amount:
                return "exceeds_available_balance", ()
            opening = "insert into purse_hold values ($1, $2, $3, 'held')"
            return "done", ((SET_ASIDE, (amount, owner)), (opening, (id, owner, amount)))

        return await self._steps.run(THE_PURSE, owner, decide)

    async def capture(self, door: int, id: str, owner: str, amount: int) -> str:
        del door, owner
        return await self._close(id, "captured", amount)

    async def void(self, door: int, id: str) -> str:
        del door
        return await self._close(id, "voided", 0)

    async def _close(self, id: str, status: str, amount: int) -> str:
        def decide(hold: Row) -> Decision:
            if hold["status"] != "held":
                return f"hold_already_{hold['status']}", ()
            return "done", (
                (CLOSE, (status, id)),
                (SET_ASIDE, (-hold["amount"], hold["owner"])),
                (TAKE, (amount, hold["owner"])),
                (GIVE, (amount, SHOP)),
            )

        return await self._steps.run("select * from purse_hold where id = $1", id, decide)

    async def look(self, owner: str) -> tuple[int, int, int]:
        purse = await self._database.fetch_one(THE_PURSE, owner)
        shop = await self._database.fetch_one(THE_PURSE, SHOP)
        assert purse is not None
        assert shop is not None
        return purse["balance"], purse["held"], shop["balance"]


class NaiveShop:
    """Each order is a row that says what was refunded of it."""

    def __init__(
        self, database: Database, *, in_transaction: bool = False, locks: bool = False
    ) -> None:
        self._database = database
        self._steps = CheckThenUpdate(database, in_transaction=in_transaction, locks=locks)

    async def sell(self, customer: str, amount: int) -> str:
        await self._steps.create(PURSES, SALES)
        async with self._database.transaction() as transaction:
            await transaction.execute(OPEN_PURSE, customer, 0)
            await transaction.execute(
                "insert into sale values ('order', $1, $2, 0)", customer, amount
            )
        return "order"

    async def refund(self, door: int, order: str, amount: int) -> str:
        del door

        def decide(sale: Row) -> Decision:
            if sale["paid"] - sale["refunded"] < amount:
                return "refund_exceeds_refundable", ()
            return "done", ((REFUND, (amount, order)), (GIVE, (amount, sale["owner"])))

        return await self._steps.run("select * from sale where id = $1", order, decide)

    async def look(self, order: str, customer: str) -> tuple[int, int, int]:
        sale = await self._database.fetch_one("select * from sale where id = $1", order)
        purse = await self._database.fetch_one(THE_PURSE, customer)
        assert sale is not None
        assert purse is not None
        return sale["refunded"], 0, purse["balance"]


# --- all at once --------------------------------------------------------------------------------


async def at_once(clients: int, act: Callable[[int], Awaitable[T]]) -> list[T]:
    """What each client's ``act`` answers. They come within a moment, so not all in one group."""

    async def come(client: int) -> T:
        await asyncio.sleep(client % 20 / 1000)
        return await act(client)

    return await asyncio.gather(*map(come, range(clients)))


# --- Jepsen's bank ------------------------------------------------------------------------------


@dataclass
class BankRun:
    """What was read while money moved. ``errors`` are Jepsen's four."""

    moved: int = 0
    refused: int = 0
    reads: int = 0
    errors: Counter[str] = field(default_factory=Counter)


async def run_bank(bank: Bank, *, seconds: float, seed: int, clients: int = 32) -> BankRun:
    """``clients`` move random amounts among ten purses while four read all of them.

    https://github.com/jepsen-io/jepsen/blob/main/jepsen/src/jepsen/tests/bank.clj (2026-11)
    """
    owners = [f"owner-{number}" for number in range(10)]
    run, until = BankRun(), time.monotonic() + seconds
    await bank.open(dict.fromkeys(owners, 100))

    async def transfer(client: int) -> None:
        chance = random.Random(seed * 1000 + client)
        while time.monotonic() < until:
            debit, credit = chance.sample(owners, 2)
            done = await bank.move(client, debit, credit, chance.randint(1, 60))
            run.moved += done
            run.refused += not done

    async def read(door: int) -> None:
        while time.monotonic() < until:
            look(run, await bank.read(door), owners)

    await asyncio.gather(*map(transfer, range(clients)), *map(read, range(4)))
    look(run, await bank.read(0), owners)
    return run


def look(run: BankRun, purses: Mapping[str, int], owners: Sequence[str]) -> None:
    """Count one read of everything, and what is wrong with it."""
    run.reads += 1
    run.errors["unexpected"] += len(purses.keys() - set(owners))
    run.errors["missing"] += len(set(owners) - purses.keys())
    run.errors["wrong total"] += sum(purses.values()) != 100 * len(owners)
    run.errors["negative"] += sum(balance < 0 for balance in purses.values())
