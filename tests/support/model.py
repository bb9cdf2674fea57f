"""A ledger of two pages, written from the rules in docs/reference/ledger.md and nothing else.

It has no database, no engine and no code of ours: sums in dictionaries.  The model check asks it
what the real ledger must answer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

__all__ = [
    "LIMIT",
    "Capture",
    "Expire",
    "Freeze",
    "Link",
    "Model",
    "Name",
    "Open",
    "Opens",
    "Post",
    "Refused",
    "Reverse",
    "Void",
]

LIMIT = 9_000_000_000_000_000
OVERDRAWABLE = {"gateway", "revenue", "adjustment", "promotion"}
SECOND_LIFE = timedelta(days=30)


class Name(NamedTuple):
    """An account: what it stands for, whose it is, its currency."""

    kind: str
    owner: str
    currency: str


class Refused(Exception):
    """The answer is no; its arguments are the code and, for linked ones, which one and why."""


class Opens(NamedTuple):
    """A lot that a credit opens, of all of it or a part."""

    kind: str
    amount: int | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Post:
    id: str
    kind: str
    debit: Name
    credit: Name
    amount: Any
    reason: str = "a reason"
    opens: Opens | None = None


@dataclass(frozen=True)
class Capture(Post):
    """The transfer of a capture has the id of its hold."""


@dataclass(frozen=True)
class Open:
    id: str
    account: Name
    amount: Any
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Void:
    id: str


@dataclass(frozen=True)
class Expire:
    id: str


@dataclass(frozen=True)
class Reverse:
    id: str
    of: str
    reason: str = "a reason"


@dataclass(frozen=True)
class Freeze:
    account: Name
    frozen: bool


@dataclass(frozen=True)
class Link:
    commands: tuple[Any, ...]


@dataclass(frozen=True)
class Held:
    account: Name
    amount: int
    expires_at: datetime | None
    status: str = "held"


@dataclass(frozen=True)
class Lot:
    """What of a wallet is bonus or refund credit."""

    id: str
    wallet: Name
    kind: str
    amount: int
    remaining: int
    held: int
    expires_at: datetime | None
    created_at: datetime

    @property
    def free(self) -> int:
        return self.remaining - self.held

    @property
    def place(self) -> tuple[Any, ...]:
        """What expires first is spent first, then other bonus, then refund credit."""
        if self.expires_at is not None:
            return 0, self.expires_at, self.created_at, self.id
        return 1 + (self.kind == "refund"), self.created_at, self.id


@dataclass(frozen=True)
class Moved:
    seq: int
    kind: str
    debit: Name
    credit: Name
    amount: int
    reason: str
    of: str | None = None


class Model:
    """Accounts exist from first use. ``now`` is the ledger's time, which never runs backwards."""

    def __init__(self, seq: int, now: datetime) -> None:
        self.seq, self.now = seq, now
        self.posted: dict[Name, int] = {}
        self.held: dict[Name, int] = {}
        self.frozen: set[Name] = set()
        self.transfers: dict[str, Moved] = {}
        self.holds: dict[str, Held] = {}
        self.reversed: set[str] = set()
        self.lots: dict[str, Lot] = {}
        self.kept: dict[str, dict[str, int]] = {}  # hold -> lot -> how much it keeps of it
        self.noted: dict[str, dict[str, int]] = {}  # transfer -> lot -> what it changed of it

    def copy(self) -> Model:
        other = copy.copy(self)
        for name in ("posted", "held", "frozen", "transfers", "holds", "reversed", "lots", "kept",
                     "noted"):  # fmt: skip
            setattr(other, name, getattr(self, name).copy())
        return other

    def apply(self, command: Any) -> tuple[Any, ...]:
        """What the ledger must answer. Raises ``Refused`` and has then changed nothing."""
        # Nothing is changed before all is checked, but for lots that expire on the way.
        before = self.copy() if any(map(self._has_expired, self.lots.values())) else None
        try:
            answer: tuple[Any, ...] = getattr(self, f"_{type(command).__name__.lower()}")(command)
        except Refused:
            if before is not None:
                self.__dict__.update(before.__dict__)
            raise
        return answer

    def available(self, name: Name) -> int:
        return self.posted.get(name, 0) - self.held.get(name, 0)

    # --- transfers --------------------------------------------------------------------------

    def _post(self, command: Post) -> tuple[Any, ...]:
        _check_values(command)
        if command.id in self.holds:
            raise Refused("exists_with_different_kind")
        if command.id in self.transfers:
            return self._same_transfer(command)
        for name in (command.debit, command.credit):
            self._expire_lots(name)
            self._check_not_frozen(name)
        return self._move(command)

    def _reverse(self, command: Reverse) -> tuple[Any, ...]:
        known = self.transfers.get(command.id)
        if command.id in self.holds or (known is not None and known.of is None):
            raise Refused("exists_with_different_kind")
        of = self.transfers.get(command.of)
        if of is None:
            raise Refused("transfer_not_found")
        mirrored = Post(command.id, "reversal", of.credit, of.debit, of.amount, command.reason)
        if known is not None:
            return self._same_transfer(mirrored, command.of)
        if command.of in self.reversed:
            raise Refused("already_reversed")
        for name in (mirrored.debit, mirrored.credit):
            self._expire_lots(name)
        noted = self.noted.get(command.of, {})
        if any(change > 0 and self._is_over(self.lots[lot]) for lot, change in noted.items()):
            raise Refused("lot_expired")
        opened = {lot: min(change, self.lots[lot].free) for lot, change in noted.items()}
        taken = {lot: part for lot, part in opened.items() if part > 0}
        answer = self._move(mirrored, command.of, takes=taken or None)
        self.reversed.add(command.of)
        restored = 0
        for lot, change in sorted(noted.items()):
            if change < 0 and self._is_over(self.lots[lot]):
                restored += 1
                again = Opens("bonus", -change, self.now + SECOND_LIFE)
                self._open_lot(mirrored, again, restored)
            elif change < 0:
                self._change_lot(mirrored.id, lot, -change)
        return answer

    def _same_transfer(self, command: Post, of: str | None = None) -> tuple[Any, ...]:
        known = self.transfers[command.id]
        if known.kind != command.kind:
            raise Refused("exists_with_different_kind")
        if (known.debit, known.credit) != (command.debit, command.credit):
            raise Refused("exists_with_different_accounts")
        if known.amount != command.amount:
            raise Refused("exists_with_different_amount")
        if (known.reason, known.of) != (command.reason, of):
            raise Refused("exists_with_different_details")
        return ("posted", command.id, known.seq, True)

    def _move(
        self, command: Post, of: str | None = None, takes: dict[str, int] | None = None
    ) -> tuple[Any, ...]:
        """``takes`` says which lots a debit takes; the rest of it is then paid credit."""
        debit, credit, amount = command.debit, command.credit, command.amount
        if (
            self.posted.get(debit, 0) - amount < -LIMIT
            or self.posted.get(credit, 0) + amount > LIMIT
        ):
            raise Refused("exceeds_balance_limit")
        self._check_available(debit, amount)
        if takes is None:
            takes = self._first_lots(debit, amount)
        elif debit.kind == "wallet":
            paid = self.available(debit) - sum(lot.free for lot in self._lots_of(debit))
            if amount - sum(takes.values()) > paid:
                raise Refused("exceeds_available_balance")
        self._book(command, of)
        for lot, part in takes.items():
            self._change_lot(command.id, lot, -part)
        if command.opens is not None:
            self._open_lot(command, command.opens, 1)
        return ("posted", command.id, self.seq, False)

    def _book(self, command: Post, of: str | None) -> None:
        debit, credit, amount = command.debit, command.credit, command.amount
        self.posted[debit] = self.posted.get(debit, 0) - amount
        self.posted[credit] = self.posted.get(credit, 0) + amount
        self.seq += 1
        self.transfers[command.id] = Moved(
            self.seq, command.kind, debit, credit, amount, command.reason, of
        )

    # --- lots -------------------------------------------------------------------------------

    def _lots_of(self, name: Name) -> list[Lot]:
        mine = (lot for lot in self.lots.values() if lot.wallet == name and lot.remaining)
        return sorted(mine, key=lambda lot: lot.place)

    def _first_lots(self, name: Name, amount: int) -> dict[str, int]:
        taken = {}
        for lot in self._lots_of(name):
            part = min(lot.free, amount)
            amount -= part
            if part:
                taken[lot.id] = part
        return taken

    def _is_over(self, lot: Lot) -> bool:
        return lot.expires_at is not None and lot.expires_at <= self.now

    def _has_expired(self, lot: Lot) -> bool:
        return bool(lot.free) and self._is_over(lot)

    def _expire_lots(self, name: Name) -> None:
        """Whoever looks at a wallet finds nothing in it that is over."""
        shop = Name("promotion", "shop", name.currency)
        for lot in filter(self._has_expired, self._lots_of(name)):
            expiry = f"{lot.id}.expiry.{lot.remaining}"
            self._book(Post(expiry, "bonus_expiry", name, shop, lot.free, "expired"), None)
            self._change_lot(expiry, lot.id, -lot.free)

    def _open_lot(self, command: Post, opens: Opens, number: int) -> None:
        amount = command.amount if opens.amount is None else opens.amount
        lot = Lot(f"{command.id}.lot{number}", command.credit, opens.kind, amount, amount, 0,
                  opens.expires_at, self.now)  # fmt: skip
        self.lots[lot.id] = lot
        self._note(command.id, lot.id, amount)

    def _change_lot(self, transfer: str, lot: str, change: int) -> None:
        known = self.lots[lot]
        self.lots[lot] = replace(known, remaining=known.remaining + change)
        self._note(transfer, lot, change)

    def _note(self, transfer: str, lot: str, change: int) -> None:
        self.noted[transfer] = {**self.noted.get(transfer, {}), lot: change}

    def _keep(self, lot: str, part: int) -> None:
        self.lots[lot] = replace(self.lots[lot], held=self.lots[lot].held + part)

    # --- holds ------------------------------------------------------------------------------

    def _open(self, command: Open) -> tuple[Any, ...]:
        _check_amount(command.amount)
        known = self.holds.get(command.id)
        if known is not None:
            if known.account != command.account:
                raise Refused("exists_with_different_accounts")
            if known.amount != command.amount:
                raise Refused("exists_with_different_amount")
            if known.expires_at != command.expires_at:
                raise Refused("exists_with_different_details")
            return ("opened", command.id, True)
        if command.id in self.transfers:
            raise Refused("exists_with_different_kind")
        if command.expires_at is not None and command.expires_at <= self.now:
            raise Refused("hold_expired")
        self._expire_lots(command.account)
        self._check_not_frozen(command.account)
        held = self.held.get(command.account, 0) + command.amount
        if held > LIMIT:
            raise Refused("exceeds_balance_limit")
        self._check_available(command.account, command.amount)
        self.kept[command.id] = self._first_lots(command.account, command.amount)
        for lot, part in self.kept[command.id].items():
            self._keep(lot, part)
        self.posted.setdefault(command.account, 0)
        self.held[command.account] = held
        self.holds[command.id] = Held(command.account, command.amount, command.expires_at)
        return ("opened", command.id, False)

    def _capture(self, command: Capture) -> tuple[Any, ...]:
        _check_values(command)
        hold = self._hold(command.id)
        if command.id in self.transfers:
            return self._same_transfer(command)
        self._check_can_close(hold)
        for name in (command.debit, command.credit):
            self._expire_lots(name)
        if hold.account != command.debit:
            raise Refused("exists_with_different_accounts")
        if command.amount > hold.amount:
            raise Refused("exceeds_held_amount")
        before = self.copy()
        try:
            kept = self._let_go(command.id)
            rest, takes = command.amount, {}
            for lot in sorted(map(self.lots.__getitem__, kept), key=lambda lot: lot.place):
                takes[lot.id] = min(rest, kept[lot.id])
                rest -= takes[lot.id]
            taken = {lot: part for lot, part in takes.items() if part}
            answer = self._move(command, takes=taken)
        except Refused:
            self.__dict__.update(before.__dict__)
            raise
        self.holds[command.id] = replace(hold, status="captured")
        return answer

    def _void(self, command: Void) -> tuple[Any, ...]:
        hold = self._hold(command.id)
        if hold.status == "voided":
            return ("closed", command.id, "voided", True)
        self._check_can_close(hold)
        return self._give_back(command.id, "voided")

    def _expire(self, command: Expire) -> tuple[Any, ...]:
        hold = self._hold(command.id)
        if hold.status == "expired":
            return ("closed", command.id, "expired", True)
        if hold.status == "held" and not self._is_due(hold):
            raise Refused("hold_not_due")
        if hold.status != "held":
            raise Refused(f"hold_already_{hold.status}")
        return self._give_back(command.id, "expired")

    def _let_go(self, id: str) -> dict[str, int]:
        self.held[self.holds[id].account] -= self.holds[id].amount
        for lot, part in self.kept[id].items():
            self._keep(lot, -part)
        return self.kept[id]

    def _give_back(self, id: str, status: str) -> tuple[Any, ...]:
        hold = self.holds[id]
        self._let_go(id)
        self.holds[id] = replace(hold, status=status)
        return ("closed", id, status, False)

    def _hold(self, id: str) -> Held:
        if id not in self.holds:
            raise Refused("hold_not_found")
        return self.holds[id]

    def _is_due(self, hold: Held) -> bool:
        return hold.expires_at is not None and hold.expires_at <= self.now

    def _check_can_close(self, hold: Held) -> None:
        if hold.status in {"captured", "voided"}:
            raise Refused(f"hold_already_{hold.status}")
        if hold.status == "expired" or self._is_due(hold):
            raise Refused("hold_expired")

    # --- several, and a freeze --------------------------------------------------------------

    def _link(self, command: Link) -> tuple[Any, ...]:
        before, answers = self.copy(), []
        try:
            for index, each in enumerate(command.commands):
                try:
                    answers.append(self.apply(each))
                except Refused as refused:
                    raise Refused("linked_operation_refused", index, *refused.args) from None
            # A freeze, as operations of other rooms, does not say whether it had been done.
            existed = {
                index: answer[-1] for index, answer in enumerate(answers) if answer[0] != "frozen"
            }
            done_before = [index for index in existed if existed[index]]
            if done_before and len(done_before) < len(existed):
                raise Refused("linked_operation_refused", done_before[0], "exists")
        except Refused:
            self.__dict__.update(before.__dict__)
            raise
        return ("linked", *answers, bool(done_before))

    def _freeze(self, command: Freeze) -> tuple[Any, ...]:
        self._expire_lots(command.account)
        self.posted.setdefault(command.account, 0)
        (self.frozen.add if command.frozen else self.frozen.discard)(command.account)
        return ("frozen", command.frozen)

    # --- rules ------------------------------------------------------------------------------

    def _check_not_frozen(self, name: Name) -> None:
        if name in self.frozen:
            raise Refused("wallet_frozen")

    def _check_available(self, name: Name, amount: int) -> None:
        if name.kind not in OVERDRAWABLE and self.available(name) < amount:
            raise Refused("exceeds_available_balance")


def _check_values(command: Post) -> None:
    _check_amount(command.amount)
    if command.debit.currency != command.credit.currency:
        raise Refused("currency_mismatch")
    if command.debit == command.credit:
        raise Refused("accounts_must_differ")
    if command.opens is not None and command.credit.kind != "wallet":
        raise Refused("lots_need_a_wallet")


def _check_amount(amount: Any) -> None:
    if type(amount) is not int or amount < 1:
        raise Refused("amount_must_be_positive")
    if amount > LIMIT:
        raise Refused("amount_too_large")
