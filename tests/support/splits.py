"""Split payments in a test's words."""

from __future__ import annotations

from typing import Any

from tests.support.shop import Answer, Shop, claim, read

__all__ = [
    "GRACE_S",
    "opened_split",
    "order_is",
    "pay_split",
    "pays",
    "share_of",
    "time_is_up",
    "wallet_is",
]

GRACE_S = 15 * 60
"""How long a share outlives its payment."""


async def pay_split(shop: Shop, order: str, *, key: str | None = None) -> Answer:
    """Holds what the wallet has, and opens a payment at the provider for the rest."""
    return read(
        await shop.batua.splits.pay(
            order,
            "razorpay",
            "https://shop.example/back",
            claim(key, route=f"POST /orders/{order}"),
        )
    )


async def opened_split(
    shop: Shop, *, wallet: int = 10_000, amount: int = 30_000
) -> tuple[str, Answer]:
    """An order of ``amount`` that is split by a wallet with less; the payer has not paid yet."""
    if wallet:
        await shop.give(wallet)
    order = (await shop.create_order(amount))["id"]
    return order, await pay_split(shop, order)


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


async def time_is_up(shop: Shop) -> None:
    """The payment and its grace are over, and the worker has looked."""
    await shop.work(shop.batua.settings.top_up_expiry_s + GRACE_S)
