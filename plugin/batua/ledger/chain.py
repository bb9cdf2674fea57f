"""The hash chain: each transfer's hash covers the one before it, so that tampering shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["HASHED", "transfer_hash"]

HASHED = (
    "seq", "id", "kind", "debit_account", "credit_account", "amount", "currency", "order_id",
    "top_up_id", "payment_id", "refund_id", "reverses", "reason", "actor", "approved_by",
    "occurred_at", "created_at",
)  # fmt: skip
"""The columns of a transfer that its hash covers, in this order."""


def transfer_hash(previous: str, transfer: Mapping[str, Any], balances: tuple[int, int]) -> str:
    """SHA-256, in hex, of the previous hash and a JSON array of the transfer's columns.

    ``balances`` are the debit and the credit account's balance after it: they end the array, so
    that the entries are covered too. Times are ISO 8601 in UTC with microseconds.
    """
    values = [_plain(transfer[column]) for column in HASHED]
    written = json.dumps([previous, *values, *balances], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
