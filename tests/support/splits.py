"""Split payments in a test's words."""

from __future__ import annotations

from typing import Any

from batua.ledger import Expiry
from tests.support.shop import Answer, Shop

__all__ = [
    "GRACE_S",
    "expiry",
    "opened_split",
    "order_is",
    "pays",
    "share_of",
    "time_is_up",
    "wallet_is",
]

GRACE_S = 15 * 60
"""How long a share outlives its payment."""


async def opened_split(
    shop: Shop, *, wallet: int = 10_000, amount: int = 30_000
) -> tuple[str, Answer]:
    """An order of ``amount`` that is split by a wallet with less; the payer has not paid yet."""
    if wallet:
        await shop.give(wallet)
    order = (await shop.create_order(amount))["id"]
    return order, await shop.pay_split(order)


async def pays(shop: Shop, opened: Answer, outcome: str = "captured", **changes: Any) -> None:
    """The payer pays the rest at the provider, and we hear of it."""
    await shop.provider.pay(opened["payment"]["provider_reference"], outcome, **changes)
    await shop.hear()


async def share_of(shop: Shop, opened: Answer) -> list[tuple[str, int, int]]:
    """Status, amount and captured amount of the holds behind a split: one, or none."""
    holds = await shop.rows("hold", f"payment_id = '{opened['payment']['id']}'")
    return [(hold["status"], hold["amount"], hold["captured"]) for hold in holds]


async def order_is(shop: Shop, order: str) -> tuple[str, int, int]:
    """Its status, and what wallet and gateway have paid."""
    row = await shop.row("order", order)
    return row["status"], row["paid_from_wallet"], row["paid_by_gateway"]


async def wallet_is(shop: Shop, customer: str = "asha") -> tuple[int, int]:
    """What is posted, and how much of it is held."""
    wallet = await shop.wallet(customer)
    return wallet.posted, wallet.held


def expiry(shop: Shop) -> Expiry:
    """The worker's duty that lets old shares go."""
    return Expiry(shop.batua.database, shop.batua.engine)


async def time_is_up(shop: Shop) -> None:
    """The payment and its grace are over, and the worker has looked."""
    await shop.work(shop.batua.settings.top_up_expiry_s + GRACE_S)
