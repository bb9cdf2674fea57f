"""The pass over transfers and entries, in the order in which they were committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

from batua.database import Row
from batua.ledger.proof.anchor import Anchor
from batua.ledger.proof.checks_accounts import Account
from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.hashing import COLUMNS, chained_hash, moment
from batua.ledger.proof.source import Source

__all__ = ["Progress", "Walk"]

Progress = Callable[[int, int], None]

CREDITS_FROM = {"suspense_release": "suspense", "adjustment_credit": "adjustment"}
"""The kind of the debit account for a kind of transfer that may credit a wallet."""

UNKNOWN = Account(id=0, key="(no such account)", kind="", owner="", currency="")


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

    @property
    def entries(self) -> int:
        return self._entries.count

    async def run(self, progress: Progress, total: int) -> None:
        """Check every transfer with its entries."""
        names = [name for name in COLUMNS if not name.endswith("_at")]
        times = [self._source.time("occurred_at"), self._source.time("created_at")]
        columns = ", ".join([*names, *times, "hash"])
        async for page in self._source.pages(columns, "batua_transfer", "seq", first=0):
            for transfer in page:
                await self._transfer(transfer)
            progress(self.transfers, total)
        async for entry in self._entries.up_to(None):
            self._stray(entry, None)
        self._check_anchor_reached()

    async def _transfer(self, row: Row) -> None:
        seq = row["seq"]
        self._check_no_gap(seq)
        debit_row = credit_row = None
        async for entry in self._entries.up_to(2 * seq):
            if entry["id"] == 2 * seq - 1:
                debit_row = entry
            elif entry["id"] == 2 * seq:
                credit_row = entry
            else:
                self._stray(entry, seq)
        self._check_entry(row, debit_row, "debit_account", -1)
        self._check_entry(row, credit_row, "credit_account", 1)
        self._check_hash(row, debit_row, credit_row)
        self._check_time(row)
        debit = self._party(row, "debit_account")
        credit = self._party(row, "credit_account")
        self._check_source_of_credit(row, debit, credit)
        self._check_approval(row)
        self.transfers += 1
        self.last_seq = seq

    # --- I17, I19: the chain ----------------------------------------------------------------

    def _check_no_gap(self, seq: int) -> None:
        expected = self.last_seq + 1
        if seq != expected:
            missing = f"Transfers {expected} to {seq - 1} are missing: seq must have no gap."
            self._add("I17", expected, missing, seq=expected)

    def _check_hash(self, row: Row, debit: Row | None, credit: Row | None) -> None:
        after = [None if entry is None else entry["balance_after"] for entry in (debit, credit)]
        expected = chained_hash(self.last_hash, row, *after)
        if row["hash"] != expected:
            self._add(
                "I17",
                row["seq"],
                f"Transfer {row['seq']} has hash {row['hash']}, expected {expected}: it, a "
                "balance after it, or the hash before it was changed.",
            )
        self.last_hash = row["hash"]
        anchor = self._anchor
        if anchor and anchor.transfer_seq == row["seq"] and anchor.head_hash != row["hash"]:
            self._add(
                "I17",
                row["seq"],
                f"Transfer {row['seq']} has hash {row['hash']}, but was anchored with "
                f"{anchor.head_hash}: the ledger was rewritten.",
            )

    def _check_anchor_reached(self) -> None:
        if self._anchor is not None and self.last_seq < self._anchor.transfer_seq:
            self._add(
                "I17",
                self._anchor.transfer_seq,
                f"The ledger ends at transfer {self.last_seq}, but was anchored at "
                f"{self._anchor.transfer_seq}: its end was removed.",
            )

    def _check_time(self, row: Row) -> None:
        for column in ("occurred_at", "created_at"):
            if moment(row[column]) is None:
                self._add(
                    "I19",
                    row["seq"],
                    f"Transfer {row['seq']} has {column} = {row[column]!r}: expected a time.",
                )
        created = moment(row["created_at"])
        if created is None:
            return
        if self.last_created is not None and created < self.last_created:
            self._add(
                "I19",
                row["seq"],
                f"Transfer {row['seq']} was created at {created}, before the one before it "
                f"({self.last_created}).",
            )
        self.last_created = created

    # --- I1, I3, I22: the entries -----------------------------------------------------------

    def _check_entry(self, row: Row, entry: Row | None, side: str, sign: int) -> None:
        seq = row["seq"]
        if entry is None:
            self._add("I1", seq, f"Transfer {seq} has no entry for its {side}.")
            return
        expected = {"transfer_seq": seq, "account_id": row[side]}
        if type(row["amount"]) is int:
            expected["amount"] = sign * row["amount"]
        for column, value in expected.items():
            if entry[column] != value:
                self._add_entry(
                    "I1",
                    entry,
                    f"Entry {entry['id']}, the {side} of transfer {seq}, has {column} "
                    f"{entry[column]!r}, expected {value}.",
                    seq,
                )
        self._book(entry, seq)

    def _stray(self, entry: Row, seq: int | None) -> None:
        self._add_entry(
            "I22",
            entry,
            f"Entry {entry['id']} belongs to transfer {(entry['id'] + 1) // 2}, which does not "
            "exist.",
            seq,
        )
        self._book(entry, seq)

    def _book(self, entry: Row, seq: int | None) -> None:
        account = self._accounts.get(entry["account_id"])
        if account is None:
            message = f"Entry {entry['id']} is of account {entry['account_id']!r}, which is none."
            self._add_entry("I22", entry, message, seq)
            return
        amount, after = entry["amount"], entry["balance_after"]
        if type(amount) is not int or type(after) is not int:
            return  # I5 has found it.
        expected = account.last_balance + amount
        if after != expected:
            self._add_entry(
                "I3",
                entry,
                f"Entry {entry['id']} leaves {account.key} with {after}, expected "
                f"{account.last_balance} + {amount} = {expected}.",
                seq,
            )
        if account.kind == "wallet" and after < 0:
            message = f"Entry {entry['id']} leaves {account.key} with {after}, below zero."
            self._add_entry("I4", entry, message, seq)
        account.last_balance = after
        account.entries_sum += amount

    # --- I6, I8, I13, I20, I22: who and why ---------------------------------------------------

    def _party(self, row: Row, side: str) -> Account:
        seq, account = row["seq"], self._accounts.get(row[side])
        if account is None:
            self._add("I22", seq, f"Transfer {seq} has {side} {row[side]!r}, which is none.")
            return UNKNOWN
        if account.currency != row["currency"]:
            self._add(
                "I6",
                seq,
                f"Transfer {seq} is in {row['currency']}, but its {side} {account.key} is in "
                f"{account.currency}.",
            )
        return account

    def _check_source_of_credit(self, row: Row, debit: Account, credit: Account) -> None:
        if credit.kind == "wallet" and not _may_credit_wallet(row, debit):
            self._add(
                "I8",
                row["seq"],
                f"Transfer {row['seq']} of kind {row['kind']} credits {credit.key} from "
                f"{debit.key}: expected a capture, a refund with its id, an adjustment with its "
                "actor, a release from suspense, a reversal or another wallet.",
            )
        if _named(row, "reversal") and row["reverses"] is None:
            message = f"Transfer {row['seq']} of kind {row['kind']} reverses no transfer."
            self._add("I13", row["seq"], message)

    def _check_approval(self, row: Row) -> None:
        if not _named(row, "adjustment_"):
            return
        seq = row["seq"]
        for column in ("actor", "reason"):
            if _is_empty(row[column]):
                self._add("I20", seq, f"Transfer {seq} of kind {row['kind']} has no {column}.")
        if row["approved_by"] is not None and row["approved_by"] == row["actor"]:
            message = f"Transfer {seq} was made and approved by the same {row['actor']}."
            self._add("I20", seq, message)

    # --- findings ---------------------------------------------------------------------------

    def _add(self, invariant: str, row: int, message: str, *, seq: int | None = None) -> None:
        finding = Finding(invariant, "batua_transfer", str(row), message)
        self._findings.add(finding, seq=row if seq is None else seq)

    def _add_entry(self, invariant: str, entry: Row, message: str, seq: int | None) -> None:
        self._findings.add(Finding(invariant, "batua_entry", str(entry["id"]), message), seq=seq)


class _Entries:
    """All entries by id, a page at a time: beside each transfer, its own are next."""

    def __init__(self, source: Source) -> None:
        columns = "id, account_id, transfer_seq, amount, balance_after"
        self.count = 0
        self._pages = source.pages(columns, "batua_entry", "id", first=0)
        self._page: Sequence[Row] = ()
        self._next = 0

    async def up_to(self, last_id: int | None) -> AsyncIterator[Row]:
        """The next entries with an id of at most ``last_id``, or all that are left."""
        while await self._has_next():
            entry = self._page[self._next]
            if last_id is not None and entry["id"] > last_id:
                return
            self._next += 1
            self.count += 1
            yield entry

    async def _has_next(self) -> bool:
        if self._next == len(self._page):
            # No tuple for a default: CPython 3.11 raises SystemError then.
            self._page, self._next = await anext(self._pages, []), 0
        return bool(self._page)


def _may_credit_wallet(row: Row, debit: Account) -> bool:
    if debit.kind in {"gateway", "wallet"}:
        return True  # I7 proves that a debit of a gateway is a capture's, or I13 a reversal.
    if _named(row, "reversal"):
        return row["reverses"] is not None
    if row["kind"] == "refund_to_wallet":
        return row["refund_id"] is not None  # I8 in checks_refunds proves that it exists.
    if CREDITS_FROM.get(row["kind"]) != debit.kind:
        return False
    return debit.kind == "suspense" or not _is_empty(row["actor"])


def _named(row: Row, prefix: str) -> bool:
    return str(row["kind"]).startswith(prefix)


def _is_empty(value: Any) -> bool:
    return value is None or not str(value).strip()
