"""What a request to the ledger must be to be right on some ledger, and on this one.

The book raises ``InvariantViolated`` for most of what these refuse with a sentence: a room of ours
that asks for nonsense is a bug, a caller from outside who does is refused.
"""

from __future__ import annotations

from batua.contract import AMOUNT_MAX
from batua.errors import Conflict, InvalidRequest
from batua.ledger.accounts import AccountKind, AccountName
from batua.ledger.book import Book
from batua.ledger.movements import Movement
from batua.ledger.rules import require_active

__all__ = ["require_active_accounts", "require_amount", "require_room", "require_sound"]


def require_sound(movement: Movement) -> None:
    """A movement that could be right on some ledger. Raises ``InvalidRequest``."""
    require_amount(movement.amount)
    debit, credit = movement.debit, movement.credit
    if debit.currency != credit.currency:
        raise InvalidRequest(
            f"A transfer has one currency: those of {debit.key!r} and {credit.key!r} differ.",
            pointer="/credit",
            code="currency_mismatch",
        )
    if debit == credit:
        raise InvalidRequest(
            f"A transfer goes from one account to another, not from {debit.key!r} to itself.",
            pointer="/credit",
            code="accounts_must_differ",
        )
    if movement.opens is not None and credit.kind is not AccountKind.WALLET:
        raise InvalidRequest(
            f"Only a wallet has lots: {credit.key!r} is none.",
            pointer="/credit",
            code="lots_need_a_wallet",
        )


def require_amount(amount: int) -> None:
    """A whole number of minor units within bounds. Raises ``InvalidRequest``."""
    if type(amount) is not int or amount < 1:
        raise InvalidRequest(
            f"An amount is a whole number of minor units above zero, not {amount!r}.",
            pointer="/amount",
            code="amount_must_be_positive",
        )
    if amount > AMOUNT_MAX:
        raise InvalidRequest(
            f"An amount is at most {AMOUNT_MAX}, not {amount}.",
            pointer="/amount",
            code="amount_too_large",
        )


def require_active_accounts(book: Book, *names: AccountName) -> None:
    """None is frozen. Raises ``Conflict``: ``wallet_frozen``."""
    for name in names:
        require_active(book.account(name))


def require_room(*balances: int) -> None:
    """What balances would become is within what a balance can be. Raises ``Conflict``.

    The database checks it too, but what it refuses is a mistake of ours and no answer.
    """
    for balance in balances:
        if abs(balance) > AMOUNT_MAX:
            raise Conflict(
                "exceeds_balance_limit",
                f"No balance goes beyond {AMOUNT_MAX}, and this one would come to {balance}.",
            )
