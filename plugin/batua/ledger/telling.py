"""Tell the log which request has made which transfers, once they are committed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batua.ledger.rows import Record
from batua.ledger.tables import Transfer

__all__ = ["tell_committed", "transfers_of"]

KEY_LENGTH = 12
"""Of the hash that a claim has for its id: enough to find it, and its key can't be told from it.

And too short for thirteen digits in a row, which would have to be looked at: is it a card's number?
"""

_ABOUT = (
    ("order", "order_id"),
    ("payment", "payment_id"),
    ("top_up", "top_up_id"),
    ("refund", "refund_id"),
)

log = logging.getLogger("batua.money")


def transfers_of(staged: Iterable[Record]) -> list[Record]:
    """The transfers among the rows that an operation has staged."""
    return [row for row in staged if row.table is Transfer]


def tell_committed(
    committed: Iterable[tuple[Any, Mapping[str, str], Sequence[Record]]],
) -> None:
    """One line for each operation that has moved money: itself, whose it was, its transfers.

    A group is told at once: a handler that knows of ``lines`` writes all of them together.
    """
    if not log.isEnabledFor(logging.INFO):
        return
    lines = [_line(operation, ids, moved) for operation, ids, moved in committed if moved]
    if lines:
        log.info("money_committed", extra={"lines": lines})


def _line(operation: Any, ids: Mapping[str, str], moved: Sequence[Record]) -> dict[str, Any]:
    claim = getattr(operation, "claim", None)
    inner = getattr(operation, "operation", operation)
    line: dict[str, Any] = {**ids, "operation": type(inner).__name__}
    if claim is not None:
        line["key_hash"] = claim.id[:KEY_LENGTH]
    for name, column in _ABOUT:
        value = moved[0][column]
        if value is not None:
            line[name] = value
    line["transfers"] = [row["id"] for row in moved]
    return line
