"""I22 and I11: every row has a key, every reference a target, every status a known word."""

from __future__ import annotations

from batua.dialect import Dialect
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Rule, Source, apply

__all__ = ["check_rows"]

REFERENCES: dict[str, dict[str, str]] = {
    "batua_transfer": {
        "order_id": "batua_order",
        "top_up_id": "batua_top_up",
        "payment_id": "batua_payment",
        "refund_id": "batua_refund",
    },
    "batua_hold": {
        "account_id": "batua_account",
        "order_id": "batua_order",
        "refund_id": "batua_refund",
        "payment_id": "batua_payment",
    },
    "batua_lot": {"account_key": "batua_account", "top_up_id": "batua_top_up"},
    "batua_lot_entry": {"lot_id": "batua_lot", "transfer_id": "batua_transfer"},
    "batua_hold_lot": {"hold_id": "batua_hold", "lot_id": "batua_lot"},
    "batua_consent": {"customer_id": "batua_customer"},
    "batua_adjustment": {"customer_id": "batua_customer"},
    "batua_top_up": {"customer_id": "batua_customer"},
    "batua_order": {"customer_id": "batua_customer"},
    "batua_payment": {
        "top_up_id": "batua_top_up",
        "order_id": "batua_order",
        "customer_id": "batua_customer",
    },
    "batua_capture": {
        "payment_id": "batua_payment",
        "top_up_id": "batua_top_up",
        "order_id": "batua_order",
        "customer_id": "batua_customer",
        "transfer_seq": "batua_transfer",
    },
    "batua_refund": {
        "order_id": "batua_order",
        "top_up_id": "batua_top_up",
        "capture_id": "batua_capture",
        "customer_id": "batua_customer",
    },
    "batua_dispute": {
        "capture_id": "batua_capture",
        "top_up_id": "batua_top_up",
        "order_id": "batua_order",
        "customer_id": "batua_customer",
    },
}
"""What refers to what. The walk over the ledger checks entries and both sides of transfers."""

PAYMENT = ("created", "pending", "authorized", "succeeded", "failed", "expired", "cancelled")
TOP_UP = (
    "pending", "processing", "succeeded", "failed", "expired", "partially_refunded", "refunded",
    "disputed", "charged_back", "suspense",
)  # fmt: skip
REFUND = ("awaiting_approval", "pending", "succeeded", "failed", "unknown", "rejected")
INBOX = ("received", "applied", "ignored", "unmatched", "quarantined", "dead")
OUTBOX = ("pending", "sent", "delivered", "read", "failed", "skipped", "dead")
WORDS: dict[str, tuple[str, ...]] = {
    "batua_account": ("active", "frozen"),
    "batua_adjustment": ("awaiting_approval", "posted", "rejected"),
    "batua_dispute": ("open", "won", "lost"),
    "batua_hold": ("held", "captured", "voided", "expired"),
    "batua_idempotency": ("in_progress", "finished"),
    "batua_inbox": INBOX,
    "batua_order": ("pending", "paid", "partially_refunded", "refunded", "cancelled"),
    "batua_outbox": OUTBOX,
    "batua_payment": PAYMENT,
    "batua_refund": REFUND,
    "batua_top_up": TOP_UP,
}
"""The statuses of each table."""

TEXT_KEYS = (
    "batua_hold", "batua_lot", "batua_lot_entry", "batua_hold_lot", "batua_idempotency",
    "batua_customer", "batua_consent", "batua_top_up", "batua_order", "batua_payment",
    "batua_capture", "batua_refund", "batua_dispute", "batua_adjustment", "batua_inbox",
    "batua_outbox",
)  # fmt: skip


TARGETS = {"account_key": "key", "transfer_seq": "seq"}
"""The columns that refer to something else than their parent's ``id``."""


def _reference(table: str, column: str, parent: str) -> Rule:
    key = "seq" if table == "batua_transfer" else "id"
    parent_key = TARGETS.get(column, "id")
    at_seq = ", r.seq as at_seq" if table == "batua_transfer" else ""
    return Rule(
        invariant="I22",
        table=table,
        sql=f"""select r.{key} as row_key, r.{column} as target{at_seq} from {table} r
            left join {parent} p on p.{parent_key} = r.{column}
            where r.{column} is not null and p.{parent_key} is null""",
        message=f"{table} {{row_key}} has {column} {{target!r}}, which is not in {parent}.",
    )


def _words(table: str, words: tuple[str, ...]) -> Rule:
    known = ", ".join(f"'{word}'" for word in words)
    return Rule(
        invariant="I11",
        table=table,
        sql=f"""select id as row_key, status from {table}
            where coalesce(status, '') not in ({known})""",
        message=table + f" {{row_key}} has the status {{status!r}}, expected one of {known}.",
    )


def _key(table: str) -> Rule:
    # SQLite lets a primary key be null, and a walk in the order of keys would pass it by.
    return Rule(
        invariant="I22",
        table=table,
        sql=f"select id as row_key from {table} where id is null or id <= ''",
        message=table + " has a row with the primary key {row_key!r}.",
    )


RULES = (
    *(
        _reference(table, column, parent)
        for table, columns in REFERENCES.items()
        for column, parent in columns.items()
    ),
    *(_words(table, words) for table, words in WORDS.items()),
    *(_key(table) for table in TEXT_KEYS),
)


async def check_rows(source: Source, findings: Findings) -> None:
    """Nothing hangs in the air; on SQLite, the file itself is whole."""
    await apply("rows", RULES, source, findings)
    if source.dialect is Dialect.SQLITE:
        await _check_file(source, findings)


async def _check_file(source: Source, findings: Findings) -> None:
    source.progress("SQLite's own checks", 0, 2)
    for row in await source.reader.fetch("pragma foreign_key_check"):
        message = f"{row['table']}, rowid {row['rowid']}, refers to no row of {row['parent']}."
        findings.add(Finding("I22", row["table"], str(row["rowid"]), message))
    source.progress("SQLite's own checks", 1, 2)
    for row in await source.reader.fetch(f"pragma integrity_check({findings.limit})"):
        if row["integrity_check"] != "ok":
            message = f"SQLite's integrity check says: {row['integrity_check']}."
            findings.add(Finding("I22", "(the file)", "", message))
