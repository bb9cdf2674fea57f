"""What becomes of one attempt: the browser's proof of it, and its capture."""

from __future__ import annotations

from collections.abc import Mapping

from batua.contract import (
    ConfirmRequest,
    FollowUpRequest,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Mode,
    PaymentResult,
    ProviderPaymentStatus,
)
from batua.gateways.razorpay.client import RazorpayClient, read, written
from batua.gateways.razorpay.results import payment_result
from batua.gateways.razorpay.session import Refused
from batua.gateways.razorpay.wire import Entity, signature_matches

__all__ = ["Captures"]


class Captures:
    """Asks for one attempt, or takes its money."""

    def __init__(self, client: RazorpayClient, mode: Mode, *, key_secret: str) -> None:
        self._client = client
        self._mode = mode
        self._key_secret = key_secret.encode()

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """See ``RazorpayGateway.confirm``. Only reads."""
        payment_id = self._proven_payment_id(request)
        result = self.payment(await self._client.fetch_payment(payment_id))
        found = (result.provider_payment_id, result.provider_reference)
        if found != (payment_id, request.provider_reference):
            raise GatewayRejected(
                "that payment belongs to another order", failure_code="reference_mismatch"
            )
        return result

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """See ``RazorpayGateway.capture``. Moves money."""
        amount = request.amount
        try:
            payment = await self._client.capture(
                request.provider_payment_id, amount.amount, amount.currency
            )
        except Refused as refusal:
            return await self._captured_before(request, refusal)
        return written(lambda entity: payment_result(entity, self._mode), payment)

    def payment(self, payment: Entity) -> PaymentResult:
        """What was read of one attempt."""
        return read(lambda entity: payment_result(entity, self._mode), payment)

    async def _captured_before(self, request: FollowUpRequest, refusal: Refused) -> PaymentResult:
        if refusal.is_authentication or refusal.is_not_found:
            raise refusal
        try:
            payment = self.payment(await self._client.fetch_payment(request.provider_payment_id))
        except GatewayError as silence:
            raise GatewayOutcomeUnknown(
                f"Razorpay refused the capture of {request.provider_payment_id}, and whether it "
                "was captured before could not be asked"
            ) from silence
        if payment.status is ProviderPaymentStatus.CAPTURED and payment.amount == request.amount:
            return payment
        raise refusal

    def _proven_payment_id(self, request: ConfirmRequest) -> str:
        proof: Mapping[str, object] = request.proof
        payment_id, order_id = proof.get("razorpay_payment_id"), request.provider_reference
        if not isinstance(payment_id, str) or not payment_id.isascii() or not payment_id:
            raise GatewayRejected("the proof names no payment", failure_code="proof_invalid")
        message = f"{order_id}|{payment_id}".encode()
        signature = proof.get("razorpay_signature")
        if not order_id or not signature_matches(self._key_secret, message, signature):
            raise GatewayRejected("the proof's signature is wrong", failure_code="proof_invalid")
        return payment_id
