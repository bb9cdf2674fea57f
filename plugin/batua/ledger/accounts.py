"""The accounts of a shop: which kinds there are, and how one is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["SHOP", "AccountKind", "AccountName"]

SHOP = "shop"
"""The owner of the accounts that the shop has once per currency."""


class AccountKind(StrEnum):
    """What an account stands for."""

    WALLET = "wallet"  # what a customer has with us
    GATEWAY = "gateway"  # what a provider has collected for us and not settled: negative
    REVENUE = "revenue"  # what orders have brought in
    SUSPENSE = "suspense"  # genuine money that we can't place yet
    ADJUSTMENT = "adjustment"  # what staff gave or took by hand
    PROMOTION = "promotion"  # what bonuses cost: granted from it, expired and clawed back into it
    DEBT = "debt"  # what a customer owes us: negative, and repaid out of what comes in
    DISPUTE = "dispute"  # taken back for a payer's bank, which has not decided yet
    DISPUTE_LOSS = "dispute_loss"  # what chargebacks of orders have cost us


OVERDRAWABLE = frozenset(
    {
        AccountKind.GATEWAY,
        AccountKind.REVENUE,
        AccountKind.ADJUSTMENT,
        AccountKind.PROMOTION,
        AccountKind.DEBT,
        AccountKind.DISPUTE_LOSS,
    }
)
"""A customer's wallet, suspense and what is in dispute never go below zero; these may."""


@dataclass(frozen=True, init=False, eq=False)
class AccountName:
    """The name of an account. It exists from first use.

    ``key`` is the name as one string, unique in a shop: ``wallet:asha:INR``.
    """

    kind: AccountKind
    owner: str
    currency: str
    key: str

    def __init__(self, kind: AccountKind, owner: str, currency: str) -> None:
        # Several are made for every payment, and each is asked for its key several times.
        self.__dict__.update(
            kind=kind, owner=owner, currency=currency, key=f"{kind}:{owner}:{currency}"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccountName) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def may_overdraw(self) -> bool:
        return self.kind in OVERDRAWABLE

    @classmethod
    def of(cls, account: Mapping[str, Any]) -> AccountName:
        """The name of an account's row."""
        return cls(AccountKind(account["kind"]), account["owner"], account["currency"])

    @classmethod
    def wallet(cls, customer: str, currency: str) -> AccountName:
        """What a customer has with us."""
        return cls(AccountKind.WALLET, customer, currency)

    @classmethod
    def wallet_of(cls, row: Mapping[str, Any]) -> AccountName:
        """The wallet of an order's, a top-up's or a capture's customer, in its currency."""
        return cls.wallet(row["customer_id"], row["currency"])

    @classmethod
    def gateway(cls, code: str, currency: str) -> AccountName:
        """What a provider has collected for us and not settled yet."""
        return cls(AccountKind.GATEWAY, code, currency)

    @classmethod
    def revenue(cls, currency: str) -> AccountName:
        """What orders have brought in."""
        return cls(AccountKind.REVENUE, SHOP, currency)

    @classmethod
    def suspense(cls, code: str, currency: str) -> AccountName:
        """Genuine money from a gateway that waits for staff."""
        return cls(AccountKind.SUSPENSE, code, currency)

    @classmethod
    def adjustment(cls, currency: str) -> AccountName:
        """What staff gave or took by hand."""
        return cls(AccountKind.ADJUSTMENT, SHOP, currency)

    @classmethod
    def promotion(cls, currency: str) -> AccountName:
        """What bonuses cost."""
        return cls(AccountKind.PROMOTION, SHOP, currency)

    @classmethod
    def debt(cls, customer: str, currency: str) -> AccountName:
        """What a customer owes us: never above zero for longer than an operation takes."""
        return cls(AccountKind.DEBT, customer, currency)

    @classmethod
    def dispute(cls, code: str, currency: str) -> AccountName:
        """What was taken back for disputes at a gateway that are not decided."""
        return cls(AccountKind.DISPUTE, code, currency)

    @classmethod
    def dispute_loss(cls, currency: str) -> AccountName:
        """What chargebacks of orders have cost the shop."""
        return cls(AccountKind.DISPUTE_LOSS, SHOP, currency)
