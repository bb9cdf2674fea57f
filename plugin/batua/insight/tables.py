"""What has been counted of the ledger, as Piccolo knows it. All of it can be counted again."""

from __future__ import annotations

from piccolo.columns import BigInt, Integer, Text, Timestamptz
from piccolo.table import Table

__all__ = ["CohortFigure", "Counted", "CustomerFigure", "CustomerMonth", "DayFigure"]


class Counted(Table, tablename="batua_insight"):
    """One row: all transfers up to ``seq`` are in the other figures, and none after it."""

    id = Integer(primary_key=True)
    seq = BigInt()
    at = Timestamptz()


class DayFigure(Table, tablename="batua_day_figure"):
    """How many and how much of one figure on one day (UTC), such as ``top_ups``.

    ``total`` is minor units; of ``top_up_to_spend`` it is seconds.
    """

    id = Text(primary_key=True)
    day = Text()
    currency = Text()
    figure = Text()
    number = BigInt()
    total = BigInt()


class CustomerFigure(Table, tablename="batua_customer_figure"):
    """A customer who has topped up in a currency; ``cohort`` is the month of the first time.

    ``waiting`` top-ups were not followed by a payment from the wallet yet; ``waiting_since`` is
    the sum of their times, in seconds since 1970. ``spent_month`` is when they last paid an order.
    """

    id = Text(primary_key=True)
    customer_id = Text()
    currency = Text()
    cohort = Text()
    waiting = BigInt()
    waiting_since = BigInt()
    spent_month = Text()


class CustomerMonth(Table, tablename="batua_customer_month"):
    """What a customer spent on orders in one month (UTC), and got back of orders in it."""

    id = Text(primary_key=True)
    customer_id = Text()
    currency = Text()
    month = Text()
    orders = BigInt()
    spent = BigInt()
    refunded = BigInt()


class CohortFigure(Table, tablename="batua_cohort_figure"):
    """What the customers of one cohort spent in one month; ``joined`` are new in it."""

    id = Text(primary_key=True)
    cohort = Text()
    currency = Text()
    month = Text()
    joined = BigInt()
    spenders = BigInt()
    orders = BigInt()
    spent = BigInt()
