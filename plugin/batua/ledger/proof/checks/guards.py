"""I18: what keeps the books append-only stands. What it kept, the hash chain proves.

A warning and no more: rows are proved by the chain, and on Citus grants stand in for triggers.
"""

from __future__ import annotations

from batua.dialect import Dialect
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Source

__all__ = ["check_guards"]

# Bits of pg_trigger.tgtype: 1 for each row, 2 before, 8 delete, 16 update, 32 truncate. A trigger
# that is disabled, or that only replication fires, guards nothing.
STANDING = {
    Dialect.SQLITE: """select tbl_name as name, 'update' as event from sqlite_master
            where type = 'trigger' and lower(sql) like '%before update%raise(abort%'
        union all select tbl_name, 'delete' from sqlite_master
            where type = 'trigger' and lower(sql) like '%before delete%raise(abort%'
        union all select tbl_name, 'replace' from sqlite_master
            where type = 'trigger' and lower(sql) like '%before insert%raise(abort%'""",
    Dialect.POSTGRES: """select c.relname::text as name, event from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
        join (values ('delete', 8), ('update', 16), ('truncate', 32)) as e (event, bit)
            on t.tgtype::int & e.bit <> 0
        where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal
        and t.tgenabled in ('O', 'A') and t.tgtype::int & 2 <> 0""",
}
EVENTS = {
    Dialect.SQLITE: ("update", "delete", "replace"),
    Dialect.POSTGRES: ("update", "delete", "truncate"),
}
APPEND_ONLY = ("batua_transfer", "batua_entry", "batua_lot_entry")


async def check_guards(source: Source, findings: Findings) -> None:
    """Every append-only table has the triggers that refuse to change it."""
    rows = await source.reader.fetch(STANDING[source.dialect])
    standing = {(row["name"], row["event"]) for row in rows}
    for table in APPEND_ONLY:
        events = [event for event in EVENTS[source.dialect] if (table, event) not in standing]
        if events:
            message = f"{table} has no trigger that refuses {' or '.join(events)}."
            findings.add(Finding("I18", table, "(triggers)", message, is_warning=True))
