"""Adapters that guess what the provider would have said."""

# ruff: noqa: ARG002 - the contract gives the arguments.

import dataclasses

from batua.contract import (
    FetchedPayment,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    PaymentResult,
    ProviderPaymentStatus,
)
from tests.conformance.bank import BankGateway, wire

CAPTURED = ProviderPaymentStatus.CAPTURED


class _Changed(BankGateway):
    """Changes what was fetched."""

    async def fetch_payment(self, request):
        return self.changed(request, await super().fetch_payment(request))


class UnknownIsRefused(BankGateway):
    """The provider's 404 goes straight on, when nothing was found by our id."""

    async def fetch_payment(self, request):
        found = await super().fetch_payment(request)
        if not found.provider_reference:
            raise GatewayRejected("no such payment", failure_code="not_found")
        return found


class UncheckedReference(BankGateway):
    """A reference becomes a part of the path as it is."""

    async def fetch_payment(self, request):
        if not request.provider_reference.isalnum() and "/" in request.provider_reference:
            await self._transport_get(request.provider_reference)
        return await super().fetch_payment(request)

    async def _transport_get(self, reference):
        raise ValueError(f"unknown url type: {reference}")


class ReferenceOrNothing(BankGateway):
    """Without the provider's id it can't ask, and a second create is refused as a duplicate."""

    async def fetch_payment(self, request):
        if not request.provider_reference:
            return FetchedPayment(provider_reference="")
        return await super().fetch_payment(request)

    async def create_payment(self, request):
        self._seen = getattr(self, "_seen", set())
        if request.payment_id in self._seen:
            raise GatewayRejected("duplicate", failure_code="duplicate")
        self._seen.add(request.payment_id)
        return await super().create_payment(request)


class AskedIsPaid(_Changed):
    """It answers with the payment as though it were an attempt."""

    def changed(self, request, found):
        if found.attempts or not found.provider_reference:
            return found
        attempt = PaymentResult(
            provider_payment_id=found.provider_reference,
            provider_reference=found.provider_reference,
            status=CAPTURED,
            amount=request.amount,
            mode=self.mode,
        )
        return dataclasses.replace(found, attempts=(attempt,))


class AuthorizedIsCaptured(_Changed):
    """A status table with "authorized: paid" in it."""

    def changed(self, request, found):
        attempts = tuple(
            dataclasses.replace(each, status=CAPTURED)
            if each.status is ProviderPaymentStatus.AUTHORIZED
            else each
            for each in found.attempts
        )
        return dataclasses.replace(found, attempts=attempts)


class FirstAttemptOnly(_Changed):
    """A payment has one attempt, hasn't it?"""

    def changed(self, request, found):
        return dataclasses.replace(found, attempts=found.attempts[:1])


class AskedAmount(_Changed):
    """The amount is taken from the question."""

    def changed(self, request, found):
        attempts = tuple(
            dataclasses.replace(each, amount=request.amount) for each in found.attempts
        )
        return dataclasses.replace(found, attempts=attempts)


class AnyReference(BankGateway):
    """The reference is believed, whosever payment it is."""

    async def fetch_payment(self, request):
        if not request.provider_reference:
            return await super().fetch_payment(request)
        path = f"/payments/{request.provider_reference}"
        payment = await self._client.read(path, wire.Payment)
        attempts = tuple(wire.attempt_result(each, self.mode) for each in payment.attempts)
        return FetchedPayment(provider_reference=payment.id, attempts=attempts)


class SilenceIsUnknown(BankGateway):
    """A read that was not answered is given the error of a write."""

    async def fetch_payment(self, request):
        try:
            return await super().fetch_payment(request)
        except GatewayUnavailable as error:
            raise GatewayOutcomeUnknown(str(error)) from error


BROKEN = {
    "unknown_payment_is_empty": UnknownIsRefused,
    "unknown_reference_is_refused": UncheckedReference,
    "lost_payment_is_found_by_our_id": ReferenceOrNothing,
    "unpaid_is_not_captured": AskedIsPaid,
    "captured_only_when_taken": AuthorizedIsCaptured,
    "every_capture_is_fetched": FirstAttemptOnly,
    "amount_is_the_providers": AskedAmount,
    "payments_are_never_mixed": AnyReference,
    "fetch_only_reads": SilenceIsUnknown,
}
