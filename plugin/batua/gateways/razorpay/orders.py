"""One order per payment of ours: created once, found again by its receipt."""

from __future__ import annotations

from batua.contract import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    PaymentLookup,
    PaymentRequest,
)
from batua.gateways.razorpay.client import RazorpayClient, Refused
from batua.gateways.razorpay.codes import DUPLICATE_RECEIPT
from batua.gateways.razorpay.doubts import Doubts
from batua.gateways.razorpay.wire import Entity, chosen_order, order_body

__all__ = ["Orders"]


class Orders:
    """Right under both positions of Razorpay's switch: receipts unique for the account, or not.

    Source of the conflict: MD:api/orders/fetch-all.md against S2S:retries-and-idempotency,
    2026-11-22.
    """

    def __init__(self, client: RazorpayClient) -> None:
        self._client = client
        self._doubts = Doubts()

    async def create(self, request: PaymentRequest) -> Entity:
        """The payment's order: one call in the good case, a look by receipt in every other."""
        order = await self._known_or_new(request)
        self._doubts.clear(request.payment_id)
        return order

    async def of_payment(self, request: PaymentLookup) -> tuple[Entity | None, tuple[str, ...]]:
        """The order that stands for the payment, and the ids of all orders of its receipt.

        Raises ``GatewayRejected`` where ``provider_reference`` is an order of another payment.
        """
        orders = await self._client.orders_by_receipt(request.payment_id)
        own = [order for order in orders if order.get("receipt") == request.payment_id]
        if request.provider_reference:
            chosen: Entity | None = await self._referenced(request, own)
        else:
            chosen = chosen_order(own, request.payment_id)
        first = [chosen] if chosen is not None else []
        return chosen, tuple(dict.fromkeys(str(order.get("id")) for order in [*first, *own]))

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

    async def _known_or_new(self, request: PaymentRequest) -> Entity:
        if request.payment_id in self._doubts:
            order = await self._by_receipt(request.payment_id)
            if order is not None:
                return order
        try:
            return await self._client.create_order(order_body(request))
        except Refused as refusal:
            if refusal.description != DUPLICATE_RECEIPT:
                raise
            return await self._after_taken_receipt(request.payment_id, refusal)
        except GatewayOutcomeUnknown as silence:
            return await self._after_silence(request.payment_id, silence)

    async def _after_taken_receipt(self, receipt: str, refusal: Refused) -> Entity:
        order = await self._by_receipt(receipt)
        if order is None:
            raise refusal
        return order

    async def _after_silence(self, receipt: str, silence: GatewayOutcomeUnknown) -> Entity:
        self._doubts.add(receipt)
        try:
            order = await self._by_receipt(receipt)
        except GatewayError:
            raise silence from None
        if order is None:
            # The create may still be on its way: no order yet is not no order.
            raise silence
        return order

    async def _by_receipt(self, receipt: str) -> Entity | None:
        return chosen_order(await self._client.orders_by_receipt(receipt), receipt)
