"""The pass over transfers and entries, in the order in which they were committed.

It sees every row of the ledger: what it does for each is a plain loop without a single await.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from batua.ledger.proof.anchor import Anchor
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Row, Source
from batua.ledger.proof.walk.accounts import Account
from batua.ledger.proof.walk.hashing import COLUMNS, chained_hash, moment, written
from batua.ledger.proof.walk.parties import Parties
from batua.ledger.proof.walk.transfers import HASHED_AS_STORED, Transfer

__all__ = ["Walk"]


class Entry(NamedTuple):
    """One account's side of a transfer, as stored."""

    id: int
    account_id: Any
    transfer_seq: Any
    amount: Any
    balance_after: Any


class Walk:
    """Walks the ledger once, and knows afterwards where it ended.

    After a break it goes on from what is stored, so that one edit is one or two findings and not
    one for each row behind it.
    """

    def __init__(
        self,
        source: Source,
        findings: Findings,
        accounts: dict[int, Account],
        anchor: Anchor | None,
    ) -> None:
        self.transfers = 0
        self.last_seq = 0
        self.last_hash: Any = ""
        self.last_created: datetime | None = None
        self._source = source
        self._findings = findings
        self._accounts = accounts
        self._anchor = anchor
        self._entries = _Entries(source)
        self._parties = Parties(accounts, self._add)

    @property
    def entries(self) -> int:
        return self._entries.count

    async def run(self, total: int) -> None:
        """Check every transfer with its entries."""
        names = [self._source.time(name) if name.endswith("_at") else name for name in COLUMNS]
        columns = ", ".join([*names, "hash"])
        async for page in self._source.pages(columns, "batua_transfer", "seq", first=0):
            for transfer in map(Transfer._make, map(tuple, page)):
                pair = self._entries.pair_of(transfer.seq)
                self._transfer(transfer, *(pair or await self._entries_of(transfer.seq)))
            self._source.progress("transfers", self.transfers, max(total, self.transfers))
        while entry := await self._entries.next_up_to(None):
            self._stray(entry, None)
        self._check_anchor_reached()

    async def _entries_of(self, seq: int) -> tuple[Entry | None, Entry | None]:
        """The entries of a transfer at the end of a page, or where some are missing or strays."""
        found: dict[int, Entry] = {}
        while entry := await self._entries.next_up_to(2 * seq):
            if entry.id < 2 * seq - 1:
                self._stray(entry, seq)
            else:
                found[entry.id] = entry
        return found.get(2 * seq - 1), found.get(2 * seq)

    def _transfer(self, row: Transfer, debit_row: Entry | None, credit_row: Entry | None) -> None:
        seq = row.seq
        if seq != self.last_seq + 1:
            expected = self.last_seq + 1
            missing = f"Transfers {expected} to {seq - 1} are missing: seq must have no gap."
            self._add("I17", expected, missing)
        amount = row.amount if type(row.amount) is int else None
        self._check_entry(seq, debit_row, row.debit_account, amount and -amount, "debit_account")
        self._check_entry(seq, credit_row, row.credit_account, amount, "credit_account")
        self._check_chain(row, debit_row, credit_row)
        self._parties.check(row)
        self.transfers += 1
        self.last_seq = seq

    # --- I17, I19: the chain ----------------------------------------------------------------

    def _check_chain(self, row: Transfer, debit: Entry | None, credit: Entry | None) -> None:
        created = occurred = moment(row.created_at)
        created_text = occurred_text = written(created, row.created_at)
        if row.occurred_at != row.created_at:  # most are the same
            occurred = moment(row.occurred_at)
            occurred_text = written(occurred, row.occurred_at)
        expected = chained_hash(
            self.last_hash,
            (*row[:HASHED_AS_STORED], occurred_text, created_text),
            debit and debit.balance_after,
            credit and credit.balance_after,
        )
        if row.hash != expected:
            self._add(
                "I17",
                row.seq,
                f"Transfer {row.seq} has hash {row.hash}, expected {expected}: it, a "
                "balance after it, or the hash before it was changed.",
            )
        self.last_hash = row.hash
        if self._anchor is not None and self._anchor.transfer_seq == row.seq:
            self._check_anchor(self._anchor, row)
        if occurred is None or created is None:
            self._add_no_time(row)
        if created is not None:
            self._check_order(row.seq, created)

    def _check_anchor(self, anchor: Anchor, row: Transfer) -> None:
        if anchor.head_hash != row.hash:
            self._add(
                "I17",
                row.seq,
                f"Transfer {row.seq} has hash {row.hash}, but was anchored with "
                f"{anchor.head_hash}: the ledger was rewritten.",
            )

    def _check_anchor_reached(self) -> None:
        if self._anchor is not None and self.last_seq < self._anchor.transfer_seq:
            missing = self._anchor.transfer_seq - self.last_seq
            self._add(
                "I17",
                self.last_seq + 1,
                f"The ledger ends at transfer {self.last_seq}, but was anchored at "
                f"{self._anchor.transfer_seq}: the anchor is {missing} ahead. This is a copy from "
                "before the anchor, or the ledger's end was removed since.",
            )

    def _add_no_time(self, row: Transfer) -> None:
        for column in ("occurred_at", "created_at"):
            value = getattr(row, column)
            if moment(value) is None:
                message = f"Transfer {row.seq} has {column} = {value!r}: expected a time."
                self._add("I19", row.seq, message)

    def _check_order(self, seq: int, created: datetime) -> None:
        if self.last_created is not None and created < self.last_created:
            self._add(
                "I19",
                seq,
                f"Transfer {seq} was created at {created}, before the one before it "
                f"({self.last_created}).",
            )
        self.last_created = created

    # --- I1, I3, I22: the entries -----------------------------------------------------------

    def _check_entry(
        self, seq: int, entry: Entry | None, account: Any, amount: int | None, side: str
    ) -> None:
        if entry is None:
            self._add("I1", seq, f"Transfer {seq} has no entry for its {side}.")
            return
        if (entry.transfer_seq, entry.account_id, entry.amount) != (seq, account, amount):
            self._add_wrong_entry(seq, entry, account, amount, side)
        self._book(entry, seq)

    def _add_wrong_entry(
        self, seq: int, entry: Entry, account: Any, amount: int | None, side: str
    ) -> None:
        expected = {"transfer_seq": seq, "account_id": account}
        if amount is not None:  # else I5 has found it in the transfer
            expected["amount"] = amount
        for column, value in expected.items():
            found = getattr(entry, column)
            if found != value:
                self._add_entry(
                    "I1",
                    entry,
                    f"Entry {entry.id}, the {side} of transfer {seq}, has {column} "
                    f"{found!r}, expected {value}.",
                    seq,
                )

    def _stray(self, entry: Entry, seq: int | None) -> None:
        transfer = (entry.id + 1) // 2
        message = f"Entry {entry.id} belongs to transfer {transfer}, which does not exist."
        self._add_entry("I22", entry, message, seq)
        self._book(entry, seq)

    def _book(self, entry: Entry, seq: int | None) -> None:
        account = self._accounts.get(entry.account_id)
        if account is None:
            message = f"Entry {entry.id} is of account {entry.account_id!r}, which is none."
            self._add_entry("I22", entry, message, seq)
            return
        amount, after = entry.amount, entry.balance_after
        if type(amount) is not int or type(after) is not int:
            return  # I5 has found it.
        expected = account.last_balance + amount
        if after != expected:
            self._add_entry(
                "I3",
                entry,
                f"Entry {entry.id} leaves {account.key} with {after}, expected "
                f"{account.last_balance} + {amount} = {expected}.",
                seq,
            )
        if after < 0 and account.kind == "wallet":
            message = f"Entry {entry.id} leaves {account.key} with {after}, below zero."
            self._add_entry("I4", entry, message, seq)
        account.last_balance = after
        account.entries_sum += amount

    # --- findings ---------------------------------------------------------------------------

    def _add(self, invariant: str, row: int, message: str) -> None:
        self._findings.add(Finding(invariant, "batua_transfer", str(row), message), seq=row)

    def _add_entry(self, invariant: str, entry: Entry, message: str, seq: int | None) -> None:
        self._findings.add(Finding(invariant, "batua_entry", str(entry.id), message), seq=seq)


class _Entries:
    """All entries by id, a page at a time: beside each transfer, its own are next."""

    def __init__(self, source: Source) -> None:
        columns = "id, account_id, transfer_seq, amount, balance_after"
        self.count = 0
        self._pages = source.pages(columns, "batua_entry", "id", first=0)
        self._page: Sequence[Row] = ()
        self._next = 0

    def pair_of(self, seq: int) -> tuple[Entry, Entry] | None:
        """The two entries of a transfer, if they are the next ones on the page."""
        if self._next + 1 >= len(self._page):
            return None
        debit = Entry._make(tuple(self._page[self._next]))
        credit = Entry._make(tuple(self._page[self._next + 1]))
        if debit.id != 2 * seq - 1 or credit.id != 2 * seq:
            return None
        self._next += 2
        self.count += 2
        return debit, credit

    async def next_up_to(self, last_id: int | None) -> Entry | None:
        """The next entry with an id of at most ``last_id``, or just the next. None for none."""
        if self._next == len(self._page):
            # No tuple for a default: CPython 3.11 raises SystemError then.
            self._page, self._next = await anext(self._pages, []), 0
        if not self._page:
            return None
        entry = Entry._make(tuple(self._page[self._next]))
        if last_id is not None and entry.id > last_id:
            return None
        self._next += 1
        self.count += 1
        return entry
