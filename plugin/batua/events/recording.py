"""Write an event beside the money: both are committed, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from batua.clock import NewId
from batua.events.facts import EventType, fact_of
from batua.events.tables import Event
from batua.ledger import Book

__all__ = ["Recorder"]


class Recorder:
    """Stages events, where anybody listens.

    The ledger's head says so, and every group has it: where nobody listens an event costs the
    look at it. Whoever begins to listen moves the head's version, so that no group goes on from
    what it had read before.
    """

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    def record(self, book: Book, type: EventType, row: Mapping[str, Any]) -> None:
        """Something has happened to what ``row`` is of, which is staged as it is now."""
        if not book.head["announces"]:
            return
        data = msgspec.json.encode(fact_of(type, row)).decode()
        book.insert(Event, id=self._new_id("evt"), type=str(type), data=data)
