"""I5: every amount and every number of our own counting is a whole number within bounds.

It runs first: a table that fails it can't be added up. On SQLite an integer column takes 12.5 and
'abc' (trap T15) where its CHECK was circumvented.
"""

from __future__ import annotations

from typing import Any

from batua.dialect import Dialect
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Source

__all__ = ["check_amounts"]

AMOUNT_MAX = 9_000_000_000_000_000
ANY = (-AMOUNT_MAX, AMOUNT_MAX)
COUNTER = (0, AMOUNT_MAX)
NOT_NEGATIVE = (0, AMOUNT_MAX)
POSITIVE = (1, AMOUNT_MAX)

Bounds = tuple[int, int]

KEYS = {"batua_transfer": "seq"}
"""The primary key of a table, where it is not ``id``."""

NUMBERS: dict[str, dict[str, Bounds]] = {
    "batua_ledger": {"transfer_seq": COUNTER, "account_seq": COUNTER},
    "batua_account": {"id": POSITIVE, "posted": ANY, "held": NOT_NEGATIVE},
    "batua_transfer": {
        "seq": POSITIVE,
        "debit_account": POSITIVE,
        "credit_account": POSITIVE,
        "amount": POSITIVE,
    },
    "batua_entry": {
        "id": POSITIVE,
        "account_id": POSITIVE,
        "transfer_seq": POSITIVE,
        "amount": ANY,
        "balance_after": ANY,
    },
    "batua_hold": {"amount": POSITIVE, "captured": NOT_NEGATIVE},
    "batua_lot": {"amount": POSITIVE, "remaining": NOT_NEGATIVE, "held": NOT_NEGATIVE},
    "batua_lot_entry": {"amount": ANY, "remaining_after": NOT_NEGATIVE},
    "batua_hold_lot": {"amount": POSITIVE},
    "batua_top_up": {
        "amount": POSITIVE,
        "credited": NOT_NEGATIVE,
        "refunded": NOT_NEGATIVE,
        "refund_reserved": NOT_NEGATIVE,
        "bonus": NOT_NEGATIVE,
        "bonus_returned": NOT_NEGATIVE,
        "disputed": NOT_NEGATIVE,
    },
    "batua_order": {
        "amount": POSITIVE,
        "paid_from_wallet": NOT_NEGATIVE,
        "paid_by_gateway": NOT_NEGATIVE,
        "refunded": NOT_NEGATIVE,
        "refund_reserved": NOT_NEGATIVE,
        "wallet_refunded": NOT_NEGATIVE,
    },
    "batua_adjustment": {"amount": POSITIVE},
    "batua_payment": {"amount": POSITIVE},
    "batua_capture": {
        "amount": POSITIVE,
        "transfer_seq": POSITIVE,
        "refunded": NOT_NEGATIVE,
        "refund_reserved": NOT_NEGATIVE,
        "clawed_back": NOT_NEGATIVE,
        "disputed": NOT_NEGATIVE,
    },
    "batua_refund": {
        "amount": POSITIVE,
        "wallet_amount": NOT_NEGATIVE,
        "source_amount": NOT_NEGATIVE,
        "capture_amount": NOT_NEGATIVE,
        "bonus_amount": NOT_NEGATIVE,
        "clawed_back": NOT_NEGATIVE,
    },
    "batua_dispute": {
        "amount": POSITIVE,
        "bonus_amount": NOT_NEGATIVE,
        "clawed_back": NOT_NEGATIVE,
    },
}


async def check_amounts(source: Source, findings: Findings) -> None:
    """Find numbers that are none, and mark their tables as unreadable."""
    for done, (table, columns) in enumerate(NUMBERS.items()):
        source.progress("amounts", done, len(NUMBERS))
        key = KEYS.get(table, "id")
        is_bad = " or ".join(
            _is_bad(source.dialect, column, bounds) for column, bounds in columns.items()
        )
        bad = f"select {key} as row_key, {', '.join(columns)} from {table} where {is_bad}"
        rows = await source.reader.fetch(
            f"with bad as materialized ({bad}) select * from bad"
            f" order by row_key limit {findings.limit}"
        )
        for row in rows:
            findings.unreadable.add(table)
            # A transfer's own key is its place in the ledger; an entry names it.
            seq = row["row_key"] if table == "batua_transfer" else dict(row).get("transfer_seq")
            for column, bounds in columns.items():
                if problem := _problem(row[column], bounds):
                    message = f"{table} {row['row_key']} has {column} = {row[column]!r}: {problem}"
                    findings.add(Finding("I5", table, str(row["row_key"]), message), seq=seq)


def _is_bad(dialect: Dialect, column: str, bounds: Bounds) -> str:
    low, high = bounds
    typed = f" or typeof({column}) <> 'integer'" if dialect is Dialect.SQLITE else ""
    return f"({column} is null or {column} < {low} or {column} > {high}{typed})"


def _problem(value: Any, bounds: Bounds) -> str:
    if type(value) is not int:
        return "expected a whole number."
    low, high = bounds
    return "" if low <= value <= high else f"expected a number between {low} and {high}."
