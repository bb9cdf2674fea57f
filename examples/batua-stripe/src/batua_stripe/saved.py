"""Charges of a saved instrument, without its payer: once per payment id of ours."""

from __future__ import annotations

from batua.contract import (
    ChargeRequest,
    FetchedPayment,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    PaymentResult,
    ProviderPaymentStatus,
)

from batua_stripe.client import Entity, Refused, StripeClient, checked_id, written
from batua_stripe.form import Fields
from batua_stripe.intents import refuse_another
from batua_stripe.requests import charge_fields, refuse_uncollectable
from batua_stripe.tries import Tries
from batua_stripe.wire import PAYMENT_ID, attempt, metadata, text

__all__ = ["SavedInstruments"]


class SavedInstruments:
    """Each charge begins with a look at its customer's payment intents, which the list tells up to
    date: the idempotency key is forgotten after 24 hours.
    """

    def __init__(self, client: StripeClient, tries: Tries, *, capture_method: str) -> None:
        self._client = client
        self._tries = tries
        self._capture_method = capture_method

    async def charge(self, request: ChargeRequest) -> FetchedPayment:
        """Charge once. Moves money; see ``StripeGateway.charge_token``."""
        refuse_uncollectable(request.amount)
        checked_id(request.provider_token)
        intent = await self._find(request) or await self._new(request)
        written(lambda made: refuse_another(made, request.payment_id, request.amount), intent)
        result = written(attempt, intent)
        if result is None:
            # Made and not tried: a crash came between. Its state lets it be paid only once.
            again: Fields = {"payment_method": request.provider_token, "off_session": True}
            result = await self._tries.confirm(text(intent, "id"), again)
        _refuse_failed(result)
        return FetchedPayment(provider_reference=result.provider_reference, attempts=(result,))

    async def _new(self, request: ChargeRequest) -> Entity:
        fields = charge_fields(request, capture_method=self._capture_method)
        key = f"{request.payment_id}:charge"
        try:
            return await self._client.post("payment_intents", fields, key=key)
        except GatewayOutcomeUnknown as silence:
            return await self._after(request, silence)
        except Refused as refusal:
            if refusal.kind != "idempotency_error":
                raise
            return await self._after(request, GatewayOutcomeUnknown(str(refusal)))

    async def _after(self, request: ChargeRequest, silence: GatewayOutcomeUnknown) -> Entity:
        try:
            made = await self._find(request)
        except GatewayError:
            raise silence from None
        if made is None:
            raise silence
        return made

    async def _find(self, request: ChargeRequest) -> Entity | None:
        query = {"customer": checked_id(request.provider_customer)}
        return await self._client.find_in(
            "payment_intents",
            query,
            lambda intent: metadata(intent, PAYMENT_ID) == request.payment_id,
        )


def _refuse_failed(result: PaymentResult) -> None:
    if result.status in {ProviderPaymentStatus.FAILED, ProviderPaymentStatus.VOIDED}:
        raise GatewayRejected(
            f"Stripe could not charge the instrument: {result.failure_message or result.status}",
            failure_code=result.failure_code or str(result.status),
        )
