"""Erase a customer: who it was goes, what happened to the money stays.

First one operation of the ledger decides under its lock whether nothing is left to do with them,
and takes the profile away.  Then their texts go, table by table, in operations of a bounded size.
Whoever is killed in between leaves a customer that is erased and not yet redacted: the worker goes
on, and so does the same command.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from piccolo.table import Table

from batua.clock import Clock, NewId
from batua.database import Database, Row
from batua.errors import Conflict, NotFound
from batua.identity import Identity
from batua.ledger import Book, Engine, Need, Record
from batua.ledger.tables import Account
from batua.payments import Dispute, Payment, Refund
from batua.privacy.answers import KEPT_DAYS, StoredAnswers
from batua.privacy.belongings import BELONGINGS, Belonging
from batua.privacy.tables import Erasure
from batua.privacy.webhooks import CLOCKS_DIFFER, StoredWebhooks
from batua.wallets import Adjustment, Consent, Customer

__all__ = ["EraseCustomer", "Eraser"]

LATE_DAYS = 2
"""How far back the worker looks for what was written of somebody who is erased."""

log = logging.getLogger(__name__)


def _open_payments(customer_id: str) -> Need:
    unpaid = "status in ('created', 'pending', 'authorized')"
    return Need(Payment, "customer_id", customer_id, unpaid)


def _open_refunds(customer_id: str) -> Need:
    undecided = "status in ('awaiting_approval', 'pending', 'unknown')"
    return Need(Refund, "customer_id", customer_id, undecided)


def _open_disputes(customer_id: str) -> Need:
    return Need(Dispute, "customer_id", customer_id, "status = 'open'")


def _open_adjustments(customer_id: str) -> Need:
    return Need(Adjustment, "customer_id", customer_id, "status = 'awaiting_approval'")


OPEN = (
    (_open_payments, "payment_open",
     "The payment {id!r} is under way. Wait until it is paid or has expired"),
    (_open_refunds, "refund_open",
     "The refund {id!r} is not decided. Approve or reject it, or wait for the provider"),
    (_open_disputes, "dispute_open",
     "The dispute {id!r} is open. Wait until it is won or lost"),
    (_open_adjustments, "adjustment_open",
     "The adjustment {id!r} is not decided. Approve or reject it"),
)  # fmt: skip
"""What there must be none of, code and sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseCustomer:
    """Take the profile away, revoke the consents and write down who wanted it and why.

    Moves no money. ``even_with_balance`` says that what the wallet has, or owes, may stay behind.
    Raises ``NotFound``, and ``Conflict`` while there is money or business left. A customer who is
    erased stays as they are.
    """

    customer_id: str
    reason: str
    erased_by: str
    even_with_balance: bool
    new_id: NewId

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Customer, "id", self.customer_id)
        yield self._consents
        yield self._accounts
        for needed, _, _ in OPEN:
            yield needed(self.customer_id)

    @property
    def _consents(self) -> Need:
        return Need(Consent, "customer_id", self.customer_id, "revoked_at is null")

    @property
    def _accounts(self) -> Need:
        return Need(Account, "owner", self.customer_id)

    def decide(self, book: Book) -> Record:
        customer = book.get(Customer, "id", self.customer_id)
        if customer is None:
            raise NotFound("customer", self.customer_id)
        if customer["erased_at"] is not None:
            return customer
        self._require_no_business(book)
        self._require_no_money(book)
        for consent in book.find(*self._consents):
            if consent["revoked_at"] is None:
                book.update(consent, address="", revoked_at=book.now, revoked_reason="erased")
        book.update(
            customer, name="", phone="", language="en", erased_at=book.now, updated_at=book.now
        )
        book.insert(
            Erasure,
            id=self.new_id("ers"),
            customer_id=self.customer_id,
            reason=self.reason,
            erased_by=self.erased_by,
        )
        return customer

    def _require_no_business(self, book: Book) -> None:
        for needed, code, sentence in OPEN:
            for row in book.find(*needed(self.customer_id)):
                said = sentence.format(id=row["id"])
                raise Conflict(code, f"{said}, then erase {self.customer_id!r} again.")

    def _require_no_money(self, book: Book) -> None:
        for account in book.find(*self._accounts):
            if account["kind"] not in {"wallet", "debt"}:
                continue
            if account["held"]:
                raise Conflict(
                    "balance_remains",
                    f"{account['held']} {account['currency']} (minor units) of "
                    f"{self.customer_id!r} are held. Cancel or finish what holds them.",
                )
            if account["posted"] and not self.even_with_balance:
                raise Conflict(
                    "balance_remains",
                    f"{account['key']} has {account['posted']} (minor units). Refund or adjust it "
                    "to zero, or say --even-with-balance to leave it on the books.",
                )


@dataclass(frozen=True, slots=True)
class _Change:
    """Change rows of one table by their ids, as ``redacted`` says. Moves no money."""

    table: type[Table]
    ids: tuple[str, ...]
    redacted: Callable[[Mapping[str, Any]], Mapping[str, Any]]

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        return (Need(self.table, "id", row_id) for row_id in self.ids)

    def decide(self, book: Book) -> None:
        for row_id in self.ids:
            row = book.need(self.table, "id", row_id)
            if changes := self.redacted(row):
                book.update(row, **changes)


class Eraser:
    """Erases on request, and goes on where somebody was stopped."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        identity: Identity,
        answers: StoredAnswers,
        webhooks: StoredWebhooks,
        *,
        now: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._engine = engine
        self._identity = identity
        self._answers = answers
        self._webhooks = webhooks
        self._now = now
        self._new_id = new_id

    async def erase(
        self, customer_id: str, *, reason: str, by: str, even_with_balance: bool = False
    ) -> Record:
        """Erase a customer and everything that was written of them. May be repeated.

        Raises what ``EraseCustomer`` does: then nothing was changed.
        """
        customer = await self._engine.submit(
            EraseCustomer(
                customer_id=customer_id,
                reason=reason,
                erased_by=by,
                even_with_balance=even_with_balance,
                new_id=self._new_id,
            )
        )
        await self._redact(customer_id)
        return customer

    async def follow_up(self) -> int:
        """Finish what was begun, and remove what was written since; returns how much it was."""
        begun = await self._database.fetch(
            "select id from batua_customer where erased_at is not null and redacted_at is null"
        )
        finished = 0
        for row in begun:
            try:
                await self._redact(row["id"])
                finished += 1
            except Exception:
                # Whoever is behind must not wait until somebody has seen to this one.
                log.exception("the erasure of %s is not finished", row["id"])
        return finished + await self._remove_late_texts() + await self._remove_late_webhooks()

    async def _redact(self, customer_id: str) -> None:
        await self._identity.revocations.disable(customer_id, by="erased")
        for belonging in BELONGINGS:
            async for page in belonging.pages(self._database, customer_id):
                await self._redact_rows(belonging, page)
        customer = await self._database.fetch_one(
            "select created_at from batua_customer where id = $1", customer_id
        )
        first = customer["created_at"] if customer else self._now()
        await self._answers.remove_about(
            customer_id, max(first - CLOCKS_DIFFER, self._now() - timedelta(days=KEPT_DAYS))
        )
        async for theirs in self._webhooks.about({customer_id}, first):
            await self._webhooks.remove_texts(theirs)
        done = self._now()
        await self._engine.submit(
            _Change(Customer, (customer_id,), lambda _: {"redacted_at": done})
        )

    async def _redact_rows(self, belonging: Belonging, rows: Sequence[Row]) -> int:
        ids = tuple(row["id"] for row in rows if belonging.redacted(row))
        if ids:
            await self._engine.submit(_Change(belonging.table, ids, belonging.redacted))
        return len(ids)

    async def _remove_late_texts(self) -> int:
        """Staff may refund what came late, and providers tell why something failed."""
        since, removed = self._now() - timedelta(days=LATE_DAYS), 0
        for belonging in filter(lambda each: each.written_at, BELONGINGS):
            async for page in belonging.late_pages(self._database, since):
                removed += await self._redact_rows(belonging, page)
        return removed

    async def _remove_late_webhooks(self) -> int:
        """A capture may come for somebody who is erased: it is posted, and its payer is nobody."""
        erased = await self._database.fetch(
            "select id from batua_customer where erased_at is not null"
        )
        if not erased:
            return 0
        gone, removed = {row["id"] for row in erased}, 0
        since = self._now() - timedelta(days=LATE_DAYS)
        async for theirs in self._webhooks.about(gone, since):
            removed += await self._webhooks.remove_texts(theirs)
        return removed
