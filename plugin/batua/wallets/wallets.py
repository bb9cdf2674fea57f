"""Wallets: what a customer has in one currency, read from the ledger's account."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batua.database import Database, Row
from batua.ledger import AccountName

__all__ = ["LotShare", "Wallet", "read_lots", "read_wallet", "wallet_id", "wallet_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A wallet as its owner sees it. Amounts are minor units; ``available = posted - held``."""

    id: str
    customer: str
    currency: str
    posted: int
    held: int
    status: Literal["active", "frozen"]

    @property
    def available(self) -> int:
        return self.posted - self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class LotShare:
    """One lot of a wallet, or all of its paid credit. Of ``amount``, ``held`` is set aside."""

    kind: Literal["paid", "bonus", "refund"]
    amount: int
    remaining: int
    held: int
    expires_at: datetime | None


def wallet_id(customer: str, currency: str) -> str:
    """The id of a wallet, which exists before the wallet does."""
    digest = hashlib.sha256(f"{customer}\0{currency}".encode()).hexdigest()
    return f"wal_{digest[:26]}"


async def read_wallet(database: Database, customer: str, currency: str) -> Wallet:
    """The wallet as it is now; that of an unknown customer has zeros."""
    name = AccountName.wallet(customer, currency)
    account = await database.fetch_one(
        "select posted, held, status from batua_account where key = $1", name.key
    )
    return wallet_of(name, account)


def wallet_of(name: AccountName, account: Row | None) -> Wallet:
    """The wallet whose account is ``account``, or is not there yet."""
    return Wallet(
        id=wallet_id(name.owner, name.currency),
        customer=name.owner,
        currency=name.currency,
        posted=account["posted"] if account else 0,
        held=account["held"] if account else 0,
        status=account["status"] if account else "active",
    )


async def read_lots(database: Database, wallet: Wallet) -> Sequence[LotShare]:
    """What a wallet is made of: what is spent first stands first, paid credit last."""
    rows = await database.fetch(
        "select kind, amount, remaining, held, expires_at from batua_lot"
        " where account_key = $1 and remaining > 0"
        " order by case when expires_at is null then 1 else 0 end, expires_at, kind,"
        " created_at, id",
        AccountName.wallet(wallet.customer, wallet.currency).key,
    )
    lots = [LotShare(**row) for row in rows]
    paid = wallet.posted - sum(lot.remaining for lot in lots)
    held = wallet.held - sum(lot.held for lot in lots)
    return [*lots, LotShare(kind="paid", amount=paid, remaining=paid, held=held, expires_at=None)]
