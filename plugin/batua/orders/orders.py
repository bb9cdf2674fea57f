"""Orders: created, paid from the wallet or by a gateway, cancelled. Operations on the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from batua.clock import NewId
from batua.contract import Money
from batua.database import Row
from batua.errors import Conflict
from batua.events import EventType
from batua.ledger import (
    AccountName,
    Book,
    Need,
    Record,
    account_needs,
    require_active,
)
from batua.orders.shares import payment_of, release_share, share_needs, wallet_of
from batua.orders.spending import order_spends_needs, require_room_to_spend, spends_needs
from batua.orders.tables import Order
from batua.outbox import Announcer
from batua.payments import NewPayment, Payment, PaymentStatus, insert_payment
from batua.wallets import Newcomers, WalletRules, admit_customer, customer_need

__all__ = [
    "CancelOrder",
    "CreateOrder",
    "NewOrder",
    "OpenOrderPayment",
    "OrderStatus",
    "PayFromWallet",
]


class OrderStatus(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order to be. ``items`` is JSON text that we keep and never read."""

    id: str
    reference: str
    customer_id: str
    money: Money
    description: str
    items: str
    created_by: str


class CreateOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Create an order; with ``announcer`` pay it from the wallet in the same stroke, or not at all.

    Raises ``Conflict`` (``order_reference_exists``, ``wallet_frozen``) and ``InsufficientFunds``.
    """

    new: NewOrder
    pay: bool
    announcer: Announcer
    newcomers: Newcomers
    new_id: NewId
    rules: WalletRules

    def needs(self, book: Book) -> Iterable[Need]:
        new = self.new
        needs = [customer_need(new.customer_id), Need(Order, "reference", new.reference)]
        if self.pay:
            needs += account_needs(AccountName.wallet(new.customer_id, new.money.currency))
            needs += account_needs(AccountName.revenue(new.money.currency))
            needs += spends_needs(self.rules, new.customer_id, new.money.currency, book)
        return needs

    def decide(self, book: Book) -> Record:
        new = self.new
        if (known := book.get(Order, "reference", new.reference)) is not None:
            if known["id"] == new.id:  # run again after a lost COMMIT
                return known
            # Another customer's order is not named to a customer.
            may_know = known["customer_id"] == new.customer_id or not _is_by_customer(new)
            which = f"order {known['id']!r}" if may_know else "another order"
            raise Conflict(
                "order_reference_exists",
                f"The reference {new.reference!r} belongs to {which} already.",
            )
        admit_customer(book, new.customer_id, self.newcomers, self.new_id)
        order = book.insert(
            Order,
            id=new.id,
            reference=new.reference,
            customer_id=new.customer_id,
            amount=new.money.amount,
            currency=new.money.currency,
            description=new.description,
            items=new.items,
            status=str(OrderStatus.PENDING),
            paid_from_wallet=0,
            paid_by_gateway=0,
            refunded=0,
            refund_reserved=0,
            wallet_refunded=0,
            created_by=new.created_by,
        )
        if self.pay:
            pay_whole(book, order, self.announcer, self.rules, actor=new.created_by)
        return order


@dataclass(frozen=True, slots=True, kw_only=True)
class PayFromWallet:
    """Pay a pending order from its customer's wallet.

    Raises ``Conflict`` (``order_not_pending``, ``wallet_frozen``) and ``InsufficientFunds``.
    """

    order_id: str
    actor: str
    announcer: Announcer
    rules: WalletRules

    def needs(self, book: Book) -> Iterable[Need]:
        yield Need(Payment, "order_id", self.order_id)
        yield from share_needs(self.order_id, book)
        yield from order_spends_needs(self.rules, self.order_id, book)

    def decide(self, book: Book) -> Record:
        order = require_pending(book, self.order_id)
        release_share(book, order)
        pay_whole(book, order, self.announcer, self.rules, actor=self.actor)
        close_payments(book, order)
        return order


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrderPayment:
    """Write a payment for a pending order, before the gateway hears of it. Moves no money."""

    order_id: str
    payment: NewPayment

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Order, "id", self.order_id)
        yield Need(Payment, "id", self.payment.id)

    def decide(self, book: Book) -> Record:
        if (known := book.get(Payment, "id", self.payment.id)) is not None:
            return known
        require_pending(book, self.order_id)
        return insert_payment(book, self.payment)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Stop an order before it is paid. Money that arrives all the same becomes paid credit."""

    order_id: str
    announcer: Announcer

    def needs(self, book: Book) -> Iterable[Need]:
        yield Need(Payment, "order_id", self.order_id)
        yield from share_needs(self.order_id, book)

    def decide(self, book: Book) -> Record:
        order = book.need(Order, "id", self.order_id)
        if order["status"] == OrderStatus.CANCELLED:
            return order
        order = require_pending(book, self.order_id)
        book.update(order, status=str(OrderStatus.CANCELLED), updated_at=book.now)
        release_share(book, order)
        close_payments(book, order)
        self.announcer.events.record(book, EventType.ORDER_CANCELLED, order)
        return order


def _is_by_customer(new: NewOrder) -> bool:
    return new.created_by.startswith("customer:")


def require_pending(book: Book, order_id: str) -> Record:
    """The order, if it may still be paid or cancelled. Raises ``Conflict``."""
    order = book.need(Order, "id", order_id)
    require_pending_row(order)
    return order


def require_pending_row(order: Row) -> None:
    """Raises ``Conflict`` (``order_not_pending``) for an order that is paid or cancelled."""
    if order["status"] != OrderStatus.PENDING:
        raise Conflict(
            "order_not_pending",
            f"Order {order['id']!r} is {order['status']}: "
            "only a pending order can be paid or cancelled.",
        )


def close_payments(book: Book, order: Record, payments: Iterable[Record] | None = None) -> None:
    """The order wants no other payment: those at gateways are cancelled, and polled on.

    Only ``payments`` are, where they are given.
    """
    if payments is None:
        payments = book.find(Payment, "order_id", order["id"])
    for payment in payments:
        if payment["status"] in {PaymentStatus.CREATED, PaymentStatus.PENDING}:
            book.update(payment, status=str(PaymentStatus.CANCELLED), updated_at=book.now)


def pay_whole(
    book: Book, order: Record, announcer: Announcer, rules: WalletRules, *, actor: str
) -> None:
    """Pay all of an order from its wallet. Raises ``Conflict`` and ``InsufficientFunds``."""
    require_active(book.account(wallet_of(order)))
    require_room_to_spend(book, rules, order, order["amount"])
    book.post(payment_of(order, order["amount"], actor=actor))
    book.update(
        order,
        status=str(OrderStatus.PAID),
        paid_from_wallet=order["amount"],
        paid_at=book.now,
        updated_at=book.now,
    )
    announcer.order_paid(book, order)
