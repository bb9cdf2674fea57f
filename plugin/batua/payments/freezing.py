"""Freeze a wallet and thaw it: a dispute does, and so do staff."""

from __future__ import annotations

from batua.events import EventType, Recorder
from batua.ledger import AccountName, Book

__all__ = ["freeze", "unfreeze"]


def freeze(book: Book, wallet: AccountName, recorder: Recorder) -> None:
    """From now on it pays nothing. What genuinely comes in or is taken back still does."""
    _set(book, wallet, "frozen", EventType.WALLET_FROZEN, recorder)


def unfreeze(book: Book, wallet: AccountName, recorder: Recorder) -> None:
    """It may pay again."""
    _set(book, wallet, "active", EventType.WALLET_UNFROZEN, recorder)


def _set(book: Book, wallet: AccountName, status: str, told: EventType, recorder: Recorder) -> None:
    account = book.account(wallet)
    if account["status"] == status:
        return
    book.update(account, status=status)
    fact = {"customer_id": wallet.owner, "currency": wallet.currency, "status": status}
    recorder.record(book, told, fact)
