"""I6, I8, I13, I20 and I22 of one transfer: between whom it is, and by what right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batua.ledger.proof.walk.accounts import Account
from batua.ledger.proof.walk.transfers import Transfer

__all__ = ["Parties"]

Add = Callable[[str, int, str], None]

CREDITS_FROM = {
    "adjustment_credit": ("adjustment", "promotion"),
    "top_up_bonus": ("promotion",),
    "debt_returned": ("debt",),
}
"""The kinds of the debit account for a kind of transfer that may credit a wallet."""

UNKNOWN = Account(id=0, key="(no such account)", kind="", owner="", currency="")


class Parties:
    """Checks who a transfer is between. ``add`` takes an invariant, a transfer and a sentence."""

    def __init__(self, accounts: dict[int, Account], add: Add) -> None:
        self._accounts = accounts
        self._add = add

    def check(self, row: Transfer) -> None:
        """All that one transfer and its two accounts can tell."""
        debit = self._party(row, row.debit_account, "debit_account")
        credit = self._party(row, row.credit_account, "credit_account")
        if credit.kind == "wallet" and not _may_credit_wallet(row, debit):
            self._add(
                "I8",
                row.seq,
                f"Transfer {row.seq} of kind {row.kind} credits {credit.key} from "
                f"{debit.key}: expected a capture, a refund with its id, an adjustment with its "
                "actor, a bonus with its top-up, a release from suspense, a debt that was paid "
                "back, a reversal or another wallet.",
            )
        kind = str(row.kind)
        if row.reverses is None and kind.startswith("reversal"):
            message = f"Transfer {row.seq} of kind {row.kind} reverses no transfer."
            self._add("I13", row.seq, message)
        if kind.startswith("adjustment_"):
            self._check_adjustment(row)

    def _party(self, row: Transfer, stored: Any, side: str) -> Account:
        account = self._accounts.get(stored)
        if account is None:
            self._add("I22", row.seq, f"Transfer {row.seq} has {side} {stored!r}, which is none.")
            return UNKNOWN
        if account.currency != row.currency:
            self._add(
                "I6",
                row.seq,
                f"Transfer {row.seq} is in {row.currency}, but its {side} {account.key} is in "
                f"{account.currency}.",
            )
        return account

    def _check_adjustment(self, row: Transfer) -> None:
        for column in ("actor", "reason"):
            if _is_empty(getattr(row, column)):
                message = f"Transfer {row.seq} of kind {row.kind} has no {column}."
                self._add("I20", row.seq, message)
        if row.approved_by is not None and row.approved_by == row.actor:
            message = f"Transfer {row.seq} was made and approved by the same {row.actor}."
            self._add("I20", row.seq, message)


def _may_credit_wallet(row: Transfer, debit: Account) -> bool:
    if debit.kind in {"gateway", "wallet"} or row.kind == "suspense_release":
        # I7 proves that a debit of a gateway is a capture's, or I13 a reversal; I8 in
        # checks.suspense proves out of what, and for whom, a release is.
        return True
    if str(row.kind).startswith("reversal"):
        return row.reverses is not None
    if row.kind == "refund_to_wallet":
        return row.refund_id is not None  # I8 in checks.refunds proves that it exists.
    if debit.kind not in CREDITS_FROM.get(row.kind, ()):
        return False
    if row.kind == "top_up_bonus":
        return row.top_up_id is not None  # I22 proves that it exists.
    return not _is_empty(row.actor)


def _is_empty(value: Any) -> bool:
    return value is None or not str(value).strip()
