"""What moved in a time, and what was paid out: every page of Stripe's lists. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batua.contract import (
    Mode,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    SettlementResult,
    TransactionResult,
)

from batua_stripe.client import Entity, Refused, StripeClient, checked_id, read
from batua_stripe.codes import CHANGES, Subject
from batua_stripe.intents import Intents
from batua_stripe.wire import (
    charge_result,
    dispute_result,
    intent_result,
    part,
    refund_result,
    required,
    settlement_result,
)

__all__ = ["Listing"]


class Listing:
    """Stripe's lists are narrowed by when a thing was created, so what changed later is learnt from
    the events of the time, and asked for as it stands now. Stripe keeps events for 30 days
    (DOC:api/events, 2026-11-22): older changes can't be listed.
    """

    def __init__(self, client: StripeClient, intents: Intents, mode: Mode) -> None:
        self._client = client
        self._intents = intents
        self._mode = mode

    async def transactions(self, since: datetime, until: datetime) -> tuple[TransactionResult, ...]:
        """See ``StripeGateway.list_transactions``."""
        created = _window(since, until)
        found: dict[tuple[Subject, str], TransactionResult] = {}
        for charge in await self._ours("charges", created):
            result = read(charge_result, charge)
            if result.status is ProviderPaymentStatus.CAPTURED:
                found[Subject.INTENT, result.provider_payment_id] = result
        for refund in await self._ours("refunds", created):
            given = read(self._refund, refund)
            found[Subject.REFUND, given.provider_refund_id] = given
        for dispute in await self._ours("disputes", created):
            disputed = read(dispute_result, dispute)
            found[Subject.DISPUTE, disputed.provider_dispute_id] = disputed
        for subject, names in CHANGES.items():
            for changed in await self._changed(names, created):
                if (subject, changed) not in found:
                    result_now = await self._as_it_stands(subject, changed)
                    if result_now is not None:
                        found[subject, changed] = result_now
        return tuple(found.values())

    async def settlements(self, since: datetime, until: datetime) -> tuple[SettlementResult, ...]:
        """Every payout that was created in the time."""
        payouts = await self._client.list_all("payouts", {"created": _window(since, until)})
        return tuple(read(settlement_result, payout) for payout in payouts)

    async def _ours(self, path: str, created: Mapping[str, int]) -> list[Entity]:
        # What no payment intent made did not begin here.
        listed = await self._client.list_all(path, {"created": created})
        return [entity for entity in listed if entity.get("payment_intent") is not None]

    async def _changed(self, names: tuple[str, ...], created: Mapping[str, int]) -> list[str]:
        events = await self._client.list_all("events", {"created": created, "types": names})
        return list(dict.fromkeys(read(_object_id, event) for event in events))

    async def _as_it_stands(self, subject: Subject, entity_id: str) -> TransactionResult | None:
        try:
            if subject is Subject.INTENT:
                return read(_captured, await self._intents.fetch(entity_id))
            entity = await self._client.get(f"{subject.value}s/{checked_id(entity_id)}")
        except Refused as refusal:
            if not refusal.is_not_found:
                raise
            return None
        if entity.get("payment_intent") is None:
            return None
        if subject is Subject.DISPUTE:
            return read(dispute_result, entity)
        return read(self._refund, entity)

    def _refund(self, refund: Entity) -> RefundResult:
        return refund_result(refund, self._mode)


def _captured(intent: Entity) -> PaymentResult | None:
    result = intent_result(intent)
    return result if result.status is ProviderPaymentStatus.CAPTURED else None


def _object_id(event: Entity) -> str:
    return required(part(part(event, "data"), "object"), "id")


def _window(since: datetime, until: datetime) -> Mapping[str, int]:
    # Stripe counts whole seconds: both ends are rounded up, so that no window has a gap.
    return {"gte": _ceiling(since), "lt": _ceiling(until)}


def _ceiling(moment: datetime) -> int:
    return int(moment.timestamp()) + (1 if moment.microsecond else 0)
