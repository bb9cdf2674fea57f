"""Accounts by their number, where a request names a hold or a transfer and no account.

So a transfer can be mirrored that somebody else has posted.
"""

from __future__ import annotations

from collections.abc import Iterable

from batua.ledger.accounts import AccountName
from batua.ledger.book import Book
from batua.ledger.lots import account_needs
from batua.ledger.movements import Movement, Part
from batua.ledger.rows import Need, NotLoaded, Record
from batua.ledger.tables import Account

__all__ = ["mirrored", "name_of_account", "numbered_account_needs"]


def numbered_account_needs(book: Book, id: int) -> Iterable[Need]:
    """An account's row by its number, and then all that its name needs."""
    by_id = Need(Account, "id", id)
    yield by_id
    if book.is_loaded(by_id):
        yield from account_needs(name_of_account(book, id))


def name_of_account(book: Book, id: int) -> AccountName:
    """The name of the account with this number. Raises ``NotLoaded``.

    Of what the same group has staged nothing was loaded by number: that is found by looking.
    """
    by_id = Need(Account, "id", id)
    row = book.get(*by_id) if book.is_loaded(by_id) else book.records(Account).get(id)
    if row is None:
        raise NotLoaded(f"batua_account.id = {id}")
    return AccountName.of(row)


def mirrored(
    book: Book,
    transfer: Record,
    *,
    id: str,
    kind: str,
    reason: str,
    actor: str,
    approved_by: str | None = None,
    restores: tuple[Part, ...] = (),
) -> Movement:
    """What undoes ``transfer``: its amount back, of what it was of. Raises ``NotLoaded``."""
    return Movement(
        id=id,
        kind=kind,
        debit=name_of_account(book, transfer["credit_account"]),
        credit=name_of_account(book, transfer["debit_account"]),
        amount=transfer["amount"],
        reason=reason,
        actor=actor,
        approved_by=approved_by,
        order_id=transfer["order_id"],
        top_up_id=transfer["top_up_id"],
        payment_id=transfer["payment_id"],
        refund_id=transfer["refund_id"],
        reverses=transfer["seq"],
        restores=restores,
    )
