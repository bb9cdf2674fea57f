"""One order per payment of ours: created once, found again by its receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batua.contract import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Money,
    PaymentLookup,
)
from batua.gateways.razorpay.client import RazorpayClient, written
from batua.gateways.razorpay.codes import DUPLICATE_RECEIPT
from batua.gateways.razorpay.doubts import Doubts
from batua.gateways.razorpay.results import chosen_order
from batua.gateways.razorpay.session import Refused
from batua.gateways.razorpay.wire import Entity, money

__all__ = ["Orders"]


class Orders:
    """Right under both positions of Razorpay's switch: receipts unique for the account, or not.

    Source of the conflict: MD:api/orders/fetch-all.md against S2S:retries-and-idempotency,
    2026-11-22.
    """

    def __init__(self, client: RazorpayClient) -> None:
        self._client = client
        self._doubts = Doubts()

    async def create(self, payment_id: str, amount: Money, body: Mapping[str, Any]) -> Entity:
        """The payment's order: one call in the good case, a look by receipt in every other.

        Raises ``GatewayRejected`` where the order that there is has another amount.
        """
        order = await self._known_or_new(payment_id, body)
        self._doubts.clear(payment_id)
        if written(money, order) != amount:
            raise GatewayRejected(
                f"Razorpay has an order of another amount for {payment_id}",
                failure_code="amount_mismatch",
            )
        return order

    async def of_payment(self, request: PaymentLookup) -> tuple[Entity | None, tuple[str, ...]]:
        """The order that stands for the payment, and the ids of all orders of its receipt.

        Raises ``GatewayRejected`` where ``provider_reference`` is an order of another payment.
        """
        own = await self.by_receipt(request.payment_id)
        if request.provider_reference:
            chosen: Entity | None = await self._referenced(request, own)
        else:
            chosen = chosen_order(own, request.payment_id)
        first = [chosen] if chosen is not None else []
        return chosen, tuple(dict.fromkeys(str(order.get("id")) for order in [*first, *own]))

    async def by_receipt(self, receipt: str) -> list[Entity]:
        """Every order of this payment: more than one where receipts are not unique."""
        orders = await self._client.orders_by_receipt(receipt)
        return [order for order in orders if order.get("receipt") == receipt]

    async def _referenced(self, request: PaymentLookup, own: list[Entity]) -> Entity:
        for order in own:
            if order.get("id") == request.provider_reference:
                return order
        order = await self._client.fetch_order(request.provider_reference)
        if order.get("receipt") != request.payment_id:
            raise GatewayRejected(
                f"{request.provider_reference} is not an order of {request.payment_id}",
                failure_code="reference_mismatch",
            )
        return order

    async def _known_or_new(self, receipt: str, body: Mapping[str, Any]) -> Entity:
        if receipt in self._doubts:
            order = await self._chosen(receipt)
            if order is not None:
                return order
        try:
            return await self._client.create_order(body)
        except Refused as refusal:
            if refusal.description != DUPLICATE_RECEIPT:
                raise
            return await self._after_taken_receipt(receipt, refusal)
        except GatewayOutcomeUnknown as silence:
            return await self._after_silence(receipt, silence)

    async def _after_taken_receipt(self, receipt: str, refusal: Refused) -> Entity:
        order = await self._chosen(receipt)
        if order is None:
            raise refusal
        return order

    async def _after_silence(self, receipt: str, silence: GatewayOutcomeUnknown) -> Entity:
        self._doubts.add(receipt)
        try:
            order = await self._chosen(receipt)
        except GatewayError:
            raise silence from None
        if order is None:
            # The create may still be on its way: no order yet is not no order.
            raise silence
        return order

    async def _chosen(self, receipt: str) -> Entity | None:
        return chosen_order(await self.by_receipt(receipt), receipt)
