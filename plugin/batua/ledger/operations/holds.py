"""Set an amount aside, and take it or give it back.

A hold is a transfer that is to come: the transfer that captures a hold has the hold's id. So one id
names the money from the first step to the last, and a hold can be captured once only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from batua.errors import Conflict, HoldNotDue, NotFound
from batua.ledger.accounts import AccountName
from batua.ledger.book import Book
from batua.ledger.lots import account_needs, hold_needs
from batua.ledger.movements import Movement
from batua.ledger.operations.answers import HoldClosed, HoldOpened, Posted
from batua.ledger.operations.checks import (
    require_active_accounts,
    require_amount,
    require_room,
    require_sound,
)
from batua.ledger.operations.lookup import name_of_account, numbered_account_needs
from batua.ledger.operations.sameness import (
    different_kind,
    require_same_hold,
    require_same_transfer,
)
from batua.ledger.operations.transfers import posted
from batua.ledger.rows import Need, Record
from batua.ledger.tables import Hold, Transfer

__all__ = ["CaptureHold", "ExpireHold", "OpenHold", "VoidHold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHold:
    """Set ``amount`` of an account aside, until ``expires_at`` where that is given.

    A request: a frozen wallet refuses it. Raises ``InvalidRequest``, ``InsufficientFunds`` and
    ``Conflict``.
    """

    id: str
    account: AccountName
    amount: int
    expires_at: datetime | None = None
    order_id: str | None = None
    refund_id: str | None = None
    payment_id: str | None = None

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Hold, "id", self.id)
        yield Need(Transfer, "id", self.id)
        yield from account_needs(self.account)

    def decide(self, book: Book) -> HoldOpened:
        require_amount(self.amount)
        details = {
            "expires_at": self.expires_at,
            "order_id": self.order_id,
            "refund_id": self.refund_id,
            "payment_id": self.payment_id,
        }
        if (known := book.get(Hold, "id", self.id)) is not None:
            require_same_hold(book, known, self.account, self.amount, details)
            return HoldOpened(id=self.id, exists=True)
        if book.get(Transfer, "id", self.id) is not None:
            raise different_kind(self.id, "a transfer")
        if self.expires_at is not None and self.expires_at <= book.now:
            raise _expired(self.id)
        require_active_accounts(book, self.account)
        require_room(book.account(self.account)["held"] + self.amount)
        book.hold(
            self.id,
            self.account,
            self.amount,
            expires_at=self.expires_at,
            order_id=self.order_id,
            refund_id=self.refund_id,
            payment_id=self.payment_id,
        )
        return HoldOpened(id=self.id, exists=False)


@dataclass(frozen=True, slots=True)
class CaptureHold:
    """Take all or part of a hold by a transfer with the hold's id; the rest is given back.

    What was promised is kept: a freeze that came after the hold does not stop it. Raises
    ``InvalidRequest``, ``NotFound`` and ``Conflict``.
    """

    movement: Movement

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield from hold_needs(self.movement.id)
        yield Need(Transfer, "id", self.movement.id)
        yield from account_needs(self.movement.debit)
        yield from account_needs(self.movement.credit)

    def decide(self, book: Book) -> Posted:
        movement = self.movement
        require_sound(movement)
        hold = _find(book, movement.id)
        if (known := book.get(Transfer, "id", movement.id)) is not None:
            require_same_transfer(book, known, movement)
            return posted(known, exists=True)
        _require_open(book, hold)
        debit, credit = book.account(movement.debit), book.account(movement.credit)
        if hold["account_id"] != debit["id"]:
            raise Conflict(
                "exists_with_different_accounts",
                f"Hold {movement.id!r} is not of account {movement.debit.key!r}.",
            )
        if movement.amount > hold["amount"]:
            raise Conflict(
                "exceeds_held_amount",
                f"Hold {movement.id!r} is of {hold['amount']}, less than {movement.amount}.",
            )
        require_room(debit["posted"] - movement.amount, credit["posted"] + movement.amount)
        return posted(book.capture_hold(hold, movement), exists=False)


@dataclass(frozen=True, slots=True)
class VoidHold:
    """Give a hold back before anything of it was captured.

    Raises ``NotFound`` and ``Conflict``.
    """

    hold_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        return _needs(book, self.hold_id)

    def decide(self, book: Book) -> HoldClosed:
        hold = _find(book, self.hold_id)
        if hold["status"] == "voided":
            return HoldClosed(id=self.hold_id, status="voided", exists=True)
        _require_open(book, hold)
        return _give_back(book, hold, "voided")


@dataclass(frozen=True, slots=True)
class ExpireHold:
    """Give a hold back whose time is up.

    Raises ``NotFound`` and ``Conflict``; ``HoldNotDue`` while it has time left.
    """

    hold_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        return _needs(book, self.hold_id)

    def decide(self, book: Book) -> HoldClosed:
        hold = _find(book, self.hold_id)
        if hold["status"] == "expired":
            return HoldClosed(id=self.hold_id, status="expired", exists=True)
        if hold["status"] == "held" and not _is_due(book, hold):
            due = hold["expires_at"]
            when = "never" if due is None else f"at {due:%Y-%m-%dT%H:%M:%SZ}"
            raise HoldNotDue(self.hold_id, when=when)
        _require_not_closed(hold)
        return _give_back(book, hold, "expired")


def _needs(book: Book, id: str) -> Iterable[Need]:
    by_id = Need(Hold, "id", id)
    yield from hold_needs(id)
    if book.is_loaded(by_id) and (hold := book.get(*by_id)) is not None:
        yield from numbered_account_needs(book, hold["account_id"])


def _find(book: Book, id: str) -> Record:
    hold = book.get(Hold, "id", id)
    if hold is None:
        raise NotFound("hold", id, code="hold_not_found")
    return hold


def _is_due(book: Book, hold: Record) -> bool:
    return hold["expires_at"] is not None and hold["expires_at"] <= book.now


def _require_open(book: Book, hold: Record) -> None:
    # One whose time is up is expired, whether or not somebody has swept it yet.
    _require_not_closed(hold)
    if _is_due(book, hold):
        raise _expired(hold["id"])


def _require_not_closed(hold: Record) -> None:
    if hold["status"] == "captured":
        raise Conflict("hold_already_captured", f"Hold {hold['id']!r} was captured before.")
    if hold["status"] == "voided":
        raise Conflict("hold_already_voided", f"Hold {hold['id']!r} was given back before.")
    if hold["status"] == "expired":
        raise _expired(hold["id"])


def _expired(id: str) -> Conflict:
    return Conflict("hold_expired", f"The time of hold {id!r} is up. Make a new one.")


def _give_back(book: Book, hold: Record, status: str) -> HoldClosed:
    book.void_hold(hold, name_of_account(book, hold["account_id"]), status=status)
    return HoldClosed(id=hold["id"], status=status, exists=False)
