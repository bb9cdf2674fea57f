"""Wallets: what a customer has in one currency, read from the ledger's account."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from batua.database import Database
from batua.ledger import AccountName

__all__ = ["Wallet", "read_wallet", "wallet_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A wallet as its owner sees it. Amounts are minor units; ``available = posted - held``."""

    id: str
    customer: str
    currency: str
    posted: int
    held: int
    status: str

    @property
    def available(self) -> int:
        return self.posted - self.held


def wallet_id(customer: str, currency: str) -> str:
    """The id of a wallet, which exists before the wallet does."""
    digest = hashlib.sha256(f"{customer}\0{currency}".encode()).hexdigest()
    return f"wal_{digest[:26]}"


async def read_wallet(database: Database, customer: str, currency: str) -> Wallet:
    """The wallet as it is now; that of an unknown customer has zeros."""
    account = await database.fetch_one(
        "select posted, held, status from batua_account where key = $1",
        AccountName.wallet(customer, currency).key,
    )
    return Wallet(
        id=wallet_id(customer, currency),
        customer=customer,
        currency=currency,
        posted=account["posted"] if account else 0,
        held=account["held"] if account else 0,
        status=account["status"] if account else "active",
    )
