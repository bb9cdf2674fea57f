"""A shop whose customers pay over HTTP, and whose money is counted afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import timedelta

from batua.bootstrap import open_batua
from batua.contract import Money
from batua.database import Database, migrate, open_database
from batua.ledger import AccountName
from batua.settings import read_settings
from batua.wallets import NO_RULES, Adjust, AdjustmentReason, Direction
from batua_api.auth import Scope, issue_token
from benchmarks.load import Load, run_load
from benchmarks.report import Wrong
from benchmarks.serving import SECRET

__all__ = [
    "CONNECTIONS",
    "CUSTOMERS",
    "OPENING",
    "PRICE",
    "Shop",
    "migrated",
    "read",
    "seed",
    "token",
]

CONNECTIONS = 64
CUSTOMERS = 64
PRICE = 100
OPENING = 100_000_000

TOTALS = (
    ("orders paid", "select count(*) as n from batua_order where status = 'paid'", 1),
    ("transfers", "select transfer_seq as n from batua_ledger", 1),
    ("entries", "select count(*) as n from batua_entry", 2),
    ("idempotency keys", "select count(*) as n from batua_idempotency"
     " where status = 'finished'", 1),
    ("messages", "select count(*) as n from batua_outbox", 1),
    ("revenue", "select coalesce(sum(posted), 0) as n from batua_account"
     f" where key = '{AccountName.revenue('INR').key}'", PRICE),
    ("wallets", "select coalesce(sum(posted), 0) as n from batua_account"
     " where kind = 'wallet'", -PRICE),
)  # fmt: skip
"""What is counted, and by how much each payment changes it."""


class Shop:
    """Customers who pay orders from their wallets, each in turn, all into one revenue account.

    ``customers`` have money. Every payment that was sent is answered and in the ledger: ``check``
    says so, or raises ``Wrong``.
    """

    def __init__(self, url: str, customers: Sequence[str]) -> None:
        self.url = url
        self._tokens = [token(each) for each in customers]
        self.sent = 0
        self._opening = asyncio.run(_totals(url))

    def pay(self, ports: list[int], payments: int, *, rate: float | None = None) -> Load:
        """Pay so many orders over 64 connections at most, at ``rate`` a second or unbraked."""
        load = self.ask(ports, payments, rate=rate)
        self.sent += len(load.latencies_s)
        return load

    def ask(self, ports: list[int], payments: int, *, rate: float | None = None) -> Load:
        """The same requests to whoever answers at ``ports``, who need not be this shop."""
        # Made before the first is sent: the load shares the machine with what it measures.
        requests = [self._request(self.sent + number) for number in range(payments)]
        load = run_load(
            ports, payments, min(CONNECTIONS, payments), requests.__getitem__, rate=rate
        )
        if set(load.statuses) != {201}:
            raise Wrong(f"answers of a payment: {load.statuses}")
        return load

    def pay_in_turn(self, port: int, payments: int, *, rate: float) -> list[float]:
        """Pay one after another, so many a second at most; when each was answered (seconds)."""
        answered, began = [], time.perf_counter()
        for number in range(payments):
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            self.pay([port], 1)
            answered.append(time.perf_counter())
        return answered

    def check(self) -> None:
        """Count the money and everything else that the payments should have left behind."""
        totals = asyncio.run(_totals(self.url))
        for (name, _, each), before, after in zip(TOTALS, self._opening, totals, strict=True):
            if after - before != each * self.sent:
                raise Wrong(
                    f"{name}: {before} and {self.sent} payments make {after}, not"
                    f" {before + each * self.sent}"
                )

    def _request(self, number: int) -> bytes:
        body = json.dumps(
            {"reference": f"B-{number}", "amount": PRICE, "currency": "INR", "pay_with": "wallet"}
        ).encode()
        return (
            f"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self._tokens[number % len(self._tokens)]}\r\n"
            f"Idempotency-Key: b-{number}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def token(customer: str) -> str:
    """A customer's token, as ``serving`` accepts it."""
    settings = read_settings({}, jwt_secret=SECRET)
    return issue_token(settings, customer, Scope.CUSTOMER, None, ttl=timedelta(hours=6))


def seed(url: str, count: int = CUSTOMERS) -> list[str]:
    """Migrate an empty database and give customers money; returns who they are."""
    customers = [f"c{number}" for number in range(count)]
    asyncio.run(_seed(url, customers))
    return customers


async def _seed(url: str, customers: Sequence[str]) -> None:
    await migrated(url)
    settings = read_settings({}, database_url=url, jwt_secret=SECRET)
    async with open_batua(settings, {}) as batua:
        for customer in customers:
            await batua.engine.submit(
                Adjust(
                    id=f"seed-{customer}",
                    customer_id=customer,
                    money=Money(OPENING, "INR"),
                    direction=Direction.CREDIT,
                    reason_code=AdjustmentReason.OPENING_BALANCE,
                    note="",
                    requested_by="benchmark",
                    approval_limit=10**12,
                    newcomers=batua.newcomers,
                    new_id=batua.new_id,
                    rules=NO_RULES,
                )
            )


async def migrated(url: str) -> None:
    """Bring an empty database's schema up."""
    database = open_database(url)
    await database.open()
    try:
        await migrate(database)
    finally:
        await database.close()


async def read(database: Database, sql: str, *args: object) -> int:
    """The number ``n`` of a query."""
    row = await database.fetch_one(sql, *args)
    return 0 if row is None else int(row["n"])


async def _totals(url: str) -> list[int]:
    database = open_database(url)
    await database.open()
    try:
        return [await read(database, sql) for _, sql, _ in TOTALS]
    finally:
        await database.close()
