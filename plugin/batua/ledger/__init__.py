"""The ledger: double entry, append-only, and the only writer of money.

Its names are looked up on first use: ``batua.ledger.proof`` must run where none of the code that
writes can even be imported, and importing it imports this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batua.ledger.accounts import SHOP, AccountKind, AccountName
    from batua.ledger.book import Book
    from batua.ledger.deciding import Operation
    from batua.ledger.engine import Engine
    from batua.ledger.expiring import Expiry
    from batua.ledger.idempotency import Begun, Claim, Claimed, Finished, StoredAnswer
    from batua.ledger.lots import account_needs, hold_needs
    from batua.ledger.movements import Movement, NewLot, Part
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
    )
    from batua.ledger.rows import Need, Record
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
    "Expiry",
    "Finished",
    "HoldClosed",
    "HoldOpened",
    "Linked",
    "LinkedAnswers",
    "Movement",
    "Need",
    "NewLot",
    "OpenHold",
    "Operation",
    "Part",
    "PostTransfer",
    "Posted",
    "Record",
    "ReverseTransfer",
    "StoredAnswer",
    "VoidHold",
    "account_needs",
    "available",
    "hold_needs",
    "require_active",
    "require_available",
]

_HOMES = {
    "accounts": ("SHOP", "AccountKind", "AccountName"),
    "book": ("Book",),
    "engine": ("Engine", "Operation"),
    "expiring": ("Expiry",),
    "idempotency": ("Begun", "Claim", "Claimed", "Finished", "StoredAnswer"),
    "lots": ("account_needs", "hold_needs"),
    "movements": ("Movement", "NewLot", "Part"),
    "rows": ("Need", "Record"),
    "operations": (
        "CaptureHold",
        "ExpireHold",
        "HoldClosed",
        "HoldOpened",
        "Linked",
        "LinkedAnswers",
        "OpenHold",
        "Posted",
        "PostTransfer",
        "ReverseTransfer",
        "VoidHold",
    ),
    "rules": ("available", "require_active", "require_available"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"batua.ledger.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
