"""I17, I18 and I19 of the audit log: its chain, its head, and where it stood beside the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from batua.ledger.proof.anchor import Anchor
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Row, Source
from batua.ledger.proof.walk.hashing import moment, written

__all__ = ["AuditWalk", "check_audit"]

COLUMNS = (
    "seq", "id", "actor", "role", "address", "act", "subject", "reason", "asked", "before",
    "after", "transfer_seq", "head_hash",
)  # fmt: skip


@dataclass(slots=True)
class AuditWalk:
    """How far the walk over the log has come."""

    entries: int = 0
    last_hash: Any = ""
    last_created: datetime | None = None
    last_transfer: int = 0


async def check_audit(source: Source, findings: Findings, anchor: Anchor | None) -> AuditWalk:
    """Every entry is chained to the one before and to the ledger, and the head knows the last."""
    walk = AuditWalk()
    (count,) = await source.reader.fetch("select count(*) as entries from batua_audit")
    columns = f"{', '.join(f'r.{each}' for each in COLUMNS)}, r.hash, {source.time('r.created_at')}"
    pages = source.pages(
        f"{columns}, t.hash as transfer_hash", "batua_audit", "seq", first=0,
        joins="left join batua_transfer t on t.seq = r.transfer_seq",
    )  # fmt: skip
    async for page in pages:
        for row in page:
            for invariant, message in _problems(row, walk, anchor):
                findings.add(Finding(invariant, "batua_audit", str(row["seq"]), message))
        source.progress("audit log", walk.entries, count["entries"])
    await _check_head(source, findings, walk)
    if anchor is not None and walk.entries < anchor.audit_seq:
        message = (
            f"The log had {anchor.audit_seq} entries when it was anchored: {walk.entries} now."
        )
        findings.add(Finding("I17", "batua_audit", "(rows)", message))
    return walk


def _problems(row: Row, walk: AuditWalk, anchor: Anchor | None) -> Iterator[tuple[str, str]]:
    seq, created = row["seq"], moment(row["created_at"])
    walk.entries += 1
    if seq != walk.entries:
        yield "I17", f"Audit entry {seq} stands where {walk.entries} should: one is missing."
        walk.entries = seq
    values = [walk.last_hash, written(created, row["created_at"]), *(row[c] for c in COLUMNS)]
    digest = sha256(msgspec.json.encode(values)).hexdigest()
    if row["hash"] != digest:
        yield "I17", f"Audit entry {seq} has the hash {row['hash']}: its row gives {digest}."
    if row["transfer_seq"] and row["head_hash"] != row["transfer_hash"]:
        yield "I17", f"Audit entry {seq} stood at another transfer {row['transfer_seq']}."
    if row["transfer_seq"] < walk.last_transfer:
        yield "I19", f"Audit entry {seq} stands at transfer {row['transfer_seq']}, too early."
    if created is None or (walk.last_created is not None and created < walk.last_created):
        yield "I19", f"Audit entry {seq} has created_at = {row['created_at']!r}, before the last."
    if anchor is not None and seq == anchor.audit_seq and row["hash"] != anchor.audit_hash:
        yield "I17", f"Audit entry {seq} had the hash {anchor.audit_hash} when it was anchored."
    walk.last_hash = row["hash"]
    walk.last_created = created or walk.last_created
    walk.last_transfer = max(walk.last_transfer, row["transfer_seq"])


async def _check_head(source: Source, findings: Findings, walk: AuditWalk) -> None:
    rows = await source.reader.fetch("select seq, hash from batua_audit_head")
    heads = [(row["seq"], row["hash"]) for row in rows]
    if heads != [(walk.entries, walk.last_hash)]:
        message = f"The audit log ends at {walk.entries} ({walk.last_hash}); its head says {heads}."
        findings.add(Finding("I17", "batua_audit_head", "1", message))
