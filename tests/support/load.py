"""Customers who tap all the time, and what they were told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx

from tests.support.clients import ShopClient, order_of
from tests.support.databases import read_rows

__all__ = ["Load", "under_load"]

PRICE = 7
OPENING = 1_000_000
CLIENTS = 6


@dataclass
class Load:
    """Every tap is sent under its key until it is answered; ``paid`` is what was acknowledged.

    ``find`` says where the shop is at the moment: it may move. ``refused`` are the codes of the
    answers that were neither paid nor lost; ``statuses`` are those that may come.
    """

    find: Callable[[], ShopClient]
    statuses: set[int] = field(default_factory=lambda: {503})
    paid: dict[str, str] = field(default_factory=dict)  # reference -> the order's id
    refused: set[str] = field(default_factory=set)
    lost: int = 0  # requests without an answer
    _ended: bool = False

    async def tap_on(self, number: int) -> None:
        """One customer's taps, one after another, until the load ends."""
        for tap in itertools.count():
            key = f"tap-{number}-{tap}"
            while not await self._ask(key):  # noqa: ASYNC110 - it asks
                await asyncio.sleep(0.1)
            if self._ended:
                return

    async def _ask(self, key: str) -> bool:
        body = order_of(PRICE, key) | {"pay_with": "wallet"}
        try:
            answer = await self.find().call("asha", "POST", "/orders", body, key=key)
        except httpx.HTTPError:
            self.lost += 1
            return False
        if answer.status_code == 201:
            self.paid[key] = answer.json()["id"]
            return True
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        self.refused.add(answer.json()["code"])
        is_busy = answer.json()["code"] == "in_progress"
        assert is_busy or answer.status_code in self.statuses, answer.text
        return False

    async def until_more(self, more: int, *, within_s: float = 30) -> None:
        """Wait until so many more taps were paid."""
        wanted = len(self.paid) + more
        async with asyncio.timeout(within_s):
            while len(self.paid) < wanted:  # noqa: ASYNC110 - it counts
                await asyncio.sleep(0.02)

    def end(self) -> None:
        self._ended = True

    async def assert_kept(self, url: str, acknowledged: dict[str, str] | None = None) -> None:
        """In ``url`` is all that was ``acknowledged``, paid once, and money for each order.

        By default that is all that ever was, and then there is nothing else.
        """
        rows = await read_rows(url, "select reference, id, status, amount from batua_order")
        found = {row["reference"]: row["id"] for row in rows}
        wanted = self.paid if acknowledged is None else acknowledged
        assert {key: found.get(key) for key in wanted} == wanted
        assert acknowledged is not None or found == wanted
        assert {row["status"] for row in rows} == {"paid"}
        (wallet,) = await read_rows(
            url, "select posted from batua_account where key = 'wallet:asha:INR'"
        )
        assert wallet["posted"] == OPENING - PRICE * len(rows)


@contextlib.asynccontextmanager
async def under_load(find: Callable[[], ShopClient]) -> AsyncIterator[Load]:
    """Customers tap until the block ends; afterwards each has its last answer."""
    await find().give("asha", OPENING)
    load = Load(find)
    async with asyncio.TaskGroup() as tapping:
        for number in range(CLIENTS):
            tapping.create_task(load.tap_on(number))
        try:
            yield load
        finally:
            load.end()
