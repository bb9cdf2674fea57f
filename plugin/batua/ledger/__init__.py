"""The ledger: double entry, append-only, and the only writer of money."""

from batua.ledger.accounts import SHOP, AccountKind, AccountName
from batua.ledger.book import Book, Movement, Need, Record
from batua.ledger.engine import Engine, Operation
from batua.ledger.idempotency import Begun, Claim, Claimed, Finished, StoredAnswer
from batua.ledger.rules import available, require_active, require_available

__all__ = [
    "SHOP",
    "AccountKind",
    "AccountName",
    "Begun",
    "Book",
    "Claim",
    "Claimed",
    "Engine",
    "Finished",
    "Movement",
    "Need",
    "Operation",
    "Record",
    "StoredAnswer",
    "available",
    "require_active",
    "require_available",
]
