"""Column definitions that two SQL dialects agree on only with help."""

from __future__ import annotations

from batua.contract import AMOUNT_MAX
from batua.dialect import Dialect

__all__ = ["CURRENCY", "Columns"]


class Columns:
    """Writes column definitions for one dialect.

    SQLite would take 12.5 or 'abc' into an integer column, and turn 2**63 into a float (trap
    T15): there every integer has a CHECK on its type.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._sqlite = dialect is Dialect.SQLITE

    def integer(self, name: str, *, at_least: int | None = None, default: int | None = None) -> str:
        """A whole number that is never null."""
        given = "" if default is None else f" default {default}"
        return f"{name} bigint not null{given} {self._checks(name, at_least)}"

    def amount(self, name: str, *, at_least: int | None = 0, default: int | None = None) -> str:
        """Minor units, within what every JSON reader keeps exact."""
        given = "" if default is None else f" default {default}"
        within = f"check ({name} between {-AMOUNT_MAX} and {AMOUNT_MAX})"
        return f"{name} bigint not null{given} {self._checks(name, at_least)} {within}"

    def optional_integer(self, name: str) -> str:
        """A whole number or null."""
        typed = f"check ({name} is null or typeof({name}) = 'integer')" if self._sqlite else ""
        return f"{name} bigint {typed}"

    def key(self, name: str) -> str:
        """A primary key of our own counting."""
        return f"{name} integer primary key" if self._sqlite else f"{name} bigint primary key"

    def serial(self, name: str) -> str:
        """A primary key that the database counts, for Piccolo's own tables."""
        return (
            f"{name} integer primary key autoincrement"
            if self._sqlite
            else f"{name} serial primary key"
        )

    def one_of(self, name: str, *values: str) -> str:
        """A word out of a few."""
        words = ", ".join(f"'{value}'" for value in values)
        return f"{name} text not null check ({name} in ({words}))"

    def _checks(self, name: str, at_least: int | None) -> str:
        checks = [f"check (typeof({name}) = 'integer')"] if self._sqlite else []
        if at_least is not None:
            checks.append(f"check ({name} >= {at_least})")
        return " ".join(checks)


CURRENCY = "currency text not null check (length(currency) = 3)"
