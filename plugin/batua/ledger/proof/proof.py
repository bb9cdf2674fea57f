"""Proves one ledger: every check on one snapshot."""

from __future__ import annotations

from batua.ledger.proof.anchor import Anchor
from batua.ledger.proof.checks import (
    adjustments,
    clawbacks,
    disputes,
    holds,
    lots,
    orders,
    refunds,
    suspense,
)
from batua.ledger.proof.checks.amounts import check_amounts
from batua.ledger.proof.checks.audit import check_audit
from batua.ledger.proof.checks.captures import check_captures
from batua.ledger.proof.checks.guards import check_guards
from batua.ledger.proof.checks.messages import check_messages
from batua.ledger.proof.checks.rows import check_rows
from batua.ledger.proof.findings import Finding, Findings, Proof
from batua.ledger.proof.source import Books, Progress, Source, apply, ignored
from batua.ledger.proof.walk.accounts import (
    Head,
    check_accounts,
    check_head,
    load_accounts,
    read_head,
)
from batua.ledger.proof.walk.ledger import Walk

__all__ = ["prove", "read_ledger_id"]

PAGE_ROWS = 5_000
RULES = (
    *refunds.RULES,
    *orders.RULES,
    *holds.RULES,
    *lots.RULES,
    *adjustments.RULES,
    *disputes.RULES,
    *clawbacks.RULES,
    *suspense.RULES,
)


async def prove(
    database: Books,
    *,
    progress: Progress = ignored,
    findings_max: int = 100,
    anchor: Anchor | None = None,
    page_rows: int = PAGE_ROWS,
) -> Proof:
    """Prove every invariant that the database alone can prove. Reads only; moves no money.

    ``progress`` is told as each step goes on. An ``anchor`` of another ledger is a finding, for
    then this is not the ledger that was anchored. Raises the database's error when a table or a
    column is missing.
    """
    findings = Findings(findings_max)
    async with database.snapshot() as reader:
        source = Source(reader, database.dialect, page_rows, progress)
        await check_amounts(source, findings)
        head = await read_head(source, findings)
        _check_anchor(anchor, head, findings)
        walk = await _walk(source, findings, head, anchor)
        await check_captures(source, findings)
        await apply("orders, refunds, holds and lots", RULES, source, findings)
        await check_messages(source, findings)
        await check_guards(source, findings)
        await check_rows(source, findings)
        audit = await check_audit(source, findings, anchor)
    return Proof(
        findings=findings.in_order(),
        transfers=walk.transfers,
        entries=walk.entries,
        head_hash=walk.last_hash,
        ledger_id=head.ledger_id,
        audit_entries=audit.entries,
        audit_hash=str(audit.last_hash),
    )


async def read_ledger_id(database: Books) -> str:
    """The id that anchors are kept under, or "" when the head row is lost."""
    async with database.snapshot() as reader:
        rows = await reader.fetch("select ledger_id from batua_ledger order by id limit 1")
    return str(rows[0]["ledger_id"]) if rows else ""


async def _walk(source: Source, findings: Findings, head: Head, anchor: Anchor | None) -> Walk:
    accounts = await load_accounts(source, findings)
    walk = Walk(source, findings, accounts, anchor)
    # I5 has found a counter that is no number.
    await walk.run(head.transfer_seq if type(head.transfer_seq) is int else 0)
    check_accounts(accounts, head, findings)
    check_head(head, walk, findings)
    return walk


def _check_anchor(anchor: Anchor | None, head: Head, findings: Findings) -> None:
    if anchor is not None and anchor.ledger_id != head.ledger_id:
        message = f"This is ledger {head.ledger_id}, but the anchor is of {anchor.ledger_id}."
        findings.add(Finding("I17", "batua_ledger", "1", message))
