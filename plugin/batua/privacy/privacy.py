"""The room's services, made together: they share what they read and remove."""

from __future__ import annotations

from dataclasses import dataclass

from batua.clock import Clock, NewId
from batua.database import Database
from batua.identity import Identity
from batua.ledger import Engine
from batua.privacy.answers import StoredAnswers
from batua.privacy.erasing import Eraser
from batua.privacy.exporting import Exporter
from batua.privacy.retention import Retention
from batua.privacy.webhooks import StoredWebhooks

__all__ = ["Privacy"]


@dataclass(frozen=True, slots=True)
class Privacy:
    """What a person may ask for, and what goes without being asked."""

    exporter: Exporter
    eraser: Eraser
    retention: Retention

    @classmethod
    def of(
        cls,
        database: Database,
        engine: Engine,
        identity: Identity,
        *,
        now: Clock,
        new_id: NewId,
        inbox_days: int,
    ) -> Privacy:
        """``inbox_days`` is how long the bytes of a webhook are kept."""
        answers, webhooks = StoredAnswers(database, now=now), StoredWebhooks(database, now=now)
        return cls(
            Exporter(database, webhooks, now=now),
            Eraser(database, engine, identity, answers, webhooks, now=now, new_id=new_id),
            Retention(answers, webhooks, inbox_days=inbox_days),
        )
