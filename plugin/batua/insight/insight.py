"""The dashboard's figures, all of one moment. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from batua.clock import Clock
from batua.database import Database, Reader
from batua.inbox import Silence
from batua.insight.customers import CohortRow, TopCustomer, read_cohorts, read_top_customers
from batua.insight.days import DayRow, read_days
from batua.insight.gateways import RATE_DAYS_MAX, GatewayRow, read_gateways
from batua.insight.keeping import tally_next
from batua.signs import Signs
from batua.standing import Standing, read_standing

__all__ = ["PERIODS", "Dashboard", "Insight", "MoneyRow", "QueueRow", "months_before"]

PERIODS = (7, 30, 90, 365)
"""Days that a dashboard may show, today included."""
REST_MAX = 2_000
"""Transfers that a reader counts itself, beyond what the worker has counted."""
COHORT_MONTHS = 12
TOP_MAX = 1_000


class MoneyRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop owes in one currency now, in minor units; ``held`` is a part of ``liability``.

    ``suspended`` captures are in suspense, ``suspense`` is what they are worth.
    """

    currency: str
    liability: int
    held: int
    suspended: int
    suspense: int


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits: for the worker, for a provider, or for a person."""

    queue: str
    count: int
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """``uncounted`` transfers are in no figure of days and customers yet: the worker is behind.

    ``counted_at`` is the time of the last transfer that is.
    """

    at: datetime
    counted_at: datetime
    uncounted: int
    money: Sequence[MoneyRow]
    days: Sequence[DayRow]
    gateways: Sequence[GatewayRow]
    rate_days: int
    queues: Sequence[QueueRow]
    cohorts: Sequence[CohortRow]
    top_customers: Sequence[TopCustomer]

    @property
    def today(self) -> str:
        """The day of ``at`` in UTC, as the rows of days have it."""
        return self.at.date().isoformat()


class Insight:
    """What staff want to know of a shop."""

    def __init__(
        self,
        database: Database,
        silence: Silence,
        signs: Signs,
        *,
        now: Clock,
        currency: str,
        rest_max: int = REST_MAX,
    ) -> None:
        self._database = database
        self._silence = silence
        self._signs = signs
        self._now = now
        self._currency = currency
        self._rest_max = rest_max

    async def read(self, days: int, month: str | None = None, *, top: int = 10) -> Dashboard:
        """The last ``days`` days, today included, and who spent most in ``month``, or in this one.

        ``top`` is how many of them, in each currency.
        """
        now = self._now().astimezone(UTC)
        since = now.date() - timedelta(days=days - 1)
        rate_days = min(days, RATE_DAYS_MAX)
        rate_since = now.date() - timedelta(days=rate_days - 1)
        month = month or now.date().isoformat()[:7]
        dialect = self._database.dialect
        async with self._database.snapshot() as reader:
            rest = await tally_next(reader, dialect, self._rest_max)
            standing = await read_standing(reader, self._silence, self._signs)
            return Dashboard(
                at=now,
                counted_at=rest.at,
                uncounted=await _newest(reader) - rest.seq,
                money=await self._money(reader, standing),
                days=await read_days(
                    reader, rest, since=since, until=now.date(), currency=self._currency
                ),
                gateways=await read_gateways(
                    reader, standing.hearings, since=_midnight(rate_since), now=now
                ),
                rate_days=rate_days,
                queues=await _queues(reader, standing),
                cohorts=await read_cohorts(reader, rest, months_before(now.date())[-1]),
                top_customers=await read_top_customers(
                    reader, dialect, rest, month, min(top, TOP_MAX)
                ),
            )

    async def queues(self) -> Sequence[QueueRow]:
        """What waits, and how much of it."""
        async with self._database.snapshot() as reader:
            return await _queues(reader, await read_standing(reader, self._silence, self._signs))

    async def _money(self, reader: Reader, standing: Standing) -> list[MoneyRow]:
        held = await reader.fetch(
            "select h.currency, cast(sum(h.amount) as bigint) as amount from batua_hold h"
            " join batua_account a on a.id = h.account_id"
            " where h.status = 'held' and a.kind = 'wallet' group by h.currency"
        )
        suspended = await reader.fetch(
            "select currency, count(*) as count from batua_capture"
            " where destination = 'suspense' and refunded + disputed < amount group by currency"
        )
        held_of = {row["currency"]: row["amount"] for row in held}
        suspended_of = {row["currency"]: row["count"] for row in suspended}
        return [
            MoneyRow(
                currency=currency,
                liability=standing.liability.get(currency, 0),
                held=held_of.get(currency, 0),
                suspended=suspended_of.get(currency, 0),
                suspense=standing.suspense.get(currency, 0),
            )
            for currency in sorted({*standing.liability, self._currency})
        ]


def months_before(day: date, count: int = COHORT_MONTHS) -> list[str]:
    """The month of ``day`` and those before it, the newest first, such as ``2026-11``."""
    newest = day.year * 12 + day.month - 1
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(newest, newest - count, -1)]


async def _newest(reader: Reader) -> int:
    head = await reader.fetch_one("select transfer_seq from batua_ledger")
    return 0 if head is None else int(head["transfer_seq"])


async def _queues(reader: Reader, standing: Standing) -> list[QueueRow]:
    inbox, outbox = standing.inbox, standing.outbox
    rows = [
        QueueRow(queue="webhooks_waiting", count=inbox.count, oldest_at=inbox.oldest),
        QueueRow(queue="webhooks_quarantined", count=inbox.attention.get("quarantined", 0)),
        QueueRow(queue="webhooks_dead", count=inbox.attention.get("dead", 0)),
        QueueRow(queue="messages_waiting", count=outbox.count, oldest_at=outbox.oldest),
        QueueRow(queue="messages_dead", count=outbox.attention.get("dead", 0)),
    ]
    for queue, waiting in _WAITING.items():
        found = await reader.fetch_one(f"select count(*) as count from {waiting}")
        rows.append(QueueRow(queue=queue, count=found["count"] if found else 0))
    return rows


_WAITING = {
    "refunds_awaiting_approval": "batua_refund where status = 'awaiting_approval'",
    "adjustments_awaiting_approval": "batua_adjustment where status = 'awaiting_approval'",
    # Asked for at a provider, with no answer: the poller asks again.
    "payments_unknown": "batua_payment where next_poll_at is not null and status = 'created'",
    "refunds_unknown": "batua_refund where next_poll_at is not null and status = 'unknown'",
}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
