"""What Razorpay lists: what moved in a time, and what it paid out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from batua.contract import (
    DisputeResult,
    Mode,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    SettlementResult,
    TransactionResult,
)
from batua.gateways.razorpay.client import RazorpayClient, read
from batua.gateways.razorpay.results import (
    dispute_result,
    payment_result,
    refund_result,
    settlement_result,
)
from batua.gateways.razorpay.wire import Entity, moment

__all__ = ["Listing"]

_SINCE_MIN = 946_684_800
"""The least ``from`` that Razorpay takes. MD:api/settlements/fetch-all.md."""

_CAPTURE_LAG = timedelta(days=10)
"""A payment is authorized up to 5 days after it was begun, and captured up to 5 days after that:
MD:payments/payments/capture-settings/api.md, whose figures are the longest that the docs give."""

_REFUND_LAG = timedelta(days=30)
"""A refund ends within days of its beginning; no longest time is published, so this is ours."""

_DISPUTE_LAG = timedelta(days=365)
"""A dispute is decided weeks or months after it began; no longest time is published."""


class Listing:
    """Reads Razorpay's lists. They select by the time at which a thing began, and not by that at
    which it changed, so each is read from longer ago: a thing's end lies after its beginning.
    """

    def __init__(self, client: RazorpayClient, mode: Mode) -> None:
        self._client = client
        self._mode = mode

    async def transactions(self, since: datetime, until: datetime) -> tuple[TransactionResult, ...]:
        """Captures, refunds and disputes; see ``RazorpayGateway.list_transactions``."""
        payments = await self._client.payments(*_window(since - _CAPTURE_LAG, until))
        captures = [result for result in self._payments(payments) if _is_captured(result)]
        refunds = await self._refunds(payments, since, until)
        disputes = [
            self._dispute(dispute)
            for dispute in await self._client.disputes()
            if _began_within(dispute, since - _DISPUTE_LAG, until)
        ]
        return (*captures, *refunds, *disputes)

    async def settlements(self, since: datetime, until: datetime) -> tuple[SettlementResult, ...]:
        found = await self._client.settlements(*_window(since, until))
        return tuple(
            read(lambda entity: settlement_result(entity, self._mode), settlement)
            for settlement in found
        )

    def _payments(self, payments: Iterable[Entity]) -> list[PaymentResult]:
        return [self._payment(payment) for payment in payments]

    async def _refunds(
        self, payments: list[Entity], since: datetime, until: datetime
    ) -> list[RefundResult]:
        listed = await self._client.refunds(*_window(since - _REFUND_LAG, until))
        refunds = [
            read(lambda entity: refund_result(entity, self._mode), refund) for refund in listed
        ]
        known = {payment.get("id"): payment for payment in payments}
        return [refund for refund in refunds if await self._gives_back_ours(refund, known)]

    async def _gives_back_ours(self, refund: RefundResult, known: dict[object, Entity]) -> bool:
        """Whether the money had been captured: the automatic return of an authorization that
        nobody captured is listed as a refund too, and we never make one of such a payment.
        """
        if refund.refund_id:
            return True
        payment_id = refund.provider_payment_id
        if payment_id not in known:
            known[payment_id] = await self._client.fetch_payment(payment_id)
        return _is_captured(self._payment(known[payment_id]))

    def _payment(self, payment: Entity) -> PaymentResult:
        return read(lambda entity: payment_result(entity, self._mode), payment)

    def _dispute(self, dispute: Entity) -> DisputeResult:
        return read(lambda entity: dispute_result(entity, self._mode), dispute)


def _is_captured(payment: PaymentResult) -> bool:
    return payment.status is ProviderPaymentStatus.CAPTURED


def _window(since: datetime, until: datetime) -> tuple[int, int]:
    # Both ends are included at Razorpay, in whole seconds; ours excludes the last moment.
    first = max(_SINCE_MIN, math.floor(since.timestamp()))
    return first, max(first, math.ceil(until.timestamp()) - 1)


def _began_within(entity: Entity, since: datetime, until: datetime) -> bool:
    began_at = moment(entity.get("created_at"))
    return began_at is None or since <= began_at < until
