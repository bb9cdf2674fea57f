"""The whole job under fixed keys, so that it can be cut off anywhere and taken up again.

Run as a program it does the job once, in a process of its own that a failpoint may kill.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import httpx

from tests.support.clock import START, FakeClock
from tests.support.provider import Provider
from tests.support.shop import Shop, open_shop

__all__ = ["STEPS", "outcome", "run_child", "take_up"]

Step = Callable[[Shop], Awaitable[Any]]


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


async def one_tap(shop: Shop) -> None:
    await shop.create_order(30_000, pay=True, key="one-tap", reference="A-1")


async def by_gateway(shop: Shop) -> None:
    order = await shop.create_order(20_000, key="order", reference="A-2")
    opened = await shop.pay_by_gateway(order["id"], key="pay")
    await _pay(shop, opened["payment"]["provider_reference"])


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


STEPS: tuple[Step, ...] = (
    give, top_up, one_tap, by_gateway, split, refund_to_wallet, refund_to_source,
)  # fmt: skip


async def take_up(shop: Shop, step: Step, *, tries: int = 8) -> None:
    """Do a step, and if it is cut off do it again with the same keys when its lease is over."""
    for _ in range(tries):
        done = await asyncio.gather(asyncio.create_task(step(shop)), return_exceptions=True)
        if not isinstance(done[0], BaseException):
            return
        shop.clock.advance(31)
        await asyncio.gather(asyncio.create_task(shop.work()), return_exceptions=True)
    raise AssertionError(f"{step.__name__} does not come to an end") from done[0]


async def outcome(shop: Shop) -> dict[str, Any]:
    """What must be the same however often the job was cut off."""
    for _ in range(6):
        await shop.work(61)
    await shop.assert_sound()
    accounts = await shop.rows("account", order="key")
    paid = await shop.provider.payments()
    return {
        "accounts": {row["key"]: (row["posted"], row["held"]) for row in accounts},
        "orders": {row["reference"]: row["status"] for row in await shop.rows("order")},
        "refunds": sorted((row["amount"], row["status"]) for row in await shop.rows("refund")),
        "transfers": sorted((row["kind"], row["amount"]) for row in await shop.transfers()),
        "theirs": sorted((row["amount"], row["status"], row["amount_refunded"]) for row in paid),
        "waiting": [row["status"] for row in await shop.rows("inbox") if row["next_attempt_at"]],
    }


async def run_child(database_url: str, base: str, proxied: str) -> None:
    """The job in this process, against the provider of another one."""
    async with httpx.AsyncClient(base_url=base, verify=False, trust_env=False) as http:
        proxy: Any = SimpleNamespace(url=proxied)
        provider = Provider(http, proxy, simulator=None)
        async with open_shop(database_url, FakeClock(START), provider=provider) as shop:
            for step in STEPS:
                await step(shop)


if __name__ == "__main__":
    asyncio.run(run_child(*sys.argv[1:]))
    os._exit(0)
