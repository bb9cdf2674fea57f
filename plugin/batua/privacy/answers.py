"""Answers that are stored under idempotency keys: the answer goes in time, the key never does.

A key whose answer is gone is known for ever, so that an old request is never run again: it gets
409 ``key_expired``.
"""

from __future__ import annotations

import json
from collections.abc import Container
from datetime import datetime, timedelta
from typing import Any

from batua.clock import Clock
from batua.database import Database, Row

__all__ = ["KEPT_DAYS", "StoredAnswers"]

KEPT_DAYS = 30
PAGE = 500


class StoredAnswers:
    """Removes answers, a bounded number at a time: whoever pays meanwhile is not held up."""

    def __init__(self, database: Database, *, now: Clock) -> None:
        self._database = database
        self._now = now

    async def remove_old(self) -> int:
        """Remove those that were given more than 30 days ago; returns how many it were."""
        due, removed = self._now() - timedelta(days=KEPT_DAYS), 0
        while True:
            async with self._database.transaction() as transaction:
                count = await transaction.execute(
                    "update batua_idempotency set response_body = null, version = version + 1"
                    " where response_body is not null and id in (select id from batua_idempotency"
                    " where response_body is not null and finished_at < $1"
                    f" order by finished_at limit {PAGE})",
                    due,
                )
            removed += count
            if count < PAGE:
                return removed

    async def remove_about(self, customer_id: str, since: datetime) -> int:
        """Remove those since then that a customer got, or that tell of one; returns how many."""
        # A refund's answer has a reason that staff wrote, and names no customer.
        refunds = await self._database.fetch(
            "select id from batua_refund where customer_id = $1", customer_id
        )
        refund_ids = {row["id"] for row in refunds}
        removed, after, last_id = 0, since, ""
        while True:
            page = await self._database.fetch(
                "select id, principal, response_body, finished_at from batua_idempotency"
                " where response_body is not null and (finished_at, id) > ($1, $2)"
                f" order by finished_at, id limit {PAGE}",
                after,
                last_id,
            )
            if not page:
                return removed
            after, last_id = page[-1]["finished_at"], page[-1]["id"]
            removed += await self._remove(
                [row["id"] for row in page if _tells_of(row, customer_id, refund_ids)]
            )

    async def _remove(self, ids: list[str]) -> int:
        listed = self._database.dialect.in_list("id", "$1")
        async with self._database.transaction() as transaction:
            return await transaction.execute(
                "update batua_idempotency set response_body = null, version = version + 1"
                f" where response_body is not null and {listed}",
                ids,
            )


def _tells_of(answer: Row, customer_id: str, refund_ids: Container[str]) -> bool:
    if answer["principal"] == f"customer:{customer_id}":
        return True
    body: Any = json.loads(answer["response_body"])
    whole = body if isinstance(body, dict) else {}
    if whole.get("id") in refund_ids:
        return True
    parts = (whole, whole.get("order") or {})
    return any(part.get("customer") == customer_id for part in parts if isinstance(part, dict))
