"""What a host is told of: the types of events, and what each says. Ids, amounts, statuses.

The names and the fields are a contract, in the words of the HTTP API: fields may be added, none is
renamed or dropped.  Nothing here says who a person is: a customer is the host's own id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

__all__ = [
    "FACTS",
    "AdjustmentFact",
    "CreditFact",
    "DisputeFact",
    "Event",
    "EventType",
    "Fact",
    "OrderFact",
    "RefundFact",
    "TopUpFact",
    "TrialFact",
    "WalletFact",
    "event_of",
    "fact_of",
]


class EventType(StrEnum):
    """What has happened. Each is told once for each time that it happens."""

    ORDER_PAID = "order.paid"
    ORDER_REFUNDED = "order.refunded"
    ORDER_CANCELLED = "order.cancelled"
    TOP_UP_SUCCEEDED = "topup.succeeded"
    TOP_UP_FAILED = "topup.failed"
    TOP_UP_EXPIRED = "topup.expired"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_WON = "dispute.won"
    DISPUTE_LOST = "dispute.lost"
    WALLET_CREDITED = "wallet.credited"
    WALLET_ADJUSTED = "wallet.adjusted"
    WALLET_FROZEN = "wallet.frozen"
    WALLET_UNFROZEN = "wallet.unfrozen"
    WEBHOOK_TEST = "webhook.test"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """The data of an event. Amounts are minor units of ``currency``."""


class OrderFact(Fact, frozen=True, kw_only=True):
    """An order, as it is now. ``refunded`` is all that has gone back of it."""

    id: str
    reference: str
    customer: str
    status: str
    amount: int
    currency: str
    paid_from_wallet: int
    paid_by_gateway: int
    refunded: int


class TopUpFact(Fact, frozen=True, kw_only=True):
    """A top-up, as it is now.

    ``credited`` is what was captured, ``bonus_granted`` what came on top of it, and
    ``bonus_returned`` what refunds and disputes took of that again.
    """

    id: str
    customer: str
    status: str
    amount: int
    currency: str
    gateway: str
    credited: int
    refunded: int
    bonus_granted: int
    bonus_returned: int


class RefundFact(Fact, frozen=True, kw_only=True):
    """A refund of an order or of a top-up: how much to the wallet, and how much to the source."""

    id: str
    order: str | None
    top_up: str | None
    customer: str
    status: str
    amount: int
    currency: str
    to_wallet: int
    to_source: int


class DisputeFact(Fact, frozen=True, kw_only=True):
    """A payer's bank wants ``amount`` back of what was paid for an order or a top-up."""

    id: str
    order: str | None
    top_up: str | None
    customer: str
    status: str
    amount: int
    currency: str
    gateway: str
    reason: str


class CreditFact(Fact, frozen=True, kw_only=True):
    """Money that came for a top-up or an order and that neither wanted: it is in the wallet.

    ``id`` is the capture's; ``reason`` is why: ``second_capture``, ``order_is_paid`` and the like.
    """

    id: str
    order: str | None
    top_up: str | None
    customer: str
    amount: int
    currency: str
    gateway: str
    reason: str


class AdjustmentFact(Fact, frozen=True, kw_only=True):
    """What staff gave to a wallet (``credit``) or took from it (``debit``)."""

    id: str
    customer: str
    status: str
    direction: str
    amount: int
    currency: str
    reason_code: str


class WalletFact(Fact, frozen=True, kw_only=True):
    """A wallet that pays nothing for now (``frozen``), or that may again (``active``)."""

    customer: str
    currency: str
    status: str


class TrialFact(Fact, frozen=True, kw_only=True):
    """Nothing has happened: somebody tries whether an endpoint listens."""

    endpoint: str


D = TypeVar("D", bound=Fact)


class Event(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """Something that has happened, as a host gets it.

    ``id`` is the same however often it is told. ``occurred_at`` is ``timestamp`` in JSON, as
    Standard Webhooks call it.
    """

    id: str
    type: EventType
    occurred_at: datetime = msgspec.field(name="timestamp")
    data: D


FACTS: Mapping[EventType, type[Fact]] = {
    EventType.ORDER_PAID: OrderFact,
    EventType.ORDER_REFUNDED: OrderFact,
    EventType.ORDER_CANCELLED: OrderFact,
    EventType.TOP_UP_SUCCEEDED: TopUpFact,
    EventType.TOP_UP_FAILED: TopUpFact,
    EventType.TOP_UP_EXPIRED: TopUpFact,
    EventType.REFUND_SUCCEEDED: RefundFact,
    EventType.REFUND_FAILED: RefundFact,
    EventType.DISPUTE_OPENED: DisputeFact,
    EventType.DISPUTE_WON: DisputeFact,
    EventType.DISPUTE_LOST: DisputeFact,
    EventType.WALLET_CREDITED: CreditFact,
    EventType.WALLET_ADJUSTED: AdjustmentFact,
    EventType.WALLET_FROZEN: WalletFact,
    EventType.WALLET_UNFROZEN: WalletFact,
    EventType.WEBHOOK_TEST: TrialFact,
}
"""What the data of each type is."""

COLUMNS = {
    "customer": "customer_id",
    "order": "order_id",
    "top_up": "top_up_id",
    "to_wallet": "wallet_amount",
    "to_source": "source_amount",
    "bonus_granted": "bonus",
}
"""Where a fact's field is called otherwise in its row."""


def fact_of(type: EventType, row: Mapping[str, Any]) -> Fact:
    """What an event of this type says, read off the row that it is about."""
    fact = FACTS[type]
    return fact(**{field: row[COLUMNS.get(field, field)] for field in fact.__struct_fields__})


def event_of(row: Mapping[str, Any]) -> Event[Any]:
    """The event in a row of ``batua_event``."""
    told = EventType(row["type"])
    return Event(
        id=row["id"],
        type=told,
        occurred_at=row["created_at"],
        data=msgspec.json.decode(row["data"], type=FACTS[told]),
    )
