"""Splits: the wallet's share is held, a payment for the rest is written, in one stroke. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from batua.contract import Money
from batua.ledger import Book, Need, Record, available, require_active
from batua.ledger.tables import Hold
from batua.orders.orders import (
    OrderStatus,
    close_payments,
    order_accounts,
    order_needs,
    pay_from_wallet,
    require_pending_row,
    wallet_of,
)
from batua.orders.shares import hold_share, release_shares, share_of
from batua.orders.tables import Order
from batua.outbox import Announcer
from batua.payments import NewPayment, Payment, insert_payment, require_minimum

__all__ = ["ExpireShare", "OpenSplit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSplit:
    """Hold what the wallet has of an order's amount, and write a payment for the rest.

    A wallet that has all of it pays at once; one that has nothing leaves all to the gateway.
    ``payment`` is for the whole amount, ``minimum`` the least that its gateway takes: the share is
    that much smaller where the rest would be too little. An earlier split of the order ends here.
    Run again after a lost COMMIT it finds what it did: its payment, or that the wallet has paid.

    Raises ``Conflict`` (``order_not_pending``, ``wallet_frozen``) and ``InvalidRequest``
    (``amount_below_minimum``).
    """

    order_id: str
    payment: NewPayment
    minimum: int
    actor: str
    announcer: Announcer

    def needs(self, book: Book) -> Iterable[Need]:
        return order_needs(self.order_id, book)

    def decide(self, book: Book) -> Record:
        order = book.need(Order, "id", self.order_id)
        if self._is_done(book, order):
            return order
        require_pending_row(order)
        wallet = wallet_of(order)
        account = book.account(wallet)
        require_active(account)
        release_shares(book, self.order_id, wallet)
        if available(account) >= order["amount"]:
            pay_from_wallet(book, order, self.announcer, actor=self.actor)
            close_payments(book, order)
            return order
        require_minimum(self.payment.gateway, self.payment.money, self.minimum)
        _close_splits(book, order)
        share = min(available(account), order["amount"] - self.minimum)
        rest = Money(order["amount"] - share, order["currency"])
        payment = insert_payment(book, replace(self.payment, money=rest))
        if share:
            hold_share(book, wallet, payment, share)
        return order

    def _is_done(self, book: Book, order: Record) -> bool:
        payments = book.find(Payment, "order_id", self.order_id)
        by_wallet = order["status"] == OrderStatus.PAID and not order["paid_by_gateway"]
        return by_wallet or any(row["id"] == self.payment.id for row in payments)


@dataclass(frozen=True, slots=True)
class ExpireShare:
    """Give a share back when its payment did not come in time. A later capture takes it anew."""

    hold_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Hold, "id", self.hold_id)
        yield need
        if book.missing([need]):
            return
        order = Need(Order, "id", book.need(*need)["order_id"])
        yield order
        if not book.missing([order]):
            yield from order_accounts(book.need(*order))

    def decide(self, book: Book) -> None:
        hold = book.need(Hold, "id", self.hold_id)
        if hold["status"] == "held" and hold["expires_at"] <= book.now:
            order = book.need(Order, "id", hold["order_id"])
            book.void_hold(hold, wallet_of(order), status="expired")


def _close_splits(book: Book, order: Record) -> None:
    """Payments of earlier splits ask for another rest: one that is paid all the same is kept."""
    split = [row for row in book.find(Payment, "order_id", order["id"]) if share_of(order, row)]
    close_payments(book, order, split)
