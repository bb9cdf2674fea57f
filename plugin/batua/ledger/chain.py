"""The hash chain: each transfer's hash covers the one before it, so that tampering shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

__all__ = ["HASHED", "transfer_hash"]

HASHED = (
    "seq", "id", "kind", "debit_account", "credit_account", "amount", "currency", "order_id",
    "top_up_id", "payment_id", "refund_id", "reverses", "reason", "actor", "approved_by",
    "occurred_at", "created_at",
)  # fmt: skip
"""The columns of a transfer that its hash covers, in this order."""


def transfer_hash(
    previous: str, transfer: Mapping[str, Any], now: datetime, balances: tuple[int, int]
) -> str:
    """SHA-256, in hex, of the previous hash and a JSON array of the transfer's columns.

    What ``transfer`` leaves out is null, or ``now`` where it is a time. ``balances`` are the debit
    and the credit account's balance after it: they end the array, so that the entries are covered
    too. Times are ISO 8601 in UTC with microseconds.
    """
    values = map(transfer.get, HASHED[:-2])
    times = (_written(transfer.get("occurred_at", now)), _written(now))
    written = msgspec.json.encode([previous, *values, *times, *balances])
    return hashlib.sha256(written).hexdigest()


@lru_cache(maxsize=16)
def _written(time: datetime) -> str:
    # A group's transfers share their time.
    return time.astimezone(UTC).isoformat(timespec="microseconds")
