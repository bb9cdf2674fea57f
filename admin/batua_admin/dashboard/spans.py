"""Days put together to spans that a chart has room for: days, weeks or months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import msgspec

from batua.insight import DayRow

__all__ = ["Span", "spans", "total"]

DAYS_MAX, WEEKS_MAX = 31, 100
AT_ITS_END = {"day", "currency", "liability"}
"""What is not summed up over days."""


@dataclass(frozen=True, slots=True)
class Span:
    """``label`` is its day, its first day or its month; ``row`` has the sums of its days."""

    label: str
    row: DayRow


def spans(days: Sequence[DayRow]) -> list[Span]:
    """One currency's days, oldest first: by day up to a month, by week up to a quarter.

    The first and the last of them may be cut off by the period.
    """
    length = len(days)

    def label(row: DayRow) -> str:
        day = date.fromisoformat(row.day)
        if length <= DAYS_MAX:
            return f"{day:%d %b}"
        if length <= WEEKS_MAX:
            return f"week of {day - timedelta(days=day.weekday()):%d %b}"
        return f"{day:%b %Y}"

    return [Span(name, total(list(rows))) for name, rows in groupby(days, key=label)]


def total(days: Sequence[DayRow]) -> DayRow:
    """The sums of some days of one currency, at least one; the liability is that of the last."""
    last = days[-1]
    sums = {
        name: sum(getattr(row, name) for row in days)
        for name in DayRow.__struct_fields__
        if name not in AT_ITS_END
    }
    return msgspec.structs.replace(last, **sums)
