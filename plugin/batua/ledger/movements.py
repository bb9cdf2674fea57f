"""Transfers to be: what to move, and what that means for the lots of a wallet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from batua.ledger.accounts import AccountName
from batua.ledger.rows import Record

__all__ = ["Movement", "NewLot", "Part"]


class Part(NamedTuple):
    """How much of one lot."""

    lot: Record
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLot:
    """A lot that a credit opens: of kind ``bonus`` or ``refund``. Only a bonus expires.

    ``amount`` None is the whole credit.
    """

    kind: str
    amount: int | None = None
    expires_at: datetime | None = None
    top_up_id: str | None = None


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer to post. ``id`` is made by whoever asks for it, before the operation starts.

    A debit of a wallet takes its lots in spending order, unless ``takes`` says which: the rest is
    paid credit. A credit of one is paid credit, but for what it ``restores`` and ``opens``.
    """

    id: str
    kind: str
    debit: AccountName
    credit: AccountName
    amount: int
    reason: str
    actor: str
    occurred_at: datetime | None = None
    approved_by: str | None = None
    order_id: str | None = None
    top_up_id: str | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    reverses: int | None = None
    takes: tuple[Part, ...] | None = None
    restores: tuple[Part, ...] = ()
    opens: NewLot | None = None
