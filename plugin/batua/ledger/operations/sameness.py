"""When an id that was used before is the same request again, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batua.errors import Conflict
from batua.ledger.accounts import AccountName
from batua.ledger.book import Book
from batua.ledger.movements import Movement
from batua.ledger.rows import Record
from batua.ledger.tables import Account

__all__ = ["different_kind", "require_same_hold", "require_same_transfer"]

DETAILS = (
    "order_id", "top_up_id", "payment_id", "refund_id", "reverses", "reason", "actor",
    "approved_by",
)  # fmt: skip


def require_same_transfer(book: Book, known: Record, movement: Movement) -> None:
    """``known`` is what ``movement`` asks for. Raises ``Conflict``: ``exists_with_different_…``."""
    if known["kind"] != movement.kind:
        raise different_kind(movement.id, f"a transfer of kind {known['kind']!r}")
    asked: dict[str, str | int | datetime | None] = {
        name: getattr(movement, name) for name in DETAILS
    }
    if movement.occurred_at is not None:
        asked["occurred_at"] = movement.occurred_at
    accounts = {"debit_account": movement.debit, "credit_account": movement.credit}
    _require_same(book, known, accounts, movement.amount, asked)


def require_same_hold(
    book: Book,
    known: Record,
    account: AccountName,
    amount: int,
    details: Mapping[str, str | datetime | None],
) -> None:
    """``known`` is the hold that is asked for. Raises ``Conflict``: ``exists_with_different_…``."""
    _require_same(book, known, {"account_id": account}, amount, details)


def different_kind(id: str, what: str) -> Conflict:
    """The id names something else."""
    return Conflict("exists_with_different_kind", f"{id!r} is the id of {what}. {_ADVICE}")


_ADVICE = "Make a new id for a new request."


def _require_same(
    book: Book,
    known: Record,
    accounts: Mapping[str, AccountName],
    amount: int,
    details: Mapping[str, str | int | datetime | None],
) -> None:
    used = repr(known["id"])
    for column, name in accounts.items():
        # Not book.account(): whoever only asks opens none.
        account = book.get(Account, "key", name.key)
        if account is None or account["id"] != known[column]:
            message = f"{used} was used for another account than {name.key!r}. {_ADVICE}"
            raise Conflict("exists_with_different_accounts", message)
    if known["amount"] != amount:
        message = f"{used} was used for an amount of {known['amount']}, not {amount}. {_ADVICE}"
        raise Conflict("exists_with_different_amount", message)
    if differing := [name for name, value in details.items() if known[name] != value]:
        message = f"{used} was used with another {' and '.join(differing)}. {_ADVICE}"
        raise Conflict("exists_with_different_details", message)
