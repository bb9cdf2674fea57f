"""The inbox: webhook events in. Verified, stored, acknowledged, applied, replayable."""

from batua.inbox.applying import Applier
from batua.inbox.events import decode_events, encode_events
from batua.inbox.receiving import Receiver
from batua.inbox.silence import Hearing, Silence
from batua.inbox.tables import InboxEvent

__all__ = [
    "Applier",
    "Hearing",
    "InboxEvent",
    "Receiver",
    "Silence",
    "decode_events",
    "encode_events",
]
