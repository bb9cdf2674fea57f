"""What can't go on by itself: disputes, webhooks and messages that were given up."""

from __future__ import annotations

from batua.audit import Actor
from batua.contract import DisputeStatus
from batua.database import Row
from batua.inbox import Applier
from batua.ledger import Engine
from batua.outbox import retry_message
from batua.payments import Resolver
from batua.staff.acting import Clerk
from batua.staff.words import Word

__all__ = ["CaseDesk"]


class CaseDesk:
    """Takes up again what was left."""

    def __init__(self, engine: Engine, applier: Applier, resolver: Resolver, clerk: Clerk) -> None:
        self._engine = engine
        self._applier = applier
        self._resolver = resolver
        self._clerk = clerk

    async def resolve_dispute(
        self, actor: Actor, dispute_id: str, status: DisputeStatus, reason: str
    ) -> Row:
        """State that a dispute was won or lost, where the provider does not say. Moves money."""
        subject = f"dispute:{dispute_id}"
        with self._clerk.acting(actor, Word.RESOLVE_DISPUTE, subject, reason, status=str(status)):
            return await self._resolver.resolve(dispute_id, status, actor=actor.name)

    async def replay_webhook(self, actor: Actor, inbox_id: str) -> Row:
        """Apply a stored webhook once more. May move money, and never twice."""
        with self._clerk.acting(actor, Word.REPLAY_WEBHOOK, f"webhook:{inbox_id}"):
            return await self._applier.replay(inbox_id)

    async def retry_message(self, actor: Actor, message_id: str) -> Row:
        """Have a message sent again that was given up."""
        with self._clerk.acting(actor, Word.RETRY_NOTIFICATION, f"message:{message_id}"):
            return await retry_message(self._engine, message_id)
