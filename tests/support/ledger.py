"""Ledger rows written past the engine, and small operations for it."""

# An operation is handed the book whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batua.clock import new_id
from batua.database import Database
from batua.ledger import AccountName, Book, Engine, Movement, Need, account_needs, available
from batua.ledger.proof import Finding, Proof, prove
from batua.ledger.tables import (
    Account,
    Entry,
    Hold,
    HoldLot,
    IdempotencyKey,
    LedgerHead,
    Lot,
    LotEntry,
    Transfer,
)
from tests.support.clock import START
from tests.support.proxy import Cut, CuttingProxy

__all__ = [
    "ASHA",
    "BANK",
    "RAVI",
    "REVENUE",
    "TABLES",
    "Balance",
    "Staged",
    "balances",
    "insert_transfer",
    "lose",
    "movement",
    "prove_transfers",
]

TABLES = (LedgerHead, Account, Transfer, Entry, Hold, Lot, LotEntry, HoldLot, IdempotencyKey)
ASHA = AccountName.wallet("asha", "INR")
RAVI = AccountName.wallet("ravi", "INR")
BANK = AccountName.gateway("bank", "INR")
REVENUE = AccountName.revenue("INR")


def movement(
    debit: AccountName = BANK, credit: AccountName = ASHA, amount: int = 100, **more: Any
) -> Movement:
    """A transfer to post, with everything that a test does not care about filled in."""
    values = {"id": new_id("trf"), "kind": "test", "reason": "a test", "actor": "test", **more}
    return Movement(debit=debit, credit=credit, amount=amount, **values)


def accounts(*names: AccountName) -> list[Need]:
    return [need for name in names for need in account_needs(name)]


@dataclass(frozen=True)
class Balance:
    """Reads: it stages nothing."""

    name: AccountName

    def needs(self, book: Book) -> Iterable[Need]:
        return accounts(self.name)

    def decide(self, book: Book) -> int | None:
        account = book.get(Account, "key", self.name.key)
        return None if account is None else available(account)


@dataclass(frozen=True)
class Staged:
    """Whatever ``deciding`` does, with ``needed`` loaded."""

    deciding: Callable[[Book], Any]
    needed: tuple[Need, ...] = ()

    def needs(self, book: Book) -> Iterable[Need]:
        return self.needed

    def decide(self, book: Book) -> Any:
        return self.deciding(book)


async def balances(database: Database) -> dict[str, tuple[int, int]]:
    """(posted, held) of every account."""
    rows = await database.fetch("select key, posted, held from batua_account")
    return {row["key"]: (row["posted"], row["held"]) for row in rows}


async def insert_transfer(
    database: Database,
    *,
    transfer: Mapping[str, Any] | None = None,
    credit: Mapping[str, Any] | None = None,
) -> None:
    """Write one transfer of 100 from BANK to ASHA by hand, with columns to break."""
    async with database.transaction() as transaction:
        for number, name, posted in ((1, BANK, -100), (2, ASHA, 100)):
            await transaction.execute(
                "insert into batua_account (id, key, kind, owner, currency, posted, held,"
                " may_overdraw, status, created_at, version)"
                " values ($1, $2, $3, $4, $5, $6, 0, $7, 'active', $8, 1)",
                number, name.key, str(name.kind), name.owner, name.currency, posted,
                name.may_overdraw, START,
            )  # fmt: skip
        values = {"seq": 1, "id": "trf_1", "kind": "test", "debit_account": 1,
                  "credit_account": 2, "amount": 100, "currency": "INR", "reason": "by hand",
                  "actor": "test", "occurred_at": START, "created_at": START, "hash": "0" * 64,
                  } | (transfer or {})  # fmt: skip
        await _insert(transaction, "batua_transfer", values)
        debit = {"id": 1, "account_id": 1, "transfer_seq": 1, "amount": -100,
                 "balance_after": -100}  # fmt: skip
        await _insert(transaction, "batua_entry", debit)
        side = {"id": 2, "account_id": 2, "transfer_seq": 1, "amount": 100, "balance_after": 100}
        await _insert(transaction, "batua_entry", side | (credit or {}))


async def _insert(transaction: Any, table: str, values: Mapping[str, Any]) -> None:
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    await transaction.execute(
        f"insert into {table} ({', '.join(values)}) values ({places})", *values.values()
    )


def lose(engine: Engine, proxy: CuttingProxy, cut: Cut, *, in_one: bool, times: int = 1) -> None:
    """Lose what commits next: the one statement that writes a group, or else COMMIT."""
    engine._is_alone = in_one
    # The one statement is the only one that is told which ledger it is of.
    proxy.arm(cut, statement=b"ldg_" if in_one else b"COMMIT;", times=times)


async def prove_transfers(database: Database) -> Proof:
    """Prove a ledger that has nothing but transfers.

    Money comes into its wallets out of suspense, where no capture has put it and no refund lets it
    go. Whatever else there is to find stays.
    """
    proof = await prove(database, findings_max=1_000_000)
    found = (each for each in proof.findings if not _is_of_suspense(each))
    return replace(proof, findings=tuple(found))


def _is_of_suspense(finding: Finding) -> bool:
    said = ("of no refund of what a capture has in suspense", "takes money out of suspense")
    is_rest = finding.message.startswith("suspense:") and "of its captures" in finding.message
    return is_rest or any(each in finding.message for each in said)
