"""How two entries of one thing differ, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from batua.reconciliation.entries import Entry, Kind

__all__ = ["HEALABLE", "WHAT_TO_DO", "BreakType", "difference"]


class BreakType(StrEnum):
    """What is wrong, the worst first: only the worst of an entry is told."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    MODE_DIFFERS = "mode_differs"
    CURRENCY_DIFFERS = "currency_differs"
    AMOUNT_DIFFERS = "amount_differs"
    STATUS_DIFFERS = "status_differs"


HEALABLE = frozenset({BreakType.MISSING_HERE, BreakType.STATUS_DIFFERS})
"""What may be the provider's word that we have not heard: taking it in again is the cure."""

WHAT_TO_DO: Mapping[BreakType, str] = {
    BreakType.MISSING_HERE: "run with --heal; if it stays, it did not begin here: find out whose"
    " it is in the provider's dashboard",
    BreakType.MISSING_THERE: "ask the provider for proof of it; if there is none, correct the"
    " wallet by an adjustment",
    BreakType.MODE_DIFFERS: "test and live credentials were mixed up: check the gateway's settings",
    BreakType.CURRENCY_DIFFERS: "correct what was posted by an adjustment, and ask the provider",
    BreakType.AMOUNT_DIFFERS: "correct what was posted by an adjustment, and ask the provider",
    BreakType.STATUS_DIFFERS: "run with --heal; if it stays, a person must decide who is right",
}

_SAME_REFUND: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"pending", "unknown"}),
    "succeeded": frozenset({"succeeded"}),
    "failed": frozenset({"failed", "rejected"}),
}
"""Which of our statuses of a refund agree with the provider's."""


def difference(ours: Entry | None, theirs: Entry | None) -> BreakType | None:
    """The worst difference of two entries of one thing, or None where they agree.

    What has moved no money there need not be known here.
    """
    if theirs is None:
        return BreakType.MISSING_THERE if ours is not None else None
    if ours is None:
        return BreakType.MISSING_HERE if theirs.has_moved else None
    if ours.mode != theirs.mode:
        return BreakType.MODE_DIFFERS
    if ours.money.currency != theirs.money.currency:
        return BreakType.CURRENCY_DIFFERS
    if ours.money.amount != theirs.money.amount:
        return BreakType.AMOUNT_DIFFERS
    return None if _is_same_status(ours, theirs) else BreakType.STATUS_DIFFERS


def _is_same_status(ours: Entry, theirs: Entry) -> bool:
    if theirs.kind is Kind.REFUND:
        return ours.status in _SAME_REFUND[theirs.status]
    return ours.status == theirs.status
