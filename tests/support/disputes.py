"""Short words for what a provider takes back: refunds in its dashboard, and disputes."""

from __future__ import annotations

from batua.contract import (
    DisputeResult,
    DisputeStatus,
    Mode,
    Money,
    ProviderRefundStatus,
    RefundResult,
)
from tests.support.shop import Shop

__all__ = ["balances", "dispute", "provider_payment", "refunded_there"]


async def provider_payment(shop: Shop, **of: str) -> str:
    """The provider's id of the one capture of a top-up or an order."""
    ((column, value),) = of.items()
    (capture,) = await shop.rows("capture", f"{column} = '{value}'")
    return str(capture["provider_payment_id"])


async def dispute(
    shop: Shop,
    payment: str,
    status: str,
    amount: int = 50_000,
    *,
    id: str = "disp_1",
    currency: str = "INR",
    mode: Mode = Mode.TEST,
) -> tuple[str, str]:
    """What became of a provider's word on a dispute."""
    return await shop.batua.applier.take_in(
        "razorpay",
        DisputeResult(
            provider_dispute_id=id,
            provider_payment_id=payment,
            status=DisputeStatus(status),
            amount=Money(amount, currency),
            mode=mode,
            reason="fraudulent",
        ),
    )


async def refunded_there(
    shop: Shop,
    payment: str,
    amount: int | Money,
    status: str = "succeeded",
    *,
    id: str = "rfnd_there",
    mode: Mode = Mode.TEST,
) -> tuple[str, str]:
    """What became of a provider's word on a refund that nobody here asked for."""
    result = RefundResult(
        provider_refund_id=id,
        provider_payment_id=payment,
        status=ProviderRefundStatus(status),
        amount=amount if isinstance(amount, Money) else Money(amount, "INR"),
        mode=mode,
    )
    return await shop.batua.applier.take_in("razorpay", result)


async def balances(shop: Shop) -> dict[str, int]:
    """Every account that has something, without its currency: ``{"wallet:asha": 100}``."""
    rows = await shop.rows("account", "posted <> 0", "key")
    return {row["key"].removesuffix(":INR"): row["posted"] for row in rows}
