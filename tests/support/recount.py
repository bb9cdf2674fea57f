"""The figures of a shop once more, in plain Python over all of its transfers: slow and simple.

It shares nothing with ``batua.insight`` but the words: each figure is a loop over the ledger, as
docs/reference/insight.md defines it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Any

from batua.database import Database

__all__ = ["Recount", "read_ledger"]

OPENS_NO_REFUND = {"provider_refund_bonus", "provider_refund_bonus_wallet",
                   "provider_refund_bonus_debt"}  # fmt: skip
TAKEN = {"dispute_wallet", "dispute_debt", "dispute_revenue", "dispute_loss", "dispute_suspense"}
GIVEN = {"refund_to_wallet", "refund_to_source", "top_up_refund", "provider_refund_wallet",
         "provider_refund_debt", "provider_refund_revenue", "provider_refund_loss",
         "provider_refund_suspense"}  # fmt: skip


async def read_ledger(database: Database) -> list[dict[str, Any]]:
    """Every transfer, oldest first, with the accounts' keys and who bought."""
    rows = await database.fetch(
        "select t.*, d.key as debit, c.key as credit, o.customer_id as buyer,"
        " o.paid_by_gateway from batua_transfer t"
        " join batua_account d on d.id = t.debit_account"
        " join batua_account c on c.id = t.credit_account"
        " left join batua_order o on o.id = t.order_id order by t.seq"
    )
    return [dict(row) for row in rows]


class Recount:
    """Counts ``ledger`` again, from its first transfer, whenever it is asked something."""

    def __init__(self, ledger: Sequence[dict[str, Any]]) -> None:
        kinds = {row["seq"]: row["kind"] for row in ledger}
        self.rows = []
        for row in ledger:
            undoes = row["reverses"] is not None
            day = row["created_at"].astimezone(UTC).date().isoformat()
            self.rows.append(
                {
                    **row,
                    "of": kinds[row["reverses"]] if undoes else row["kind"],
                    "signed": -row["amount"] if undoes else row["amount"],
                    "undoes": undoes,
                    "day": day,
                    "month": day[:7],
                    "second": int(row["created_at"].timestamp()),
                }
            )

    def currencies(self) -> set[str]:
        return {row["currency"] for row in self.rows}

    def _sum(self, day: str, currency: str, kinds: set[str]) -> int:
        return sum(
            row["signed"]
            for row in self.rows
            if row["of"] in kinds and (row["day"], row["currency"]) == (day, currency)
        )

    def liability(self, day: str, currency: str) -> int:
        """What all wallets had at the end of the day."""
        total = 0
        for row in self.rows:
            if row["currency"] == currency and row["day"] <= day:
                total += row["amount"] * row["credit"].startswith("wallet:")
                total -= row["amount"] * row["debit"].startswith("wallet:")
        return total

    def waits(self, day: str, currency: str) -> tuple[int, int]:
        """Of the top-ups whose wallet paid next on this day: how many, and their seconds."""
        number = seconds = 0
        for place, row in enumerate(self.rows):
            if row["of"] != "top_up" or row["undoes"] or row["currency"] != currency:
                continue
            paid = next(
                (
                    later
                    for later in self.rows[place + 1 :]
                    if later["kind"] == "order_payment" and later["debit"] == row["credit"]
                ),
                None,
            )
            if paid is not None and paid["day"] == day:
                number += 1
                seconds += paid["second"] - row["second"]
        return number, seconds

    def day(self, day: str, currency: str) -> dict[str, Any]:
        """What ``DayRow`` says of it."""
        waited, waited_s = self.waits(day, currency)
        today = [row for row in self.rows if (row["day"], row["currency"]) == (day, currency)]
        new = [row for row in today if not row["undoes"]]
        began = {}
        for row in self.rows:
            if row["refund_id"] and row["kind"] in GIVEN:
                began.setdefault(row["refund_id"], row["seq"])
        wallet = self._sum(day, currency, {"order_payment"})
        gateway = self._sum(day, currency, {"order_capture"})
        return {
            "day": day,
            "currency": currency,
            "top_ups": sum(row["kind"] == "top_up" for row in new),
            "top_ups_amount": self._sum(day, currency, {"top_up"}),
            "orders": len(
                {
                    row["order_id"]
                    for row in new
                    if row["kind"] in {"order_payment", "order_capture"}
                }
            ),
            "spend": wallet + gateway,
            "spend_wallet": wallet,
            "spend_gateway": gateway,
            "refunds": sum(row["seq"] in began.values() for row in new),
            "refunds_amount": self._sum(day, currency, GIVEN),
            "disputes_amount": self._sum(day, currency, TAKEN),
            "liability": self.liability(day, currency),
            "waited": waited,
            "waited_s": waited_s,
        }

    def days(self, since: date, until: date, more: str) -> list[dict[str, Any]]:
        """Every day in every currency, and in ``more``."""
        currencies = sorted(self.currencies() | {more})
        found = [since + timedelta(days=number) for number in range((until - since).days + 1)]
        return [self.day(day.isoformat(), each) for day in found for each in currencies]

    def spenders(self, month: str, currency: str) -> list[tuple[str, int, int, int]]:
        """Customer, orders, spent and refunded of a month: who spent most comes first."""
        orders, spent, refunded = defaultdict(set), defaultdict(int), defaultdict(int)
        for row in self.rows:
            if (row["month"], row["currency"]) != (month, currency) or row["buyer"] is None:
                continue
            if row["of"] in {"order_payment", "order_capture"}:
                spent[row["buyer"]] += row["signed"]
                if not row["undoes"]:
                    orders[row["buyer"]].add(row["order_id"])
            elif row["of"] in GIVEN:
                refunded[row["buyer"]] += row["signed"]
        found = [(who, len(orders[who]), spent[who], refunded[who]) for who in spent]
        return sorted((row for row in found if row[2] > 0), key=lambda row: (-row[2], row[0]))

    def cohorts(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        """Customers, spenders, orders and spent by cohort, currency and month."""
        joined: dict[tuple[str, str], tuple[str, int]] = {}
        for row in self.rows:
            if row["of"] == "top_up" and not row["undoes"]:
                key = (row["credit"].split(":", 1)[1].rsplit(":", 1)[0], row["currency"])
                joined.setdefault(key, (row["month"], row["seq"]))
        sizes = defaultdict(int)
        for (_, currency), (month, _) in joined.items():
            sizes[month, currency] += 1
        spenders, orders, spent = defaultdict(set), defaultdict(set), defaultdict(int)
        cells = {(month, currency, month) for month, currency in sizes}
        for row in self.rows:
            if row["of"] not in {"order_payment", "order_capture"}:
                continue
            cohort, since = joined.get((row["buyer"], row["currency"]), ("", 0))
            if not cohort or row["seq"] < since:
                continue
            cell = (cohort, row["currency"], row["month"])
            cells.add(cell)
            spent[cell] += row["signed"]
            if not row["undoes"]:
                spenders[cell].add(row["buyer"])
                orders[cell].add(row["order_id"])
        return {
            cell: (sizes[cell[:2]], len(spenders[cell]), len(orders[cell]), spent[cell])
            for cell in cells
        }
