"""The wallet's share of an order that is split: held while the gateway collects the rest. Pure.

A share is a hold with the order's id and the id of the payment that it waits for.  How much the
wallet owes follows from the two amounts, so that it is known when the hold itself is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from batua.ledger import AccountName, Book, Movement, Need, Record, available
from batua.ledger.tables import Hold

__all__ = [
    "can_take_share",
    "hold_share",
    "open_shares",
    "release_shares",
    "share_needs",
    "share_of",
    "take_share",
]

GRACE = timedelta(minutes=15)
"""How long a share outlives its payment: a webhook may come late, and the poller too."""

_HELD = "status = 'held'"


def share_needs(order_id: str) -> Iterable[Need]:
    """What every function here reads, beside the wallet's account."""
    yield Need(Hold, "order_id", order_id, _HELD)


def open_shares(book: Book, order_id: str) -> list[Record]:
    """The holds that wait for a payment of this order. There is one at most, by ``OpenSplit``."""
    held = book.find(Hold, "order_id", order_id, _HELD)
    return [hold for hold in held if hold["status"] == "held" and hold["payment_id"] is not None]


def hold_share(book: Book, wallet: AccountName, payment: Record, amount: int) -> Record:
    """Set the wallet's share aside until its payment is captured, released or too old."""
    return book.hold(
        f"{payment['id']}.share",
        wallet,
        amount,
        order_id=payment["order_id"],
        payment_id=payment["id"],
        expires_at=payment["expires_at"] + GRACE,
    )


def release_shares(
    book: Book, order_id: str, wallet: AccountName, *, payment_id: str | None = None
) -> None:
    """Give the order's shares back to the wallet; only that of ``payment_id`` where it is given."""
    for hold in open_shares(book, order_id):
        if payment_id in {None, hold["payment_id"]}:
            book.void_hold(hold, wallet)


def share_of(order: Record, payment: Record) -> int:
    """What the wallet owes beside this payment, in minor units; 0 unless the order is split."""
    share: int = order["amount"] - payment["amount"]
    return share


def can_take_share(book: Book, order: Record, wallet: AccountName, share: int) -> bool:
    """Whether the wallet can pay the share: what any split of this order holds counts for it."""
    held: int = sum(hold["amount"] for hold in open_shares(book, order["id"]))
    return available(book.account(wallet)) + held >= share


def take_share(book: Book, order: Record, payment: Record, movement: Movement) -> None:
    """Post the share out of its own hold, or anew where that is gone, and release all others."""
    own = None
    for hold in open_shares(book, order["id"]):
        if hold["payment_id"] == payment["id"]:
            own = hold
        else:
            book.void_hold(hold, movement.debit)
    if own is None:
        book.post(movement)
    else:
        book.capture_hold(own, movement)
