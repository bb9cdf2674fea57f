"""The dashboard: how the shop does, drawn by the server, with a table and a CSV for each chart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from batua.contract import format_money
from batua.errors import NotFound
from batua.insight import (
    PERIODS,
    CohortRow,
    Dashboard,
    DayRow,
    TopCustomer,
    months_before,
)
from batua_admin.dashboard import CSV_FILES, Chart, Span, chart, export, spans, total
from batua_admin.pages.shell import Visit

__all__ = ["download", "show_dashboard"]

PERIOD = 30
TOP, TOP_IN_CSV = 10, 1_000
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")

DRAWN = (
    ("Top-ups", "What was credited to wallets for top-ups.", ("top_ups_amount",), "top_ups"),
    ("Spend", "What orders took from wallets (blue) and from gateways (orange).",
     ("spend_wallet", "spend_gateway"), "orders"),
    ("Refunds", "What went back to payers.", ("refunds_amount",), "refunds"),
    ("Wallet liability", "What all wallets held at the end.", ("liability",), ""),
)  # fmt: skip
"""Title, what it is, the amounts and their number, by the fields of a day."""

HEADS = {
    "top_ups_amount": "Top-ups", "spend_wallet": "From wallets", "spend_gateway": "By gateway",
    "refunds_amount": "Refunds", "liability": "Liability", "top_ups": "Number",
    "orders": "Orders", "refunds": "Number",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart as the page shows it, with its table."""

    title: str
    says: str
    chart: Chart
    most: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Generation:
    """A cohort as a row of the page; ``cells`` are its months, None before they come."""

    cohort: str
    customers: int
    cells: Sequence[CohortRow | None]


async def show_dashboard(visit: Visit) -> Response:
    """The last days in one currency, of those that the shop has."""
    board = await _read(visit, TOP)
    currencies = sorted({row.currency for row in board.days})
    asked = visit.asked("currency")
    currency = asked if asked in currencies else visit.batua.settings.currency
    days = [row for row in board.days if row.currency == currency]
    found = spans(days)
    months = months_before(board.at.date())
    top = [row for row in board.top_customers if row.currency == currency]
    return visit.show(
        "dashboard.html",
        title="Dashboard",
        board=board,
        currency=currency,
        currencies=currencies,
        period=_period(visit),
        periods=PERIODS,
        month=_month(visit) or months[0],
        months=months,
        today=days[-1],
        sums=total(days),
        money=next(row for row in board.money if row.currency == currency),
        drawn=[_draw(found, currency, *each) for each in DRAWN],
        labels=(found[0].label, found[-1].label),
        generations=_generations(board.cohorts, currency, months),
        cohort_most=_most(row for row in board.cohorts if row.currency == currency),
        top=top,
        top_most=_most(top),
        wait=_wait(total(days)),
    )


async def download(visit: Visit) -> Response:
    """One of the dashboard's figures as CSV, in all currencies."""
    name: str = visit.request.path_params["name"]
    if name not in CSV_FILES:
        raise NotFound("figure", name)
    board = await _read(visit, TOP_IN_CSV)
    named = f'attachment; filename="batua-{name}-{board.today}.csv"'
    return Response(
        export(name, board),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": named, "cache-control": "no-store"},
    )


async def _read(visit: Visit, top: int) -> Dashboard:
    return await visit.batua.insight.read(_period(visit), _month(visit), top=top)


def _period(visit: Visit) -> int:
    asked = visit.asked("days")
    return next((days for days in PERIODS if str(days) == asked), PERIOD)


def _month(visit: Visit) -> str | None:
    asked = visit.asked("month")
    return asked if MONTH.fullmatch(asked) else None


def _draw(
    found: Sequence[Span], currency: str, title: str, says: str, parts: Sequence[str], number: str
) -> Drawn:
    columns = [[getattr(span.row, part) for part in parts] for span in found]
    texts = [[format_money(value, currency) for value in column] for column in columns]
    spoken = [
        [f"{span.label}: {text}" for text in row] for span, row in zip(found, texts, strict=True)
    ]
    drawn = chart(columns, spoken)
    numbers = [[str(getattr(span.row, number))] if number else [] for span in found]
    return Drawn(
        title=title,
        says=says,
        chart=drawn,
        most=format_money(drawn.most, currency),
        heads=[HEADS[part] for part in (*parts, *filter(None, [number]))],
        rows=[
            (span.label, [*row, *more])
            for span, row, more in zip(found, texts, numbers, strict=True)
        ],
    )


def _generations(
    cohorts: Iterable[CohortRow], currency: str, months: Sequence[str]
) -> list[Generation]:
    """The newest first, each with every month that it has lived."""
    found: defaultdict[str, dict[int, CohortRow]] = defaultdict(dict)
    for row in cohorts:
        if row.currency == currency:
            found[row.cohort][row.month_number] = row
    return [
        Generation(
            month,
            next(iter(found[month].values())).customers,
            [found[month].get(number) for number in range(age + 1)],
        )
        for age, month in enumerate(months)
        if month in found
    ]


def _most(rows: Iterable[TopCustomer | CohortRow]) -> int:
    return max((row.spent for row in rows), default=0)


def _wait(days: DayRow) -> str:
    """The average time from a top-up to spending, in words."""
    if not days.waited:
        return "none yet"
    minutes = round(days.waited_s / days.waited / 60)
    hours, minutes = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
