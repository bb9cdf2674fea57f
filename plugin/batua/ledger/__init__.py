"""The ledger: double entry, append-only, and the only writer of money.

Its names are looked up on first use: ``batua.ledger.proof`` must run where none of the code that
writes can even be imported, and importing it imports this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "accounts": ("SHOP", "AccountKind", "AccountName"),
    "book": ("Book", "Movement", "Need", "Record"),
    "engine": ("Engine", "Operation"),
    "idempotency": ("Begun", "Claim", "Claimed", "Finished", "StoredAnswer"),
    "rules": ("available", "require_active", "require_available"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"batua.ledger.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
