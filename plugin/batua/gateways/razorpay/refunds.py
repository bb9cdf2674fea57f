"""One refund per refund id of ours: made once, found again by its receipt or its notes."""

from __future__ import annotations

from batua.contract import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Mode,
    RefundLookup,
    RefundRequest,
    RefundResult,
)
from batua.gateways.razorpay.bodies import refund_body
from batua.gateways.razorpay.client import RazorpayClient, read, written
from batua.gateways.razorpay.doubts import Doubts
from batua.gateways.razorpay.results import refund_result
from batua.gateways.razorpay.session import Refused
from batua.gateways.razorpay.wire import Entity

__all__ = ["Refunds"]


class Refunds:
    """Refunds and what became of them.

    The idempotency key is the first guard. Its lifetime is not published and it is not confirmed
    to work in test mode (S2S, 2026-11-22), so a retry after a lost answer looks first.
    """

    def __init__(self, client: RazorpayClient, mode: Mode, *, speed: str) -> None:
        self._client = client
        self._mode = mode
        self._speed = speed
        self._doubts = Doubts()

    async def make(self, request: RefundRequest) -> RefundResult:
        """Refund once. Moves money; see ``RazorpayGateway.refund``."""
        refund = await self._known_or_new(request)
        self._doubts.clear(request.refund_id)
        return refund

    async def fetch(self, request: RefundLookup) -> RefundResult | None:
        """By Razorpay's id, else by ours among those of the payment. Only reads."""
        if not request.provider_refund_id:
            return await self._find(request.refund_id, request.provider_payment_id)
        try:
            refund = self._read(await self._client.fetch_refund(request.provider_refund_id))
        except Refused as refusal:
            if not refusal.is_not_found:
                raise
            return None
        if refund.provider_payment_id != request.provider_payment_id:
            raise GatewayRejected(
                "that refund belongs to another payment", failure_code="reference_mismatch"
            )
        return refund

    async def _known_or_new(self, request: RefundRequest) -> RefundResult:
        if request.refund_id in self._doubts:
            existing = await self._find(request.refund_id, request.provider_payment_id)
            if existing is not None:
                return existing
        try:
            refund = await self._client.refund(
                request.provider_payment_id,
                refund_body(request, speed=self._speed),
                request.refund_id,
            )
            return written(lambda entity: refund_result(entity, self._mode), refund)
        except GatewayOutcomeUnknown:
            self._doubts.add(request.refund_id)
            raise
        except Refused as refusal:
            return await self._after_refusal(request, refusal)

    async def _after_refusal(self, request: RefundRequest, refusal: Refused) -> RefundResult:
        if refusal.is_authentication or refusal.is_not_found:
            raise refusal
        try:
            existing = await self._find(request.refund_id, request.provider_payment_id)
        except GatewayError as silence:
            # A refusal would release the reserved amount, and our refund may exist.
            self._doubts.add(request.refund_id)
            raise GatewayOutcomeUnknown(
                f"Razorpay refused refund {request.refund_id}, and whether it was made before "
                "could not be asked"
            ) from silence
        if existing is None:
            raise refusal
        return existing

    async def _find(self, refund_id: str, provider_payment_id: str) -> RefundResult | None:
        try:
            refunds = await self._client.refunds_of_payment(provider_payment_id)
        except Refused as refusal:
            if not refusal.is_not_found:
                raise
            return None
        found = (self._read(refund) for refund in refunds)
        return next((refund for refund in found if refund.refund_id == refund_id), None)

    def _read(self, refund: Entity) -> RefundResult:
        return read(lambda entity: refund_result(entity, self._mode), refund)
