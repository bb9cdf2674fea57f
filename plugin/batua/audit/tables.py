"""The audit log's tables, as Piccolo knows them. Their constraints stand in the migrations."""

from __future__ import annotations

from piccolo.columns import BigInt, Integer, Text, Timestamptz
from piccolo.table import Table

__all__ = ["AuditEntry", "AuditHead"]


class AuditEntry(Table, tablename="batua_audit"):
    """One thing that a member of staff did. Append-only, and chained as transfers are.

    ``asked``, ``before`` and ``after`` are JSON. ``transfer_seq`` and ``head_hash`` are the
    ledger's own head just after it: so the log can't be moved against the money, nor back.
    """

    seq = BigInt(primary_key=True)
    id = Text(unique=True)
    created_at = Timestamptz()
    actor = Text()
    role = Text()
    address = Text()
    act = Text()
    subject = Text()
    reason = Text()
    asked = Text()
    before = Text()
    after = Text()
    transfer_seq = BigInt()
    head_hash = Text()
    hash = Text()


class AuditHead(Table, tablename="batua_audit_head"):
    """One row: how many entries there are, and the newest one's hash."""

    id = Integer(primary_key=True)
    seq = BigInt()
    hash = Text()
    version = BigInt()
