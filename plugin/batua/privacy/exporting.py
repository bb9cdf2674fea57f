"""Everything that a shop holds about a customer, as JSON that a person can be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from batua.clock import Clock
from batua.database import Database, Row
from batua.errors import NotFound
from batua.privacy.belongings import BELONGINGS, OF_THEIRS
from batua.privacy.webhooks import StoredWebhooks

__all__ = ["Exporter"]

OURS = frozenset({"version", "polls", "next_poll_at", "attempts", "next_attempt_at", "dedupe_key"})
"""Columns that say how we work and nothing of a person."""
JSON = frozenset({"items", "checkout", "parameters"})
PAGE = 1000


class Exporter:
    """Reads; changes nothing."""

    def __init__(self, database: Database, webhooks: StoredWebhooks, *, now: Clock) -> None:
        self._database = database
        self._webhooks = webhooks
        self._now = now

    async def export(self, customer_id: str) -> bytes:
        """All of it as one JSON object. Raises ``NotFound`` for a customer whom nobody knows."""
        customer = await self._database.fetch_one(
            "select * from batua_customer where id = $1", customer_id
        )
        if customer is None:
            raise NotFound("customer", customer_id)
        held: dict[str, Any] = {"exported_at": self._now(), "customer": _shown(customer)}
        for belonging in BELONGINGS:
            pages = belonging.pages(self._database, customer_id)
            held[belonging.name] = [_shown(row) async for page in pages for row in page]
        held["statement"] = await self._statement(customer_id)
        held["webhooks"] = await self._told(customer)
        for name, sql in RECORDS.items():
            rows = await self._database.fetch(sql, customer_id)
            held[name] = [_shown(row) for row in rows]
        return msgspec.json.format(msgspec.json.encode(held), indent=2)

    async def _statement(self, customer_id: str) -> list[dict[str, Any]]:
        """Every entry of the customer's accounts, oldest first."""
        entries: list[dict[str, Any]] = []
        after = 0
        while True:
            rows = await self._database.fetch(
                "select e.id as entry, a.key as account, e.amount, e.balance_after, t.id, t.kind,"
                " t.currency, t.order_id, t.top_up_id, t.payment_id, t.refund_id, t.reason,"
                " t.occurred_at, t.created_at from batua_entry e"
                " join batua_account a on a.id = e.account_id"
                " join batua_transfer t on t.seq = e.transfer_seq"
                f" where e.account_id in (select id {OF_THEIRS}) and e.id > $2"
                f" order by e.id limit {PAGE}",
                customer_id,
                after,
            )
            if not rows:
                return entries
            entries += map(dict, rows)
            after = rows[-1]["entry"]

    async def _told(self, customer: Row) -> list[dict[str, Any]]:
        """What providers told of the customer's payments, where it is still kept."""
        told: list[dict[str, Any]] = []
        async for page in self._webhooks.about({customer["id"]}, customer["created_at"]):
            told += [await self._webhook(row) for row in page]
        return told

    async def _webhook(self, row: Row) -> dict[str, Any]:
        body = await self._webhooks.body(row["id"])
        return {
            "gateway": row["gateway"],
            "event_type": row["event_type"],
            "received_at": row["received_at"],
            "body": body.decode(errors="replace"),
        }


RECORDS: Mapping[str, str] = {
    "shut_out": "select disabled_at, disabled_by, enabled_at, enabled_by"
    " from batua_disabled_customer where customer_id = $1 order by disabled_at",
    "revocations": "select issued_before, created_at, created_by from batua_revocation"
    " where scope = 'customer' and subject = $1 order by created_at",
    "erasures": "select reason, erased_by, created_at from batua_erasure"
    " where customer_id = $1 order by created_at",
}
"""What else was written down of a customer, and how it is read."""


def _shown(row: Row) -> dict[str, Any]:
    return {
        name: msgspec.Raw(value.encode()) if name in JSON else value
        for name, value in dict(row).items()
        if name not in OURS
    }
