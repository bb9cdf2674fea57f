"""Adapters that charge twice, or whatever they are handed."""

# ruff: noqa: ARG002 - the contract gives the arguments.

import dataclasses
import secrets

from batua.contract import (
    FetchedPayment,
    GatewayOutcomeUnknown,
    GatewayRejected,
    PaymentResult,
    ProviderPaymentStatus,
    UpiIntent,
)
from tests.conformance.bank import BankGateway


class ForgetsTheMandate(BankGateway):
    """The payment is made, the instrument is not saved."""

    async def create_payment(self, request):
        return await super().create_payment(dataclasses.replace(request, mandate=None))


class ChargesPerCall(BankGateway):
    """A fresh key for each call, on a card that nobody watches."""

    async def charge_token(self, request):
        fresh = f"pay_{secrets.token_hex(13)}"
        return await super().charge_token(dataclasses.replace(request, payment_id=fresh))


class ChargesAgainAfterSilence(BankGateway):
    async def charge_token(self, request):
        try:
            return await super().charge_token(request)
        except GatewayOutcomeUnknown:
            fresh = f"pay_{secrets.token_hex(13)}"
            return await super().charge_token(dataclasses.replace(request, payment_id=fresh))


class UnknownInstrumentIsPending(BankGateway):
    """It hands on "pending" and hopes for a webhook that never comes."""

    async def charge_token(self, request):
        try:
            return await super().charge_token(request)
        except GatewayRejected:
            return FetchedPayment(provider_reference="pm_none")


class AnyTokenIsPaid(BankGateway):
    async def charge_card_token(self, request):
        return _paid(self, request)


class AnyNumberIsPaid(BankGateway):
    async def charge_network_token(self, request):
        return _paid(self, request)


class LinkWithoutAmount(BankGateway):
    """The payer types the amount."""

    async def open_upi(self, request):
        return UpiIntent(link="upi://pay?pa=shop@bank")


def _paid(gateway, request):
    return PaymentResult(
        provider_payment_id="at_x",
        provider_reference=request.provider_reference,
        status=ProviderPaymentStatus.CAPTURED,
        amount=request.amount,
        mode=gateway.mode,
    )


BROKEN = {
    "mandate_saves_an_instrument": ForgetsTheMandate,
    "charge_is_made_once": ChargesPerCall,
    "charge_survives_a_lost_answer": ChargesAgainAfterSilence,
    "unknown_instrument_is_refused": UnknownInstrumentIsPending,
    "bad_card_token_is_refused": AnyTokenIsPaid,
    "bad_network_token_is_refused": AnyNumberIsPaid,
    "upi_link_moves_nothing": LinkWithoutAmount,
}
