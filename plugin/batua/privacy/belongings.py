"""What a shop holds about a customer, table by table, and what of it a person may want gone.

Ids, amounts, times and states stay: they are the books.  What somebody wrote for people goes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from piccolo.table import Table

from batua.database import Database, Row
from batua.ledger.tables import Account, Hold, Lot
from batua.orders import Order
from batua.outbox import OutboxMessage
from batua.payments import Capture, Dispute, Payment, Refund, ledger_reason
from batua.wallets import Adjustment, Consent, TopUp

__all__ = ["BELONGINGS", "Belonging"]

PAGE = 200
ERASED = "erased"
"""The note of a message that is not sent any more."""

THEIRS = "kind in ('wallet', 'debt')"
"""What else an owner may be is the shop or a gateway, whose names a customer may have too."""
OF_THEIRS = f"from batua_account where owner = $1 and {THEIRS}"
OF_ERASED = "customer_id in (select id from batua_customer where redacted_at is not null)"

Changes = Mapping[str, Any]


def _nothing(row: Mapping[str, Any]) -> Changes:
    del row
    return {}


@dataclass(frozen=True, slots=True)
class Belonging:
    """One table's rows of a customer.

    ``redacted`` says what of a row changes when they go. ``whose`` is SQL with their id as $1.
    ``written_at`` is the column that tells when texts come that are later than that; none do
    where it is empty.
    """

    name: str
    table: type[Table]
    redacted: Callable[[Mapping[str, Any]], Changes] = _nothing
    whose: str = "customer_id = $1"
    written_at: str = ""

    def pages(self, database: Database, customer_id: str) -> AsyncIterator[Sequence[Row]]:
        """All of it by id, a page at a time."""
        return self._pages(database, self.whose, customer_id)

    def late_pages(self, database: Database, since: datetime) -> AsyncIterator[Sequence[Row]]:
        """What was written since then of customers who are erased, a page at a time."""
        return self._pages(database, f"{self.written_at} >= $1 and {OF_ERASED}", since)

    async def _pages(
        self, database: Database, which: str, value: str | datetime
    ) -> AsyncIterator[Sequence[Row]]:
        name, key = self.table._meta.tablename, self.table._meta.primary_key._meta.db_column_name
        rows = await database.fetch(
            f"select * from {name} where {which} order by {key} limit {PAGE}",
            value,
        )
        while rows:
            yield rows
            rows = await database.fetch(
                f"select * from {name} where {which} and {key} > $2 order by {key} limit {PAGE}",
                value,
                rows[-1][key],
            )


def _consent(row: Mapping[str, Any]) -> Changes:
    return {"address": ""} if row["address"] else {}


def _order(row: Mapping[str, Any]) -> Changes:
    return _unlike(row, description="", items="[]")


def _top_up(row: Mapping[str, Any]) -> Changes:
    return _unlike(row, return_url="", failure="")


def _payment(row: Mapping[str, Any]) -> Changes:
    return _unlike(row, checkout="{}", failure="")


def _refund(row: Mapping[str, Any]) -> Changes:
    return _unlike(row, reason=ledger_reason(row["reason"]), failure="")


def _adjustment(row: Mapping[str, Any]) -> Changes:
    return _unlike(row, note="")


def _message(row: Mapping[str, Any]) -> Changes:
    # WhatsApp's id of a message has the number in it that it went to.
    waits = row["status"] == "pending"
    note = ERASED if waits or row["note"] == ERASED else ""
    texts = _unlike(row, parameters="{}", note=note, provider_reference=None)
    # Nobody is left to be told.
    return {**texts, "status": "skipped", "next_attempt_at": None} if waits else texts


def _unlike(row: Mapping[str, Any], **wanted: Any) -> Changes:
    return {column: value for column, value in wanted.items() if row[column] != value}


BELONGINGS = (
    Belonging("consents", Consent, _consent),
    Belonging("accounts", Account, whose=f"owner = $1 and {THEIRS}"),
    Belonging("lots", Lot, whose=f"account_key in (select key {OF_THEIRS})"),
    Belonging("holds", Hold, whose=f"account_id in (select id {OF_THEIRS})"),
    Belonging("orders", Order, _order, written_at="updated_at"),
    Belonging("top_ups", TopUp, _top_up, written_at="updated_at"),
    Belonging("payments", Payment, _payment, written_at="updated_at"),
    Belonging("captures", Capture),
    Belonging("refunds", Refund, _refund, written_at="updated_at"),
    Belonging("disputes", Dispute),
    Belonging("adjustments", Adjustment, _adjustment, written_at="updated_at"),
    Belonging("notifications", OutboxMessage, _message, written_at="created_at"),
)
"""Each once, as the export names it."""
