"""Refunds of orders: how much, out of which share, to where. The reservation comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from batua.contract import Support
from batua.errors import Conflict, InvariantViolated
from batua.events import EventType
from batua.ledger import AccountName, Book, Movement, Need, NewLot, Part, Record
from batua.ledger.lots import returned
from batua.orders.orders import OrderStatus
from batua.orders.shares import order_accounts, spending_needs, spent_lots, wallet_of
from batua.orders.tables import Order
from batua.outbox import Announcer
from batua.payments import (
    Capture,
    Destination,
    NewRefund,
    Refund,
    RefundStatus,
    can_refund,
    insert_refund,
    known_refund,
    ledger_reason,
)

__all__ = ["RefundTo", "RequestOrderRefund", "pay_wallet_part", "refunded_status"]


class RefundTo(StrEnum):
    """Where staff want the money to go. The wallet's share always returns to the wallet."""

    WALLET = "wallet"
    SOURCE = "source"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shares:
    """What is left to refund of an order, by who paid it. Minor units."""

    wallet: int
    gateway: int

    @property
    def rest(self) -> int:
        return self.wallet + self.gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrderRefund:
    """Reserve a refund, and pay the wallet's part of it at once unless it waits for approval.

    Raises ``Conflict``: ``order_not_paid``, ``refund_exceeds_refundable``, ``refund_unsupported``.
    """

    order_id: str
    to: RefundTo
    new: NewRefund
    support: Mapping[str, Support]
    announcer: Announcer

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Order, "id", self.order_id)
        yield need
        yield Need(Refund, "id", self.new.id)
        yield Need(Capture, "order_id", self.order_id)
        if not book.missing([need]):
            yield from order_accounts(book.need(*need))
            yield from spending_needs(book.need(*need), book)

    def decide(self, book: Book) -> Record:
        if (known := known_refund(book, self.new, self.order_id)) is not None:
            return known
        order = book.need(Order, "id", self.order_id)
        if order["status"] in {OrderStatus.PENDING, OrderStatus.CANCELLED}:
            raise Conflict(
                "order_not_paid",
                f"Order {self.order_id!r} is {order['status']}: nothing was paid that could be "
                "refunded.",
            )
        capture = _capture_of(book, order)
        shares = _shares(order, capture)
        amount = shares.rest if self.new.amount is None else self.new.amount
        if not 0 < amount <= shares.rest:
            raise Conflict(
                "refund_exceeds_refundable",
                f"Order {self.order_id!r} has {shares.rest} {order['currency']} left to refund "
                f"(minor units), not {amount}.",
            )
        amounts = self._split(amount, shares, capture)
        _reserve(book, order, capture, amount, amounts[2])
        refund = insert_refund(
            book,
            self.new,
            subject=order,
            capture=capture,
            destination=str(self.to),
            amounts=amounts,
        )
        if refund["status"] == RefundStatus.PENDING:
            pay_wallet_part(book, refund, order, capture, self.announcer)
        return refund

    def _split(self, amount: int, shares: _Shares, capture: Record | None) -> tuple[int, int, int]:
        """How much goes to the wallet, to the source, and comes out of the gateway's share."""
        if self.to is RefundTo.WALLET or capture is None:
            return amount, 0, max(0, amount - shares.wallet)
        from_capture = min(amount, shares.gateway)
        if can_refund(self.support, capture, from_capture):
            return amount - from_capture, from_capture, from_capture
        if self.to is RefundTo.SOURCE and from_capture:
            raise Conflict(
                "refund_unsupported",
                f"The gateway {capture['gateway']!r} can't refund {from_capture} of this payment. "
                "Refund to the wallet instead.",
            )
        return amount, 0, from_capture


def refunded_status(order: Record) -> str:
    """The status of a paid order by how much of it was refunded."""
    if not order["refunded"]:
        return str(OrderStatus.PAID)
    whole = order["refunded"] == order["amount"]
    return str(OrderStatus.REFUNDED if whole else OrderStatus.PARTIALLY_REFUNDED)


def pay_wallet_part(
    book: Book, refund: Record, order: Record, capture: Record | None, announcer: Announcer
) -> None:
    """Turn the reservation of what goes to the wallet into money there, at once."""
    amount = refund["wallet_amount"]
    if amount:
        from_capture = refund["capture_amount"] - refund["source_amount"]
        from_wallet = amount - from_capture
        book.post(
            Movement(
                id=f"{refund['id']}.wallet",
                kind="refund_to_wallet",
                debit=AccountName.revenue(refund["currency"]),
                credit=wallet_of(order),
                amount=amount,
                reason=ledger_reason(refund["reason"]),
                actor=refund["requested_by"],
                approved_by=refund["approved_by"],
                order_id=order["id"],
                refund_id=refund["id"],
                restores=_given_back(book, order, from_wallet),
                opens=NewLot(kind="refund", amount=from_capture) if from_capture else None,
            )
        )
        _unreserve(book, order, amount)
        book.update(order, wallet_refunded=order["wallet_refunded"] + from_wallet)
        if capture is not None and from_capture:
            _unreserve(book, capture, from_capture)
        book.update(order, status=refunded_status(order), updated_at=book.now)
        announcer.events.record(book, EventType.ORDER_REFUNDED, order)
    if not refund["source_amount"]:
        book.update(refund, status=str(RefundStatus.SUCCEEDED), updated_at=book.now)
        announcer.refund_succeeded(book, refund, order["reference"])


def _given_back(book: Book, order: Record, amount: int) -> tuple[Part, ...]:
    """The lots that get the wallet's share back, in reverse order of spending."""
    if not amount:
        return ()
    before, share = order["wallet_refunded"], order["paid_from_wallet"]
    if before + amount > share:
        raise InvariantViolated(f"order {order['id']}: the wallet gets back more than it paid")
    spent = spent_lots(book, order)
    paid = share - sum(part for _, part in spent)
    return returned(spent, paid, before, amount)


def _capture_of(book: Book, order: Record) -> Record | None:
    captures = book.find(Capture, "order_id", order["id"])
    return next((row for row in captures if row["destination"] == Destination.ORDER), None)


def _shares(order: Record, capture: Record | None) -> _Shares:
    paid = order["paid_from_wallet"] + order["paid_by_gateway"]
    rest = paid - order["refunded"] - order["refund_reserved"]
    if capture is None:
        return _Shares(wallet=rest, gateway=0)
    gateway = capture["amount"] - capture["refunded"] - capture["refund_reserved"]
    # What a payer's bank has taken back, or may, is not there to be refunded once more.
    return _Shares(wallet=rest - gateway, gateway=max(0, gateway - capture["disputed"]))


def _reserve(
    book: Book, order: Record, capture: Record | None, amount: int, from_capture: int
) -> None:
    book.update(order, refund_reserved=order["refund_reserved"] + amount)
    if capture is not None and from_capture:
        book.update(capture, refund_reserved=capture["refund_reserved"] + from_capture)


def _unreserve(book: Book, row: Record, amount: int) -> None:
    book.update(
        row,
        refund_reserved=row["refund_reserved"] - amount,
        refunded=row["refunded"] + amount,
    )
