"""From what the panel asks for to conditions in SQL. Values are bound; names are our own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from batua.dialect import Dialect
from batua_admin.lists.catalogue import find
from batua_admin.lists.columns import Column, Kind, Listed
from batua_admin.lists.typed import Span, Unreadable, parse_amount, parse_number, parse_time

__all__ = ["Found", "Refused", "find_rows", "has_part", "is_findable", "key_of"]

OPERATORS = frozenset({"e", "ne", "lt", "lte", "gt", "gte", "is_null", "not_null"})
SUFFIXES = ("__operator", "__match")
INSTRUCTIONS = frozenset(
    {"__order", "__page", "__page_size", "__readable", "__visible_fields", "__range_header"}
)
PATTERNS = {"starts": "{}%", "ends": "%{}", "contains": "%{}%"}
NULL = {"is_null": "is null", "not_null": "is not null"}
DIGITS_MAX = 19


class Refused(ValueError):
    """It can't be asked for: there is no such column, or none that is found by fast enough."""


@dataclass
class Found:
    """Conditions with what is bound to them, and the columns that they are of."""

    dialect: Dialect
    conditions: list[str] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)

    def bind(self, value: Any) -> str:
        """The placeholder of ``value``. Numbers fit whatever the width of their column."""
        self.args.append(value)
        placeholder = f"${len(self.args)}"
        return f"cast({placeholder} as bigint)" if isinstance(value, int) else placeholder

    @property
    def where(self) -> str:
        return f" where {' and '.join(f'({each})' for each in self.conditions)}" * bool(
            self.conditions
        )


def find_rows(
    listed: Listed, asked: Iterable[tuple[str, str]], *, dialect: Dialect, shop_currency: str
) -> Found:
    """The conditions of ``asked``, the query's names and values.

    Raises ``Refused`` for a name that is no column to find by, ``Unreadable`` for a value that
    can't be of its column.
    """
    values, columns = dict(asked), listed.columns
    found = Found(dialect)
    for name in _names(values):
        column = columns.get(name)
        if column is None or not is_findable(listed, column):
            raise Refused(f"{listed.name} can't be found by {name!r}.")
        operator = values.get(f"{name}__operator", "e")
        if operator not in OPERATORS:
            raise Refused(f"There is no operator {operator!r}.")
        found.columns.append(name)
        if operator in NULL:
            found.conditions.append(f"{column.sql} {NULL[operator]}")
            continue
        finder = _Finder(listed, found, shop_currency, values.get(f"{name}__match", "contains"))
        found.conditions.append(finder.condition(column, values[name].strip(), operator))
    if listed.only and not found.columns:
        found.conditions.append(listed.only)
    return found


def _names(values: dict[str, str]) -> list[str]:
    """The columns that have a value, or an operator that needs none."""
    return [
        name
        for name in dict.fromkeys(key.removesuffix("__operator") for key in values)
        if name not in INSTRUCTIONS and not name.endswith(SUFFIXES)
        and (name in values or values.get(f"{name}__operator") in NULL)
    ]  # fmt: skip


def is_findable(listed: Listed, column: Column) -> bool:
    """Whether the panel offers to find by it."""
    if column.kind is Kind.BYTES or column.name in listed.more or not listed.is_fast(column.name):
        return False
    if column.kind is Kind.AMOUNT:
        return listed.currency == "t.currency"  # else there is no saying which it is meant in
    return column.link is None or column.link.is_findable


class _Finder:
    def __init__(self, listed: Listed, found: Found, shop_currency: str, match: str) -> None:
        self._listed = listed
        self._found = found
        self._shop_currency = shop_currency
        self._match = match

    def condition(self, column: Column, typed: str, operator: str) -> str:
        finders: dict[Kind, Callable[[Column, str, str], str]] = {
            Kind.AMOUNT: self._amount, Kind.NUMBER: self._number, Kind.TIME: self._time,
            Kind.WORD: self._word, Kind.FLAG: self._flag, Kind.LINK: self._link,
        }  # fmt: skip
        return finders.get(column.kind, self._text)(column, typed, operator)

    def _amount(self, column: Column, typed: str, operator: str) -> str:
        span = parse_amount(typed, operator, self._shop_currency)
        currency = self._found.bind(span.currency)
        return f"{self._compared(column, span)} and {self._listed.currency} = {currency}"

    def _number(self, column: Column, typed: str, operator: str) -> str:
        return self._compared(column, parse_number(typed, operator))

    def _time(self, column: Column, typed: str, operator: str) -> str:
        return self._compared(column, parse_time(typed, operator))

    def _compared(self, column: Column, span: Span) -> str:
        bind, sql = self._found.bind, column.sql
        match span.operator:
            case "lt":
                return f"{sql} < {bind(span.low)}"
            case "lte":
                return f"{sql} < {bind(span.high)}"
            case "gt":
                return f"{sql} >= {bind(span.high)}"
            case "gte":
                return f"{sql} >= {bind(span.low)}"
        within = f"{sql} >= {bind(span.low)} and {sql} < {bind(span.high)}"
        return f"not ({within})" if span.operator == "ne" else within

    def _word(self, column: Column, typed: str, operator: str) -> str:
        if typed not in column.words:
            raise Unreadable(f"{column.title} is one of {', '.join(column.words)}.")
        # Written out, so that an index of the rows that have this word is known to do.
        return f"{column.sql} {'<>' if operator == 'ne' else '='} '{typed}'"

    def _flag(self, column: Column, typed: str, _operator: str) -> str:
        if typed not in ("true", "false"):
            raise Unreadable(f"{column.title} is true or false.")
        return column.sql if typed == "true" else f"not {column.sql}"

    def _link(self, column: Column, typed: str, operator: str) -> str:
        link, target = column.link, find(column.link.to if column.link else "")
        if link is None or target is None:
            raise Refused(f"{column.name} leads nowhere.")
        value = self._found.bind(key_of(target, typed))
        same = link.found.format(value=value) if link.found else f"{column.sql} = {value}"
        return f"not ({same})" if operator == "ne" else same

    def _text(self, column: Column, typed: str, _operator: str) -> str:
        is_whole = column.kind is Kind.KEY and self._match == "contains"
        if self._match == "exact" or is_whole:
            return f"{column.sql} = {self._found.bind(typed)}"
        return has_part(self._found, column.sql, typed, PATTERNS.get(self._match, "%{}%"))


def key_of(listed: Listed, text: str) -> str | int:
    """A primary key as the database has it. Raises ``Unreadable``."""
    if "\0" in text:
        raise Unreadable("There is no text with a zero byte.")
    if not listed.has_number:
        return text
    if not (text.isascii() and text.isdigit() and len(text) < DIGITS_MAX):
        raise Unreadable(f"{text!r} is no number of a row.")
    return int(text)


def has_part(found: Found, sql: str, part: str, pattern: str = "%{}%") -> str:
    """The condition that a text has ``part`` in it, in capitals or not."""
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = "ilike" if found.dialect is Dialect.POSTGRES else "like"
    return f"{sql} {like} {found.bind(pattern.format(escaped))} escape '\\'"
