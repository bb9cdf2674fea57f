"""Accounts, their holds and the head row: what the ledger must add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Source
from batua.ledger.proof.walk.hashing import moment

__all__ = ["Account", "Head", "check_accounts", "check_head", "load_accounts", "read_head"]


@dataclass(slots=True)
class Account:
    """An account as stored, and what the walk over its entries comes to."""

    id: int
    key: str
    kind: str
    owner: str
    currency: str
    posted: int = 0
    held: int = 0
    may_overdraw: bool = False
    entries_sum: int = 0
    last_balance: int = 0
    open_holds: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger's head row; an empty one stands for a lost one."""

    ledger_id: str = ""
    transfer_seq: Any = 0
    account_seq: Any = 0
    head_hash: Any = ""
    last_at: datetime | None = None


class Walked(Protocol):
    """Where the walk over the transfers ended."""

    last_seq: int
    last_hash: Any
    last_created: datetime | None


async def read_head(source: Source, findings: Findings) -> Head:
    """The one head row."""
    rows = await source.reader.fetch(
        "select ledger_id, transfer_seq, account_seq, head_hash,"
        f" {source.time('last_at')} from batua_ledger order by id limit 2"
    )
    if len(rows) != 1:
        found = "none" if not rows else "more than one"
        message = f"The ledger has one head row, found {found}."
        findings.add(Finding("I17", "batua_ledger", "1", message))
    if not rows:
        return Head()
    values = dict(rows[0])
    return Head(**{**values, "last_at": moment(values["last_at"])})


async def load_accounts(source: Source, findings: Findings) -> dict[int, Account]:
    """All accounts by id, with the sum of their open holds."""
    accounts: dict[int, Account] = {}
    columns = "id, key, kind, owner, currency, posted, held, may_overdraw"
    async for page in source.pages(columns, "batua_account", "id", first=0):
        for row in page:
            account = Account(**dict(row))
            account.posted, account.held = _whole(row["posted"]), _whole(row["held"])
            accounts[account.id] = account
    columns = "id, account_id, amount, currency, status"
    async for page in source.pages(columns, "batua_hold", "id", first=""):
        for row in page:
            holder = accounts.get(row["account_id"])
            if holder is None:
                continue  # I22 has found it.
            if row["currency"] != holder.currency:
                message = f"Hold {row['id']} is in {row['currency']}, but is of {holder.key}."
                findings.add(Finding("I6", "batua_hold", str(row["id"]), message))
            if row["status"] == "held":
                holder.open_holds += _whole(row["amount"])
    return accounts


def check_accounts(accounts: dict[int, Account], head: Head, findings: Findings) -> None:
    """Each account by itself, and each currency over all accounts."""
    expected = 1
    for account in accounts.values():
        if account.id != expected:
            gap = f"Accounts {expected} to {account.id - 1} are missing: ids must have no gap."
            findings.add(Finding("I17", "batua_account", str(expected), gap))
        expected = account.id + 1
        for invariant, message in _problems(account):
            findings.add(Finding(invariant, "batua_account", str(account.id), message))
    if head.account_seq != expected - 1:
        message = f"The head row counts {head.account_seq} accounts, found {expected - 1}."
        findings.add(Finding("I17", "batua_ledger", "1", message))
    _check_sums(accounts.values(), findings)


def check_head(head: Head, walked: Walked, findings: Findings) -> None:
    """The head row is where the walk ended."""
    if head.transfer_seq != walked.last_seq:
        _add_head(
            findings,
            "I17",
            f"The head row is at transfer {head.transfer_seq}, but the last one is "
            f"{walked.last_seq}.",
        )
    if head.head_hash != walked.last_hash:
        _add_head(
            findings,
            "I17",
            f"The head row has hash {head.head_hash!r}, but the last transfer has "
            f"{walked.last_hash!r}.",
        )
    if head.last_at is None:
        _add_head(findings, "I19", "The head row's last_at is no time.")
    elif walked.last_created is not None and head.last_at < walked.last_created:
        _add_head(
            findings,
            "I19",
            f"The head row was last written at {head.last_at}, before the last transfer "
            f"({walked.last_created}).",
        )


def _add_head(findings: Findings, invariant: str, message: str) -> None:
    findings.add(Finding(invariant, "batua_ledger", "1", message))


def _problems(account: Account) -> Iterable[tuple[str, str]]:
    key, posted, held = account.key, account.posted, account.held
    if key != f"{account.kind}:{account.owner}:{account.currency}":
        yield "I6", f"Account {account.id} is named {key}, which is not its kind:owner:currency."
    if posted != account.entries_sum:
        yield "I3", f"{key} has posted {posted}, but its entries sum to {account.entries_sum}."
    if posted != account.last_balance:
        yield "I3", f"{key} has posted {posted}, but its last entry left {account.last_balance}."
    if held != account.open_holds:
        yield "I4", f"{key} has held {held}, but its open holds sum to {account.open_holds}."
    is_wallet = account.kind == "wallet"
    if (is_wallet or not account.may_overdraw) and posted - held < 0:
        yield "I4", f"{key} has {posted - held} available, below zero."
    if is_wallet and account.may_overdraw:
        yield "I4", f"{key} may overdraw, and no wallet may."


def _check_sums(accounts: Iterable[Account], findings: Findings) -> None:
    posted: Counter[str] = Counter()
    entries: Counter[str] = Counter()
    for account in accounts:
        posted[account.currency] += account.posted
        entries[account.currency] += account.entries_sum
    for name, sums in (("batua_account", posted), ("batua_entry", entries)):
        for currency, total in sorted(sums.items()):
            if total != 0:
                message = f"{name} sums to {total} in {currency}, expected 0."
                findings.add(Finding("I2", name, currency, message))


def _whole(value: Any) -> int:
    # I5 has found whatever is no whole number.
    return value if type(value) is int else 0
