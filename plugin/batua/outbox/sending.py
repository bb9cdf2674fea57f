"""Send what the outbox holds: at least once each, after the money has moved, never in its way."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from batua.clock import Clock
from batua.contract import (
    Delivery,
    DeliveryStatus,
    Notification,
    Notifier,
    NotifierRejected,
    NotifierUnavailable,
    Template,
    format_money,
)
from batua.database import Database, Dialect, Row
from batua.following import following
from batua.notes import as_note, note_of
from batua.watching import UNWATCHED, Watcher

__all__ = ["Outbox", "Recipient"]

ATTEMPTS_MAX = 12
LEASE_S = 60
SEND_MAX_S = 20
"""How long one send may take. None is begun that might outlast its lease."""
RETRY_S = (2, 5, 15, 60, 300, 900, 3600)
BATCH = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who a message goes to, and whether they agreed to get it on this channel."""

    name: str
    phone: str
    language: str
    has_consented: bool


class Outbox:
    """The sender. Several may run: each message is leased to one of them at a time.

    ``find_recipient`` looks a customer up for a channel; ``opt_out`` records that a person does
    not want our messages.
    """

    def __init__(
        self,
        database: Database,
        notifier: Notifier | None,
        *,
        now: Clock,
        find_recipient: Callable[[str, str], Awaitable[Recipient | None]],
        opt_out: Callable[[str, str], Awaitable[None]],
        watcher: Watcher = UNWATCHED,
    ) -> None:
        self._database = database
        self._notifier = notifier
        self._now = now
        self._find_recipient = find_recipient
        self._opt_out = opt_out
        self._watcher = watcher

    async def send_due(self) -> int:
        """Send up to one batch of due messages side by side, one customer's in their order.

        Returns how many were taken.
        """
        if self._notifier is None:
            return 0
        until = self._now() + timedelta(seconds=LEASE_S)
        lanes = defaultdict(list)
        leased = await self._lease(until)
        for message in leased:
            lanes[message["customer_id"]].append(message)
        async with asyncio.TaskGroup() as senders:
            for lane in lanes.values():
                senders.create_task(self._send_in_order(self._notifier, lane, until))
        return len(leased)

    async def _send_in_order(
        self, notifier: Notifier, messages: list[Row], until: datetime
    ) -> None:
        for message in messages:
            if self._now() + timedelta(seconds=SEND_MAX_S) > until:
                return  # the provider is slow: the rest is due again when the lease ends
            about = {"message": message["id"], "customer": message["customer_id"]}
            with following(**about), self._watcher.span("outbox.send", **about):
                await self._send(notifier, message)

    async def _lease(self, until: datetime) -> list[Row]:
        skip = " for update skip locked" if self._database.dialect is Dialect.POSTGRES else ""
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch(
                "select * from batua_outbox where next_attempt_at <= $1"
                f" order by next_attempt_at, id limit {BATCH}{skip}",
                self._now(),
            )
            # Whoever is killed while sending leaves a message that is due again after the lease.
            await transaction.execute_many(
                "update batua_outbox set next_attempt_at = $1, attempts = attempts + 1,"
                " version = version + 1 where id = $2",
                [(until, row["id"]) for row in rows],
            )
        return list(rows)

    async def _send(self, notifier: Notifier, message: Row) -> None:
        recipient = await self._find_recipient(message["customer_id"], notifier.channel)
        if recipient is None or (notifier.needs_consent and not recipient.phone):
            await self._close(message, "skipped", note="no phone number is known")
            return
        if notifier.needs_consent and not recipient.has_consented:
            await self._close(message, "skipped", note=f"no consent for {notifier.channel}")
            return
        try:
            async with asyncio.timeout(SEND_MAX_S):
                sent = await notifier.send(_notification(message, recipient))
        except NotifierRejected as error:
            if error.opted_out:
                await self._opt_out(message["customer_id"], notifier.channel)
            await self._close(message, "failed", note=as_note(str(error)))
        except NotifierUnavailable as error:
            await self._retry(message, as_note(str(error)), error.retry_after_s)
        except Exception as error:
            # Whatever a notifier's bug raises: the messages behind this one must go out.
            await self._retry(message, note_of(error), None)
        else:
            await self._close(message, "sent", reference=sent.provider_reference)

    async def _close(
        self, message: Row, status: str, *, note: str = "", reference: str | None = None
    ) -> None:
        code = self._notifier.manifest.code if self._notifier else None
        self._watcher.message_sent(status)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "update batua_outbox set status = $1, note = $2, provider_reference = $3,"
                " notifier = $4, next_attempt_at = null, sent_at = $5, version = version + 1"
                " where id = $6 and status = 'pending'",
                status,
                note,
                reference,
                code,
                self._now() if status == "sent" else None,
                message["id"],
            )

    async def _retry(self, message: Row, note: str, retry_after_s: int | None) -> None:
        attempts = message["attempts"] + 1
        if attempts >= ATTEMPTS_MAX:
            log.error(
                "notification %s is dead after %d attempts: %s", message["id"], attempts, note
            )
            await self._close(message, "dead", note=note)
            return
        wait_s = max(retry_after_s or 0, RETRY_S[min(attempts, len(RETRY_S)) - 1])
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "update batua_outbox set note = $1, next_attempt_at = $2, version = version + 1"
                " where id = $3 and status = 'pending'",
                note,
                self._now() + timedelta(seconds=wait_s),
                message["id"],
            )

    async def record_delivery(self, delivery: Delivery) -> bool:
        """Take in how far a message got; it never goes back. Returns whether it is ours."""
        row = await self._database.fetch_one(
            "select id, customer_id, status from batua_outbox"
            " where id = $1 or provider_reference = $2 limit 1",
            delivery.notification_id,
            delivery.provider_reference,
        )
        if row is None:
            return False
        if delivery.opted_out and self._notifier is not None:
            await self._opt_out(row["customer_id"], self._notifier.channel)
        if _RANK[str(delivery.status)] > _RANK.get(row["status"], 0):
            async with self._database.transaction() as transaction:
                await transaction.execute(
                    "update batua_outbox set status = $1, note = $2, provider_reference = $3,"
                    " next_attempt_at = null, version = version + 1 where id = $4",
                    str(delivery.status),
                    as_note(delivery.failure_message),
                    delivery.provider_reference,
                    row["id"],
                )
        return True


_RANK = {str(status): rank for rank, status in enumerate(DeliveryStatus, start=1)}


def _notification(message: Row, recipient: Recipient) -> Notification:
    parameters: dict[str, Any] = msgspec.json.decode(message["parameters"])
    return Notification(
        id=message["id"],
        template=Template(message["template"]),
        phone=recipient.phone,
        language=recipient.language,
        parameters={
            "name": recipient.name,
            **{name: _written(value) for name, value in parameters.items()},
        },
    )


def _written(value: Any) -> str:
    """Money as people write it; anything else is text already."""
    return format_money(**value) if isinstance(value, dict) else str(value)
