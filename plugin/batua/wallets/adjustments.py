"""Adjustments: what staff give to a wallet or take from it by hand, always with a reason code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from batua.clock import NewId
from batua.contract import Money
from batua.errors import Conflict, InvalidRequest
from batua.events import EventType, Recorder
from batua.ledger import (
    AccountName,
    Book,
    Movement,
    Need,
    NewLot,
    Record,
    account_needs,
    hold_needs,
)
from batua.ledger.tables import Hold
from batua.payments import require_second_person
from batua.wallets.customers import Newcomers, customer_need, ensure_customer
from batua.wallets.rules import WalletRules
from batua.wallets.tables import Adjustment

__all__ = ["Adjust", "AdjustmentKind", "AdjustmentReason", "DecideAdjustment", "Direction"]

BONUS_MAX = timedelta(days=36_525)


class AdjustmentReason(StrEnum):
    """Why staff move money by hand."""

    GOODWILL = "goodwill"
    CORRECTION = "correction"
    COMPENSATION = "compensation"
    PROMOTION = "promotion"
    OPENING_BALANCE = "opening_balance"
    WRITE_OFF = "write_off"


class Direction(StrEnum):
    """Into the wallet, or out of it."""

    CREDIT = "credit"
    DEBIT = "debit"


class AdjustmentKind(StrEnum):
    """Whether a credit is as good as money that was paid in, or a bonus, which may expire."""

    PAID = "paid"
    BONUS = "bonus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust:
    """Adjust a wallet. Over the limit it waits for a second person, a debit's amount held.

    Run again with the same id it answers the same; with another amount it raises ``Conflict``
    (``exists_with_different_amount``). A debit may raise ``InsufficientFunds``. A bonus that is
    over before it is given raises ``Conflict`` (``bonus_expired``), at its approval too.
    """

    id: str
    customer_id: str
    money: Money
    direction: Direction
    reason_code: AdjustmentReason
    note: str
    requested_by: str
    approval_limit: int
    newcomers: Newcomers
    new_id: NewId
    kind: AdjustmentKind = AdjustmentKind.PAID
    expires_at: datetime | None = None
    rules: WalletRules

    def needs(self, book: Book) -> Iterable[Need]:
        yield Need(Adjustment, "id", self.id)
        yield customer_need(self.customer_id)
        yield from _accounts(self.customer_id, self.money.currency)
        yield from self.rules.load_needs(self.customer_id, self.money.currency, book)

    def decide(self, book: Book) -> Record:
        if (known := book.get(Adjustment, "id", self.id)) is not None:
            return self._known(known)
        self._require_kind(book.now)
        ensure_customer(book, self.customer_id, self.newcomers, self.new_id)
        waits = self.money.amount > self.approval_limit
        adjustment = book.insert(
            Adjustment,
            id=self.id,
            customer_id=self.customer_id,
            amount=self.money.amount,
            currency=self.money.currency,
            direction=str(self.direction),
            reason_code=str(self.reason_code),
            note=self.note,
            status="awaiting_approval" if waits else "posted",
            kind=str(self.kind),
            expires_at=self.expires_at,
            requested_by=self.requested_by,
            approved_by=None,
            created_at=book.now,
            updated_at=book.now,
        )
        _require_room(book, self.rules, adjustment)
        if not waits:
            _post(book, adjustment)
            _record(book, adjustment, self.new_id)
        elif self.direction is Direction.DEBIT:
            book.hold(self.id, _wallet(adjustment), self.money.amount)
        return adjustment

    def _require_kind(self, now: datetime) -> None:
        if self.kind is not AdjustmentKind.BONUS and self.expires_at is not None:
            raise InvalidRequest("Only a bonus expires.", pointer="/expires_at")
        if self.expires_at is not None and self.expires_at > now + BONUS_MAX:
            # The end of time itself has no equal in UTC, and a database would fail on it.
            raise InvalidRequest("A bonus lasts 100 years at most.", pointer="/expires_at")
        if self.kind is AdjustmentKind.BONUS and self.direction is not Direction.CREDIT:
            raise InvalidRequest("A bonus is given, never taken.", pointer="/kind")

    def _known(self, known: Record) -> Record:
        if (known["amount"], known["currency"], known["direction"]) != (
            self.money.amount,
            self.money.currency,
            str(self.direction),
        ):
            raise Conflict(
                "exists_with_different_amount",
                f"Adjustment {self.id!r} exists with another amount.",
            )
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideAdjustment:
    """Approve or reject an adjustment that waits. Raises ``Forbidden`` and ``Conflict``.

    The same decision of the same person is done already and answers the same.
    """

    adjustment_id: str
    approver: str
    approve: bool
    new_id: NewId
    rules: WalletRules

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Adjustment, "id", self.adjustment_id)
        yield need
        yield from hold_needs(self.adjustment_id)
        if not book.missing([need]):
            adjustment = book.need(*need)
            customer, currency = adjustment["customer_id"], adjustment["currency"]
            yield from _accounts(customer, currency)
            yield from self.rules.load_needs(customer, currency, book)

    def decide(self, book: Book) -> Record:
        adjustment = book.need(Adjustment, "id", self.adjustment_id)
        decided = "posted" if self.approve else "rejected"
        if (adjustment["approved_by"], adjustment["status"]) == (self.approver, decided):
            return adjustment
        if adjustment["status"] != "awaiting_approval":
            raise Conflict(
                "not_awaiting_approval",
                f"Adjustment {self.adjustment_id!r} is {adjustment['status']}.",
            )
        require_second_person(adjustment["requested_by"], self.approver)
        book.update(
            adjustment,
            status=decided,
            approved_by=self.approver,
            updated_at=book.now,
        )
        hold = book.get(Hold, "id", self.adjustment_id)
        if hold is not None and not self.approve:
            book.void_hold(hold, _wallet(adjustment))
        elif hold is not None:
            book.capture_hold(hold, _movement(adjustment))
        elif self.approve:
            _require_room(book, self.rules, adjustment)
            _post(book, adjustment)
        if self.approve:
            _record(book, adjustment, self.new_id)
        return adjustment


def _accounts(customer_id: str, currency: str) -> Iterable[Need]:
    yield from account_needs(AccountName.wallet(customer_id, currency))
    yield from account_needs(AccountName.adjustment(currency))


def _wallet(adjustment: Record) -> AccountName:
    return AccountName.wallet(adjustment["customer_id"], adjustment["currency"])


def _require_room(book: Book, rules: WalletRules, adjustment: Record) -> None:
    if adjustment["direction"] == Direction.CREDIT:
        money = Money(adjustment["amount"], adjustment["currency"])
        rules.require_room_for_credit(book, book.account(_wallet(adjustment)), money)


def _post(book: Book, adjustment: Record) -> None:
    expires_at = adjustment["expires_at"]
    if expires_at is not None and expires_at <= book.now:
        raise Conflict("bonus_expired", "This bonus would be over already. Give it a later time.")
    book.post(_movement(adjustment))


def _record(book: Book, adjustment: Record, new_id: NewId) -> None:
    Recorder(new_id).record(book, EventType.WALLET_ADJUSTED, adjustment)


def _movement(adjustment: Record) -> Movement:
    is_bonus = adjustment["kind"] == AdjustmentKind.BONUS
    source = AccountName.promotion if is_bonus else AccountName.adjustment
    shop, wallet = source(adjustment["currency"]), _wallet(adjustment)
    is_credit = adjustment["direction"] == Direction.CREDIT
    return Movement(
        id=adjustment["id"],
        kind=f"adjustment_{adjustment['direction']}",
        debit=shop if is_credit else wallet,
        credit=wallet if is_credit else shop,
        amount=adjustment["amount"],
        reason=adjustment["reason_code"],
        actor=adjustment["requested_by"],
        approved_by=adjustment["approved_by"],
        opens=NewLot(kind="bonus", expires_at=adjustment["expires_at"]) if is_bonus else None,
    )
