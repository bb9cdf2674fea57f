"""From rows to what the API shows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from batua.contract import Gateway
from batua.database import Row
from batua.orders import OrderPayment
from batua.payments import GatewayState, PaymentStatus
from batua.registry import Plugin
from batua.wallets import LotShare, OpenedTopUp, Wallet
from batua_api.schemas import (
    AdjustmentView,
    Checkout,
    GatewayView,
    LotView,
    OrderPaymentView,
    OrderView,
    PaymentView,
    RefundView,
    StaffWalletView,
    StatementItem,
    TopUpView,
    WalletView,
)

__all__ = [
    "adjustment_view",
    "gateway_view",
    "order_payment_view",
    "order_view",
    "refund_view",
    "staff_wallet_view",
    "statement_item",
    "top_up_view",
    "wallet_view",
]


def gateway_view(
    plugin: Plugin[Gateway], processor: Plugin[Gateway], state: GatewayState
) -> GatewayView:
    """A gateway as a customer sees it: what it collects is what its ``processor`` does."""
    manifest, capabilities = plugin.manifest, plugin.manifest.capabilities
    collects = processor.manifest.capabilities
    if capabilities is None or collects is None:
        raise TypeError(f"{manifest.code} has no capabilities")
    return GatewayView(
        code=manifest.code,
        name=manifest.name,
        summary=manifest.summary,
        category=manifest.category,
        state=state,
        currencies=sorted(collects.currencies),
        minimums=dict(collects.minimums),
        capabilities={
            "confirm": capabilities.confirm,
            "capture": str(capabilities.capture),
            "void": str(capabilities.void),
            "refund": str(capabilities.refund),
            "recurring": capabilities.recurring,
            "upi_intent": capabilities.upi_intent,
            "settlements": capabilities.settlements,
        },
    )


def wallet_view(wallet: Wallet) -> WalletView:
    return WalletView(
        id=wallet.id,
        customer=wallet.customer,
        currency=wallet.currency,
        balance=wallet.posted,
        held=wallet.held,
        available=wallet.available,
        status=wallet.status,
    )


def staff_wallet_view(wallet: Wallet, lots: Sequence[LotShare]) -> StaffWalletView:
    return StaffWalletView(
        **msgspec.structs.asdict(wallet_view(wallet)),
        lots=[
            LotView(
                kind=lot.kind,
                amount=lot.amount,
                remaining=lot.remaining,
                held=lot.held,
                expires_at=lot.expires_at,
            )
            for lot in lots
        ],
    )


def statement_item(row: Row) -> StatementItem:
    return StatementItem(
        id=row["id"],
        kind=row["kind"],
        amount=row["amount"],
        balance_after=row["balance_after"],
        currency=row["currency"],
        order=row["order_id"],
        top_up=row["top_up_id"],
        refund=row["refund_id"],
        reason=row["reason"],
        occurred_at=row["occurred_at"],
        created_at=row["created_at"],
    )


def top_up_view(opened: OpenedTopUp) -> TopUpView:
    top_up = opened.top_up
    return TopUpView(
        id=top_up["id"],
        status=top_up["status"],
        amount=top_up["amount"],
        currency=top_up["currency"],
        gateway=top_up["gateway"],
        credited=top_up["credited"],
        refunded=top_up["refunded"],
        bonus=top_up["bonus"] - top_up["bonus_returned"],
        failure=top_up["failure"],
        checkout=_checkout(opened.payment),
        customer=top_up["customer_id"],
        expires_at=top_up["expires_at"],
        created_at=top_up["created_at"],
    )


def order_view(row: Row) -> OrderView:
    return OrderView(
        id=row["id"],
        reference=row["reference"],
        status=row["status"],
        amount=row["amount"],
        currency=row["currency"],
        customer=row["customer_id"],
        description=row["description"],
        items=msgspec.Raw(row["items"].encode()),
        paid_from_wallet=row["paid_from_wallet"],
        paid_by_gateway=row["paid_by_gateway"],
        refunded=row["refunded"],
        refund_reserved=row["refund_reserved"],
        created_at=row["created_at"],
        paid_at=row["paid_at"],
    )


def order_payment_view(made: OrderPayment) -> OrderPaymentView:
    order, payment = made.order, made.payment
    if payment is None:
        paid = PaymentView(
            id=f"{order['id']}.payment",
            method="wallet",
            gateway=None,
            status=PaymentStatus.SUCCEEDED,
            amount=order["paid_from_wallet"],
            currency=order["currency"],
        )
        return OrderPaymentView(order=order_view(order), payment=paid)
    opened = PaymentView(
        id=payment["id"],
        method="gateway",
        gateway=payment["front"] or payment["gateway"],
        status=payment["status"],
        amount=payment["amount"],
        currency=payment["currency"],
    )
    return OrderPaymentView(order=order_view(order), payment=opened, checkout=_checkout(payment))


def refund_view(row: Row) -> RefundView:
    return RefundView(
        id=row["id"],
        order=row["order_id"],
        top_up=row["top_up_id"],
        amount=row["amount"],
        currency=row["currency"],
        to=row["destination"],
        to_wallet=row["wallet_amount"],
        to_source=row["source_amount"],
        status=row["status"],
        reason=row["reason"],
        failure=row["failure"],
        created_at=row["created_at"],
    )


def adjustment_view(row: Row) -> AdjustmentView:
    return AdjustmentView(
        id=row["id"],
        customer=row["customer_id"],
        amount=row["amount"],
        currency=row["currency"],
        direction=row["direction"],
        kind=row["kind"],
        expires_at=row["expires_at"],
        reason_code=row["reason_code"],
        note=row["note"],
        status=row["status"],
        created_at=row["created_at"],
    )


def _checkout(payment: Row) -> Checkout | None:
    if payment["provider_reference"] is None:
        return None
    kept: Checkout = msgspec.json.decode(payment["checkout"])
    url = {"url": kept.pop("url")} if kept.get("url") else {}
    kept.pop("url", None)
    return {
        **kept,
        **url,
        "gateway": payment["front"] or payment["gateway"],
        "provider_reference": payment["provider_reference"],
    }
