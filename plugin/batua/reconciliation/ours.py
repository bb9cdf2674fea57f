"""Our side: captures, refunds and disputes, found by the provider's ids or by their day.

A provider's list of a day is in memory as its adapter hands it over. Ours is not beside it: what is
listed is looked up a few hundred ids at a time, and the rest of the day is read in pages by keyset.
So a payment is found by its id whatever day it has here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from batua.contract import Money
from batua.database import Database, Row
from batua.reconciliation.entries import Entry, Kind

__all__ = ["OurBooks"]

PAGE = 500

_SELECT = {
    Kind.CAPTURE: "select c.id, c.provider_payment_id as provider_id, c.provider_payment_id,"
    " c.amount, c.currency, 'captured' as status, c.mode, c.captured_at as at, c.payment_id,"
    " c.provider_reference from batua_capture c where c.gateway = $1",
    Kind.REFUND: "select r.id, r.provider_refund_id as provider_id, c.provider_payment_id,"
    " r.source_amount as amount, r.currency, r.status, c.mode, r.created_at as at,"
    " c.payment_id, c.provider_reference"
    " from batua_refund r join batua_capture c on c.id = r.capture_id"
    " where r.gateway = $1 and r.source_amount > 0",
    Kind.DISPUTE: "select d.id, d.provider_dispute_id as provider_id, c.provider_payment_id,"
    " d.amount, d.currency, d.status, d.mode, d.opened_at as at, c.payment_id,"
    " c.provider_reference"
    " from batua_dispute d join batua_capture c on c.id = d.capture_id where d.gateway = $1",
}

_PROVIDER_ID = {
    Kind.CAPTURE: "c.provider_payment_id",
    Kind.REFUND: "r.provider_refund_id",
    Kind.DISPUTE: "d.provider_dispute_id",
}

_AT = {
    Kind.CAPTURE: ("c.captured_at", "c.id", ""),
    # One that the provider has not taken yet is not missing there: the poller sees to it.
    Kind.REFUND: (
        "r.created_at", "r.id",
        " and (r.status = 'succeeded'"
        " or r.status in ('pending', 'unknown') and r.provider_refund_id is not null)",
    ),
    Kind.DISPUTE: ("d.opened_at", "d.id", ""),
}  # fmt: skip


class OurBooks:
    """Reads what we have posted of a gateway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def matching(self, gateway: str, theirs: Sequence[Entry]) -> list[Entry | None]:
        """Our entry for each of theirs, whatever its time; None where we have none."""
        found: dict[str, Entry] = {}
        for kind in Kind:
            of_kind = [entry for entry in theirs if entry.kind is kind]
            for start in range(0, len(of_kind), PAGE):
                await self._look_up(gateway, kind, of_kind[start : start + PAGE], found)
        return [found.get(entry.key) or found.get(f"our:{entry.our_id}") for entry in theirs]

    async def of_time(
        self, gateway: str, kind: Kind, since: datetime, until: datetime
    ) -> AsyncIterator[list[Entry]]:
        """Our entries from ``since`` up to but not including ``until``, a page at a time."""
        at, id_, only = _AT[kind]
        sql = (
            f"{_SELECT[kind]} and {at} >= $2 and ({at}, {id_}) > ($2, $3) and {at} < $4{only}"
            f" order by {at}, {id_} limit {PAGE}"
        )
        after: tuple[Any, str] = (since, "")
        while rows := await self._database.fetch(sql, gateway, *after, until):
            yield [_entry(kind, row) for row in rows]
            after = (rows[-1]["at"], rows[-1]["id"])

    async def has_any(self, gateway: str) -> bool:
        """Whether this gateway has ever taken money."""
        sql = "select 1 from batua_capture where gateway = $1 limit 1"
        return await self._database.fetch_one(sql, gateway) is not None

    async def _look_up(
        self, gateway: str, kind: Kind, theirs: Sequence[Entry], found: dict[str, Entry]
    ) -> None:
        listed = [entry.provider_id for entry in theirs]
        for entry in await self._read(gateway, kind, _PROVIDER_ID[kind], listed):
            found[entry.key] = entry
        # A refund of ours may not know the provider's id yet, where that echoes ours.
        own = [entry.our_id for entry in theirs if entry.our_id]
        if kind is Kind.REFUND and own:
            for entry in await self._read(gateway, kind, "r.id", own):
                found[f"our:{entry.our_id}"] = entry

    async def _read(self, gateway: str, kind: Kind, column: str, values: list[str]) -> list[Entry]:
        if not values:
            return []
        listed = self._database.dialect.in_list(column, "$2")
        rows = await self._database.fetch(f"{_SELECT[kind]} and {listed}", gateway, values)
        return [_entry(kind, row) for row in rows]


def _entry(kind: Kind, row: Row) -> Entry:
    return Entry(
        kind=kind,
        provider_id=row["provider_id"] or "",
        provider_payment_id=row["provider_payment_id"],
        our_id=row["id"],
        money=Money(row["amount"], row["currency"]),
        status=row["status"],
        mode=row["mode"],
        at=row["at"],
        payment_id=row["payment_id"],
        provider_reference=row["provider_reference"],
    )
