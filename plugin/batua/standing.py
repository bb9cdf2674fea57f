"""How a shop stands: what it owes, what waits, who is silent and whether anybody works.

Every figure is read off a few rows, however many entries the ledger has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from batua.database import Reader
from batua.inbox import Hearing, Silence
from batua.signs import Seen, Signs

__all__ = ["Standing", "Waiting", "read_standing"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages that wait, since when the oldest does, and how many need a person, by status."""

    count: int
    oldest: datetime | None
    attention: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``liability`` and ``suspense`` are minor units by currency."""

    liability: Mapping[str, int]
    suspense: Mapping[str, int]
    inbox: Waiting
    outbox: Waiting
    hearings: Mapping[str, Hearing]
    signs: Seen


async def read_standing(reader: Reader, silence: Silence, signs: Signs) -> Standing:
    """As it is now: at one moment, if ``reader`` reads one. Only reads."""
    liability, suspense = await _money(reader)
    return Standing(
        liability=liability,
        suspense=suspense,
        inbox=await _waiting(
            reader, "batua_inbox", "received_at", "status in ('quarantined', 'dead')"
        ),
        outbox=await _waiting(reader, "batua_outbox", "created_at", "status = 'dead'"),
        hearings=await silence.hearings(reader),
        signs=await signs.read(reader),
    )


async def _money(reader: Reader) -> tuple[dict[str, int], dict[str, int]]:
    rows = await reader.fetch(
        "select kind, currency, cast(sum(posted) as bigint) as posted from batua_account"
        " where kind <> 'wallet' group by kind, currency"
    )
    liability: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        # All accounts of a currency sum to zero.
        liability[row["currency"]] -= row["posted"]
    suspense = {row["currency"]: row["posted"] for row in rows if row["kind"] == "suspense"}
    return dict(liability), dict.fromkeys(liability, 0) | suspense


async def _waiting(reader: Reader, table: str, since: str, attention: str) -> Waiting:
    waits = f"from {table} where next_attempt_at is not null"
    count = await reader.fetch_one(f"select count(*) as count {waits}")
    # No min(): SQLite would not know the type of what it finds.
    oldest = await reader.fetch_one(f"select {since} as oldest {waits} order by {since} limit 1")
    found = await reader.fetch(
        f"select status, count(*) as count from {table} where {attention} group by status"
    )
    return Waiting(
        count=count["count"] if count else 0,
        oldest=oldest["oldest"] if oldest else None,
        attention={each["status"]: each["count"] for each in found},
    )
