"""What an act changed, as people read it: the thing by its name, amounts in their currency."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batua.contract import format_money
from batua.database import Database, Row
from batua_admin.lists.columns import AMOUNTS

__all__ = ["Change", "changes_of"]

NAMED: Mapping[str, str] = {
    "batua_account": "key",
    "batua_order": "reference",
    "batua_top_up": "id",
    "batua_payment": "id",
    "batua_capture": "provider_payment_id",
    "batua_refund": "id",
    "batua_adjustment": "id",
    "batua_hold": "id",
    "batua_lot": "id",
    "batua_dispute": "provider_dispute_id",
}
"""Tables whose rows have a currency, and the column that people know a row by."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one thing, before and after."""

    thing: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Thing:
    name: str
    currency: str


async def changes_of(database: Database, entries: Iterable[Row]) -> dict[int, list[Change]]:
    """By ``seq``, what each entry of the log has changed. A query for each table at most."""
    states = {
        entry["seq"]: (json.loads(entry["before"]), json.loads(entry["after"])) for entry in entries
    }
    things = await _things(database, [after for _, after in states.values()])
    return {seq: list(_changes(things, *state)) for seq, state in states.items()}


async def _things(database: Database, states: Sequence[Mapping[str, Any]]) -> dict[str, _Thing]:
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for state in states:
        for place in state:
            table, _, key = place.partition(" ")
            if table in NAMED:
                ids[table].add(key)
    things = {}
    for table, wanted in ids.items():
        places = ", ".join(f"${number}" for number in range(1, len(wanted) + 1))
        keys = [int(key) if table == "batua_account" else key for key in sorted(wanted)]
        rows = await database.fetch(
            f"select id, currency, {NAMED[table]} as name from {table} where id in ({places})",
            *keys,
        )
        for row in rows:
            things[f"{table} {row['id']}"] = _Thing(str(row["name"]), row["currency"])
    return things


def _changes(
    things: Mapping[str, _Thing], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterable[Change]:
    for place, values in after.items():
        table, _, key = place.partition(" ")
        thing = things.get(place, _Thing(key, values.get("currency", "")))
        said = f"{table.removeprefix('batua_').replace('_', ' ')} {thing.name}"
        was = before.get(place, {})
        for column, value in values.items():
            yield Change(
                thing=said,
                column=column.replace("_", " "),
                before=_written(was[column], column, thing.currency) if column in was else "",
                after=_written(value, column, thing.currency),
            )


def _written(value: Any, column: str, currency: str) -> str:
    if column in AMOUNTS and currency and type(value) is int:
        return format_money(value, currency)
    if value is None:
        return "nothing"
    return str(value).replace("_", " ") if column == "status" else str(value)
