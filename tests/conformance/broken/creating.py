"""Adapters that create twice, or don't know what they don't know."""

import dataclasses
import secrets

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
)
from tests.conformance.bank import BankGateway, wire


class KeyPerCall(BankGateway):
    """A fresh idempotency key for each call: the classic."""

    async def create_payment(self, request):
        fresh = f"pay_{secrets.token_hex(13)}"
        return await super().create_payment(dataclasses.replace(request, payment_id=fresh))


class OnePaymentForAll(BankGateway):
    """The answer is kept on the instance."""

    _answer = None

    async def create_payment(self, request):
        self._answer = self._answer or await super().create_payment(request)
        return self._answer


class SecondKeyAfterSilence(BankGateway):
    """After a lost answer it tries again at once, as something new."""

    async def create_payment(self, request):
        try:
            return await super().create_payment(request)
        except GatewayOutcomeUnknown:
            again = f"pay_{secrets.token_hex(13)}"
            return await super().create_payment(dataclasses.replace(request, payment_id=again))


class SilenceIsRefusal(BankGateway):
    """Whatever is not 200 is a no."""

    async def create_payment(self, request):
        try:
            return await super().create_payment(request)
        except GatewayOutcomeUnknown as silence:
            raise GatewayRejected(str(silence)) from silence


class UnreachedIsUnknown(BankGateway):
    """One except clause for every trouble: what was never sent is asked for all day."""

    async def create_payment(self, request):
        try:
            return await super().create_payment(request)
        except GatewayUnavailable as error:
            raise GatewayOutcomeUnknown(str(error)) from error


class ProviderKnowsBest(BankGateway):
    """No check of its own: the provider is asked to refuse."""

    async def create_payment(self, request):
        payment = await self._client.write(
            "/payments",
            wire.Payment,
            our_id=request.payment_id,
            amount=request.amount.amount,
            currency=request.amount.currency,
        )
        return self._created(payment)


class KeyInCheckout(BankGateway):
    """The browser gets the key that it "needs for the API"."""

    async def create_payment(self, request):
        created = await super().create_payment(request)
        checkout = {**created.checkout, "key": self._key.decode()}
        return dataclasses.replace(created, checkout=checkout)


BROKEN = {
    "create_twice_is_one": KeyPerCall,
    "payments_are_apart": OnePaymentForAll,
    "create_survives_a_lost_answer": SecondKeyAfterSilence,
    "create_says_what_it_does_not_know": SilenceIsRefusal,
    "create_not_reached_is_unavailable": UnreachedIsUnknown,
    "uncollectable_is_refused_unsent": ProviderKnowsBest,
    "checkout_has_no_secret": KeyInCheckout,
}
