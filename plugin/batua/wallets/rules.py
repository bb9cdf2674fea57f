"""What a wallet may hold, take in and spend: rules that refuse requests, and never money that came.

They are decided inside the engine, on the rows of the moment, so that no two requests at once can
pass where one may. A genuine capture, a refund or a clawback is never asked (nor is a top-up's
bonus): what was paid is credited, whatever the wallet then holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from batua.contract import Money
from batua.errors import ConfigurationError, Conflict, InvalidRequest
from batua.ledger import Book, Need, Record
from batua.settings import Settings
from batua.wallets.tables import TopUp

__all__ = ["NO_RULES", "PROFILES", "WalletRules", "wallet_rules"]

INDIAN_TIME = timedelta(hours=5, minutes=30)
"""Days, months and years of the rules begin at midnight there: it has no summer time."""
APRIL = 4
"""India's financial year begins with it."""
UNPAID = frozenset({"pending", "processing"})

PROFILES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        # A closed system PPI is spent at its issuer's alone, and no payment system that the RBI
        # authorises (Master Directions on PPIs of 27 August 2021, 2.4).
        "closed": {},
        # Paise. The same Directions, as updated on 23 February 2024 (RBI/DPSS/2021-22/82), 9.1:
        # Rs 10,000 at any time, Rs 10,000 loaded in a month, Rs 1,20,000 in a financial year.
        "small_ppi": {
            "balance_max": 1_000_000,
            "load_per_month": 1_000_000,
            "load_per_year": 12_000_000,
        },
        # The same, 9.2: Rs 2,00,000 at any time.
        "full_kyc": {"balance_max": 20_000_000},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletRules:
    """The numbers, in minor units of ``currency``; 0 is no limit.

    ``is_strict`` refuses top-ups and staff's credits in other currencies: a regulated wallet has
    one. Otherwise wallets in other currencies have no rules.
    """

    currency: str = ""
    is_strict: bool = False
    top_up_min: int = 0
    top_up_max: int = 0
    top_ups_per_day: int = 0
    balance_max: int = 0
    load_per_month: int = 0
    load_per_year: int = 0
    spend_per_day: int = 0
    payments_per_hour: int = 0

    # --- money in -----------------------------------------------------------------------------

    def load_needs(self, customer_id: str, currency: str, book: Book) -> Iterable[Need]:
        """The customer's top-ups that count: those not paid yet, and those of the time asked."""
        if self._loads(currency):
            yield self._top_ups(customer_id, book)

    def require_room_for_top_up(self, book: Book, wallet: Record, money: Money) -> None:
        """Raises ``InvalidRequest`` and ``Conflict``: what the limit is, and when there is room."""
        self._require_covered(money.currency)
        if money.currency != self.currency:
            return
        if money.amount < self.top_up_min:
            raise InvalidRequest(
                f"A top-up is at least {self.top_up_min} {self.currency} (minor units).",
                pointer="/amount",
                code="below_minimum_top_up",
            )
        if self.top_up_max and money.amount > self.top_up_max:
            raise InvalidRequest(
                f"A top-up is at most {self.top_up_max} {self.currency} (minor units).",
                pointer="/amount",
                code="above_maximum_top_up",
            )
        if not self._loads(money.currency):
            return
        found = self._found(book, wallet)
        day = _day(book.clock)
        today = sum(row["created_at"] >= day for row in found)
        if self.top_ups_per_day and today >= self.top_ups_per_day:
            raise Conflict(
                "too_many_top_ups",
                f"A wallet is topped up {self.top_ups_per_day} times a day at most. "
                f"The next day begins at {_said(day + timedelta(days=1))}.",
            )
        self._require_balance(wallet, found, money.amount)
        self._require_loads(book, found, money.amount)

    def require_room_for_credit(self, book: Book, wallet: Record, money: Money) -> None:
        """The same for what staff give, which is no load: the balance alone is asked."""
        self._require_covered(money.currency)
        if self.balance_max and money.currency == self.currency:
            self._require_balance(wallet, self._found(book, wallet), money.amount)

    def _require_covered(self, currency: str) -> None:
        if self.is_strict and currency != self.currency:
            raise Conflict(
                "currency_not_covered",
                f"Wallets of this shop are in {self.currency} alone: its profile covers no other.",
            )

    def _require_balance(self, wallet: Record, found: Iterable[Record], amount: int) -> None:
        holds = wallet["posted"] + sum(_unpaid(row) for row in found)
        if self.balance_max and holds + amount > self.balance_max:
            raise Conflict(
                "exceeds_balance_cap",
                f"A wallet holds {self.balance_max} {self.currency} at most (minor units), top-ups "
                f"that are not paid yet included: there is room for "
                f"{max(0, self.balance_max - holds)}. Spending makes room.",
            )

    def _require_loads(self, book: Book, found: Iterable[Record], amount: int) -> None:
        loads = [(row["created_at"], _unpaid(row) or row["credited"], row) for row in found]
        month, year = _month(book.clock), _year(book.clock)
        for most, since, until, code, noun in (
            (self.load_per_month, month, _next_month(month), "exceeds_monthly_load", "month"),
            (self.load_per_year, year, _next_year(year), "exceeds_yearly_load", "financial year"),
        ):
            loaded = sum(load for when, load, row in loads if when >= since or _unpaid(row))
            if most and loaded + amount > most:
                raise Conflict(
                    code,
                    f"A wallet takes {most} {self.currency} in a {noun} at most (minor units), "
                    f"top-ups that are not paid yet included: there is room for "
                    f"{max(0, most - loaded)}. The next {noun} begins at {_said(until)}.",
                )

    def _loads(self, currency: str) -> bool:
        limits = (
            self.top_ups_per_day, self.balance_max, self.load_per_month, self.load_per_year,
        )  # fmt: skip
        return currency == self.currency and any(limits)

    def _top_ups(self, customer_id: str, book: Book) -> Need:
        since = _day(book.clock)
        if self.load_per_month:
            since = _month(book.clock)
        if self.load_per_year:
            since = _year(book.clock)
        unpaid = "status in ('pending', 'processing')"
        return Need(
            TopUp, "customer_id", customer_id, f"({unpaid} or created_at >= '{_written(since)}')"
        )

    def _found(self, book: Book, wallet: Record) -> list[Record]:
        rows = book.find(*self._top_ups(wallet["owner"], book))
        return [row for row in rows if row["currency"] == self.currency]

    # --- money out ----------------------------------------------------------------------------

    @property
    def may_limit_spending(self) -> bool:
        """Whether payments count at all."""
        return bool(self.spend_per_day or self.payments_per_hour)

    def spends_since(self, currency: str, book: Book) -> str:
        """From when on payments count, in SQL's words; empty where none does."""
        if currency != self.currency or not self.may_limit_spending:
            return ""
        hour = book.clock.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        return _written(min(_day(book.clock), hour))

    def require_room_to_spend(
        self, book: Book, wallet: Record, paid: Iterable[Record], amount: int
    ) -> None:
        """``paid`` are orders of the customer's; what the wallet holds aside counts as spent.

        Raises ``Conflict``.
        """
        own = [row for row in paid if row["paid_from_wallet"] and row["currency"] == self.currency]
        recent = [row["paid_at"] for row in own if row["paid_at"] > book.clock - HOUR]
        if self.payments_per_hour and len(recent) >= self.payments_per_hour:
            raise Conflict(
                "too_many_payments",
                f"A wallet pays {self.payments_per_hour} times an hour at most. "
                f"It can pay again at {_said(min(recent) + HOUR)}.",
            )
        day = _day(book.clock)
        spent = sum(row["paid_from_wallet"] for row in own if row["paid_at"] >= day)
        if self.spend_per_day and spent + wallet["held"] + amount > self.spend_per_day:
            room = max(0, self.spend_per_day - spent - wallet["held"])
            raise Conflict(
                "exceeds_daily_spend",
                f"A wallet pays {self.spend_per_day} {self.currency} a day at most (minor units): "
                f"there is room for {room}. The next day begins at "
                f"{_said(day + timedelta(days=1))}.",
            )


HOUR = timedelta(hours=1)
NO_RULES = WalletRules()


def wallet_rules(settings: Settings) -> WalletRules:
    """The profile's numbers, and those that a setting of its own says otherwise.

    Raises ``ConfigurationError`` for a regulated profile in another currency than INR.
    """
    is_strict = bool(PROFILES[settings.wallet_profile])
    if is_strict and settings.currency != "INR":
        raise ConfigurationError(
            f"BATUA_WALLET_PROFILE={settings.wallet_profile} is of INR, and BATUA_CURRENCY is "
            f"{settings.currency}: use closed, and numbers of your own"
        )
    numbers: dict[str, Any] = dict(PROFILES[settings.wallet_profile])
    for field in fields(WalletRules):
        told = getattr(settings, f"wallet_{field.name}", None)
        if told is not None:
            numbers[field.name] = told
    return WalletRules(currency=settings.currency, is_strict=is_strict, **numbers)


def _unpaid(top_up: Record) -> int:
    return int(top_up["amount"]) if top_up["status"] in UNPAID else 0


def _day(moment: datetime) -> datetime:
    local = moment + INDIAN_TIME
    return local.replace(hour=0, minute=0, second=0, microsecond=0) - INDIAN_TIME


def _month(moment: datetime) -> datetime:
    return _day((moment + INDIAN_TIME).replace(day=1) - INDIAN_TIME)


def _next_month(month: datetime) -> datetime:
    return _month(month + timedelta(days=32))


def _year(moment: datetime) -> datetime:
    local = moment + INDIAN_TIME
    year = local.year if local.month >= APRIL else local.year - 1
    return _day(local.replace(year=year, month=APRIL, day=1) - INDIAN_TIME)


def _next_year(year: datetime) -> datetime:
    return _year(year + timedelta(days=370))


def _written(moment: datetime) -> str:
    """As both databases compare it."""
    return moment.isoformat(" ", "microseconds")


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
