"""How gateways do: how many payments succeed, and how soon their webhooks are applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from batua.database import Reader
from batua.inbox import Hearing
from batua.payments import PaymentStatus

__all__ = ["RATE_DAYS_MAX", "GatewayRow", "percentile", "read_gateways"]

RATE_DAYS_MAX = 30
"""What is older says nothing of how a gateway does now."""
LAG_HOURS = 24
LAG_COUNT_MAX = 1_000

OPEN = (PaymentStatus.CREATED, PaymentStatus.PENDING, PaymentStatus.AUTHORIZED)


class GatewayRow(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway. Its payments are those opened in the period, by what they are now.

    ``success_percent`` is of those that succeeded, failed or expired: what was cancelled is not
    the gateway's failure. None where nothing is decided, as the lags are where no webhook came.
    """

    gateway: str
    opened: int
    succeeded: int
    failed: int
    expired: int
    cancelled: int
    open: int
    success_percent: float | None
    webhooks: int
    lag_p50_s: float | None
    lag_p95_s: float | None
    last_webhook_at: datetime | None
    is_silent: bool


async def read_gateways(
    reader: Reader, hearings: Mapping[str, Hearing], *, since: datetime, now: datetime
) -> list[GatewayRow]:
    """Every gateway that works, or took a payment since then."""
    opened: dict[str, Counter[str]] = {code: Counter() for code in hearings}
    for row in await reader.fetch(
        "select gateway, status, count(*) as count from batua_payment where created_at >= $1"
        " group by gateway, status",
        since,
    ):
        opened.setdefault(row["gateway"], Counter())[row["status"]] = row["count"]
    return [
        _row(code, statuses, await _lags_s(reader, code, now), hearings.get(code))
        for code, statuses in sorted(opened.items())
    ]


def _row(
    code: str, statuses: Counter[str], lags_s: Sequence[float], hearing: Hearing | None
) -> GatewayRow:
    succeeded = statuses[PaymentStatus.SUCCEEDED]
    decided = succeeded + statuses[PaymentStatus.FAILED] + statuses[PaymentStatus.EXPIRED]
    return GatewayRow(
        gateway=code,
        opened=statuses.total(),
        succeeded=succeeded,
        failed=statuses[PaymentStatus.FAILED],
        expired=statuses[PaymentStatus.EXPIRED],
        cancelled=statuses[PaymentStatus.CANCELLED],
        open=sum(statuses[status] for status in OPEN),
        success_percent=round(100 * succeeded / decided, 1) if decided else None,
        webhooks=len(lags_s),
        lag_p50_s=percentile(lags_s, 50),
        lag_p95_s=percentile(lags_s, 95),
        last_webhook_at=hearing.last if hearing else None,
        is_silent=hearing is not None and hearing.is_silent,
    )


async def _lags_s(reader: Reader, gateway: str, now: datetime) -> list[float]:
    """From received to applied, the newest thousand of the last day, the shortest first."""
    rows = await reader.fetch(
        "select received_at, applied_at from batua_inbox where gateway = $1 and received_at >= $2"
        f" and applied_at is not null order by received_at desc limit {LAG_COUNT_MAX}",
        gateway,
        now - timedelta(hours=LAG_HOURS),
    )
    return sorted((row["applied_at"] - row["received_at"]).total_seconds() for row in rows)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """By nearest rank: a value that there was, at least as big as ``percent`` of all."""
    return round(values[-(-percent * len(values) // 100) - 1], 3) if values else None
