"""One refund per refund id of ours: looked for first, then made, found again by its metadata."""

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

from batua_stripe.client import Entity, Refused, StripeClient, checked_id, read, written
from batua_stripe.intents import Intents, refuse_currency
from batua_stripe.requests import refund_fields, refuse_odd_thousandths
from batua_stripe.wire import REFUND_ID, metadata, refund_result

__all__ = ["Refunds"]


class Refunds:
    """Each refund begins with a look at those of its payment, which the list tells up to date.

    The idempotency key alone would not do: it is forgotten after 24 hours, and a retry of the
    third day would refund twice. Until then it guards against two tries at the same moment.
    """

    def __init__(self, client: StripeClient, intents: Intents, mode: Mode) -> None:
        self._client = client
        self._intents = intents
        self._mode = mode

    async def make(self, request: RefundRequest) -> RefundResult:
        """Refund once. Moves money; see ``StripeGateway.refund``."""
        refuse_odd_thousandths(request.amount)
        before = await self._find(request.refund_id, request.provider_payment_id)
        if before is not None:
            return before
        intent = await self._intents.fetch(request.provider_payment_id)
        read(lambda paid: refuse_currency(paid, request.amount), intent)
        try:
            refund = await self._client.post(
                "refunds", refund_fields(request), key=f"{request.refund_id}:refund"
            )
            return written(lambda entity: refund_result(entity, self._mode), refund)
        except GatewayOutcomeUnknown as silence:
            return await self._after(request, silence)
        except Refused as refusal:
            if refusal.kind != "idempotency_error":
                raise
            # Our key was used for something else: what that did is not known.
            return await self._after(request, GatewayOutcomeUnknown(str(refusal)))

    async def fetch(self, request: RefundLookup) -> RefundResult | None:
        """By Stripe's id, else by ours among those of the payment. Only reads."""
        if not request.provider_refund_id:
            return await self._find(request.refund_id, request.provider_payment_id)
        try:
            found = await self._client.get(f"refunds/{checked_id(request.provider_refund_id)}")
        except Refused as refusal:
            if not refusal.is_not_found:
                raise
            return None
        refund = self._read(found)
        if refund.provider_payment_id != request.provider_payment_id:
            raise GatewayRejected(
                "that refund belongs to another payment", failure_code="reference_mismatch"
            )
        return refund

    async def _after(self, request: RefundRequest, silence: GatewayOutcomeUnknown) -> RefundResult:
        try:
            made = await self._find(request.refund_id, request.provider_payment_id)
        except GatewayError:
            raise silence from None
        if made is None:
            # It may still be on its way, and Stripe may mend a crash later: no second key.
            raise silence
        return made

    async def _find(self, refund_id: str, intent_id: str) -> RefundResult | None:
        query = {"payment_intent": checked_id(intent_id)}
        found = await self._client.find_in(
            "refunds", query, lambda refund: metadata(refund, REFUND_ID) == refund_id
        )
        return self._read(found) if found is not None else None

    def _read(self, refund: Entity) -> RefundResult:
        return read(lambda entity: refund_result(entity, self._mode), refund)
