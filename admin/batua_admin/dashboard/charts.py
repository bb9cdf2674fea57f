"""Charts as SVG that the server draws: bars with a number for each, and no script.

The drawing is stretched to whatever place it gets, so no text stands in it: axes are the page's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Chart", "chart"]

HEIGHT = 100
WIDTH = 10
GAP = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a column: places and sizes in units of the drawing. ``part`` is its series."""

    x: float
    y: float
    width: float
    height: float
    part: int
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of ``width`` times ``height`` units. ``most`` is the value at its top."""

    width: int
    height: int
    most: int
    bars: Sequence[Bar]


def chart(
    columns: Sequence[Sequence[int]], says: Sequence[Sequence[str]], *, most: int | None = None
) -> Chart:
    """Columns of one part or of several on top of each other; ``says`` is each part's own text.

    What is below zero has no height: its text has its number.
    """
    tops = [sum(max(0, value) for value in column) for column in columns]
    most = max(tops, default=0) if most is None else most
    bars = []
    for place, (column, texts) in enumerate(zip(columns, says, strict=True)):
        top = float(HEIGHT)
        for part, (value, text) in enumerate(zip(column, texts, strict=True)):
            # An amount may have sixteen digits: the share of it comes first.
            height = round(max(0, value) / most * HEIGHT, 2) if most else 0.0
            top = round(top - height, 2)
            bars.append(Bar(place * WIDTH + GAP / 2, top, WIDTH - GAP, height, part, text))
    return Chart(max(1, len(columns)) * WIDTH, HEIGHT, most, bars)
