"""The ledger's own operations: transfers, holds, reversals, and several that stand or fall.

Every id is made by whoever asks, before it asks. The same id with the same content answers the
same, and ``exists`` says that it was there already; with other content it is refused. A refused
operation leaves nothing behind, not even its id.
"""

from batua.ledger.operations.answers import HoldClosed, HoldOpened, LinkedAnswers, Posted
from batua.ledger.operations.holds import CaptureHold, ExpireHold, OpenHold, VoidHold
from batua.ledger.operations.linked import Linked
from batua.ledger.operations.transfers import PostTransfer, ReverseTransfer

__all__ = [
    "CaptureHold",
    "ExpireHold",
    "HoldClosed",
    "HoldOpened",
    "Linked",
    "LinkedAnswers",
    "OpenHold",
    "PostTransfer",
    "Posted",
    "ReverseTransfer",
    "VoidHold",
]
