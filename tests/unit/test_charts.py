"""What the dashboard draws, and what it writes for a spreadsheet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from batua.insight import DayRow
from batua_admin.dashboard import chart, spans, total

BIGGEST = 9_000_000_000_000_000


def days(number, **figures):
    """So many days up to 28 November 2026, a Saturday, each with the same figures."""
    last = date(2026, 11, 28)
    zeros = {name: 0 for name in DayRow.__struct_fields__ if name not in {"day", "currency"}}
    return [
        DayRow(day=(last - timedelta(days=back)).isoformat(), currency="INR", **zeros | figures)
        for back in reversed(range(number))
    ]


@pytest.mark.parametrize(
    ("number", "columns", "first", "last"),
    [
        (7, 7, "22 Nov", "28 Nov"),
        (30, 30, "30 Oct", "28 Nov"),
        (90, 13, "week of 31 Aug", "week of 23 Nov"),
        (365, 13, "Nov 2025", "Nov 2026"),
    ],
)
def test_a_period_has_as_many_columns_as_there_is_room_for(number, columns, first, last):
    found = spans(days(number, spend=3, liability=50))
    assert (len(found), found[0].label, found[-1].label) == (columns, first, last)
    assert sum(span.row.spend for span in found) == 3 * number
    assert {span.row.liability for span in found} == {50}


def test_the_total_of_days_is_that_of_flows_and_the_last_of_what_there_is():
    rows = [*days(2, orders=2), *days(1, orders=5, liability=70)]
    assert (total(rows).orders, total(rows).liability) == (9, 70)


def test_bars_are_as_high_as_their_share_of_the_biggest_column():
    drawn = chart([[30, 10], [0, 20], [-5, 0]], [["a", "b"], ["c", "d"], ["e", "f"]])
    assert (drawn.width, drawn.height, drawn.most) == (30, 100, 40)
    assert [(bar.y, bar.height, bar.part, bar.says) for bar in drawn.bars] == [
        (25, 75, 0, "a"), (0, 25, 1, "b"), (100, 0, 0, "c"), (50, 50, 1, "d"),
        (100, 0, 0, "e"), (100, 0, 1, "f"),
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [[], [[0]], [[BIGGEST], [1]]])
def test_nothing_and_the_most_that_there_can_be_are_drawn(columns):
    drawn = chart(columns, [["" for _ in column] for column in columns])
    assert drawn.width > 0
    assert all(bar.y >= 0 and bar.y + bar.height <= drawn.height for bar in drawn.bars)
    assert max((bar.height for bar in drawn.bars), default=0) in {0, 100}
