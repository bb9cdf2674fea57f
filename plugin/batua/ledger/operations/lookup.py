"""Accounts by their number, where a request names a hold or a transfer and no account."""

from __future__ import annotations

from collections.abc import Iterable

from batua.ledger.accounts import AccountName
from batua.ledger.book import Book
from batua.ledger.lots import account_needs
from batua.ledger.rows import Need, NotLoaded
from batua.ledger.tables import Account

__all__ = ["name_of_account", "numbered_account_needs"]


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
