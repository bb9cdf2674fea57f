"""Adapters that give back too much, twice, or without knowing it."""

import dataclasses
import secrets

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    ProviderRefundStatus,
)
from tests.conformance.bank import BankGateway, wire


class AlwaysWhole(BankGateway):
    """The amount is left out, which the provider reads as all of it."""

    async def refund(self, request):
        path = f"/attempts/{request.provider_payment_id}"
        attempt = await self._client.read(path, wire.Attempt)
        return await super().refund(dataclasses.replace(request, amount=attempt.money))


class CapsTheAmount(BankGateway):
    """More than is left is quietly made less."""

    async def refund(self, request):
        path = f"/attempts/{request.provider_payment_id}"
        attempt = await self._client.read(path, wire.Attempt)
        least = min(request.amount.amount, attempt.amount)
        return await super().refund(
            dataclasses.replace(request, amount=Money(least, attempt.currency))
        )


class KeyPerRefund(BankGateway):
    """A fresh key for each call: half is refunded twice, the whole is refused the second time."""

    async def refund(self, request):
        fresh = f"ref_{secrets.token_hex(13)}"
        return await super().refund(dataclasses.replace(request, refund_id=fresh))


class LostRefundIsRefused(BankGateway):
    """A lost answer releases what was set aside, while the payer already has the money."""

    async def refund(self, request):
        try:
            return await super().refund(request)
        except GatewayOutcomeUnknown as silence:
            raise GatewayRejected(str(silence)) from silence


class UnreachedRefundIsUnknown(BankGateway):
    async def refund(self, request):
        try:
            return await super().refund(request)
        except GatewayUnavailable as error:
            raise GatewayOutcomeUnknown(str(error)) from error


class AnyRefundOfThePayment(BankGateway):
    """The first refund of the payment is taken for ours."""

    async def fetch_refund(self, request):
        path = f"/attempts/{request.provider_payment_id}/refunds"
        found = (await self._client.read(path, wire.Refunds)).refunds
        return wire.refund_result(found[0], self.mode) if found else None


class AnyRefundOfTheShop(BankGateway):
    """The provider's id is believed, whosever refund it is."""

    async def fetch_refund(self, request):
        if request.provider_refund_id:
            self._made = getattr(self, "_made", {})
            if request.provider_refund_id in self._made:
                return self._made[request.provider_refund_id]
        return await super().fetch_refund(request)

    async def refund(self, request):
        made = await super().refund(request)
        self._made = getattr(self, "_made", {}) | {made.provider_refund_id: made}
        return made


class RefundsAlwaysSucceed(BankGateway):
    """Accepted is done: a refund that fails days later is never told."""

    async def fetch_refund(self, request):
        found = await super().fetch_refund(request)
        done = ProviderRefundStatus.SUCCEEDED
        return found and dataclasses.replace(found, status=done, failure_code="")


class SilenceIsNone(BankGateway):
    """Not answered is not found: the refund is made again."""

    async def fetch_refund(self, request):
        try:
            return await super().fetch_refund(request)
        except GatewayUnavailable:
            return None


BROKEN = {
    "refund_gives_back": AlwaysWhole,
    "refund_of_too_much_is_refused": CapsTheAmount,
    "refund_twice_is_one": KeyPerRefund,
    "refund_survives_a_lost_answer": LostRefundIsRefused,
    "refund_not_reached_is_unavailable": UnreachedRefundIsUnknown,
    "unknown_refund_is_none": AnyRefundOfThePayment,
    "refunds_are_never_mixed": AnyRefundOfTheShop,
    "refunds_end_is_told": RefundsAlwaysSucceed,
    "fetch_refund_only_reads": SilenceIsNone,
}
