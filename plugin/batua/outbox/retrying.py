"""Send a notification again that was given up: staff have seen why, and put it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batua.audit import noted
from batua.errors import Conflict, NotFound
from batua.ledger import Book, Engine, Need, Record
from batua.outbox.tables import OutboxMessage

__all__ = ["RetryMessage", "retry_message"]

GIVEN_UP = frozenset({"dead", "failed", "skipped"})


@dataclass(frozen=True, slots=True)
class RetryMessage:
    """Make a message due that was given up. One that is due already stays so. Moves no money.

    Raises ``NotFound``, and ``Conflict`` (``message_sent``).
    """

    message_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(OutboxMessage, "id", self.message_id)

    def decide(self, book: Book) -> Record:
        message = book.get(OutboxMessage, "id", self.message_id)
        if message is None:
            raise NotFound("notification", self.message_id)
        if message["status"] in GIVEN_UP:
            book.update(message, status="pending", note="", attempts=0, next_attempt_at=book.clock)
        elif message["status"] != "pending":
            raise Conflict(
                "message_sent",
                f"Notification {self.message_id!r} is {message['status']}: only one that is dead, "
                "failed or skipped is sent again.",
            )
        return message


async def retry_message(engine: Engine, message_id: str) -> Record:
    """The same for staff: entered in the log, and sent by the next worker that looks."""
    return await engine.submit(noted(RetryMessage(message_id)))
