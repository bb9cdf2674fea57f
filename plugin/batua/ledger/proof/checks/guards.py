"""I18 and I22: the triggers that keep the books as they are stand, and would fire.

A table that takes edits is a finding, for one edit would not show: whoever rewrites a transfer
with every hash behind it and the head row leaves nothing but the missing trigger.  So is an
account or an order that may be given to somebody else, for no hash covers whose it is.  What else
may get in without its trigger is an orphan, which the checks of the rows find by themselves: a
warning.  On Citus grants may stand in for triggers, and all of it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from batua.dialect import Dialect
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Source

__all__ = ["check_guards"]

APPEND_ONLY = ("batua_transfer", "batua_entry", "batua_lot_entry", "batua_audit")
EVENTS = {
    Dialect.SQLITE: ("update", "delete", "insert"),
    Dialect.POSTGRES: ("update", "delete", "truncate"),
}
SAID = {"insert": "replace"}
"""INSERT OR REPLACE is how SQLite's insert edits."""

PARENTS = (
    ("batua_entry", "account_id", "batua_account", "id"),
    ("batua_entry", "transfer_seq", "batua_transfer", "seq"),
    ("batua_transfer", "debit_account", "batua_account", "id"),
    ("batua_transfer", "credit_account", "batua_account", "id"),
    ("batua_order", "customer_id", "batua_customer", "id"),
)
"""Table, column, parent and its key: where PostgreSQL has a trigger and no foreign key."""

KEPT = (
    ("batua_account", "id", True),
    ("batua_account", "key", True),
    ("batua_customer", "id", False),
    ("batua_order", "customer_id", True),
)
"""What may not change on PostgreSQL, and whether it could without another finding."""

STAYING = ("batua_account", "batua_customer")
"""Whose rows no foreign key of PostgreSQL keeps where they are."""

# One condition alone leaves nothing out that it should refuse: SQLite's, on what is there already.
SQLITE_TRIGGER = re.compile(
    r"create trigger \w+ before (update|delete|insert) on (\w+)"
    r"( when exists \(select 1 from \2 where (seq|id) = new\.\4\))?"
    r" begin select raise\(abort, '[^']*'\); end"
)

# Bits of pg_trigger.tgtype: 2 before, 4 insert, 8 delete, 16 update, 32 truncate. A trigger that
# is disabled, that only replication fires or that has a condition guards nothing for certain.
POSTGRES_TRIGGERS = """select c.relname::text as name, e.event, t.tgtype::int & 2 <> 0 as is_before,
        coalesce(a.attname::text, '') as changed, p.prosrc as body
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_proc p on p.oid = t.tgfoid
    join (values ('insert', 4), ('delete', 8), ('update', 16), ('truncate', 32)) as e (event, bit)
        on t.tgtype::int & e.bit <> 0
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = any (t.tgattr::int2[])
    where c.relnamespace = current_schema()::regnamespace and not t.tgisinternal
    and t.tgqual is null and p.prosrc ~* 'raise exception' and (t.tgenabled = 'A'
        or (t.tgenabled = 'O' and current_setting('session_replication_role') <> 'replica'))"""
CITUS = "select 1 as found from pg_extension where extname = 'citus'"


class Refused(NamedTuple):
    """What a table refuses; ``column``: the update of this one alone, or ``""`` for any."""

    table: str
    event: str
    column: str = ""


async def check_guards(source: Source, findings: Findings) -> None:
    """Every table that must refuse something has a trigger that does."""
    if source.dialect is Dialect.SQLITE:
        _check_append_only(source.dialect, await _refused_by_sqlite(source), findings)
        return
    rows = await source.reader.fetch(POSTGRES_TRIGGERS)
    refused = {
        Refused(row["name"], row["event"], row["changed"]) for row in rows if row["is_before"]
    }
    looks = [(row["name"], row["body"]) for row in rows
             if row["event"] == "insert" and not row["is_before"]]  # fmt: skip
    is_citus = bool(await source.reader.fetch(CITUS))
    _check_append_only(source.dialect, refused, findings, is_warning=is_citus)
    for table, lacking, hides in (*_lacking_parents(looks), *_lacking_refusals(refused)):
        message = f"{table} has no trigger, or none that fires, that {lacking}."
        finding = Finding("I22", table, "(triggers)", message, is_warning=is_citus or not hides)
        findings.add(finding)


async def _refused_by_sqlite(source: Source) -> set[Refused]:
    rows = await source.reader.fetch("select sql from sqlite_master where type = 'trigger'")
    texts = (" ".join(row["sql"].lower().split()) for row in rows)
    found = filter(None, map(SQLITE_TRIGGER.fullmatch, texts))
    return {Refused(each[2], each[1]) for each in found if (each[1] == "insert") == bool(each[3])}


def _check_append_only(
    dialect: Dialect, refused: set[Refused], findings: Findings, *, is_warning: bool = False
) -> None:
    for table in APPEND_ONLY:
        events = [event for event in EVENTS[dialect] if Refused(table, event) not in refused]
        if events:
            taken = " or ".join(SAID.get(event, event) for event in events)
            message = (
                f"{table} has no trigger, or none that fires, that refuses {taken}: the database "
                "would take edits."
            )
            findings.add(Finding("I18", table, "(triggers)", message, is_warning))


def _lacking_parents(looks: list[tuple[str, str]]) -> Iterator[tuple[str, str, bool]]:
    """Tables whose new rows' parents nobody looks for, what is lacking, whether it can hide."""
    for table, column, parent, key in PARENTS:
        wanted = f"{parent}.{key} = added.{column}"
        if not any(name == table and wanted in body for name, body in looks):
            yield table, f"looks for the {parent} of a new row's {column}", False


def _lacking_refusals(refused: set[Refused]) -> Iterator[tuple[str, str, bool]]:
    for table in STAYING:
        for event in ("delete", "truncate"):
            if Refused(table, event) not in refused:
                yield table, f"refuses {event}", False
    for table, column, hides in KEPT:
        if refused.isdisjoint({Refused(table, "update"), Refused(table, "update", column)}):
            yield table, f"refuses to change {column}", hides
