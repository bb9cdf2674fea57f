"""Write a message beside the money: both are committed, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from batua.clock import NewId
from batua.contract import Template
from batua.events import EventType, Recorder
from batua.ledger import AccountName, Book, Record
from batua.outbox.tables import OutboxMessage

__all__ = ["Announcer"]


class Announcer:
    """Stages notifications. Amounts are written out, and the name filled in, when one is sent.

    ``events`` stages what the host is told of the same.
    """

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id
        self.events = Recorder(new_id)

    def credited(self, book: Book, capture: Record) -> None:
        """A payer's money has arrived in the wallet: one message a capture."""
        self._stage(
            book,
            Template.TOP_UP_SUCCEEDED,
            AccountName.wallet(capture["customer_id"], capture["currency"]),
            dedupe_key=f"credited:{capture['id']}",
            parameters={"amount": _money(capture)},
            subject=_of(capture, "order_id", "top_up_id"),
        )

    def order_paid(self, book: Book, order: Record) -> None:
        """An order is paid in full."""
        wallet = AccountName.wallet(order["customer_id"], order["currency"])
        self._stage(
            book,
            Template.ORDER_PAID,
            wallet,
            dedupe_key=f"order_paid:{order['id']}",
            parameters={
                "reference": order["reference"],
                "amount": _money(order),
            },
            subject={"order_id": order["id"]},
        )
        self.events.record(book, EventType.ORDER_PAID, order)

    def refund_succeeded(self, book: Book, refund: Record, reference: str) -> None:
        """A refund has been made, to the wallet or to the source."""
        wallet = AccountName.wallet(refund["customer_id"], refund["currency"])
        self._stage(
            book,
            Template.REFUND_SUCCEEDED,
            wallet,
            dedupe_key=f"refund_succeeded:{refund['id']}",
            parameters={
                "amount": _money(refund),
                "reference": reference,
            },
            subject={"refund_id": refund["id"], **_of(refund, "order_id", "top_up_id")},
        )
        self.events.record(book, EventType.REFUND_SUCCEEDED, refund)

    def _stage(
        self,
        book: Book,
        template: Template,
        wallet: AccountName,
        *,
        dedupe_key: str,
        parameters: Mapping[str, Any],
        subject: Mapping[str, str],
    ) -> None:
        balance = {"amount": book.account(wallet)["posted"], "currency": wallet.currency}
        book.insert(
            OutboxMessage,
            id=self._new_id("ntf"),
            dedupe_key=dedupe_key,
            template=str(template),
            customer_id=wallet.owner,
            parameters=msgspec.json.encode({**parameters, "balance": balance}).decode(),
            status="pending",
            note="",
            attempts=0,
            next_attempt_at=book.clock,
            **subject,
        )


def _money(row: Record) -> dict[str, Any]:
    return {"amount": row["amount"], "currency": row["currency"]}


def _of(row: Record, *columns: str) -> dict[str, str]:
    return {column: row[column] for column in columns if row[column] is not None}
