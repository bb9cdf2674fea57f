"""The ledger: double entry, append-only, and the only writer of money."""

from batua.ledger.accounts import SHOP, AccountKind, AccountName
from batua.ledger.book import Book, Movement, Need, Record
from batua.ledger.engine import Engine, Operation
from batua.ledger.idempotency import Begun, Claim, Claimed, Finished, StoredAnswer
from batua.ledger.operations import (
    CaptureHold,
    ExpireHold,
    HoldClosed,
    HoldOpened,
    Linked,
    LinkedAnswers,
    OpenHold,
    Posted,
    PostTransfer,
    ReverseTransfer,
    VoidHold,
    expire_holds,
)
from batua.ledger.rules import available, require_active, require_available

__all__ = [
    "SHOP",
    "AccountKind",
    "AccountName",
    "Begun",
    "Book",
    "CaptureHold",
    "Claim",
    "Claimed",
    "Engine",
    "ExpireHold",
    "Finished",
    "HoldClosed",
    "HoldOpened",
    "Linked",
    "LinkedAnswers",
    "Movement",
    "Need",
    "OpenHold",
    "Operation",
    "PostTransfer",
    "Posted",
    "Record",
    "ReverseTransfer",
    "StoredAnswer",
    "VoidHold",
    "available",
    "expire_holds",
    "require_active",
    "require_available",
]
