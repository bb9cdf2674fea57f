"""Idempotency keys, inbox and outbox: I14 and I16. What is only late is a warning."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Row, Rule, Source, apply
from batua.ledger.proof.walk.hashing import moment

__all__ = ["check_messages"]

KEY_AGE_MAX = timedelta(minutes=10)
MESSAGE_AGE_MAX = timedelta(hours=24)

INBOX_ONCE = Rule(
    invariant="I16",
    table="batua_inbox",
    sql="""select max(id) as row_key, gateway, event_id, count(*) as times
        from batua_inbox group by gateway, event_id, body_sha256 having count(*) > 1""",
    message="Inbox row {row_key} is one of {times} of event {event_id} from {gateway}, expected 1.",
)
OUTBOX_ONCE = Rule(
    invariant="I16",
    table="batua_outbox",
    sql="""select max(id) as row_key, dedupe_key, count(*) as times
        from batua_outbox group by dedupe_key having count(*) > 1""",
    message="Outbox row {row_key} is one of {times} with the key {dedupe_key}, expected 1.",
)
DEAD = tuple(
    Rule(
        invariant="I16",
        table=table,
        sql=f"select id as row_key, attempts from {table} where status = 'dead'",
        message=table + " {row_key} was given up after {attempts} attempts.",
        is_warning=True,
    )
    for table in ("batua_inbox", "batua_outbox")
)
STUCK = (
    Rule(
        invariant="I16",
        table="batua_inbox",
        sql="""select id as row_key, status from batua_inbox
            where status in ('received', 'unmatched') and next_attempt_at is null
            and received_at < $1""",
        message="Inbox row {row_key} is {status} for more than 24 hours, with no next attempt.",
        is_warning=True,
    ),
    Rule(
        invariant="I16",
        table="batua_outbox",
        sql="""select id as row_key from batua_outbox
            where status = 'pending' and created_at < $1""",
        message="Outbox row {row_key} is pending for more than 24 hours.",
        is_warning=True,
    ),
)


async def check_messages(source: Source, findings: Findings) -> None:
    """Everything that comes in or goes out is there once, and moves."""
    now = datetime.now(UTC)
    await _check_keys(source, findings, now)
    await apply("messages", (INBOX_ONCE, OUTBOX_ONCE, *DEAD), source, findings)
    await apply("messages", STUCK, source, findings, now - MESSAGE_AGE_MAX)


async def _check_keys(source: Source, findings: Findings, now: datetime) -> None:
    (count,) = await source.reader.fetch("select count(*) as keys from batua_idempotency")
    total, done, too_old = count["keys"], 0, now - KEY_AGE_MAX
    columns = f"id, principal, route, key, status, response_status, {source.time('created_at')}"
    async for page in source.pages(columns, "batua_idempotency", "id", first=""):
        for row in page:
            values: Iterable[Any] = tuple(row)
            stored, principal, route, key, status, answer, created_at = values
            digest = sha256(f"{principal}\0{route}\0{key}\0".encode()).hexdigest()
            created = moment(created_at)
            if (
                stored != digest
                or created is None
                or (answer is None and status == "finished")
                or (status == "in_progress" and created < too_old)
            ):
                for message, is_warning in _problems(row, digest, created):
                    finding = Finding("I14", "batua_idempotency", str(stored), message, is_warning)
                    findings.add(finding)
        done += len(page)
        source.progress("idempotency keys", done, total)


def _problems(row: Row, digest: str, created: datetime | None) -> Iterable[tuple[str, bool]]:
    stored = row["id"]
    if stored != digest:
        yield f"Key {stored} is not the hash of its principal, route and key: {digest}.", False
    if row["status"] == "finished" and row["response_status"] is None:
        yield f"Key {stored} is finished without an answer.", False
    if created is None:
        yield f"Key {stored} has created_at = {row['created_at']!r}: expected a time.", False
    elif row["status"] == "in_progress" and datetime.now(UTC) - created > KEY_AGE_MAX:
        yield f"Key {stored} is in progress since {created}, for more than 10 minutes.", True
