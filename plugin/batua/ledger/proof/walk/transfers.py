"""A transfer, as stored: in a tampered row, whatever stands there."""

from __future__ import annotations

from typing import Any, NamedTuple

from batua.ledger.proof.walk.hashing import COLUMNS

__all__ = ["HASHED_AS_STORED", "Transfer"]


class Transfer(NamedTuple):
    """The hashed columns in the order of ``COLUMNS``, then the hash."""

    seq: int
    id: Any
    kind: Any
    debit_account: Any
    credit_account: Any
    amount: Any
    currency: Any
    order_id: Any
    top_up_id: Any
    payment_id: Any
    refund_id: Any
    reverses: Any
    reason: Any
    actor: Any
    approved_by: Any
    occurred_at: Any
    created_at: Any
    hash: Any


HASHED_AS_STORED = COLUMNS.index("occurred_at")
"""So many columns are hashed as they stand; the times after them have a form of their own."""
