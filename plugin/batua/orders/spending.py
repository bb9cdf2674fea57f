"""What a wallet may spend, by its rules: asked before it pays or holds a share of an order."""

from __future__ import annotations

from collections.abc import Iterable

from batua.ledger import Book, Need, Record
from batua.orders.shares import wallet_of
from batua.orders.tables import Order
from batua.wallets import WalletRules

__all__ = ["order_spends_needs", "require_room_to_spend", "spends_needs"]


def spends_needs(rules: WalletRules, customer_id: str, currency: str, book: Book) -> Iterable[Need]:
    """What the customer has paid lately; nothing where no rule asks."""
    since = rules.spends_since(currency, book)
    if since:
        yield Need(Order, "customer_id", customer_id, f"paid_at >= '{since}'")


def order_spends_needs(rules: WalletRules, order_id: str, book: Book) -> Iterable[Need]:
    """The same for an order that is loaded first."""
    order = Need(Order, "id", order_id)
    if rules.may_limit_spending and book.is_loaded(order):
        row = book.need(*order)
        yield from spends_needs(rules, row["customer_id"], row["currency"], book)


def require_room_to_spend(book: Book, rules: WalletRules, order: Record, amount: int) -> None:
    """Raises ``Conflict``: ``exceeds_daily_spend`` or ``too_many_payments``."""
    for need in spends_needs(rules, order["customer_id"], order["currency"], book):
        wallet = book.account(wallet_of(order))
        rules.require_room_to_spend(book, wallet, _paid(book, need), amount)


def _paid(book: Book, need: Need) -> Iterable[Record]:
    """What was paid before, and what others of the group have just paid: those were loaded as
    pending, by their ids."""
    paid = {row["id"]: row for row in book.find(*need)}
    for row in book.updated.values():
        if row.table is Order and row["customer_id"] == need.value and row["paid_at"] is not None:
            paid[row["id"]] = row
    return paid.values()
