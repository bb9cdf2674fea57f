"""Adapters that take or give back wrongly."""

import dataclasses

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    PaymentResult,
    ProviderPaymentStatus,
)
from tests.conformance.bank import BankGateway, wire

CAPTURED = ProviderPaymentStatus.CAPTURED


class TwiceIsRefused(BankGateway):
    """ "Already captured" is handed on as a refusal."""

    async def capture(self, request):
        self._taken = getattr(self, "_taken", set())
        if request.provider_payment_id in self._taken:
            raise GatewayRejected("already captured")
        self._taken.add(request.provider_payment_id)
        return await super().capture(request)


class LostCaptureIsRefused(BankGateway):
    """A timeout means no, it says: the shop ships nothing, the money is gone."""

    async def capture(self, request):
        try:
            return await super().capture(request)
        except GatewayOutcomeUnknown as silence:
            raise GatewayRejected(str(silence)) from silence


class UnreachedCaptureIsRefused(BankGateway):
    """So does a refused connection."""

    async def capture(self, request):
        try:
            return await super().capture(request)
        except GatewayUnavailable as error:
            raise GatewayRejected(str(error)) from error


class CapturesWhatItCan(BankGateway):
    """It takes what was authorized, whatever was asked."""

    async def capture(self, request):
        path = f"/attempts/{request.provider_payment_id}"
        attempt = await self._client.read(path, wire.Attempt)
        return await super().capture(dataclasses.replace(request, amount=attempt.money))


class VoidsInMemory(BankGateway):
    """It answers "voided" and lets the authorization run out by itself."""

    async def void(self, request):
        return PaymentResult(
            provider_payment_id=request.provider_payment_id,
            provider_reference="",
            status=ProviderPaymentStatus.VOIDED,
            amount=request.amount,
            mode=self.mode,
        )


class LostVoidIsRefused(BankGateway):
    async def void(self, request):
        try:
            return await super().void(request)
        except GatewayOutcomeUnknown as silence:
            raise GatewayRejected(str(silence)) from silence


class VoidOfMoneyIsFine(BankGateway):
    """Whatever the provider says, it is voided now."""

    async def void(self, request):
        try:
            return await super().void(request)
        except GatewayRejected:
            return PaymentResult(
                provider_payment_id=request.provider_payment_id,
                provider_reference="",
                status=ProviderPaymentStatus.VOIDED,
                amount=request.amount,
                mode=self.mode,
            )


BROKEN = {
    "capture_takes_once": TwiceIsRefused,
    "capture_survives_a_lost_answer": LostCaptureIsRefused,
    "capture_not_reached_is_unavailable": UnreachedCaptureIsRefused,
    "wrong_capture_is_refused": CapturesWhatItCan,
    "void_gives_back": VoidsInMemory,
    "void_survives_a_lost_answer": LostVoidIsRefused,
    "captured_is_not_voided": VoidOfMoneyIsFine,
}
