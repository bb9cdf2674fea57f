"""Post a transfer, and reverse one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from batua.errors import Conflict, NotFound
from batua.ledger.book import Book
from batua.ledger.lots import account_needs, is_due
from batua.ledger.movements import Movement, Part
from batua.ledger.operations.answers import Posted
from batua.ledger.operations.checks import require_active_accounts, require_room, require_sound
from batua.ledger.operations.lookup import mirrored, numbered_account_needs
from batua.ledger.operations.sameness import different_kind, require_same_transfer
from batua.ledger.rows import Need, Record
from batua.ledger.tables import Hold, Lot, LotEntry, Transfer

__all__ = ["PostTransfer", "ReverseTransfer", "post", "posted"]

REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class PostTransfer:
    """Post one transfer. A request: frozen wallets take no part in it.

    Raises ``InvalidRequest``, ``InsufficientFunds`` and ``Conflict``.
    """

    movement: Movement

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Transfer, "id", self.movement.id)
        yield Need(Hold, "id", self.movement.id)
        yield from account_needs(self.movement.debit)
        yield from account_needs(self.movement.credit)

    def decide(self, book: Book) -> Posted:
        require_sound(self.movement)
        if book.get(Hold, "id", self.movement.id) is not None:
            raise different_kind(self.movement.id, "a hold")
        known = book.get(Transfer, "id", self.movement.id)
        if known is not None:
            require_same_transfer(book, known, self.movement)
            return posted(known, exists=True)
        require_active_accounts(book, self.movement.debit, self.movement.credit)
        return post(book, self.movement)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseTransfer:
    """Undo the transfer ``of`` by a new one with its accounts swapped; at most once.

    A correction, which a freeze does not stop. It undoes the transfer alone: what an order or a
    top-up says of it is theirs to undo. Raises ``NotFound``, ``Conflict`` and, when whoever got
    the money has spent it, ``InsufficientFunds``.
    """

    id: str
    of: str
    reason: str
    actor: str
    approved_by: str | None = None

    def needs(self, book: Book) -> Iterable[Need]:
        of = Need(Transfer, "id", self.of)
        yield of
        yield Need(Transfer, "id", self.id)
        yield Need(Hold, "id", self.id)
        yield from _lot_needs(book, self.of)
        if book.is_loaded(of) and (transfer := book.get(*of)) is not None:
            yield Need(Transfer, "reverses", transfer["seq"])
            yield from numbered_account_needs(book, transfer["debit_account"])
            yield from numbered_account_needs(book, transfer["credit_account"])

    def decide(self, book: Book) -> Posted:
        of = book.get(Transfer, "id", self.of)
        known = book.get(Transfer, "id", self.id)
        if book.get(Hold, "id", self.id) is not None:
            raise different_kind(self.id, "a hold")
        if known is not None and known["reverses"] is None:
            raise different_kind(self.id, "a transfer that reverses none")
        if of is None:
            raise NotFound("transfer", self.of, code="transfer_not_found")
        movement = self._movement(book, of)
        if known is not None:
            require_same_transfer(book, known, movement)
            return posted(known, exists=True)
        if _is_reversed(book, of):
            raise Conflict("already_reversed", f"Transfer {self.of!r} was reversed before.")
        for name in (movement.debit, movement.credit):
            book.account(name)  # what is due of its lots has expired before they are looked at
        restores, takes = self._lots_back(book)
        return post(book, msgspec.structs.replace(movement, restores=restores, takes=takes))

    def _movement(self, book: Book, of: Record) -> Movement:
        return mirrored(
            book,
            of,
            id=self.id,
            kind=REVERSAL,
            reason=self.reason,
            actor=self.actor,
            approved_by=self.approved_by,
        )

    def _lots_back(self, book: Book) -> tuple[tuple[Part, ...], tuple[Part, ...] | None]:
        """What is put back into lots that were spent, and taken of those that were opened."""
        known = book.records(Lot)
        found = book.find(LotEntry, "transfer_id", self.of)
        entries = sorted(found, key=lambda entry: str(entry["lot_id"]))
        lots = [(known[entry["lot_id"]], entry["amount"]) for entry in entries]
        if any(amount > 0 and is_due(book, lot) for lot, amount in lots):
            raise Conflict(
                "lot_expired",
                f"What transfer {self.of!r} gave has expired, and was taken back by that.",
            )
        spent = tuple(Part(lot, -amount) for lot, amount in lots if amount < 0)
        opened = [(lot, min(amount, lot["remaining"] - lot["held"])) for lot, amount in lots]
        taken = tuple(Part(lot, left) for lot, left in opened if left > 0)
        return spent, taken or None


def post(book: Book, movement: Movement) -> Posted:
    """Post what was checked, if both balances stay within bounds."""
    debit, credit = book.account(movement.debit), book.account(movement.credit)
    require_room(debit["posted"] - movement.amount, credit["posted"] + movement.amount)
    return posted(book.post(movement), exists=False)


def posted(transfer: Record, *, exists: bool) -> Posted:
    """What is answered of a transfer."""
    return Posted(id=transfer["id"], seq=transfer["seq"], hash=transfer["hash"], exists=exists)


def _lot_needs(book: Book, transfer_id: str) -> Iterable[Need]:
    entries = Need(LotEntry, "transfer_id", transfer_id)
    yield entries
    if book.is_loaded(entries):
        for entry in book.find(*entries):
            yield Need(Lot, "id", entry["lot_id"])


def _is_reversed(book: Book, of: Record) -> bool:
    if of.is_new:  # posted by the same group, so that only the group can have reversed it
        return any(row.table is Transfer and row["reverses"] == of["seq"] for row in book.inserted)
    return bool(book.find(Transfer, "reverses", of["seq"]))
