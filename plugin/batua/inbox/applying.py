"""Apply a stored event: hand what it says to payments, and remember what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta

from batua.clock import Clock, NewId
from batua.contract import (
    DisputeResult,
    EventPayload,
    Money,
    PaymentLookup,
    PaymentResult,
    RefundResult,
    WebhookEvent,
)
from batua.database import Database, Row, Transaction
from batua.errors import BatuaError, Refusal, TryAgain
from batua.inbox.events import decode_events
from batua.inbox.grouping import Grouped
from batua.ledger import Engine
from batua.payments import Applied, ApplyPaymentResult, Purposes, Refunder
from batua.registry import Registry

__all__ = ["Applier"]

ATTEMPTS_MAX = 20
RETRY_MAX_S = 3600
SIDE_BY_SIDE_MAX = 32
"""How many events are applied at a time. More would hold up those that wait to be stored."""

log = logging.getLogger(__name__)

# What a person must look at outranks what went well.
_ORDER = ("ignored", "applied", "unmatched", "quarantined")


class Applier:
    """Applies events; each may be applied any number of times with one effect."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        registry: Registry,
        refunder: Refunder,
        purposes: Purposes,
        *,
        now: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._refunder = refunder
        self._purposes = purposes
        self._now = now
        self._new_id = new_id
        self._reading = Grouped(self._read)
        self._closing = Grouped(self._close)
        self._soon: deque[str] = deque()
        self._appliers: set[asyncio.Task[None]] = set()

    async def apply(self, inbox_id: str) -> None:
        """Apply one stored event. May move money. Never raises: a failure is retried later."""
        try:
            row = await self._reading.put(inbox_id)
        except Exception as error:
            log.warning("event %s could not be read", inbox_id, exc_info=error)
            return
        if row is None or row["next_attempt_at"] is None:
            return
        try:
            status, note = await self._apply_all(row)
            await self._closing.put((row, status, note))
        except Exception as error:
            # Whatever went wrong, the bytes are safe and are tried again.
            log.warning("event %s could not be applied", inbox_id, exc_info=error)
            with suppress(BatuaError):  # without a database it is due again all the same
                await self._retry(row, f"{type(error).__name__}: {error}")

    def apply_soon(self, inbox_id: str) -> None:
        """Apply it when it is its turn: what is still to be stored goes first."""
        self._soon.append(inbox_id)
        if len(self._appliers) < SIDE_BY_SIDE_MAX:
            task = asyncio.create_task(self._apply_what_waits())
            self._appliers.add(task)
            task.add_done_callback(self._appliers.discard)

    async def _apply_what_waits(self) -> None:
        while self._soon:
            await self.apply(self._soon.popleft())

    async def _read(self, ids: list[str]) -> list[Row | None]:
        rows = await self._database.fetch(
            f"select * from batua_inbox where {self._database.dialect.in_list('id', '$1')}", ids
        )
        found = {row["id"]: row for row in rows}
        return [found.get(inbox_id) for inbox_id in ids]

    async def _apply_all(self, row: Row) -> tuple[str, str]:
        outcome = ("ignored", "")
        for event in decode_events(row["events"]):
            heard = await self._apply_event(row["gateway"], event)
            if _ORDER.index(heard[0]) > _ORDER.index(outcome[0]):
                outcome = heard
        return outcome

    async def _apply_event(self, gateway: str, event: WebhookEvent) -> tuple[str, str]:
        if event.payload is None:
            is_unreadable = event.event_type == "unreadable"
            return ("quarantined", "unreadable") if is_unreadable else ("ignored", "")
        try:
            return await self._apply_payload(gateway, event.payload, fetch=event.needs_fetch)
        except TryAgain:
            raise
        except Refusal as refusal:
            return "quarantined", f"{refusal.code}: {refusal}"

    async def _apply_payload(
        self, gateway: str, payload: EventPayload, *, fetch: bool
    ) -> tuple[str, str]:
        if isinstance(payload, PaymentResult):
            results = await self._fetch(gateway, payload) if fetch else (payload,)
            outcomes = [await self._apply_payment(gateway, result) for result in results]
            return max(outcomes, key=lambda outcome: _ORDER.index(outcome[0]))
        if isinstance(payload, RefundResult):
            refund_id = await self._refunder.find(gateway, payload)
            if refund_id is None:
                return "quarantined", "a refund that did not begin here"
            await self._refunder.apply(payload, refund_id)
            return "applied", ""
        if isinstance(payload, DisputeResult):
            return "quarantined", f"dispute {payload.provider_dispute_id} is {payload.status}"
        return "ignored", "a saved instrument"

    async def _apply_payment(self, gateway: str, result: PaymentResult) -> tuple[str, str]:
        applied = await self._engine.submit(
            ApplyPaymentResult(gateway, result, self._purposes, self._new_id)
        )
        if applied is Applied.UNMATCHED:
            return "unmatched", f"no payment has the reference {result.provider_reference!r}"
        if applied is Applied.WRONG_MODE:
            return "quarantined", f"{result.mode} money for a payment of the other mode"
        return "applied", str(applied)

    async def _fetch(self, gateway: str, hint: PaymentResult) -> tuple[PaymentResult, ...]:
        payment = await self._database.fetch_one(
            "select id, amount, currency from batua_payment"
            " where gateway = $1 and provider_reference = $2",
            gateway,
            hint.provider_reference,
        )
        lookup = PaymentLookup(
            payment_id=payment["id"] if payment else "",
            provider_reference=hint.provider_reference,
            amount=Money(payment["amount"], payment["currency"]) if payment else hint.amount,
        )
        fetched = await self._registry.gateway(gateway).fetch_payment(lookup)
        if not fetched.attempts:
            raise TryAgain("gateway_unavailable", f"{gateway} knows no attempt on it yet.")
        return fetched.attempts

    async def _close(self, outcomes: list[tuple[Row, str, str]]) -> list[None]:
        """Remember what became of events that were applied side by side."""
        for row, status, note in outcomes:
            if status == "quarantined":
                log.error("event %s of %s needs a person: %s", row["id"], row["gateway"], note)
        now = self._now()
        async with self._database.transaction() as transaction:
            await transaction.execute_many(
                "update batua_inbox set status = $1, note = $2, next_attempt_at = $3,"
                " applied_at = $4, attempts = attempts + 1, version = version + 1"
                " where id = $5",
                [
                    (status, note, await self._next_attempt(transaction, row, status), now,
                     row["id"])
                    for row, status, note in outcomes
                ],
            )  # fmt: skip
        return [None] * len(outcomes)

    async def _next_attempt(
        self, transaction: Transaction, row: Row, status: str
    ) -> datetime | None:
        # A payment may have learnt this reference since the event was found unmatched.
        is_due = status == "unmatched" and await transaction.fetch_one(
            "select 1 from batua_payment where gateway = $1 and provider_reference = $2",
            row["gateway"],
            row["provider_reference"],
        )
        return self._now() if is_due else None

    async def _retry(self, row: Row, note: str) -> None:
        attempts = row["attempts"] + 1
        is_dead = attempts >= ATTEMPTS_MAX
        if is_dead:
            log.error("event %s is dead after %d attempts: %s", row["id"], attempts, note)
        wait_s = min(2**attempts, RETRY_MAX_S)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "update batua_inbox set status = $1, note = $2, attempts = $3,"
                " next_attempt_at = $4, version = version + 1 where id = $5",
                "dead" if is_dead else "received",
                note,
                attempts,
                None if is_dead else self._now() + timedelta(seconds=wait_s),
                row["id"],
            )
