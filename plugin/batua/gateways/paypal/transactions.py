"""The transaction search (API v1): what moved, for reconciliation.

Source: SPEC reporting_transactions_v1: at most 31 days a call, pages of at most 500; a transaction
takes up to three hours to appear, and is listed by the time at which it began.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from batua.contract import (
    GatewayUnavailable,
    Mode,
    Money,
    PaymentResult,
    RefundResult,
    TransactionResult,
)
from batua.gateways.paypal.client import PayPalClient, Refused, checked_id, read
from batua.gateways.paypal.codes import (
    PAYMENT_CODES,
    REFUND_CODES,
    REVERSAL_CODES,
    TRANSACTION_PAYMENTS,
    TRANSACTION_REFUNDS,
)
from batua.gateways.paypal.disputes import Disputes
from batua.gateways.paypal.money import signed_money
from batua.gateways.paypal.reading import (
    Entity,
    dictionary,
    entities,
    known,
    moment,
    required,
    text,
)
from batua.gateways.paypal.wire import order_id_of, refund_id_of

__all__ = ["Transactions"]

_WINDOW = timedelta(days=31) - timedelta(seconds=1)
_PAGE_SIZE = 500
_PAGES_MAX = 50
_TOO_MANY = "RESULTSET_TOO_LARGE"
"""More than 10,000 in one call: the time is halved (as other readers of this API do)."""


class Transactions:
    """Lists captures, refunds and reversals, and the disputes of the same time. Only reads."""

    def __init__(self, client: PayPalClient, disputes: Disputes, mode: Mode) -> None:
        self._client = client
        self._disputes = disputes
        self._mode = mode

    async def between(self, since: datetime, until: datetime) -> tuple[TransactionResult, ...]:
        """See ``PayPalGateway.list_transactions``."""
        results: list[TransactionResult] = []
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        for entry in await self._entries(since, until):
            result = await self._result(entry)
            if result is not None:
                results.append(result)
        return (*results, *await self._disputes.changed(since, until))

    async def _result(self, entry: Entity) -> TransactionResult | None:
        code = text(entry, "transaction_event_code")
        is_payment, is_return = code in PAYMENT_CODES, code in REFUND_CODES | REVERSAL_CODES
        if not is_payment and not is_return:
            return None
        amount = read(lambda entity: signed_money(entity.get("transaction_amount")), entry)
        if is_payment:
            return await self._payment(entry, amount) if amount.amount > 0 else None
        if amount.amount >= 0 or not text(entry, "paypal_reference_id"):
            return None  # of money that went out, or of nothing that was captured
        refund = read(lambda entity: _refund(entity, amount, self._mode), entry)
        # While an open dispute leaves it undecided, a refund from elsewhere is not told either.
        is_told = not refund.refund_id and await self._disputes.tell_of(refund) is not False
        return None if is_told else refund

    async def _payment(self, entry: Entity, amount: Money) -> PaymentResult:
        reference = text(entry, "paypal_reference_id")
        if text(entry, "paypal_reference_id_type") != "ODR":
            reference = await self._order_of(read(lambda it: required(it, "transaction_id"), entry))
        return read(lambda entity: _payment(entity, reference, amount, self._mode), entry)

    async def _order_of(self, capture_id: str) -> str:
        try:
            capture = await self._client.read(f"/v2/payments/captures/{checked_id(capture_id)}")
        except Refused as refusal:
            if not refusal.is_unknown_id:
                raise
            return ""  # money that came by another way than an order
        return read(order_id_of, capture)

    async def _entries(self, since: datetime, until: datetime) -> list[Entity]:
        found: dict[tuple[str, str], Entity] = {}
        start = since
        while start < until:
            end = min(start + _WINDOW, until)
            for entry in await self._window(start, end):
                began_at = moment(entry.get("transaction_initiation_date"))
                if began_at is None or since <= began_at < until:
                    key = (text(entry, "transaction_id"), text(entry, "transaction_event_code"))
                    found[key] = entry
            start = end
        return list(found.values())

    async def _window(self, start: datetime, end: datetime) -> list[Entity]:
        try:
            return await self._pages(start, end)
        except Refused as refusal:
            half = (end - start) / 2
            if _TOO_MANY not in {refusal.name, refusal.issue} or half < timedelta(seconds=1):
                raise
            return [
                *await self._window(start, start + half),
                *await self._window(start + half, end),
            ]

    async def _pages(self, start: datetime, end: datetime) -> list[Entity]:
        found: list[Entity] = []
        params = {
            "start_date": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            # The last second counts as a whole: what it holds too much is left out above.
            "end_date": f"{end + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}",
            "fields": "transaction_info",
            "page_size": str(_PAGE_SIZE),
        }
        for page in range(1, _PAGES_MAX + 1):
            answer = await self._client.read(
                "/v1/reporting/transactions", {**params, "page": str(page)}
            )
            details = read(lambda entity: entities(entity, "transaction_details"), answer)
            found += [dictionary(detail.get("transaction_info")) for detail in details]
            pages = answer.get("total_pages")
            if type(pages) is not int or page >= pages:
                return found
        raise GatewayUnavailable(f"PayPal's list has more than {len(found)} transactions")


def _payment(entry: Entity, reference: str, amount: Money, mode: Mode) -> PaymentResult:
    return PaymentResult(
        provider_payment_id=required(entry, "transaction_id"),
        provider_reference=reference,
        status=known(TRANSACTION_PAYMENTS, text(entry, "transaction_status")),
        amount=amount,
        mode=mode,
        occurred_at=moment(entry.get("transaction_initiation_date")),
        method="paypal",
    )


def _refund(entry: Entity, amount: Money, mode: Mode) -> RefundResult:
    return RefundResult(
        provider_refund_id=required(entry, "transaction_id"),
        provider_payment_id=text(entry, "paypal_reference_id"),
        status=known(TRANSACTION_REFUNDS, text(entry, "transaction_status")),
        amount=Money(-amount.amount, amount.currency),
        mode=mode,
        refund_id=refund_id_of(text(entry, "custom_field")),
        occurred_at=moment(entry.get("transaction_initiation_date")),
    )
