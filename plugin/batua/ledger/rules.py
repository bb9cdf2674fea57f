"""What must be true of every transfer and every hold: pure functions over an account's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batua.contract import AMOUNT_MAX
from batua.errors import Conflict, InsufficientFunds, InvariantViolated

__all__ = [
    "available",
    "check_amount",
    "require_active",
    "require_available",
    "require_same_currency",
]

AccountRow = Mapping[str, Any]


def available(account: AccountRow) -> int:
    """What an account's owner can spend: posted minus held, in minor units."""
    spendable: int = account["posted"] - account["held"]
    return spendable


def check_amount(amount: int) -> None:
    """An amount that moves is a whole number above zero. Raises ``InvariantViolated``."""
    if type(amount) is not int or not 0 < amount <= AMOUNT_MAX:
        raise InvariantViolated(f"an amount must be a whole number above zero, got {amount!r}")


def require_same_currency(debit: AccountRow, credit: AccountRow, currency: str) -> None:
    """Both accounts carry the transfer's currency. Raises ``InvariantViolated``."""
    if not debit["currency"] == credit["currency"] == currency:
        raise InvariantViolated(
            f"a transfer of {currency} between {debit['key']} and {credit['key']}"
        )


def require_available(account: AccountRow, amount: int) -> None:
    """The account has ``amount`` available, or may overdraw. Raises ``InsufficientFunds``."""
    if not account["may_overdraw"] and available(account) < amount:
        raise InsufficientFunds(
            owner=account["owner"],
            amount=amount,
            available=available(account),
            currency=account["currency"],
        )


def require_active(account: AccountRow) -> None:
    """The account is not frozen. Raises ``Conflict``: ``wallet_frozen``.

    For requests only: a genuine capture, refund or clawback is never refused.
    """
    if account["status"] != "active":
        raise Conflict(
            "wallet_frozen",
            f"The wallet of {account['owner']!r} is frozen. Staff can unfreeze it.",
        )
