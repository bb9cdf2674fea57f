"""When to ask a provider again: ever more rarely, and not for ever.

It is an operation like any other: a row that operations write is written under the head lock
alone, or a guarded write of theirs would meet a row that had changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from piccolo.table import Table

from batua.ledger import Book, Need
from batua.payments.states import PaymentStatus

__all__ = ["FIRST_POLL_S", "Postpone"]

FIRST_POLL_S = 5
WAIT_MAX_S = 3600
GIVE_UP_AFTER = timedelta(days=6)
"""Razorpay may still authorize a failed payment after five days (its documentation, 2026-11-22)."""


@dataclass(frozen=True, slots=True)
class Postpone:
    """Put the next look at a payment or a refund off. Moves no money.

    ``gives_up`` is for payments alone, and not for one whose money is promised: what is authorized
    and a refund that is not final are asked about until the provider says what became of them.
    ``polls`` is how many looks the caller has read of: run again, or beside another look, it puts
    the next one off once.
    """

    table: type[Table]
    id: str
    polls: int
    gives_up: bool = False

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(self.table, "id", self.id)

    def decide(self, book: Book) -> None:
        row = book.need(self.table, "id", self.id)
        if row["next_poll_at"] is None or row["polls"] != self.polls:
            return
        wait_s = min(FIRST_POLL_S * 2 ** min(row["polls"], 12), WAIT_MAX_S)
        is_promised = row["status"] == PaymentStatus.AUTHORIZED
        is_old = book.clock - row["created_at"] > GIVE_UP_AFTER
        gives_up = self.gives_up and is_old and not is_promised
        next_poll_at = None if gives_up else book.clock + timedelta(seconds=wait_s)
        book.update(row, polls=row["polls"] + 1, next_poll_at=next_poll_at)
