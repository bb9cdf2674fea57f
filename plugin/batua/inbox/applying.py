"""Apply a stored event: hand what it says to payments, and remember what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta

from batua.audit import note_act
from batua.clock import Clock, NewId
from batua.contract import (
    DisputeResult,
    EventPayload,
    Mode,
    PaymentResult,
    RefundResult,
    WebhookEvent,
)
from batua.database import Database, Row, Transaction
from batua.errors import BatuaError, NotFound, Refusal, TryAgain
from batua.following import followed, following
from batua.inbox.asking import Asker
from batua.inbox.events import decode_events
from batua.inbox.grouping import Grouped
from batua.ledger import Engine
from batua.notes import note_of
from batua.outbox import Announcer
from batua.payments import (
    Applied,
    ApplyDispute,
    ApplyProviderRefund,
    Intake,
    Purposes,
    Refunder,
)
from batua.registry import Registry
from batua.watching import Watcher

__all__ = ["Applier"]

ATTEMPTS_MAX = 20
RETRY_MAX_S = 3600
OVERTAKEN_TRIES_MAX = 12
"""How often a refund or a dispute is tried whose capture we have not got: for about an hour."""
SIDE_BY_SIDE_MAX = 32
"""How many events of a gateway are applied at a time. More would hold up those to be stored."""

_Soon = deque[tuple[str, Mapping[str, str]]]
"""Events that wait for their turn, each with the ids of the request that brought it."""

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
        intake: Intake,
        purposes: Purposes,
        announcer: Announcer,
        *,
        now: Clock,
        new_id: NewId,
        watcher: Watcher,
    ) -> None:
        self._database = database
        self._engine = engine
        self._asker = Asker(database, registry)
        self._refunder = refunder
        self._intake = intake
        self._purposes = purposes
        self._announcer = announcer
        self._now = now
        self._new_id = new_id
        self._watcher = watcher
        self._reading = Grouped(self._read)
        self._closing = Grouped(self._close)
        self._soon: defaultdict[str, _Soon] = defaultdict(deque)
        self._appliers: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)

    async def apply(self, inbox_id: str) -> None:
        """Apply one stored event. May move money. Never raises: a failure is retried later."""
        try:
            row = await self._reading.put(inbox_id)
        except Exception as error:
            log.warning("event %s could not be read", inbox_id, exc_info=error)
            return
        if row is None or row["next_attempt_at"] is None:
            return
        about = {"gateway": row["gateway"], "event_id": inbox_id}
        with following(**about), self._watcher.span("inbox.apply", **about):
            await self._apply_row(row)

    async def _apply_row(self, row: Row) -> None:
        inbox_id = row["id"]
        try:
            status, note = await self._apply_all(row)
            await self._closing.put((row, status, note))
            lag_s = (self._now() - row["received_at"]).total_seconds()
            self._watcher.event_applied(row["gateway"], status, lag_s)
        except Exception as error:
            # Whatever went wrong, the bytes are safe and are tried again.
            log.warning("event %s could not be applied", inbox_id, exc_info=error)
            with suppress(BatuaError):  # without a database it is due again all the same
                await self._retry(row, note_of(error))

    async def replay(self, inbox_id: str) -> Row:
        """Apply a stored event once more, whatever became of it; the row as it is then.

        May move money, and never twice. What fails now is tried anew as if it had just come.
        Raises ``NotFound``.
        """
        row = await self._read_one(inbox_id)
        about = {"gateway": row["gateway"], "event_id": inbox_id}
        with following(**about), self._watcher.span("inbox.apply", **about):
            await self._apply_row({**row, "attempts": 0})
        await note_act(self._engine)
        return await self._read_one(inbox_id)

    async def _read_one(self, inbox_id: str) -> Row:
        (row,) = await self._read([inbox_id])
        if row is None:
            raise NotFound("webhook", inbox_id)
        return row

    def apply_soon(self, gateway: str, inbox_id: str) -> None:
        """Apply it when it is its turn: what is still to be stored goes first.

        Each gateway has a queue of its own: whoever waits for a provider holds up nobody else's.
        """
        appliers = self._appliers[gateway]
        self._soon[gateway].append((inbox_id, followed()))
        if len(appliers) < SIDE_BY_SIDE_MAX:
            task = asyncio.create_task(
                self._apply_what_waits(self._soon[gateway]), context=Context()
            )
            appliers.add(task)
            task.add_done_callback(appliers.discard)

    async def _apply_what_waits(self, soon: _Soon) -> None:
        while soon:
            inbox_id, ids = soon.popleft()
            with following(**ids):
                await self.apply(inbox_id)

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
        return await self.take_in(gateway, event.payload, fetch=event.needs_fetch)

    async def take_in(
        self, gateway: str, payload: EventPayload, *, fetch: bool = False
    ) -> tuple[str, str]:
        """Apply a provider's word, whether a webhook or a list brings it: status and note.

        With ``fetch`` its ids alone are believed. May move money. Raises ``TryAgain`` where it
        must wait for something else.
        """
        try:
            return await self._apply_payload(gateway, payload, fetch=fetch)
        except TryAgain:
            raise
        except Refusal as refusal:
            return "quarantined", f"{refusal.code}: {refusal}"

    async def _apply_payload(
        self, gateway: str, payload: EventPayload, *, fetch: bool
    ) -> tuple[str, str]:
        if isinstance(payload, PaymentResult):
            results = await self._asker.payment(gateway, payload) if fetch else (payload,)
            outcomes = [await self._apply_payment(gateway, result) for result in results]
            return max(outcomes, key=lambda outcome: _ORDER.index(outcome[0]))
        if isinstance(payload, RefundResult):
            refund = await self._asker.refund(gateway, payload) if fetch else payload
            return await self._apply_refund(gateway, refund)
        if isinstance(payload, DisputeResult):
            dispute = await self._asker.dispute(gateway, payload) if fetch else payload
            return await self._apply_dispute(gateway, dispute)
        return "ignored", "a saved instrument"

    async def _apply_payment(self, gateway: str, result: PaymentResult) -> tuple[str, str]:
        applied = await self._intake.take_in(gateway, result)
        return _outcome(applied, result.mode, f"the reference {result.provider_reference!r}")

    async def _apply_refund(self, gateway: str, result: RefundResult) -> tuple[str, str]:
        refund_id = await self._refunder.find(gateway, result)
        if refund_id is not None:
            await self._refunder.apply(result, refund_id)
            return "applied", ""
        applied = await self._engine.submit(
            ApplyProviderRefund(
                gateway=gateway,
                result=result,
                purposes=self._purposes,
                announcer=self._announcer,
                new_id=self._new_id,
            )
        )
        return _outcome(applied, result.mode, f"captured {result.provider_payment_id!r}")

    async def _apply_dispute(self, gateway: str, result: DisputeResult) -> tuple[str, str]:
        applied = await self._engine.submit(
            ApplyDispute(
                gateway=gateway, result=result, purposes=self._purposes, new_id=self._new_id
            )
        )
        return _outcome(applied, result.mode, f"captured {result.provider_payment_id!r}")

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
        if status != "unmatched":
            return None
        if row["provider_reference"] is None:
            # A refund or a dispute that has overtaken the payment that it is of.
            tries: int = row["attempts"]
            wait = timedelta(seconds=2**tries)
            return self._now() + wait if tries < OVERTAKEN_TRIES_MAX else None
        # A payment may have learnt this reference since the event was found unmatched.
        is_due = await transaction.fetch_one(
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


def _outcome(applied: Applied, mode: Mode, what: str) -> tuple[str, str]:
    if applied is Applied.UNMATCHED:
        return "unmatched", f"no payment has {what}"
    if applied is Applied.WRONG_MODE:
        return "quarantined", f"{mode} money for a payment of the other mode"
    return "applied", str(applied)
