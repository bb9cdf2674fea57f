"""The book: what a group of operations has loaded, and what it has decided so far. Pure.

Operations read rows and stage effects here, one operation after another; a later one sees what
an earlier one staged.  Nothing is written before all have decided, and an operation that refuses
leaves nothing behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from piccolo.table import Table

from batua.errors import InvariantViolated
from batua.ledger import lots, rules
from batua.ledger.accounts import AccountKind, AccountName
from batua.ledger.chain import transfer_hash
from batua.ledger.movements import Movement, Part
from batua.ledger.rows import Need, NotLoaded, Record
from batua.ledger.tables import Account, Entry, Hold, Transfer, has_version, primary_key

__all__ = ["Book"]

_Index = dict[Any, list[Record]]
"""What was found by one column: value by value, the rows that have it."""


class Book:
    """The snapshot that one group decides on.

    ``now`` never runs backwards in a ledger: it is what is written of when something was done.
    ``clock`` is this process's own: what is due, leased or expires is measured by it, so that one
    process whose clock was ahead holds up nobody else.
    """

    def __init__(self, clock: datetime) -> None:
        self.head: dict[str, Any] = {}
        self.clock = self.now = clock
        self.inserted: list[Record] = []
        self.updated: dict[int, Record] = {}
        self._found: defaultdict[type[Table], dict[tuple[str, str], _Index]] = defaultdict(dict)
        self._undo: list[Callable[[], object]] = []
        self.reads = 0
        """How often it was asked for rows. Needs that ask for none are the same a second time."""

    def open(self, head: Mapping[str, Any]) -> None:
        """Go on from ``head``, the ledger's head row as it was loaded."""
        self.head = dict(head)
        self.now = max(self.clock, head["last_at"])

    # --- rows -------------------------------------------------------------------------------

    def missing(self, needs: Iterable[Need]) -> set[Need]:
        """Those of ``needs`` that were not loaded yet."""
        return {need for need in needs if not self.is_loaded(need)}

    def is_loaded(self, need: Need) -> bool:
        """Whether the rows of ``need`` are here."""
        self.reads += 1
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

    def reopen(self, need: Need, row: Record) -> None:
        """Let ``row`` be found by ``need``, whose condition it meets by now."""
        rows = self.find(*need)
        if not any(known is row for known in rows):
            rows.append(row)
            self._undo.append(rows.pop)

    def mark(self) -> int:
        """A place to come back to."""
        return len(self._undo)

    def undo_to(self, mark: int) -> None:
        """Take back everything that was staged after ``mark``."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def settle(self) -> None:
        """Take nothing back any more.

        What could be taken back holds on to the book, and the book to that: thousands of objects
        a group would wait for the garbage collector.
        """
        self._undo.clear()

    # --- money ------------------------------------------------------------------------------

    def account(self, name: AccountName) -> Record:
        """The account, opened on first use; what is due of a wallet has expired.

        Raises ``NotLoaded``, for a wallet whose lots were not loaded too.
        """
        account = self._open(name)
        if name.kind is AccountKind.WALLET:
            lots.expire_due(self, name)
        return account

    def lots(self, name: AccountName) -> list[Record]:
        """The open lots of a wallet, in spending order. Raises ``NotLoaded``."""
        return lots.open_lots(self, name)

    def _open(self, name: AccountName) -> Record:
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
        taken = lots.choose(self, movement.debit, debit, movement.amount, movement.takes)
        return self._move(movement, debit, credit, taken)

    def expire_lot(self, movement: Movement, part: Part) -> None:
        """Post what a due lot loses: nobody asks whether it is available."""
        self._move(movement, self._open(movement.debit), self._open(movement.credit), [part])

    def _move(
        self, movement: Movement, debit: Record, credit: Record, taken: Sequence[Part]
    ) -> Record:
        self.update(debit, posted=debit["posted"] - movement.amount)
        self.update(credit, posted=credit["posted"] + movement.amount)
        transfer = self._write_transfer(movement, debit, credit)
        lots.spend(self, movement, taken)
        lots.give(self, movement)
        return transfer

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
        takes: Sequence[Part] | None = None,
    ) -> Record:
        """Set ``amount`` aside, of the lots that ``takes`` says. Raises ``InsufficientFunds``."""
        account = self.account(name)
        rules.check_amount(amount)
        rules.require_available(account, amount)
        taken = lots.choose(self, name, account, amount, takes)
        self.update(account, held=account["held"] + amount)
        hold = self.insert(
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
        lots.set_aside(self, id, taken)
        return hold

    def capture_hold(self, hold: Record, movement: Movement) -> Record:
        """Take the movement's amount out of a hold, and give back the rest of the hold.

        What was held of a lot that is due by now is taken all the same.
        """
        if movement.amount > hold["amount"]:
            raise InvariantViolated(f"hold {hold['id']}: captures more than it holds")
        self.account(movement.debit)  # what is due beside the hold expires first
        credit = self.account(movement.credit)
        held = self._close_hold(hold, movement.debit, status="captured", captured=movement.amount)
        debit = self._open(movement.debit)
        rules.check_amount(movement.amount)
        rules.require_same_currency(debit, credit, movement.debit.currency)
        return self._move(movement, debit, credit, lots.first(held, movement.amount))

    def void_hold(self, hold: Record, name: AccountName, *, status: str = "voided") -> None:
        """Give back a hold before anything of it was captured."""
        self._close_hold(hold, name, status=status, captured=0)

    def _close_hold(
        self, hold: Record, name: AccountName, *, status: str, captured: int
    ) -> list[Part]:
        account = self._open(name)
        if hold["status"] != "held" or hold["account_id"] != account["id"]:
            raise InvariantViolated(f"hold {hold['id']} of {account['key']} is {hold['status']}")
        held = lots.release(self, hold, name)
        self.update(hold, status=status, captured=captured, closed_at=self.now)
        self.update(account, held=account["held"] - hold["amount"])
        return held

    # --- the head ---------------------------------------------------------------------------

    def _count(self, counter: str) -> int:
        self._set_head(counter, self.head[counter] + 1)
        count: int = self.head[counter]
        return count

    def _set_head(self, column: str, value: Any) -> None:
        before = self.head[column]
        self.head[column] = value
        self._undo.append(partial(self.head.__setitem__, column, before))
