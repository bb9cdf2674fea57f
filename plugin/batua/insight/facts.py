"""Transfers as the figures see them: of what figure, on what day, by which customer.

A reversal counts as the transfer that it undoes, with the sign turned, on the day it was posted.
A day is a day in UTC, by the time at which the ledger wrote the transfer: that never runs
backwards, so a day that is over gets nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from batua.database import Dialect, Reader, Row
from batua.ledger import AccountKind

__all__ = ["Fact", "Figure", "read_facts"]

REFUND_PARTS = ("wallet", "source", "revenue", "suspense", "debt", "loss")
"""What gives money back: a transfer of each has the refund's id before its part."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FACTS = """
    select t.seq, t.amount, t.currency, t.created_at,
        coalesce(undone.kind, t.kind) as kind, undone.seq as undoes,
        debit.kind as debit_kind, debit.owner as debit_owner,
        credit.kind as credit_kind, credit.owner as credit_owner,
        t.refund_id, o.customer_id as buyer, o.paid_by_gateway
    from batua_transfer t
    join batua_account debit on debit.id = t.debit_account
    join batua_account credit on credit.id = t.credit_account
    left join batua_transfer undone on undone.seq = t.reverses
    left join batua_order o on o.id = t.order_id
    where t.seq > $1 order by t.seq limit {limit}
"""
"""With the limit written out: a plan that is made for any limit would read every order."""


class Figure(StrEnum):
    """What is counted by day. Amounts are minor units, unless said otherwise."""

    TOP_UPS = "top_ups"  # credited to wallets for top-ups, without bonuses
    SPEND_WALLET = "spend_wallet"  # what orders took from wallets
    SPEND_GATEWAY = "spend_gateway"  # what orders took from gateways
    REFUNDS = "refunds"  # given back to payers, into their wallets or through the gateway
    DISPUTES = "disputes"  # taken by payers' banks, less what was won back
    LIABILITY = "liability"  # by how much the sum of all wallets has changed
    TOP_UP_TO_SPEND = "top_up_to_spend"  # seconds until the next payment from the wallet


class Fact(NamedTuple):
    """One transfer. ``customer`` owns the wallet or the order; None where there is neither.

    ``amount`` is negative for a reversal. ``counts`` is 1 where the transfer is the first of its
    order or refund, or the top-up's capture, else 0. Disputes are not counted: only summed up.
    """

    seq: int
    at: datetime
    day: str
    currency: str
    figure: Figure | None
    amount: int
    counts: int
    liability: int
    customer: str | None
    is_of_order: bool

    @property
    def month(self) -> str:
        return self.day[:7]

    @property
    def at_s(self) -> int:
        """Whole seconds since 1970."""
        return (self.at - _EPOCH) // timedelta(seconds=1)


async def read_facts(reader: Reader, dialect: Dialect, after: int, limit: int) -> list[Fact]:
    """The next transfers after ``after``, oldest first. The engine commits them in this order."""
    rows = await reader.fetch(FACTS.format(limit=int(limit)), after)
    began = await _refunds_began(reader, dialect, rows)
    return [_fact(row, began) for row in rows]


async def _refunds_began(
    reader: Reader, dialect: Dialect, rows: Sequence[Row]
) -> Mapping[str, int]:
    """Which transfer was the first that gave money back, by the refund's id."""
    refunds = sorted({row["refund_id"] for row in rows if row["refund_id"] is not None})
    if not refunds:
        return {}
    found = await reader.fetch(
        "select seq, id, refund_id from batua_transfer"
        f" where {dialect.in_list('refund_id', '$1')} order by seq desc",
        refunds,
    )
    parts = {f"{refund}.{part}" for refund in refunds for part in REFUND_PARTS}
    return {row["refund_id"]: row["seq"] for row in found if row["id"] in parts}


def _fact(row: Row, began: Mapping[str, int]) -> Fact:
    is_undoing = row["undoes"] is not None
    sign = -1 if is_undoing else 1
    figure = _figure(row["kind"], row["debit_kind"] if is_undoing else row["credit_kind"])
    at = row["created_at"].astimezone(UTC)
    return Fact(
        seq=row["seq"],
        at=at,
        day=at.date().isoformat(),
        currency=row["currency"],
        figure=figure,
        amount=sign * row["amount"],
        counts=0 if is_undoing else _counts(figure, row, began),
        liability=_liability(row),
        customer=row["buyer"] or _wallet_owner(row),
        is_of_order=row["buyer"] is not None,
    )


def _figure(kind: str, credit: str) -> Figure | None:
    """``credit`` is the kind of the account that gets it."""
    if kind.startswith("provider_refund_"):
        # What goes back to promotion is a bonus: its payer never paid it.
        return Figure.REFUNDS if credit == AccountKind.GATEWAY else None
    if kind.startswith("dispute_"):
        return Figure.DISPUTES if credit == AccountKind.DISPUTE else None
    return _BY_KIND.get(kind)


_BY_KIND = {
    "top_up": Figure.TOP_UPS,
    "order_payment": Figure.SPEND_WALLET,
    "order_capture": Figure.SPEND_GATEWAY,
    "refund_to_wallet": Figure.REFUNDS,
    "refund_to_source": Figure.REFUNDS,
    "top_up_refund": Figure.REFUNDS,
    "suspense_refund": Figure.REFUNDS,
    "suspense_refund_loss": Figure.REFUNDS,
}


def _counts(figure: Figure | None, row: Row, began: Mapping[str, int]) -> int:
    if figure is Figure.DISPUTES:
        return 0
    if figure is Figure.SPEND_WALLET:
        return int(not row["paid_by_gateway"])  # a split counts with its gateway's share
    if figure is Figure.REFUNDS:
        return int(began.get(row["refund_id"], row["seq"]) == row["seq"])
    return 1


def _wallet_owner(row: Row) -> str | None:
    for side in ("credit", "debit"):
        if row[f"{side}_kind"] == AccountKind.WALLET:
            owner: str = row[f"{side}_owner"]
            return owner
    return None


def _liability(row: Row) -> int:
    into: bool = row["credit_kind"] == AccountKind.WALLET
    out: bool = row["debit_kind"] == AccountKind.WALLET
    amount: int = row["amount"]
    return (into - out) * amount
