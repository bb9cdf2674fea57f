"""From what a database has to what a person reads: and to what a spreadsheet can add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from batua.contract import format_money, minor_digits
from batua.database import Row
from batua.formulas import inert
from batua_admin.lists.columns import Column, Kind

__all__ = ["exported", "shown"]

Labels = Mapping[str, Mapping[Any, str]]


def shown(row: Row, columns: Iterable[Column], labels: Labels) -> dict[str, Any]:
    """A row to read: ``₹2,500.00``, ``2026-11-28 12:03:13 UTC``, and names beside ids."""
    cells: dict[str, Any] = {}
    for each in columns:
        cells[each.name] = _read(each.kind, row[each.name], row)
        if each.link:
            cells[f"{each.name}_readable"] = _name(row[each.name], labels[each.name])
    return cells


def exported(row: Row, columns: Iterable[Column], labels: Labels) -> dict[str, Any]:
    """The same for CSV: amounts are plain numbers beside their currency, and no cell a formula."""
    cells: dict[str, Any] = {}
    for each in columns:
        value = row[each.name]
        if each.kind is Kind.AMOUNT:
            cells[each.name] = _plain(value, row["its_currency"])
            cells.setdefault("currency", row["its_currency"])
            continue
        cells[each.name] = inert(_read(each.kind, value, row))
        if each.link:
            cells[f"{each.name}_readable"] = inert(_name(value, labels[each.name]))
    return cells


def _read(kind: Kind, value: Any, row: Row) -> Any:
    if value is None:
        return None
    if kind is Kind.AMOUNT:
        return format_money(value, row["its_currency"])
    if kind is Kind.TIME:
        return _utc(value)
    if kind is Kind.BYTES:
        return bytes(value).decode(errors="replace")
    return value


def _name(key: Any, names: Mapping[Any, str]) -> str | None:
    return None if key is None else names.get(key, str(key))


def _utc(time: date) -> str:
    if not isinstance(time, datetime):
        return time.isoformat()
    if time.tzinfo is not None:  # Piccolo writes a login's time without a zone.
        time = time.astimezone(UTC)
        return f"{time:%Y-%m-%d %H:%M:%S} UTC"
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _plain(amount: int | None, currency: str) -> str | None:
    if amount is None:
        return None
    return f"{Decimal(amount).scaleb(-minor_digits(currency)):f}"
