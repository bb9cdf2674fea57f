"""Webhooks that were stored: whom they are about, and how their texts go.

A provider's webhook names the payer as the provider likes: an email, a phone, a bank account.  Its
row stays for ever, so that it is never applied twice, and so do the ids and amounts that an adapter
found in it; the bytes themselves, the headers and what a provider wrote for people can go.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from batua.clock import Clock
from batua.contract import DisputeResult, PaymentResult, RefundResult, WebhookEvent
from batua.database import Database, Row
from batua.inbox import decode_events, encode_events

__all__ = ["CLOCKS_DIFFER", "StoredWebhooks"]

CLOCKS_DIFFER = timedelta(hours=1)
"""Webhooks and answers are timed by whichever process took them in."""
PAGE = 500
FIRST = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)


class StoredWebhooks:
    """Reads webhooks whose bytes are still kept and that need no further work, oldest first."""

    def __init__(self, database: Database, *, now: Clock) -> None:
        self._database = database
        self._now = now

    async def about(
        self, customer_ids: Container[str], since: datetime
    ) -> AsyncIterator[Sequence[Row]]:
        """Those about one of these customers that came at ``since`` or later, a page at a time."""
        async for page in self.pages(since - CLOCKS_DIFFER):
            owners = await self._owners(page)
            yield [row for row in page if owners.get(row["id"]) in customer_ids]

    async def pages(self, since: datetime) -> AsyncIterator[Sequence[Row]]:
        """Those that came at ``since`` or later, a page at a time; their bytes are not read."""
        after, last_id = since, ""
        while True:
            page = await self._database.fetch(
                "select id, gateway, event_type, events, received_at from batua_inbox"
                " where redacted_at is null and next_attempt_at is null"
                f" and (received_at, id) > ($1, $2) order by received_at, id limit {PAGE}",
                after,
                last_id,
            )
            if not page:
                return
            yield page
            after, last_id = page[-1]["received_at"], page[-1]["id"]

    async def body(self, inbox_id: str) -> bytes:
        """The bytes of one; empty if they have gone meanwhile."""
        row = await self._database.fetch_one("select body from batua_inbox where id = $1", inbox_id)
        return b"" if row is None else bytes(row["body"])

    async def remove_texts(self, page: Sequence[Row]) -> int:
        """Remove the bytes, the headers and the provider's sentences; returns how many it were."""
        now = self._now()
        async with self._database.transaction() as transaction:
            await transaction.execute_many(
                "update batua_inbox set body = $1, headers = '{}', events = $2, redacted_at = $3,"
                " version = version + 1"
                # Whoever has taken it up again meanwhile needs what it says.
                " where id = $4 and next_attempt_at is null and redacted_at is null",
                [(b"", _without_sentences(row), now, row["id"]) for row in page],
            )
        return len(page)

    async def remove_older_than(self, days: int) -> int:
        """Remove the texts of all that came more than ``days`` ago; returns how many it were."""
        due, removed = self._now() - timedelta(days=days), 0
        async for page in self.pages(FIRST):
            old = [row for row in page if row["received_at"] < due]
            removed += await self.remove_texts(old)
            if len(old) < len(page):
                break
        return removed

    async def _owners(self, page: Sequence[Row]) -> dict[str, str]:
        """Which customer each is about, by its id. One that tells of no payment of ours is not in.

        A payment is found by the provider's reference, a refund or a dispute by what was captured.
        """
        told = {row["id"]: (row["gateway"], _named(row)) for row in page}
        owners = await self._owners_by("batua_payment", "provider_reference", told, 0)
        owners |= await self._owners_by("batua_capture", "provider_payment_id", told, 1)
        return owners

    async def _owners_by(
        self,
        table: str,
        column: str,
        told: dict[str, tuple[str, tuple[set[str], set[str]]]],
        place: int,
    ) -> dict[str, str]:
        listed = self._database.dialect.in_list(column, "$1")
        rows = await self._database.fetch(
            f"select gateway, {column} as named, customer_id from {table} where {listed}",
            sorted({name for _, names in told.values() for name in names[place]}),
        )
        known = {(row["gateway"], row["named"]): row["customer_id"] for row in rows}
        return {
            inbox_id: known[gateway, name]
            for inbox_id, (gateway, names) in told.items()
            for name in names[place]
            if (gateway, name) in known
        }


def _events(row: Row) -> tuple[WebhookEvent, ...]:
    """What is known of a webhook. One that nobody can read stands in nobody's way."""
    try:
        return decode_events(row["events"])
    except Exception:
        log.exception("the events of %s can't be read: whose it is stays unknown", row["id"])
        return ()


def _named(row: Row) -> tuple[set[str], set[str]]:
    """The references of payments that a webhook speaks of, and the provider's ids of captures."""
    references, captures = set(), set()
    for event in _events(row):
        if isinstance(event.payload, PaymentResult):
            references.add(event.payload.provider_reference)
        elif isinstance(event.payload, (RefundResult, DisputeResult)):
            captures.add(event.payload.provider_payment_id)
    return references, captures


def _without_sentences(row: Row) -> str:
    """Its events as text again, without what a provider wrote for people to read."""
    return encode_events(tuple(map(_without_sentence, _events(row))))


def _without_sentence(event: WebhookEvent) -> WebhookEvent:
    if isinstance(event.payload, (PaymentResult, RefundResult)):
        return replace(event, payload=replace(event.payload, failure_message=""))
    return event
