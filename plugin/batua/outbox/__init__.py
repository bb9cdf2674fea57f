"""The outbox: messages written with the money, sent after it, at least once."""

from batua.outbox.sending import Outbox, Recipient
from batua.outbox.staging import Announcer
from batua.outbox.tables import OutboxMessage

__all__ = ["Announcer", "Outbox", "OutboxMessage", "Recipient"]
