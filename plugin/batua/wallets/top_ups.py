"""Top-ups: money from outside into a wallet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from batua.clock import NewId
from batua.contract import Money
from batua.ledger import AccountName, Book, Need, Record, account_needs, require_active
from batua.payments import NewPayment, insert_payment
from batua.wallets.customers import Newcomers, admit_customer, customer_need
from batua.wallets.rules import WalletRules
from batua.wallets.tables import TopUp

__all__ = ["WANTS_MONEY", "OpenTopUp", "TopUpStatus"]


class TopUpStatus(StrEnum):
    """Where a top-up stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    SUSPENSE = "suspense"


WANTS_MONEY = frozenset(
    {TopUpStatus.PENDING, TopUpStatus.PROCESSING, TopUpStatus.FAILED, TopUpStatus.EXPIRED,
     TopUpStatus.SUSPENSE}
)  # fmt: skip
"""States in which the first capture completes the top-up, however late it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTopUp:
    """Write a top-up and its payment, before the gateway hears of it. Moves no money."""

    id: str
    customer_id: str
    money: Money
    payment: NewPayment
    return_url: str
    newcomers: Newcomers
    new_id: NewId
    rules: WalletRules

    def needs(self, book: Book) -> Iterable[Need]:
        yield Need(TopUp, "id", self.id)
        yield customer_need(self.customer_id)
        yield from account_needs(self._wallet)
        yield from self.rules.load_needs(self.customer_id, self.money.currency, book)

    def decide(self, book: Book) -> Record:
        if (known := book.get(TopUp, "id", self.id)) is not None:
            return known
        admit_customer(book, self.customer_id, self.newcomers, self.new_id)
        wallet = book.account(self._wallet)
        require_active(wallet)
        self.rules.require_room_for_top_up(book, wallet, self.money)
        top_up = book.insert(
            TopUp,
            id=self.id,
            customer_id=self.customer_id,
            amount=self.money.amount,
            currency=self.money.currency,
            gateway=self.payment.chosen,
            status=str(TopUpStatus.PENDING),
            credited=0,
            refunded=0,
            refund_reserved=0,
            bonus=0,
            bonus_returned=0,
            disputed=0,
            return_url=self.return_url,
            failure="",
            expires_at=book.clock + timedelta(seconds=self.payment.expires_s),
            created_at=book.now,
            updated_at=book.now,
        )
        insert_payment(book, self.payment)
        return top_up

    @property
    def _wallet(self) -> AccountName:
        return AccountName.wallet(self.customer_id, self.money.currency)
