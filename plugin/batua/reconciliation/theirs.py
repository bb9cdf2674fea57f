"""The provider's side: its word on one thing of ours."""

from __future__ import annotations

from batua.contract import (
    DisputeLookup,
    Disputes,
    Gateway,
    GatewayRejected,
    Money,
    PaymentLookup,
    RefundLookup,
    Refunds,
    TransactionResult,
)
from batua.database import Database
from batua.reconciliation.entries import Entry, Kind

__all__ = ["ask_about"]


async def ask_about(gateway: Gateway, database: Database, ours: Entry) -> TransactionResult | None:
    """What the provider says of this very entry; None where it knows nothing of it.

    Its list may lag, or count by another time: only this says that it is missing there. Raises
    any ``GatewayError`` that leaves the question open.
    """
    try:
        if ours.kind is Kind.CAPTURE:
            return await _attempt(gateway, database, ours)
        if ours.kind is Kind.REFUND and isinstance(gateway, Refunds):
            return await gateway.fetch_refund(
                RefundLookup(
                    refund_id=ours.our_id,
                    provider_refund_id=ours.provider_id,
                    provider_payment_id=ours.provider_payment_id,
                    amount=ours.money,
                )
            )
        if ours.kind is Kind.DISPUTE and isinstance(gateway, Disputes):
            return await gateway.fetch_dispute(
                DisputeLookup(
                    provider_dispute_id=ours.provider_id,
                    provider_payment_id=ours.provider_payment_id,
                )
            )
    except GatewayRejected as refusal:
        # Credentials that are refused say nothing of what we asked about.
        if refusal.failure_code == "authentication_failed":
            raise
    return None


async def _attempt(gateway: Gateway, database: Database, ours: Entry) -> TransactionResult | None:
    payment = await database.fetch_one(
        "select amount, currency from batua_payment where id = $1", ours.payment_id
    )
    amount = Money(payment["amount"], payment["currency"]) if payment else ours.money
    fetched = await gateway.fetch_payment(
        PaymentLookup(
            payment_id=ours.payment_id,
            provider_reference=ours.provider_reference,
            amount=amount,
        )
    )
    for attempt in fetched.attempts:
        if attempt.provider_payment_id == ours.provider_id:
            return attempt
    return None
