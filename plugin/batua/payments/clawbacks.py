"""What a provider has taken back: out of whose pocket it comes, and how it goes back there. Pure.

It is a fact, so nothing of it is ever refused: what a wallet has not is its customer's debt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batua.ledger import (
    AccountKind,
    AccountName,
    Book,
    Movement,
    Need,
    Part,
    Record,
    account_needs,
    available,
)
from batua.ledger.lots import lot_entry_needs, moved, paid_first
from batua.ledger.operations.lookup import mirrored, name_of_account
from batua.ledger.tables import Account, Transfer

__all__ = ["Clawback", "Clawed", "clawback_needs", "undo_clawback"]

PARTS = (
    "lost", "debt", "bonus_debt", "revenue", "loss", "suspense", "wallet", "bonus_wallet", "bonus",
)  # fmt: skip
"""The transfers of one clawback: each has the clawback's id before its part.

They are undone in this order: what the provider gave back comes first, and a debt is forgiven
before the wallet gets anything that could repay it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clawed:
    """What a clawback took besides its amount: of the top-up's bonus, and of refunds to the wallet.

    Minor units. ``refunds`` is a part of the amount, ``bonus`` comes on top of it.
    """

    bonus: int = 0
    refunds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clawback:
    """Takes ``amount`` of a capture back into ``into``: the gateway's account, or the dispute's.

    ``id`` is the refund's or the dispute's, and ``kind`` a word for its transfers.
    """

    id: str
    kind: str
    capture: Record
    into: AccountName
    amount: int
    reason: str
    actor: str
    occurred_at: datetime | None = None
    refund_id: str | None = None

    @property
    def is_dispute(self) -> bool:
        return self.into.kind is AccountKind.DISPUTE

    @property
    def wallet(self) -> AccountName:
        """The wallet of whoever paid."""
        return AccountName.wallet_of(self.capture)

    def from_wallet(
        self, book: Book, amount: int, *, into: AccountName | None = None, before: str = ""
    ) -> None:
        """Take ``amount`` from the wallet, bonuses last; what it has not becomes debt."""
        wallet = book.account(self.wallet)
        have = min(amount, max(0, available(wallet)))
        if have:
            takes = paid_first(wallet, book.lots(self.wallet), have)
            self.post(book, f"{before}wallet", self.wallet, have, into=into, takes=takes)
        if have < amount:
            debt = AccountName.debt(self.wallet.owner, self.wallet.currency)
            self.post(book, f"{before}debt", debt, amount - have, into=into)

    def post(
        self,
        book: Book,
        part: str,
        debit: AccountName,
        amount: int,
        *,
        into: AccountName | None = None,
        takes: tuple[Part, ...] | None = None,
    ) -> None:
        """Post one part of it."""
        book.post(
            Movement(
                id=f"{self.id}.{part}",
                kind=f"{self.kind}_{part}",
                debit=debit,
                credit=into or self.into,
                amount=amount,
                reason=self.reason,
                actor=self.actor,
                occurred_at=self.occurred_at,
                order_id=self.capture["order_id"],
                top_up_id=self.capture["top_up_id"],
                payment_id=self.capture["payment_id"],
                refund_id=self.refund_id,
                takes=takes,
            )
        )


def clawback_needs(book: Book, id: str | None, capture: Mapping[str, Any]) -> Iterable[Need]:
    """All that taking back reads and writes; with the ``id`` of a clawback also its undoing."""
    currency, gateway = capture["currency"], capture["gateway"]
    yield from account_needs(AccountName.wallet_of(capture))
    for name in (
        AccountName.gateway(gateway, currency),
        AccountName.suspense(gateway, currency),
        AccountName.dispute(gateway, currency),
        AccountName.dispute_loss(currency),
        AccountName.revenue(currency),
    ):
        yield Need(Account, "key", name.key)
    for part in PARTS if id is not None else ():
        yield Need(Transfer, "id", f"{id}.{part}")
        yield from lot_entry_needs(book, f"{id}.{part}")


def undo_clawback(book: Book, id: str, *, reason: str, actor: str) -> None:
    """Put everything back where it was taken from: the debt, the wallet, each of its lots.

    What the customer has repaid of the debt meanwhile goes to the wallet.
    """
    for part in PARTS:
        transfer = book.get(Transfer, "id", f"{id}.{part}")
        if transfer is not None:
            book.post(
                mirrored(
                    book,
                    transfer,
                    id=f"{transfer['id']}.reversal",
                    kind=f"reversal_of_{transfer['kind']}",
                    reason=reason,
                    actor=actor,
                    restores=moved(book, transfer["id"]),
                )
            )
    for part in ("debt", "bonus_debt"):
        transfer = book.get(Transfer, "id", f"{id}.{part}")
        if transfer is not None:
            _return_what_was_repaid(book, transfer, actor=actor)


def _return_what_was_repaid(book: Book, transfer: Record, *, actor: str) -> None:
    debt = name_of_account(book, transfer["debit_account"])
    repaid = book.account(debt)["posted"]
    if repaid > 0:
        book.post(
            Movement(
                id=f"{transfer['id']}.returned",
                kind="debt_returned",
                debit=debt,
                credit=AccountName.wallet(debt.owner, debt.currency),
                amount=repaid,
                reason="debt_forgiven",
                actor=actor,
            )
        )
