"""The book: what a group of operations has loaded, and what it has decided so far. Pure.

Operations read rows and stage effects here, one operation after another; a later one sees what
an earlier one staged.  Nothing is written before all have decided, and an operation that refuses
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from batua.errors import InvariantViolated
from batua.ledger import lots, rules
from batua.ledger.accounts import AccountKind, AccountName
from batua.ledger.chain import transfer_hash
from batua.ledger.movements import Movement, Part
from batua.ledger.rows import Record
from batua.ledger.staging import StagedRows
from batua.ledger.tables import Account, Entry, Hold, Transfer

__all__ = ["Book"]

MAY_BE_LEFT_OUT = (
    "order_id", "top_up_id", "payment_id", "refund_id", "reverses", "approved_by", "occurred_at",
)  # fmt: skip
"""What a movement only has where it means something, by the transfer's columns."""


class Book(StagedRows):
    """The snapshot that one group decides on.

    ``now`` never runs backwards in a ledger: it is what is written of when something was done.
    ``clock`` is this process's own: what is due, leased or expires is measured by it, so that one
    process whose clock was ahead holds up nobody else.
    """

    def __init__(self, clock: datetime) -> None:
        super().__init__(clock)
        self.head: dict[str, Any] = {}
        self.clock = clock

    def open(self, head: Mapping[str, Any]) -> None:
        """Go on from ``head``, the ledger's head row as it was loaded."""
        self.head = dict(head)
        self.now = max(self.clock, head["last_at"])

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
        if movement.credit.kind is AccountKind.WALLET:
            self._repay(movement, credit)
        return transfer

    def _repay(self, movement: Movement, wallet: Record) -> None:
        """What its owner owes goes out of a wallet's credit first; a bonus repays nothing."""
        name = movement.credit
        owed_by = AccountName.debt(name.owner, name.currency)
        debt = self.get(Account, "key", owed_by.key)
        if debt is None or debt["posted"] >= 0:
            return
        found = self.lots(name)
        most = min(-debt["posted"], movement.amount, lots.spared(wallet, found))
        if most > 0:
            self.post(
                Movement(
                    id=f"{movement.id}.repayment",
                    kind="debt_repayment",
                    debit=name,
                    credit=owed_by,
                    amount=most,
                    reason="debt",
                    actor="system",
                    takes=lots.without_bonus(wallet, found, most),
                )
            )

    def _write_transfer(self, movement: Movement, debit: Record, credit: Record) -> Record:
        values: dict[str, Any] = {
            "seq": self._count("transfer_seq"),
            "id": movement.id,
            "kind": movement.kind,
            "debit_account": debit["id"],
            "credit_account": credit["id"],
            "amount": movement.amount,
            "currency": movement.debit.currency,
            "reason": movement.reason,
            "actor": movement.actor,
        }
        for column in MAY_BE_LEFT_OUT:
            value = getattr(movement, column)
            if value is not None:
                values[column] = value
        balances = (debit["posted"], credit["posted"])
        values["hash"] = transfer_hash(self.head["head_hash"], values, self.now, balances)
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
