"""What is done to a payment intent that exists: confirmed, captured, cancelled.

No idempotency key is sent here. The intent's own state allows each of these once, and a key would
only repeat the answer of a crash for a day.
"""

from __future__ import annotations

from collections.abc import Callable

from batua.contract import (
    CardTokenRequest,
    FollowUpRequest,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    PaymentResult,
    ProviderPaymentStatus,
)

from batua_stripe.client import Refused, StripeClient, checked_id, read, written
from batua_stripe.form import Fields
from batua_stripe.intents import Intents, refuse_another, refuse_currency
from batua_stripe.requests import card_token_fields
from batua_stripe.wire import attempt, intent_result

__all__ = ["Tries"]

_TAKEN = {
    ProviderPaymentStatus.PENDING,
    ProviderPaymentStatus.AUTHORIZED,
    ProviderPaymentStatus.CAPTURED,
}


class Tries:
    """Every refusal is checked against the intent: "already done" is no refusal of ours."""

    def __init__(self, client: StripeClient, intents: Intents) -> None:
        self._client = client
        self._intents = intents

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take the money of an authorization. Moves money.

        A capture names no currency at Stripe, so it is looked at first.
        """
        intent = await self._intents.fetch(request.provider_payment_id)
        before = read(attempt, intent)
        if before is not None and before.status is ProviderPaymentStatus.CAPTURED:
            return before
        read(lambda authorized: refuse_currency(authorized, request.amount), intent)
        fields = {"amount_to_capture": request.amount.amount}
        return await self._change(
            request.provider_payment_id,
            "capture",
            fields,
            is_done=lambda result: result.status is ProviderPaymentStatus.CAPTURED,
        )

    async def void(self, request: FollowUpRequest) -> PaymentResult:
        """Give an authorization back."""
        return await self._change(
            request.provider_payment_id,
            "cancel",
            {},
            is_done=lambda result: result.status is ProviderPaymentStatus.VOIDED,
        )

    async def pay_by_token(self, request: CardTokenRequest) -> PaymentResult:
        """Pay the intent that ``provider_reference`` names by a wallet's token. Moves money.

        A decline is a failed attempt, after which another token may be tried.
        """
        if request.kind != "google_pay":
            raise GatewayRejected(
                f"Stripe takes no token of {request.kind} here", failure_code="kind_unsupported"
            )
        intent = await self._intents.fetch(request.provider_reference)
        read(lambda made: refuse_another(made, request.payment_id, request.amount), intent)
        before = read(attempt, intent)
        if before is not None and before.status in _TAKEN:
            return before
        return await self.confirm(
            request.provider_reference, card_token_fields(intent, request.token)
        )

    async def confirm(self, intent_id: str, fields: Fields) -> PaymentResult:
        """Try to pay the intent. Moves money."""
        return await self._change(
            intent_id,
            "confirm",
            fields,
            is_done=lambda result: result.status in _TAKEN,
            is_declined=lambda result: result.status is ProviderPaymentStatus.FAILED,
        )

    async def _change(
        self,
        intent_id: str,
        act: str,
        fields: Fields,
        *,
        is_done: Callable[[PaymentResult], bool],
        is_declined: Callable[[PaymentResult], bool] = lambda _result: False,
    ) -> PaymentResult:
        path = f"payment_intents/{checked_id(intent_id)}/{act}"
        try:
            return written(intent_result, await self._client.post(path, fields))
        except Refused as refusal:
            if refusal.is_authentication or refusal.is_not_found:
                raise
            now = await self._now(intent_id, act, refusal)
            is_card = refusal.kind == "card_error"
            if now is not None and (is_done(now) or (is_card and is_declined(now))):
                return now
            raise

    async def _now(self, intent_id: str, act: str, refusal: Refused) -> PaymentResult | None:
        try:
            return read(attempt, await self._intents.fetch(intent_id))
        except GatewayError as silence:
            if isinstance(silence, GatewayRejected):
                raise refusal from silence
            raise GatewayOutcomeUnknown(
                f"Stripe refused to {act} {intent_id}, and whether that was done before could "
                "not be asked"
            ) from silence
