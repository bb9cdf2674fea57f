"""The chain's hash, written a second time from its specification."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["COLUMNS", "chained_hash", "moment"]

COLUMNS = (
    "seq", "id", "kind", "debit_account", "credit_account", "amount", "currency", "order_id",
    "top_up_id", "payment_id", "refund_id", "reverses", "reason", "actor", "approved_by",
    "occurred_at", "created_at",
)  # fmt: skip


def chained_hash(previous: Any, transfer: Mapping[str, Any], debit: Any, credit: Any) -> str:
    """SHA-256, in hex, of the JSON array of previous hash, columns and both balances after.

    Whatever stands in a tampered row gets a hash, and a wrong one.
    """
    columns = [_written(transfer, column) for column in COLUMNS]
    text = json.dumps(
        [previous, *columns, debit, credit],
        ensure_ascii=False,
        separators=(",", ":"),
        default=repr,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def moment(value: Any) -> datetime | None:
    """A stored time: PostgreSQL's datetime, or SQLite's text in its one width. None for else.

    The width matters: a text of another form would be the same time, but sort differently.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    is_canonical = time.tzinfo is not None and _in_utc(time, " ") == value
    return time if is_canonical else None


def _written(transfer: Mapping[str, Any], column: str) -> Any:
    value = transfer[column]
    if not column.endswith("_at"):
        return value
    time = moment(value)
    return value if time is None else _in_utc(time, "T")


def _in_utc(time: datetime, separator: str) -> str:
    return time.astimezone(UTC).isoformat(separator, "microseconds")
