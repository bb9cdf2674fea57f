"""Lots: what of a wallet's credit is bonus or refund credit. The rest of it is paid credit. Pure.

Paid credit has no rows, so that a wallet without lots pays nothing for them; it never expires.
A book says which lots there are, and this says which of them a debit takes, what a credit gives
back, and what is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

from piccolo.table import Table

from batua.errors import InsufficientFunds, InvariantViolated
from batua.ledger.accounts import AccountKind, AccountName
from batua.ledger.movements import Movement, NewLot, Part
from batua.ledger.rows import Need, Record
from batua.ledger.rules import available
from batua.ledger.tables import Account, Hold, HoldLot, Lot, LotEntry

__all__ = [
    "account_needs",
    "hold_needs",
    "is_due",
    "lot_entry_needs",
    "moved",
    "paid_first",
    "paid_free",
    "returned",
    "spared",
    "unspent_of",
    "without_bonus",
]

OPEN = "remaining > 0"
SECOND_LIFE = timedelta(days=30)
"""How long a bonus is good for that comes back after its lot has expired."""

_RANK = {"bonus": 1, "refund": 2}


class Rows(Protocol):
    """What lots need of a book."""

    @property
    def now(self) -> datetime: ...
    def is_loaded(self, need: Need) -> bool: ...
    def records(self, table: type[Table]) -> dict[Any, Record]: ...
    def find(
        self, table: type[Table], column: str, value: str | int, only: str = ""
    ) -> list[Record]: ...
    def insert(self, table: type[Table], **values: Any) -> Record: ...
    def update(self, row: Record, **changes: Any) -> None: ...
    def reopen(self, need: Need, row: Record) -> None: ...
    def expire_lot(self, movement: Movement, part: Part) -> None: ...


def account_needs(name: AccountName) -> Sequence[Need]:
    """The account; for a wallet also its open lots, where a bonus goes that is due, and its debt.

    A credit repays that first. It is asked for with every wallet, for who is credited may be known
    only when the group is decided: a reversal of what the group itself has posted.
    """
    account = Need(Account, "key", name.key)
    if name.kind is AccountKind.WALLET:
        debt = Need(Account, "key", f"{AccountKind.DEBT}:{name.owner}:{name.currency}")
        return (account, _lots_of(name), _promotion(name.currency), debt)
    return (account,)


def lot_entry_needs(book: Rows, transfer_id: str) -> Iterable[Need]:
    """Which lots a transfer moved, and the lots themselves once that is known."""
    entries = Need(LotEntry, "transfer_id", transfer_id)
    yield entries
    if book.is_loaded(entries):
        for entry in book.find(*entries):
            yield Need(Lot, "id", entry["lot_id"])


def moved(book: Rows, transfer_id: str) -> tuple[Part, ...]:
    """What a transfer took out of lots. Raises ``NotLoaded``."""
    entries = book.find(LotEntry, "transfer_id", transfer_id)
    known = book.records(Lot)
    return tuple(
        Part(known[entry["lot_id"]], -entry["amount"]) for entry in entries if entry["amount"] < 0
    )


@cache
def _promotion(currency: str) -> Need:
    return Need(Account, "key", AccountName.promotion(currency).key)


def hold_needs(hold_id: str) -> Iterable[Need]:
    """A hold, and which lots it is set aside in."""
    yield Need(Hold, "id", hold_id)
    yield Need(HoldLot, "hold_id", hold_id)


def open_lots(book: Rows, name: AccountName) -> list[Record]:
    """A wallet's lots with something left, in spending order. Raises ``NotLoaded``."""
    found = book.find(Lot, "account_key", name.key, OPEN)
    return in_order(lot for lot in found if lot["remaining"]) if found else []


def in_order(found: Iterable[Record]) -> list[Record]:
    """Spending order: what expires first, then other bonus, then refund credit."""
    return sorted(found, key=_place)


def paid_free(account: Record, found: Iterable[Record]) -> int:
    """What is available of a wallet's paid credit."""
    return available(account) - sum(_free(lot) for lot in found)


def spared(account: Record, found: Iterable[Record]) -> int:
    """What is available of a wallet that is no bonus."""
    return available(account) - sum(_free(lot) for lot in found if lot["kind"] == "bonus")


def first(parts: Iterable[Part], amount: int) -> list[Part]:
    """As much of ``parts``, in their order, as makes ``amount``, or all of them."""
    taken = []
    for lot, most in parts:
        part = min(most, amount)
        if part:
            taken.append(Part(lot, part))
            amount -= part
    return taken


def without_bonus(account: Record, found: Iterable[Record], amount: int) -> tuple[Part, ...]:
    """What a debit takes that spares every bonus: paid credit first, then refund credit."""
    known = list(found)
    rest = max(0, amount - paid_free(account, known))
    return tuple(first((Part(lot, _free(lot)) for lot in known if lot["kind"] == "refund"), rest))


def paid_first(account: Record, found: Iterable[Record], amount: int) -> tuple[Part, ...]:
    """What a debit takes that spares bonuses as long as it can: those that last longest go last."""
    known = list(found)
    rest = max(0, amount - paid_free(account, known))
    in_turn = sorted(known, key=lambda lot: lot["kind"] == "bonus")
    return tuple(first((Part(lot, _free(lot)) for lot in in_turn), rest))


def unspent_of(found: Iterable[Record], top_up_id: str, amount: int) -> tuple[Part, ...]:
    """As much of the bonus that a top-up brought as makes ``amount``, or all that is free of it."""
    own = (lot for lot in found if lot["top_up_id"] == top_up_id)
    return tuple(first((Part(lot, _free(lot)) for lot in own), amount))


def returned(spent: Sequence[Part], paid: int, skip: int, amount: int) -> tuple[Part, ...]:
    """Which lots get back how much of ``amount``: the reverse of how it was spent.

    ``spent`` are the lots of a payment, ``paid`` what it took of paid credit; ``skip`` of the
    payment was given back before. What no lot gets is paid credit.
    """
    paid_skip = min(skip, paid)
    skip -= paid_skip
    amount -= min(amount, paid - paid_skip)
    back = []
    for lot, part in sorted(spent, key=lambda part: _place(part.lot), reverse=True):
        passed = min(skip, part)
        skip -= passed
        back.append(Part(lot, part - passed))
    return tuple(first(back, amount))


# --- what a book does ---------------------------------------------------------------------------


def choose(
    book: Rows, name: AccountName, account: Record, amount: int, takes: Sequence[Part] | None
) -> Sequence[Part]:
    """Which lots a debit or a hold takes. Raises ``InsufficientFunds``."""
    if name.kind is not AccountKind.WALLET:
        return ()
    found = open_lots(book, name)
    if takes is None:
        return first((Part(lot, _free(lot)) for lot in found), amount) if found else ()
    for lot, part in takes:
        if not 0 < part <= _free(lot):
            raise InvariantViolated(f"lot {lot['id']} has not {part} to take")
    rest = amount - sum(part for _, part in takes)
    paid = paid_free(account, found)
    if rest < 0:
        raise InvariantViolated(f"{account['key']}: takes more of its lots than {amount}")
    if rest > paid:
        raise InsufficientFunds(
            owner=account["owner"],
            amount=amount,
            available=amount - rest + paid,
            currency=account["currency"],
        )
    return takes


def spend(book: Rows, movement: Movement, taken: Iterable[Part]) -> None:
    """Take from lots what a transfer takes."""
    for lot, part in taken:
        _change(book, movement, lot, -part)


def give(book: Rows, movement: Movement) -> None:
    """Put back and open what a transfer's credit restores and opens.

    A lot that is due takes nothing back: what it would get is good for another 30 days.
    """
    new = movement.opens
    opened = 0 if new is None else movement.amount if new.amount is None else new.amount
    if sum(part for _, part in movement.restores) + opened > movement.amount:
        raise InvariantViolated(f"transfer {movement.id} gives lots more than it moves")
    count = 0
    for lot, part in movement.restores:
        if not is_due(book, lot):
            _change(book, movement, lot, part)
            continue
        count += 1
        expires_at = book.now + SECOND_LIFE
        again = NewLot(kind="bonus", amount=part, expires_at=expires_at, top_up_id=lot["top_up_id"])
        _open(book, movement, again, count)
    if new is not None:
        _open(book, movement, new, count + 1)


def set_aside(book: Rows, hold_id: str, taken: Iterable[Part]) -> None:
    """Keep parts of lots for a hold: while they are held they don't expire."""
    for lot, part in taken:
        book.update(lot, held=lot["held"] + part)
        book.insert(
            HoldLot, id=f"{hold_id}/{lot['id']}", hold_id=hold_id, lot_id=lot["id"], amount=part
        )


def release(book: Rows, hold: Record, name: AccountName) -> list[Part]:
    """Let go of what a hold keeps of lots, and say what it was, in spending order."""
    if name.kind is not AccountKind.WALLET:
        return []
    holding = {lot["id"]: lot for lot in open_lots(book, name) if lot["held"]}
    if not holding:
        return []
    kept = {row["lot_id"]: row["amount"] for row in book.find(HoldLot, "hold_id", hold["id"])}
    held = [Part(lot, kept[lot_id]) for lot_id, lot in holding.items() if lot_id in kept]
    if len(held) != len(kept):
        raise InvariantViolated(f"hold {hold['id']} keeps a lot that {name.key} does not hold")
    for lot, part in held:
        book.update(lot, held=lot["held"] - part)
    return held


def expire_due(book: Rows, name: AccountName) -> None:
    """Take out of a wallet what is due of its lots and not held."""
    if not book.find(Lot, "account_key", name.key, OPEN):
        return  # most wallets
    for lot in open_lots(book, name):
        left = _free(lot)
        if left and is_due(book, lot):
            book.expire_lot(_expiry(name, lot, left), Part(lot, left))


def _expiry(name: AccountName, lot: Record, left: int) -> Movement:
    # A due lot never grows, so that what remains counts its expiries: a held part goes later.
    return Movement(
        id=f"{lot['id']}.expiry.{lot['remaining']}",
        kind="bonus_expiry",
        debit=name,
        credit=AccountName.promotion(name.currency),
        amount=left,
        reason="expired",
        actor="system",
        top_up_id=lot["top_up_id"],
    )


def _open(book: Rows, movement: Movement, new: NewLot, count: int) -> None:
    if movement.credit.kind is not AccountKind.WALLET:
        raise InvariantViolated(f"transfer {movement.id} opens a lot in {movement.credit.key}")
    amount = movement.amount if new.amount is None else new.amount
    lot = book.insert(
        Lot,
        id=f"{movement.id}.lot{count}",
        account_key=movement.credit.key,
        kind=new.kind,
        amount=amount,
        remaining=amount,
        held=0,
        currency=movement.credit.currency,
        top_up_id=new.top_up_id,
        expires_at=new.expires_at,
        created_at=book.now,
    )
    _note(book, movement, lot, amount)


def _change(book: Rows, movement: Movement, lot: Record, amount: int) -> None:
    remaining = lot["remaining"] + amount
    if not lot["held"] <= remaining <= lot["amount"]:
        raise InvariantViolated(f"lot {lot['id']} can't change by {amount}")
    book.update(lot, remaining=remaining)
    if amount > 0:
        book.reopen(Need(Lot, "account_key", lot["account_key"], OPEN), lot)
    _note(book, movement, lot, amount)


def _note(book: Rows, movement: Movement, lot: Record, amount: int) -> None:
    book.insert(
        LotEntry,
        id=f"{movement.id}/{lot['id']}",
        lot_id=lot["id"],
        transfer_id=movement.id,
        amount=amount,
        remaining_after=lot["remaining"],
    )


def _lots_of(name: AccountName) -> Need:
    return Need(Lot, "account_key", name.key, OPEN)


def _free(lot: Record) -> int:
    left: int = lot["remaining"] - lot["held"]
    return left


def is_due(book: Rows, lot: Record) -> bool:
    """Whether a lot's time is up, whatever of it is still held."""
    return lot["expires_at"] is not None and lot["expires_at"] <= book.now


def _place(lot: Record) -> tuple[int, datetime, datetime, str]:
    if lot["expires_at"] is not None:
        return 0, lot["expires_at"], lot["created_at"], lot["id"]
    return _RANK[lot["kind"]], lot["created_at"], lot["created_at"], lot["id"]
