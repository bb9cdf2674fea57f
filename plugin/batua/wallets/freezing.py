"""Staff freeze a wallet, and unfreeze it: from then on that is theirs, and no dispute's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batua.clock import NewId
from batua.contract import is_currency
from batua.errors import InvalidRequest, NotFound
from batua.events import Recorder
from batua.ledger import AccountName, Book, Need, Record, account_needs
from batua.payments import Dispute, freeze, unfreeze
from batua.wallets.customers import customer_need

__all__ = ["FreezeWallet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWallet:
    """Freeze a customer's wallet in one currency; with ``freezes`` False unfreeze it.

    A dispute that froze it too has no say in it any more: one that is won leaves the wallet as
    staff have set it. Moves no money. Raises ``NotFound`` for a customer whom nobody knows, and
    ``InvalidRequest`` (``unknown_currency``).
    """

    customer_id: str
    currency: str
    freezes: bool
    new_id: NewId

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield customer_need(self.customer_id)
        yield from account_needs(self._wallet)
        yield Need(Dispute, "customer_id", self.customer_id)

    def decide(self, book: Book) -> Record:
        if not is_currency(self.currency):
            raise InvalidRequest(
                f"{self.currency!r} is no currency in use.",
                pointer="/currency",
                code="unknown_currency",
            )
        if book.get(*customer_need(self.customer_id)) is None:
            raise NotFound("customer", self.customer_id)
        for dispute in book.find(Dispute, "customer_id", self.customer_id):
            if dispute["froze"] and dispute["currency"] == self.currency:
                book.update(dispute, froze=False, updated_at=book.now)
        (freeze if self.freezes else unfreeze)(book, self._wallet, Recorder(self.new_id))
        return book.account(self._wallet)

    @property
    def _wallet(self) -> AccountName:
        return AccountName.wallet(self.customer_id, self.currency)
