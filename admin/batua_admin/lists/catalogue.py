"""Every list of the panel, in the order in which they stand there."""

from __future__ import annotations

from batua_admin.lists.columns import Listed
from batua_admin.lists.money import MONEY
from batua_admin.lists.operations import OPERATIONS
from batua_admin.lists.trade import TRADE

__all__ = ["LISTS", "find"]

LISTS: tuple[Listed, ...] = (*TRADE, *MONEY, *OPERATIONS)

_NAMED = {each.name: each for each in LISTS} | {each.tablename: each for each in LISTS}


def find(name: str) -> Listed | None:
    """The list of this name, or of the table of this name."""
    return _NAMED.get(name)
