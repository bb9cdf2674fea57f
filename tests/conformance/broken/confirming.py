"""Adapters that believe a browser."""

import dataclasses

from batua.contract import GatewayRejected, PaymentResult, ProviderPaymentStatus
from tests.conformance.bank import BankGateway, wire


class ProofIsMoney(BankGateway):
    """The signature is right, so it must be paid: nobody asks the provider."""

    async def confirm(self, request):
        result = await super().confirm(request)
        return dataclasses.replace(result, status=ProviderPaymentStatus.CAPTURED)


class NoProofIsPending(BankGateway):
    """Nothing was brought back: then it is pending, it says."""

    async def confirm(self, request):
        if not request.proof.get("attempt"):
            return PaymentResult(
                provider_payment_id="",
                provider_reference=request.provider_reference,
                status=ProviderPaymentStatus.PENDING,
                amount=request.amount,
                mode=self.mode,
            )
        return await super().confirm(request)


class SignatureIsThere(BankGateway):
    """It looks whether there is a signature, not whether it is right."""

    async def confirm(self, request):
        if not request.proof.get("attempt") or not request.proof.get("signature"):
            raise GatewayRejected("no proof")
        return PaymentResult(
            provider_payment_id=request.proof["attempt"],
            provider_reference=request.provider_reference,
            status=ProviderPaymentStatus.CAPTURED,
            amount=request.amount,
            mode=self.mode,
        )


class ReferenceOfTheProof(BankGateway):
    """The signature is checked against what the browser says, not against what we stored."""

    async def confirm(self, request):
        attempt = await self._client.read(f"/attempts/{request.proof['attempt']}", wire.Attempt)
        theirs = dataclasses.replace(request, provider_reference=attempt.payment)
        await super().confirm(theirs)
        return wire.attempt_result(attempt, self.mode)


BROKEN = {
    "right_proof_is_confirmed": ProofIsMoney,
    "missing_proof_is_refused": NoProofIsPending,
    "wrong_proof_is_refused": SignatureIsThere,
    "other_payments_proof_is_refused": ReferenceOfTheProof,
}
