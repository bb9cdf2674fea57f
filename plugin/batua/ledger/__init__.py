"""The ledger: double entry, append-only, and the only writer of money."""

from batua.ledger.accounts import SHOP, AccountKind, AccountName
from batua.ledger.book import Book
from batua.ledger.engine import Engine, Operation
from batua.ledger.expiring import Expiry
from batua.ledger.idempotency import Begun, Claim, Claimed, Finished, StoredAnswer
from batua.ledger.lots import account_needs, hold_needs
from batua.ledger.movements import Movement, NewLot, Part
from batua.ledger.rows import Need, Record
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
    "Expiry",
    "Finished",
    "Movement",
    "Need",
    "NewLot",
    "Operation",
    "Part",
    "Record",
    "StoredAnswer",
    "account_needs",
    "available",
    "hold_needs",
    "require_active",
    "require_available",
]
