"""The outbox: messages written with the money, sent after it, at least once."""

from batua.outbox.retrying import RetryMessage, retry_message
from batua.outbox.sending import Outbox, Recipient
from batua.outbox.staging import Announcer
from batua.outbox.tables import OutboxMessage

__all__ = [
    "Announcer",
    "Outbox",
    "OutboxMessage",
    "Recipient",
    "RetryMessage",
    "retry_message",
]
