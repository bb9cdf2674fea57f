"""Paying partly from the wallet and partly by a gateway: the wallet's share is held meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from batua.contract import Money
from batua.ledger import Book, Need, Record, available, require_active
from batua.orders.orders import OrderStatus, close_payments, pay_whole, require_pending_row
from batua.orders.shares import open_share, payment_of, release_share, share_needs, wallet_of
from batua.orders.spending import order_spends_needs, require_room_to_spend
from batua.orders.tables import Order
from batua.outbox import Announcer
from batua.payments import NewPayment, Payment, insert_payment, require_minimum
from batua.wallets import WalletRules

__all__ = ["GRACE", "OpenSplit", "capture_share", "has_share"]

GRACE = timedelta(minutes=15)
"""How long a share is held after its payment's time is up: a capture may be on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSplit:
    """Hold the wallet's share and write a payment of the rest, before the gateway hears of it.

    Pays at once when the wallet has it all. ``payment`` is of the whole amount, and ``minimum`` is
    what the gateway takes at least. An earlier split of the order ends here. Run again after a
    lost COMMIT it finds what it did: its payment, or that the wallet has paid.

    Raises ``Conflict`` (``order_not_pending``, ``wallet_frozen``) and ``InvalidRequest``
    (``amount_below_minimum``).
    """

    order_id: str
    payment: NewPayment
    minimum: int
    actor: str
    announcer: Announcer
    rules: WalletRules

    def needs(self, book: Book) -> Iterable[Need]:
        yield Need(Payment, "order_id", self.order_id)
        yield from share_needs(self.order_id, book)
        yield from order_spends_needs(self.rules, self.order_id, book)

    def decide(self, book: Book) -> Record:
        order = book.need(Order, "id", self.order_id)
        if self._is_done(book, order):
            return order
        require_pending_row(order)
        release_share(book, order)
        wallet = book.account(wallet_of(order))
        require_active(wallet)
        if available(wallet) >= order["amount"]:
            pay_whole(book, order, self.announcer, self.rules, actor=self.actor)
            close_payments(book, order)
            return order
        require_minimum(self.payment.chosen, self.payment.money, self.minimum)
        _close_splits(book, order)
        share = min(available(wallet), order["amount"] - self.minimum)
        rest = Money(order["amount"] - share, order["currency"])
        payment = insert_payment(book, replace(self.payment, money=rest))
        if share:
            require_room_to_spend(book, self.rules, order, share)
            book.hold(
                f"{payment['id']}.share",
                wallet_of(order),
                share,
                order_id=order["id"],
                payment_id=payment["id"],
                expires_at=payment["expires_at"] + GRACE,
            )
        return order

    def _is_done(self, book: Book, order: Record) -> bool:
        payments = book.find(Payment, "order_id", self.order_id)
        by_wallet = order["status"] == OrderStatus.PAID and not order["paid_by_gateway"]
        return by_wallet or any(row["id"] == self.payment.id for row in payments)


def _close_splits(book: Book, order: Record) -> None:
    """Payments of earlier splits ask for another rest: one that is paid all the same is kept."""
    payments = book.find(Payment, "order_id", order["id"])
    close_payments(book, order, [row for row in payments if row["amount"] < order["amount"]])


def has_share(book: Book, order: Record, payment: Record) -> bool:
    """Whether the wallet can give what ``payment`` leaves of the order, held or not.

    A hold that is another payment's makes room for it. A frozen wallet gives its share too: the
    money has come, and a genuine capture is never refused.
    """
    share: int = order["amount"] - payment["amount"]
    hold = open_share(book, order)
    if not share or (hold is not None and hold["payment_id"] == payment["id"]):
        return True
    wallet = book.account(wallet_of(order))
    held = 0 if hold is None else hold["amount"]
    if available(wallet) + held < share:
        return False
    release_share(book, order)
    # What came back to a lot that is due has expired by now.
    return available(book.account(wallet_of(order))) >= share


def capture_share(book: Book, order: Record, capture: Record) -> int:
    """Pay what the capture leaves of the order from the wallet, and give back any other hold.

    ``has_share`` has said before that the wallet can. Returns the share.
    """
    share: int = order["amount"] - capture["amount"]
    hold = open_share(book, order)
    if not share:
        release_share(book, order)
        return 0
    movement = payment_of(order, share, actor=f"gateway:{capture['gateway']}")
    if hold is None:
        book.post(movement)
    else:
        book.capture_hold(hold, movement)
    return share
