"""Ask a provider for what an event only hints at: that answer alone is believed."""

from __future__ import annotations

from batua.contract import (
    DisputeLookup,
    DisputeResult,
    Disputes,
    Money,
    PaymentLookup,
    PaymentResult,
    RefundLookup,
    RefundResult,
    Refunds,
)
from batua.database import Database
from batua.errors import Conflict, TryAgain
from batua.registry import Registry

__all__ = ["Asker"]


class Asker:
    """Each raises ``TryAgain`` where the provider knows nothing of it yet, and ``Conflict`` where
    its gateway can't be asked. Moves no money.
    """

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def payment(self, gateway: str, hint: PaymentResult) -> tuple[PaymentResult, ...]:
        payment = await self._database.fetch_one(
            "select id, amount, currency from batua_payment"
            " where gateway = $1 and provider_reference = $2",
            gateway,
            hint.provider_reference,
        )
        lookup = PaymentLookup(
            payment_id=payment["id"] if payment else "",
            provider_reference=hint.provider_reference,
            amount=Money(payment["amount"], payment["currency"]) if payment else hint.amount,
        )
        fetched = await self._registry.gateway(gateway).fetch_payment(lookup)
        if not fetched.attempts:
            raise TryAgain("gateway_unavailable", f"{gateway} knows no attempt on it yet.")
        return fetched.attempts

    async def refund(self, code: str, hint: RefundResult) -> RefundResult:
        gateway = self._registry.gateway(code)
        if not isinstance(gateway, Refunds):
            raise Conflict("refund_unsupported", f"{code} can't be asked about a refund.")
        fetched = await gateway.fetch_refund(
            RefundLookup(
                refund_id=hint.refund_id,
                provider_refund_id=hint.provider_refund_id,
                provider_payment_id=hint.provider_payment_id,
                amount=hint.amount,
            )
        )
        if fetched is None:
            raise TryAgain("gateway_unavailable", f"{code} knows no such refund yet.")
        return fetched

    async def dispute(self, code: str, hint: DisputeResult) -> DisputeResult:
        gateway = self._registry.gateway(code)
        if not isinstance(gateway, Disputes):
            raise Conflict("dispute_unsupported", f"{code} can't be asked about a dispute.")
        fetched = await gateway.fetch_dispute(
            DisputeLookup(
                provider_dispute_id=hint.provider_dispute_id,
                provider_payment_id=hint.provider_payment_id,
            )
        )
        if fetched is None:
            raise TryAgain("gateway_unavailable", f"{code} knows no such dispute yet.")
        return fetched
