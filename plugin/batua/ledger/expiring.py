"""What is due without anybody touching it: lots that are over, holds whose time is up."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from batua.database import Database
from batua.errors import Conflict
from batua.ledger.accounts import AccountName
from batua.ledger.book import Book
from batua.ledger.engine import Engine
from batua.ledger.lots import account_needs
from batua.ledger.operations import ExpireHold
from batua.ledger.rows import Need
from batua.ledger.tables import Account

__all__ = ["Expiry"]


@dataclass(frozen=True, slots=True)
class _ExpireLots:
    """Touch a wallet: that is all that its due lots wait for."""

    wallet: str

    def needs(self, book: Book) -> Iterable[Need]:
        account = Need(Account, "key", self.wallet)
        yield account
        if book.is_loaded(account):
            yield from account_needs(AccountName.of(book.need(*account)))

    def decide(self, book: Book) -> None:
        book.account(AccountName.of(book.need(Account, "key", self.wallet)))


class Expiry:
    """The worker's look at what is due."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._engine = engine

    async def due_wallets(self, limit: int) -> list[str]:
        """Wallets with a lot that is over and not held."""
        rows = await self._database.fetch(
            "select distinct account_key from batua_lot"
            f" where remaining > 0 and remaining > held and expires_at <= $1 limit {limit}",
            self._engine.now(),
        )
        return [row["account_key"] for row in rows]

    async def expire_lots(self, wallet: str) -> None:
        """Expire what is due of one wallet. Moves it back to the shop."""
        await self._engine.submit(_ExpireLots(wallet))

    async def due_holds(self, limit: int) -> list[str]:
        """Open holds whose time is up."""
        rows = await self._database.fetch(
            "select id from batua_hold where status = 'held' and expires_at <= $1"
            f" order by expires_at limit {limit}",
            self._engine.now(),
        )
        return [row["id"] for row in rows]

    async def expire_hold(self, hold_id: str) -> None:
        """Give one hold back. Moves no money.

        It is decided again under the lock: one that was captured or voided meanwhile stays so.
        """
        with suppress(Conflict):
            await self._engine.submit(ExpireHold(hold_id))
