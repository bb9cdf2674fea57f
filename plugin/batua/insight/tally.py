"""Counting: what one transfer after another adds to the figures. Pure.

The rows that a transfer touches are loaded before; what comes out are rows to write, or to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from batua.database import Row
from batua.insight.facts import Fact, Figure

__all__ = [
    "Cohort",
    "CohortKey",
    "DayKey",
    "Month",
    "MonthKey",
    "Sum",
    "Tally",
    "Wallet",
    "WalletKey",
]

SPENDS = (Figure.SPEND_WALLET, Figure.SPEND_GATEWAY)


class DayKey(NamedTuple):
    """Whose parts with a colon between them are the id of a ``DayFigure``."""

    day: str
    currency: str
    figure: str


class WalletKey(NamedTuple):
    """The same of a ``CustomerFigure``."""

    customer_id: str
    currency: str


class MonthKey(NamedTuple):
    """The same of a ``CustomerMonth``."""

    customer_id: str
    currency: str
    month: str


class CohortKey(NamedTuple):
    """The same of a ``CohortFigure``."""

    cohort: str
    currency: str
    month: str


@dataclass(slots=True)
class Sum:
    """How many, and how much: what was added since it was loaded."""

    number: int = 0
    total: int = 0


@dataclass(slots=True)
class Wallet:
    """A customer who has topped up, as ``CustomerFigure`` has it."""

    cohort: str
    waiting: int = 0
    waiting_since: int = 0
    spent_month: str = ""


@dataclass(slots=True)
class Month:
    """A customer's month, as ``CustomerMonth`` has it."""

    orders: int = 0
    spent: int = 0
    refunded: int = 0


@dataclass(slots=True)
class Cohort:
    """A cohort's month: what was added since it was loaded."""

    joined: int = 0
    spenders: int = 0
    orders: int = 0
    spent: int = 0


@dataclass(slots=True)
class Tally:
    """``wallets`` and ``months`` are whole; of ``days`` and ``cohorts`` it is what to add.

    ``seq`` and ``at`` are the last transfer's number and time.
    """

    seq: int
    at: datetime
    days: dict[DayKey, Sum] = field(default_factory=dict)
    wallets: dict[WalletKey, Wallet] = field(default_factory=dict)
    months: dict[MonthKey, Month] = field(default_factory=dict)
    cohorts: dict[CohortKey, Cohort] = field(default_factory=dict)

    def resume(self, wallets: Iterable[Row], months: Iterable[Row]) -> None:
        """Go on from what was counted before."""
        for row in wallets:
            self.wallets[WalletKey(row["customer_id"], row["currency"])] = Wallet(
                row["cohort"], row["waiting"], row["waiting_since"], row["spent_month"]
            )
        for row in months:
            key = MonthKey(row["customer_id"], row["currency"], row["month"])
            self.months[key] = Month(row["orders"], row["spent"], row["refunded"])

    def add(self, fact: Fact) -> None:
        """Count one transfer, the next one."""
        self.seq, self.at = fact.seq, fact.at
        if fact.liability:
            self._count(fact, Figure.LIABILITY, 1, fact.liability)
        if fact.figure is None:
            return
        self._count(fact, fact.figure, fact.counts, fact.amount)
        if fact.customer is None:
            return
        if fact.figure is Figure.TOP_UPS and fact.amount > 0:
            self._top_up(fact, WalletKey(fact.customer, fact.currency))
        elif fact.figure in SPENDS:
            self._spend(fact, WalletKey(fact.customer, fact.currency))
        elif fact.figure is Figure.REFUNDS and fact.is_of_order:
            self._month(fact, fact.customer).refunded += fact.amount

    def _count(self, fact: Fact, figure: Figure, number: int, total: int) -> None:
        found = self.days.setdefault(DayKey(fact.day, fact.currency, str(figure)), Sum())
        found.number += number
        found.total += total

    def _top_up(self, fact: Fact, key: WalletKey) -> None:
        wallet = self.wallets.get(key)
        if wallet is None:
            wallet = self.wallets[key] = Wallet(fact.month)
            self._cohort(fact, wallet).joined += 1
        wallet.waiting += 1
        wallet.waiting_since += fact.at_s

    def _spend(self, fact: Fact, key: WalletKey) -> None:
        month = self._month(fact, key.customer_id)
        month.orders += fact.counts
        month.spent += fact.amount
        wallet = self.wallets.get(key)
        if wallet is None:
            return
        cohort = self._cohort(fact, wallet)
        cohort.orders += fact.counts
        cohort.spent += fact.amount
        if fact.amount > 0:
            cohort.spenders += wallet.spent_month != fact.month
            wallet.spent_month = fact.month
            if fact.figure is Figure.SPEND_WALLET and wallet.waiting:
                waited = wallet.waiting * fact.at_s - wallet.waiting_since
                self._count(fact, Figure.TOP_UP_TO_SPEND, wallet.waiting, waited)
                wallet.waiting = wallet.waiting_since = 0

    def _month(self, fact: Fact, customer: str) -> Month:
        key = MonthKey(customer, fact.currency, fact.month)
        return self.months.setdefault(key, Month())

    def _cohort(self, fact: Fact, wallet: Wallet) -> Cohort:
        key = CohortKey(wallet.cohort, fact.currency, fact.month)
        return self.cohorts.setdefault(key, Cohort())
