"""The wallet's share of an order: what it is held in, given back from, and paid with."""

from __future__ import annotations

from collections.abc import Iterable

from batua.ledger import AccountName, Book, Movement, Need, Part, Record, account_needs
from batua.ledger.tables import Hold, HoldLot, Lot, LotEntry
from batua.orders.tables import Order

__all__ = [
    "open_share",
    "order_accounts",
    "payment_of",
    "release_share",
    "share_needs",
    "spending_needs",
    "spent_lots",
    "wallet_of",
]


def wallet_of(order: Record) -> AccountName:
    """The wallet of the order's customer, in the order's currency."""
    return AccountName.wallet_of(order)


def order_accounts(order: Record) -> Iterable[Need]:
    """The two accounts that every order touches."""
    yield from account_needs(wallet_of(order))
    yield from account_needs(AccountName.revenue(order["currency"]))


def share_needs(order_id: str, book: Book) -> Iterable[Need]:
    """The order with its accounts, and what is held for it."""
    order, holds = Need(Order, "id", order_id), Need(Hold, "order_id", order_id)
    yield order
    yield holds
    if book.is_loaded(order):
        yield from order_accounts(book.need(*order))
    if book.is_loaded(holds):
        for hold in book.find(*holds):
            yield Need(HoldLot, "hold_id", hold["id"])


def open_share(book: Book, order: Record) -> Record | None:
    """The hold of the order's newest split, if it is open."""
    holds = book.find(Hold, "order_id", order["id"])
    return next((hold for hold in holds if hold["status"] == "held"), None)


def release_share(book: Book, order: Record, *, status: str = "voided") -> None:
    """Give back what is held for the order, if anything is."""
    hold = open_share(book, order)
    if hold is not None:
        book.void_hold(hold, wallet_of(order), status=status)


def payment_of(order: Record, amount: int, *, actor: str) -> Movement:
    """The transfer of the wallet's share. An order has one: its id says so."""
    return Movement(
        id=_payment_id(order),
        kind="order_payment",
        debit=wallet_of(order),
        credit=AccountName.revenue(order["currency"]),
        amount=amount,
        reason="order",
        actor=actor,
        order_id=order["id"],
    )


def spending_needs(order: Record, book: Book) -> Iterable[Need]:
    """Which lots the wallet's share of a paid order came out of."""
    if not order["paid_from_wallet"]:
        return
    entries = Need(LotEntry, "transfer_id", _payment_id(order))
    yield entries
    if book.is_loaded(entries):
        for entry in book.find(*entries):
            yield Need(Lot, "id", entry["lot_id"])


def spent_lots(book: Book, order: Record) -> list[Part]:
    """What the wallet's share took of lots. The rest of it was paid credit."""
    entries = book.find(LotEntry, "transfer_id", _payment_id(order))
    return [Part(book.need(Lot, "id", entry["lot_id"]), -entry["amount"]) for entry in entries]


def _payment_id(order: Record) -> str:
    return f"{order['id']}.payment"
