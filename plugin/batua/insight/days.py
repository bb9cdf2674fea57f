"""What happened day by day, out of what is counted. A day is a day in UTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import msgspec

from batua.database import Reader
from batua.insight.facts import Figure
from batua.insight.tally import Sum, Tally

__all__ = ["DayRow", "read_days"]


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """One currency's day. Amounts are minor units; ``docs/reference/insight.md`` defines each.

    ``liability`` is what wallets held at its end. ``waited`` top-ups were followed by a payment
    from their wallet on this day, after ``waited_s`` seconds together.
    """

    day: str
    currency: str
    top_ups: int
    top_ups_amount: int
    orders: int
    spend: int
    spend_wallet: int
    spend_gateway: int
    refunds: int
    refunds_amount: int
    disputes_amount: int
    liability: int
    waited: int
    waited_s: int


async def read_days(
    reader: Reader, rest: Tally, *, since: date, until: date, currency: str
) -> list[DayRow]:
    """Every day from ``since`` to ``until``, both of them, in each currency that there is.

    ``rest`` is what is not counted yet. ``currency`` is there even in an empty shop.
    """
    figures: defaultdict[tuple[str, str], defaultdict[str, Sum]] = defaultdict(_sums)
    liability = defaultdict(int, {currency: 0})
    for row in await reader.fetch(
        "select currency, cast(sum(case when figure = $1 then total else 0 end) as bigint)"
        " as total from batua_day_figure where day < $2 group by currency",
        str(Figure.LIABILITY),
        since.isoformat(),
    ):
        liability[row["currency"]] += row["total"]
    for row in await reader.fetch(
        "select day, currency, figure, number, total from batua_day_figure where day >= $1",
        since.isoformat(),
    ):
        _add(figures[row["day"], row["currency"]][row["figure"]], row["number"], row["total"])
    for key, added in rest.days.items():
        if key.day >= since.isoformat():
            _add(figures[key.day, key.currency][key.figure], added.number, added.total)
        else:
            is_liability = key.figure == Figure.LIABILITY
            liability[key.currency] += added.total if is_liability else 0
    currencies = sorted({*liability, *(currency for _, currency in figures)})
    rows = []
    for day in _days(since, until):
        for each in currencies:
            found = figures[day, each]
            liability[each] += found[Figure.LIABILITY].total
            rows.append(_row(day, each, found, liability[each]))
    return rows


def _row(day: str, currency: str, found: Mapping[str, Sum], liability: int) -> DayRow:
    wallet, gateway = found[Figure.SPEND_WALLET], found[Figure.SPEND_GATEWAY]
    return DayRow(
        day=day,
        currency=currency,
        top_ups=found[Figure.TOP_UPS].number,
        top_ups_amount=found[Figure.TOP_UPS].total,
        orders=wallet.number + gateway.number,
        spend=wallet.total + gateway.total,
        spend_wallet=wallet.total,
        spend_gateway=gateway.total,
        refunds=found[Figure.REFUNDS].number,
        refunds_amount=found[Figure.REFUNDS].total,
        disputes_amount=found[Figure.DISPUTES].total,
        liability=liability,
        waited=found[Figure.TOP_UP_TO_SPEND].number,
        waited_s=found[Figure.TOP_UP_TO_SPEND].total,
    )


def _sums() -> defaultdict[str, Sum]:
    return defaultdict(Sum)


def _add(to: Sum, number: int, total: int) -> None:
    to.number += number
    to.total += total


def _days(since: date, until: date) -> Iterable[str]:
    for number in range((until - since).days + 1):
        yield (since + timedelta(days=number)).isoformat()
