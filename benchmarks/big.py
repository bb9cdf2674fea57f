"""Ten million entries beside ten thousand: what must not become slower with the years.

Both ledgers stand on the same server at the same time and are measured by turns.  Payments come
from 64 wallets of each; statements and balances are asked of as many wallets as there are, up to
``READERS``, so that the large ledger's pages are not all in memory.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from batua.database import Database, open_database
from batua.ledger import AccountName
from batua.ledger.statement import balance_at
from benchmarks.big_ledger import START, build
from benchmarks.load import Load, run_load
from benchmarks.report import Figure, Wrong, below, compared
from benchmarks.scale import Scale
from benchmarks.serving import Proved, postgres, prove, scratch, serving
from benchmarks.shops import CUSTOMERS, Shop, migrated, token
from tests.postgres import PostgresServer

__all__ = ["measure"]

SMALL, LARGE = 5_000, 5_000_000
LARGE_CUSTOMERS = 20_000
READERS = 2_000
PAGES = 2_000
BALANCES = 1_000
BALANCES_S_MAX = 20
PAYMENTS = 10_000
WARM_UP = 500
VERIFY_MIB_MAX = 256
"""Whoever keeps ten million entries in memory needs gigabytes."""


@dataclass
class _Ledger:
    """One of the two, with what was measured of it."""

    url: str
    transfers: int
    customers: int
    rates: list[float] = field(default_factory=list)
    pages_ms: list[float] = field(default_factory=list)
    wallets_ms: list[float] = field(default_factory=list)
    revenues_ms: list[float] = field(default_factory=list)

    def names(self, at_most: int) -> list[str]:
        """Customers from all over the ledger."""
        step = max(1, self.customers // at_most)
        return [f"customer_{place}" for place in range(0, self.customers, step)][:at_most]


def measure(scale: Scale) -> list[Figure]:
    """Build both, then pages, balances and payments by turns, then prove the large one."""
    with (
        postgres() as server,
        _built(server, SMALL, CUSTOMERS) as small,
        _built(server, scale.count(LARGE), scale.count(LARGE_CUSTOMERS)) as large,
    ):
        with serving(small.url) as few, serving(large.url) as many:
            for _ in range(scale.rounds):
                _read_pages(small, few, scale)
                _read_pages(large, many, scale)
                asyncio.run(_read_balances(small, large, scale.count(BALANCES)))
            _take_payments(server, small, large, many, scale)
        return _figures(small, large, prove(large.url))


def _figures(small: _Ledger, large: _Ledger, proved: Proved) -> list[Figure]:
    beside = f"with {2 * large.transfers:,} entries; beside {2 * small.transfers:,}"
    return [
        compared(
            f"one-tap payments {beside}", large.rates, small.rates,
            lambda rate: f"{rate:,.0f}/s", at_least=0.9,
        ),
        *(
            compared(f"{what} {beside}", ours, others, lambda ms: f"{ms:.2f} ms", at_most=1.5)
            for what, ours, others in (
                ("statement page over HTTP", large.pages_ms, small.pages_ms),
                ("a wallet's balance at a past time", large.wallets_ms, small.wallets_ms),
                ("the revenue account's balance at a past time",
                 large.revenues_ms, small.revenues_ms),
            )
        ),
        Figure(f"batua verify of {2 * large.transfers:,} entries", f"{proved.seconds:.0f} s"),
        below("the same, memory at most", proved.peak_mib, VERIFY_MIB_MAX, "MiB"),
    ]  # fmt: skip


@contextmanager
def _built(server: PostgresServer, transfers: int, customers: int) -> Iterator[_Ledger]:
    with scratch(server) as url:
        began = time.perf_counter()
        asyncio.run(_build(url, transfers, customers))
        # What it left to write must not be written while somebody else is measured.
        server.run("checkpoint")
        print(f"  {transfers:,} transfers built in {time.perf_counter() - began:.0f} s", flush=True)
        yield _Ledger(url, transfers, customers)


async def _build(url: str, transfers: int, customers: int) -> None:
    await migrated(url)
    database = open_database(url)
    await database.open()
    try:
        await build(database, transfers=transfers, customers=customers)
    finally:
        await database.close()


def _read_pages(ledger: _Ledger, ports: list[int], scale: Scale) -> None:
    requests = [_page_request(name) for name in ledger.names(READERS)]
    random.Random(1).shuffle(requests)
    # One connection: the time of a page, not of a queue.
    _pages(ports, requests, scale.count(WARM_UP))
    load = _pages(ports, requests, scale.count(PAGES))
    ledger.pages_ms += [seconds * 1000 for seconds in load.latencies_s]


def _pages(ports: list[int], requests: list[bytes], count: int) -> Load:
    load = run_load(
        ports, count, 1, lambda number: requests[number % len(requests)], seconds_max=20
    )
    if set(load.statuses) != {200}:
        raise Wrong(f"answers of a statement page: {load.statuses}")
    return load


def _page_request(customer: str) -> bytes:
    return (
        "GET /api/v1/wallet/transactions?limit=50 HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {token(customer)}\r\n\r\n"
    ).encode()


async def _read_balances(small: _Ledger, large: _Ledger, count: int) -> None:
    opened = [(ledger, open_database(ledger.url)) for ledger in (small, large)]
    for _, database in opened:
        await database.open()
    try:
        chance = random.Random(len(small.wallets_ms))
        deadline = time.monotonic() + BALANCES_S_MAX
        for _ in range(count):
            if time.monotonic() > deadline:
                break
            for ledger, database in opened:
                await _read_balance(ledger, database, chance)
    finally:
        for _, database in opened:
            await database.close()


async def _read_balance(ledger: _Ledger, database: Database, chance: random.Random) -> None:
    # Its transfers are a millisecond apart, and every customer's first is its top-up.
    moment = START + timedelta(milliseconds=chance.randrange(ledger.customers, ledger.transfers))
    wallet = AccountName.wallet(f"customer_{chance.randrange(ledger.customers)}", "INR")
    for account, into in (
        (wallet, ledger.wallets_ms),
        (AccountName.revenue("INR"), ledger.revenues_ms),
    ):
        began = time.perf_counter()
        balance = await balance_at(database, account, moment)
        into.append((time.perf_counter() - began) * 1000)
        if balance < 0:
            raise Wrong(f"{account.key} had {balance} at {moment}")


def _take_payments(
    server: PostgresServer, small: _Ledger, large: _Ledger, many: list[int], scale: Scale
) -> None:
    shop = Shop(large.url, large.names(CUSTOMERS))
    shop.pay(many, scale.count(WARM_UP))
    for _ in range(scale.rounds):
        # A new one each time: after a round it would not be small any more.
        with _built(server, small.transfers, small.customers) as fresh:
            _pay_at_small(small, fresh, scale)
        large.rates.append(shop.pay(many, scale.count(PAYMENTS)).rate)
    shop.check()


def _pay_at_small(small: _Ledger, fresh: _Ledger, scale: Scale) -> None:
    shop = Shop(fresh.url, fresh.names(CUSTOMERS))
    with serving(fresh.url) as ports:
        shop.pay(ports, scale.count(WARM_UP))
        small.rates.append(shop.pay(ports, scale.count(PAYMENTS)).rate)
    shop.check()
    prove(fresh.url)
