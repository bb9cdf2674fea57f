"""The dashboard's figures as CSV: amounts are plain numbers beside their currency."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from batua.contract import minor_digits
from batua.formulas import inert
from batua.insight import (
    CohortRow,
    Dashboard,
    DayRow,
    GatewayRow,
    MoneyRow,
    QueueRow,
    TopCustomer,
)

__all__ = ["CSV_FILES", "export"]

AMOUNTS = frozenset(
    {
        "top_ups_amount", "spend", "spend_wallet", "spend_gateway", "refunds_amount",
        "disputes_amount", "liability", "held", "suspense", "spent", "refunded",
    }
)  # fmt: skip
"""Fields of minor units."""

Rows = Sequence[msgspec.Struct]

CSV_FILES: Mapping[str, tuple[type[msgspec.Struct], Callable[[Dashboard], Rows]]] = {
    "days": (DayRow, lambda board: board.days),
    "today": (DayRow, lambda board: [row for row in board.days if row.day == board.today]),
    "money": (MoneyRow, lambda board: board.money),
    "gateways": (GatewayRow, lambda board: board.gateways),
    "queues": (QueueRow, lambda board: board.queues),
    "cohorts": (CohortRow, lambda board: board.cohorts),
    "top-customers": (TopCustomer, lambda board: board.top_customers),
}
"""What there is to download, by the file's name without its ending."""


def export(name: str, board: Dashboard) -> bytes:
    """One of ``CSV_FILES``, in UTF-8 with CRLF, under a header of its fields."""
    struct, rows_of = CSV_FILES[name]
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(struct.__struct_fields__)
    for row in rows_of(board):
        values = msgspec.to_builtins(row)
        writer.writerow(_cell(field, values) for field in struct.__struct_fields__)
    return written.getvalue().encode()


def _cell(field: str, values: Mapping[str, Any]) -> Any:
    value = values[field]
    if field in AMOUNTS:
        return f"{Decimal(value).scaleb(-minor_digits(values['currency'])):f}"
    return inert(value)
