"""Races with an exact outcome, for the ledger and for what must not pass.

``NaiveBank`` is the mistake itself: it reads, decides, and then writes.  Every harness here is run
against it too, and must fail.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from batua.clock import new_id
from batua.database import Database, Reader
from batua.errors import InsufficientFunds
from batua.ledger import (
    AccountName,
    CaptureHold,
    Engine,
    Movement,
    OpenHold,
    PostTransfer,
)

__all__ = ["Bank", "BankRun", "LedgerBank", "NaiveBank", "assert_overdraw_is_refused", "run_bank"]

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


class NaiveBank:
    """Check, then update: each purse is a row that somebody reads and then changes.

    ``in_transaction`` does all of it in one transaction at READ COMMITTED, which is no better;
    without it each statement commits by itself.
    """

    def __init__(self, database: Database, *, in_transaction: bool) -> None:
        self._database, self._in_transaction = database, in_transaction

    async def open(self, balances: Mapping[str, int]) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute("create table purse (owner text, balance bigint)")
            for owner, amount in {**balances, SHOP: 0}.items():
                await transaction.execute("insert into purse values ($1, $2)", owner, amount)

    async def move(self, door: int, debit: str, credit: str, amount: int) -> bool:
        del door
        if self._in_transaction:
            async with self._database.transaction() as transaction:
                if not await self._has(transaction, debit, amount):
                    return False
                await transaction.execute(TAKE, amount, debit)
                await transaction.execute(GIVE, amount, credit)
            return True
        if not await self._has(self._database, debit, amount):
            return False
        for sql, owner in ((TAKE, debit), (GIVE, credit)):
            async with self._database.transaction() as transaction:
                await transaction.execute(sql, amount, owner)
        return True

    async def read(self, door: int) -> dict[str, int]:
        del door
        rows = await self._database.fetch(
            "select owner, balance from purse where owner <> $1", SHOP
        )
        return {row["owner"]: row["balance"] for row in rows}

    async def _has(self, reader: Reader | Database, owner: str, amount: int) -> bool:
        row = await reader.fetch_one("select balance from purse where owner = $1", owner)
        assert row is not None
        await asyncio.sleep(0.001)  # as long as a look at something else takes
        return bool(row["balance"] >= amount)


TAKE = "update purse set balance = balance - $1 where owner = $2"
GIVE = "update purse set balance = balance + $1 where owner = $2"


# --- overdraw -----------------------------------------------------------------------------------


async def assert_overdraw_is_refused(bank: Bank, owner: str, *, clients: int = 200) -> None:
    """``clients`` debits of 10 at once on a purse of 100: exactly ten succeed."""
    await bank.open({owner: 100})

    async def spend(number: int) -> bool:
        await asyncio.sleep(number % 20 / 1000)  # not all in one group
        return await bank.move(number, owner, SHOP, 10)

    answers = Counter(await asyncio.gather(*map(spend, range(clients))))
    left = (await bank.read(0))[owner]
    assert (answers[True], answers[False], left) == (10, clients - 10, 0)


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
