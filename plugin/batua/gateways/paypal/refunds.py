"""Refunds: made once per id of ours, found again among those of the capture's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batua.contract import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
    ProviderRefundStatus,
    RefundLookup,
    RefundRequest,
    RefundResult,
)
from batua.gateways.paypal.client import PayPalClient, Refused, checked_id, read, written
from batua.gateways.paypal.disputes import Disputes
from batua.gateways.paypal.money import money_value
from batua.gateways.paypal.reading import Entity, required, text
from batua.gateways.paypal.wire import order_id_of, refund_mark, refund_result, refunds_of

__all__ = ["Refunds"]


class Refunds:
    """The request id stands for 45 days, so that a repeat after a lost answer is safe."""

    def __init__(self, client: PayPalClient, disputes: Disputes, mode: Mode) -> None:
        self._client = client
        self._disputes = disputes
        self._mode = mode

    async def make(self, request: RefundRequest) -> RefundResult:
        """Refund once. Moves money; see ``PayPalGateway.refund``."""
        capture_id = checked_id(request.provider_payment_id)
        try:
            refund = await self._client.write(
                f"/v2/payments/captures/{capture_id}/refund", _body(request), request.refund_id
            )
        except Refused as refusal:
            return await self._after_refusal(request, refusal)
        if "amount" not in refund:  # a minimal answer
            refund = await self._read_after_writing(
                written(lambda entity: required(entity, "id"), refund)
            )
        return written(lambda entity: refund_result(entity, self._mode, capture_id), refund)

    async def fetch(self, request: RefundLookup) -> RefundResult | None:
        """By PayPal's id, else by ours; see ``PayPalGateway.fetch_refund``. Only reads."""
        if not request.provider_refund_id:
            return await self._find(request.refund_id, request.provider_payment_id)
        try:
            refund = await self._client.read(_path(request.provider_refund_id))
        except Refused as refusal:
            if not refusal.is_unknown_id:
                raise
            return None
        result = self._read(refund, request.provider_payment_id)
        if request.provider_payment_id not in {"", result.provider_payment_id}:
            raise GatewayRejected(
                "that refund belongs to another payment", failure_code="reference_mismatch"
            )
        if result.refund_id:
            return result
        is_told = await self._disputes.tell_of(result)
        if is_told is None:
            raise GatewayUnavailable(
                f"a dispute of {result.provider_payment_id} is open: whether refund "
                f"{result.provider_refund_id} is its money is not decided"
            )
        return _as_its_dispute_tells(result) if is_told else result

    async def _after_refusal(self, request: RefundRequest, refusal: Refused) -> RefundResult:
        if refusal.is_authentication or refusal.is_unknown_id:
            raise refusal
        try:
            existing = await self._find(request.refund_id, request.provider_payment_id)
        except GatewayError as silence:
            # A refusal would release the reserved amount, and our refund may exist.
            raise GatewayOutcomeUnknown(
                f"PayPal refused refund {request.refund_id}, and whether it was made before "
                "could not be asked"
            ) from silence
        if existing is None:
            raise refusal
        return existing

    async def _find(self, refund_id: str, capture_id: str) -> RefundResult | None:
        try:
            capture = await self._client.read(f"/v2/payments/captures/{checked_id(capture_id)}")
            order_id = read(order_id_of, capture)
            if not order_id:
                return None
            order = await self._client.read(f"/v2/checkout/orders/{checked_id(order_id)}")
        except Refused as refusal:
            if not refusal.is_unknown_id:
                raise
            return None
        mark = refund_mark(refund_id)
        for refund in read(refunds_of, order):
            if text(refund, "custom_id") == mark or text(refund, "invoice_id") == refund_id:
                return self._read(refund, capture_id)
        return None

    async def _read_after_writing(self, provider_refund_id: str) -> Entity:
        try:
            return await self._client.read(_path(provider_refund_id))
        except GatewayError as silence:
            raise GatewayOutcomeUnknown(
                f"what became of refund {provider_refund_id} could not be asked"
            ) from silence

    def _read(self, refund: Entity, capture_id: str) -> RefundResult:
        return read(lambda entity: refund_result(entity, self._mode, capture_id), refund)


def _as_its_dispute_tells(refund: RefundResult) -> RefundResult:
    # Its money is gone or has come back, but not as a refund: counted here it counts twice.
    return replace(
        refund,
        status=ProviderRefundStatus.FAILED,
        failure_code="told_by_dispute",
        failure_message="PayPal took this money for a dispute, which tells of it.",
    )


def _path(provider_refund_id: str) -> str:
    return f"/v2/payments/refunds/{checked_id(provider_refund_id)}"


def _body(request: RefundRequest) -> dict[str, Any]:
    # No ``note_to_payer``: our reason is written for staff.
    return {
        "amount": money_value(request.amount),
        "custom_id": refund_mark(request.refund_id),
        "invoice_id": request.refund_id,
    }
