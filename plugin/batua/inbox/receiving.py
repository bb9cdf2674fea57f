"""Receive a webhook: verify the bytes, store them, commit, and only then say 200."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from batua import failpoints
from batua.clock import Clock, NewId
from batua.contract import PaymentResult, WebhookEvent, WebhookRejected, WebhookRequest
from batua.database import Database
from batua.errors import NotFound
from batua.inbox.events import encode_events
from batua.inbox.grouping import Grouped
from batua.redaction import hide_cards, hide_cards_in
from batua.registry import Registry

__all__ = ["Receiver"]

RECOVERY_S = 5
"""A stored event that nobody applied is taken up again after this."""

CREDENTIAL_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


class Receiver:
    """The front door of the inbox."""

    def __init__(
        self, database: Database, registry: Registry, *, now: Clock, new_id: NewId
    ) -> None:
        self._database = database
        self._registry = registry
        self._now = now
        self._new_id = new_id
        self._inserting = Grouped(self._insert)

    async def receive(self, code: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        """Store a genuine webhook and return its id; None for one that has been dealt with.

        One that is stored and still waits is returned again: the provider's retry is as good a
        moment as any to apply it.

        Moves no money. Raises ``NotFound`` for a gateway that is not installed, and
        ``WebhookRejected`` for anything that can't be verified: then nothing is stored.
        """
        plugin = self._registry.gateways.get(code)
        if plugin is None:
            raise NotFound("gateway", code)
        if plugin.instance is None:
            raise WebhookRejected(f"the gateway {code!r} is not configured")
        now = self._now()
        request = WebhookRequest(body=body, headers=headers, received_at=now)
        events = await plugin.instance.verify_webhook(request)
        first = events[0] if events else WebhookEvent(event_id="", event_type="", payload=None)
        inbox_id, digest = self._new_id("inb"), hashlib.sha256(body).hexdigest()
        row = (
            inbox_id,
            code,
            first.event_id,
            digest,
            first.event_type,
            # Evidence, and no place for a card's number: the digest is of what came.
            hide_cards_in(body),
            _kept(headers),
            encode_events(events),
            _reference(events),
            now + timedelta(seconds=RECOVERY_S),
            now,
        )
        is_new = await self._inserting.put(row)
        failpoints.reach("inbox.stored")
        return inbox_id if is_new else await self._waiting(code, first.event_id, digest)

    async def _insert(self, rows: list[tuple[Any, ...]]) -> list[bool]:
        """Store what came in together; which of it is new. The rest stays as it was stored."""
        ids = [row[0] for row in rows]
        async with self._database.transaction() as transaction:
            await transaction.execute_many(
                "insert into batua_inbox (id, gateway, event_id, body_sha256, event_type, body,"
                " headers, events, status, provider_reference, note, attempts, next_attempt_at,"
                " received_at, applied_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8,"
                " 'received', $9, '', 0, $10, $11, null, 1)"
                " on conflict (gateway, event_id, body_sha256) do nothing",
                rows,
            )
            stored = await transaction.fetch(
                f"select id from batua_inbox where {self._database.dialect.in_list('id', '$1')}",
                ids,
            )
        new = {row["id"] for row in stored}
        return [inbox_id in new for inbox_id in ids]

    async def _waiting(self, code: str, event_id: str, digest: str) -> str | None:
        row = await self._database.fetch_one(
            "select id from batua_inbox where gateway = $1 and event_id = $2"
            " and body_sha256 = $3 and next_attempt_at is not null",
            code,
            event_id,
            digest,
        )
        return None if row is None else row["id"]

    async def match_again(self, gateway: str, provider_reference: str) -> None:
        """A payment has learnt its reference: events that came too early are due now."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "update batua_inbox set status = 'received', next_attempt_at = $1,"
                " version = version + 1"
                # One that is being found unmatched at this moment is still "received".
                " where gateway = $2 and provider_reference = $3"
                " and status in ('unmatched', 'received')",
                self._now(),
                gateway,
                provider_reference,
            )


def _kept(headers: Mapping[str, str]) -> str:
    kept = {name: value for name, value in headers.items() if name not in CREDENTIAL_HEADERS}
    return hide_cards(msgspec.json.encode(kept).decode())


def _reference(events: tuple[WebhookEvent, ...]) -> str | None:
    for event in events:
        if isinstance(event.payload, PaymentResult):
            return event.payload.provider_reference
    return None
