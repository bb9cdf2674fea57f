"""Cursor pages: ``{items, next_cursor}``. A cursor is opaque to clients."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from batua.database import Row
from batua.errors import InvalidRequest
from batua_api.schemas import Page

__all__ = ["LIMIT_MAX", "page_of", "read_cursor"]

LIMIT_MAX = 100


def page_of(rows: Sequence[Row], limit: int, view: Callable[[Row], Any], *, key: str) -> Page:
    """A page out of ``limit + 1`` rows: the last one only says that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    cursor = base64.urlsafe_b64encode(str(shown[-1][key]).encode()).decode() if more else None
    return Page(items=[view(row) for row in shown], next_cursor=cursor)


def read_cursor(cursor: str | None) -> str | None:
    """What ``page_of`` wrote. Raises ``InvalidRequest``."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
    except ValueError:
        text = ""
    if not text or not text.isprintable():
        raise InvalidRequest(
            "The cursor is not one of ours: take it from next_cursor.", pointer="/cursor"
        )
    return text
