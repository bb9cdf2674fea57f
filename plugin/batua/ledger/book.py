"""The book: what a group of operations has loaded, and what it has decided so far. Pure.

Operations read rows and stage effects here, one operation after another; a later one sees what
an earlier one staged.  Nothing is written before all have decided, and an operation that refuses
leaves nothing behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from piccolo.table import Table

from batua.errors import InvariantViolated
from batua.ledger import rules
from batua.ledger.accounts import AccountName
from batua.ledger.chain import transfer_hash
from batua.ledger.tables import Account, Entry, Hold, Transfer, has_version, primary_key

__all__ = ["Book", "Movement", "Need", "NotLoaded", "Record"]


class Need(NamedTuple):
    """Rows that an operation wants loaded: those of ``table`` whose ``column`` is ``value``.

    ``only`` is a condition in SQL that leaves rows out, such as ``remaining > 0``.
    """

    table: type[Table]
    column: str
    value: str | int
    only: str = ""


class NotLoaded(Exception):
    """An operation reads what was not loaded for it: it is run again, alone."""


class Record(dict[str, Any]):
    """A row, with what was done to it since it was loaded."""

    __slots__ = ("changed", "is_new", "table")

    def __init__(self, table: type[Table], values: Mapping[str, Any], *, is_new: bool) -> None:
        super().__init__(values)
        self.table = table
        self.is_new = is_new
        self.changed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer to post. ``id`` is made by whoever asks for it, before the operation starts."""

    id: str
    kind: str
    debit: AccountName
    credit: AccountName
    amount: int
    reason: str
    actor: str
    occurred_at: datetime | None = None
    approved_by: str | None = None
    order_id: str | None = None
    top_up_id: str | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    reverses: int | None = None


_Index = dict[Any, list[Record]]
"""What was found by one column: value by value, the rows that have it."""


class Book:
    """The snapshot that one group decides on. ``now`` never runs backwards in a ledger."""

    def __init__(self, head: Mapping[str, Any], now: datetime) -> None:
        self.head = dict(head)
        self.now = max(now, head["last_at"])
        self.inserted: list[Record] = []
        self.updated: dict[int, Record] = {}
        self._found: defaultdict[type[Table], dict[tuple[str, str], _Index]] = defaultdict(dict)
        self._undo: list[Callable[[], object]] = []
        self.reads = 0
        """How often rows were asked for. Needs that ask for none are the same the second time."""

    # --- rows -------------------------------------------------------------------------------

    def missing(self, needs: Iterable[Need]) -> set[Need]:
        """Those of ``needs`` that were not loaded yet."""
        self.reads += 1
        return {need for need in needs if not self.is_loaded(need)}

    def is_loaded(self, need: Need) -> bool:
        """Whether the rows of ``need`` are here."""
        table, column, value, only = need
        index = self._found[table].get((column, only))
        return index is not None and value in index

    def add(self, need: Need, rows: Iterable[Record]) -> None:
        """Take in what was loaded for ``need``."""
        table, column, value, only = need
        self._found[table].setdefault((column, only), {})[value] = list(rows)

    def records(self, table: type[Table]) -> dict[Any, Record]:
        """Every row of ``table`` that the book has, by primary key."""
        key = primary_key(table)
        return {
            row[key]: row
            for index in self._found[table].values()
            for found in index.values()
            for row in found
        }

    def find(
        self, table: type[Table], column: str, value: str | int, only: str = ""
    ) -> list[Record]:
        """The rows of a need, with what the group has staged. Raises ``NotLoaded``."""
        self.reads += 1
        try:
            return self._found[table][column, only][value]
        except KeyError:
            raise NotLoaded(f"{table._meta.tablename}.{column} = {value!r}") from None

    def get(
        self, table: type[Table], column: str, value: str | int, only: str = ""
    ) -> Record | None:
        """The one row of a need on a unique column, or None. Raises ``NotLoaded``."""
        rows = self.find(table, column, value, only)
        return rows[0] if rows else None

    def need(self, table: type[Table], column: str, value: str | int, only: str = "") -> Record:
        """The one row that must be there. Raises ``NotLoaded`` or ``InvariantViolated``."""
        row = self.get(table, column, value, only)
        if row is None:
            raise InvariantViolated(f"{table._meta.tablename} has no row {column} = {value!r}")
        return row

    def insert(self, table: type[Table], **values: Any) -> Record:
        """Stage a new row. A table with a ``version`` starts at 1."""
        if has_version(table):
            values["version"] = 1
        row = Record(table, values, is_new=True)
        self.inserted.append(row)
        self._undo.append(self.inserted.pop)
        for (column, _), index in self._found[table].items():
            rows = index.get(values[column])
            if rows is not None:
                rows.append(row)
                self._undo.append(rows.pop)
        return row

    def update(self, row: Record, **changes: Any) -> None:
        """Stage changes to a row; its ``version`` guards the write."""
        before = {column: row[column] for column in changes}
        self._undo.append(partial(self._take_back, row, before, row.changed))
        row.update(changes)
        if not row.is_new:
            row.changed = row.changed | changes.keys()
            self.updated[id(row)] = row

    def _take_back(self, row: Record, before: dict[str, Any], changed: frozenset[str]) -> None:
        row.update(before)
        row.changed = changed
        if not changed and not row.is_new:
            self.updated.pop(id(row), None)

    def mark(self) -> int:
        """A place to come back to."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take back everything that was staged after ``mark``."""
        while len(self._undo) > mark:
            self._undo.pop()()

    # --- money ------------------------------------------------------------------------------

    def account(self, name: AccountName) -> Record:
        """The account, opened on first use. Raises ``NotLoaded``."""
        account = self.get(Account, "key", name.key)
        if account is not None:
            return account
        return self.insert(
            Account,
            id=self._count("account_seq"),
            key=name.key,
            kind=str(name.kind),
            owner=name.owner,
            currency=name.currency,
            posted=0,
            held=0,
            may_overdraw=name.may_overdraw,
            status="active",
            created_at=self.now,
        )

    def post(self, movement: Movement) -> Record:
        """Post a transfer: two entries, two balances, one link of the chain.

        Raises ``InsufficientFunds`` when the debit account has less available, and
        ``InvariantViolated`` for a transfer that could never be right.
        """
        debit, credit = self.account(movement.debit), self.account(movement.credit)
        rules.check_amount(movement.amount)
        rules.require_same_currency(debit, credit, movement.debit.currency)
        if debit is credit:
            raise InvariantViolated(f"a transfer from {debit['key']} to itself")
        rules.require_available(debit, movement.amount)
        self.update(debit, posted=debit["posted"] - movement.amount)
        self.update(credit, posted=credit["posted"] + movement.amount)
        return self._write_transfer(movement, debit, credit)

    def _write_transfer(self, movement: Movement, debit: Record, credit: Record) -> Record:
        values = {
            "seq": self._count("transfer_seq"),
            "id": movement.id,
            "kind": movement.kind,
            "debit_account": debit["id"],
            "credit_account": credit["id"],
            "amount": movement.amount,
            "currency": movement.debit.currency,
            "order_id": movement.order_id,
            "top_up_id": movement.top_up_id,
            "payment_id": movement.payment_id,
            "refund_id": movement.refund_id,
            "reverses": movement.reverses,
            "reason": movement.reason,
            "actor": movement.actor,
            "approved_by": movement.approved_by,
            "occurred_at": movement.occurred_at or self.now,
            "created_at": self.now,
        }
        balances = (debit["posted"], credit["posted"])
        values["hash"] = transfer_hash(self.head["head_hash"], values, balances)
        self._set_head("head_hash", values["hash"])
        transfer = self.insert(Transfer, **values)
        self._write_entry(transfer, debit, -movement.amount)
        self._write_entry(transfer, credit, movement.amount)
        return transfer

    def _write_entry(self, transfer: Record, account: Record, amount: int) -> None:
        self.insert(
            Entry,
            id=transfer["seq"] * 2 - (amount < 0),
            account_id=account["id"],
            transfer_seq=transfer["seq"],
            amount=amount,
            balance_after=account["posted"],
        )

    # --- holds ------------------------------------------------------------------------------

    def hold(
        self,
        id: str,
        name: AccountName,
        amount: int,
        *,
        order_id: str | None = None,
        refund_id: str | None = None,
        payment_id: str | None = None,
        expires_at: datetime | None = None,
    ) -> Record:
        """Set ``amount`` aside. Raises ``InsufficientFunds``."""
        account = self.account(name)
        rules.check_amount(amount)
        rules.require_available(account, amount)
        self.update(account, held=account["held"] + amount)
        return self.insert(
            Hold,
            id=id,
            account_id=account["id"],
            amount=amount,
            captured=0,
            currency=name.currency,
            status="held",
            order_id=order_id,
            refund_id=refund_id,
            payment_id=payment_id,
            expires_at=expires_at,
            created_at=self.now,
            closed_at=None,
        )

    def capture_hold(self, hold: Record, movement: Movement) -> Record:
        """Take the movement's amount out of a hold, and give back the rest of the hold."""
        if movement.amount > hold["amount"]:
            raise InvariantViolated(f"hold {hold['id']}: captures more than it holds")
        self._close_hold(hold, movement.debit, status="captured", captured=movement.amount)
        return self.post(movement)

    def void_hold(self, hold: Record, name: AccountName, *, status: str = "voided") -> None:
        """Give back a hold before anything of it was captured."""
        self._close_hold(hold, name, status=status, captured=0)

    def _close_hold(self, hold: Record, name: AccountName, *, status: str, captured: int) -> None:
        account = self.account(name)
        if hold["status"] != "held" or hold["account_id"] != account["id"]:
            raise InvariantViolated(f"hold {hold['id']} of {account['key']} is {hold['status']}")
        self.update(hold, status=status, captured=captured, closed_at=self.now)
        self.update(account, held=account["held"] - hold["amount"])

    # --- the head ---------------------------------------------------------------------------

    def _count(self, counter: str) -> int:
        self._set_head(counter, self.head[counter] + 1)
        count: int = self.head[counter]
        return count

    def _set_head(self, column: str, value: Any) -> None:
        before = self.head[column]
        self.head[column] = value
        self._undo.append(partial(self.head.__setitem__, column, before))
