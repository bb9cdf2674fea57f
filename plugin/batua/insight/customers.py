"""What customers spend: the biggest of a month, and cohorts. A month is a month in UTC."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from batua.database import Dialect, Reader
from batua.insight.tally import Cohort, CohortKey, Month, MonthKey, Tally

__all__ = ["CohortRow", "TopCustomer", "read_cohorts", "read_top_customers"]

_AS_PYTHON = {Dialect.SQLITE: "", Dialect.POSTGRES: ' collate "C"'}
"""Texts in Python's order, so that both agree on who is the last of the list."""


class TopCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer spent on orders in a month, and got back of orders in it; minor units."""

    month: str
    currency: str
    rank: int
    customer: str
    name: str
    orders: int
    spent: int
    refunded: int


class CohortRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the ``customers`` who first topped up in one month spent in another; minor units.

    ``month_number`` is 0 in the month in which they joined. ``spenders`` paid an order in it.
    """

    cohort: str
    currency: str
    customers: int
    month: str
    month_number: int
    spenders: int
    orders: int
    spent: int


async def read_top_customers(
    reader: Reader, dialect: Dialect, rest: Tally, month: str, limit: int
) -> list[TopCustomer]:
    """Who spent most in ``month``, in each currency; equals stand by their ids."""
    new = {key: each for key, each in rest.months.items() if key.month == month}
    currencies = {key.currency for key in new}
    currencies |= {
        row["currency"]
        for row in await reader.fetch(
            "select distinct currency from batua_day_figure where day >= $1 and day <= $2",
            f"{month}-01",
            f"{month}-31",
        )
    }
    found: list[tuple[MonthKey, Month]] = []
    for currency in sorted(currencies):
        months = await _months(reader, dialect, month, currency, limit + len(new))
        months |= {key: each for key, each in new.items() if key.currency == currency}
        spent = [entry for entry in months.items() if entry[1].spent > 0]
        found += sorted(spent, key=lambda entry: (-entry[1].spent, entry[0]))[:limit]
    names = await _names(reader, dialect, [key.customer_id for key, _ in found])
    ranks = dict.fromkeys(currencies, 0)
    rows = []
    for key, each in found:
        ranks[key.currency] += 1
        rows.append(
            TopCustomer(
                month=month,
                currency=key.currency,
                rank=ranks[key.currency],
                customer=key.customer_id,
                name=names.get(key.customer_id, ""),
                orders=each.orders,
                spent=each.spent,
                refunded=each.refunded,
            )
        )
    return rows


async def _months(
    reader: Reader, dialect: Dialect, month: str, currency: str, limit: int
) -> dict[MonthKey, Month]:
    rows = await reader.fetch(
        "select customer_id, orders, spent, refunded from batua_customer_month"
        " where month = $1 and currency = $2 and spent > 0"
        f" order by spent desc, customer_id{_AS_PYTHON[dialect]} limit {int(limit)}",
        month,
        currency,
    )
    return {
        MonthKey(row["customer_id"], currency, month): Month(
            row["orders"], row["spent"], row["refunded"]
        )
        for row in rows
    }


async def _names(reader: Reader, dialect: Dialect, customers: list[str]) -> dict[str, str]:
    listed = dialect.in_list("id", "$1")
    rows = await reader.fetch(f"select id, name from batua_customer where {listed}", customers)
    return {row["id"]: row["name"] for row in rows}


async def read_cohorts(reader: Reader, rest: Tally, since: str) -> list[CohortRow]:
    """Every cohort from the month ``since`` on, in each month that has something of it."""
    cohorts = {
        CohortKey(row["cohort"], row["currency"], row["month"]): Cohort(
            row["joined"], row["spenders"], row["orders"], row["spent"]
        )
        for row in await reader.fetch("select * from batua_cohort_figure where cohort >= $1", since)
    }
    for key, added in rest.cohorts.items():
        if key.cohort >= since:
            before = cohorts.get(key, Cohort())
            cohorts[key] = replace(
                before,
                joined=before.joined + added.joined,
                spenders=before.spenders + added.spenders,
                orders=before.orders + added.orders,
                spent=before.spent + added.spent,
            )
    # All of a cohort joined in its own month.
    joined = {key[:2]: each.joined for key, each in cohorts.items() if key.month == key.cohort}
    return [
        CohortRow(
            cohort=key.cohort,
            currency=key.currency,
            customers=joined[key[:2]],
            month=key.month,
            month_number=_number(key.month) - _number(key.cohort),
            spenders=each.spenders,
            orders=each.orders,
            spent=each.spent,
        )
        for key, each in sorted(cohorts.items())
    ]


def _number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * 12 + int(number)
