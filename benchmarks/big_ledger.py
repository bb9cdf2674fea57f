"""A large and valid ledger, written straight into the tables: for what must hold at ten million.

Every customer tops up once, then they pay orders from their wallets in turn: a transfer, two
entries, an order, an idempotency key and a message each, as a one-tap payment leaves them.
Nothing of the writer is used; ``batua verify`` proves the result.

    python -m benchmarks.big_ledger sqlite:///big.sqlite --transfers 5000000 --customers 20000
"""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import argparse
import asyncio
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from batua.database import Database, migrate, open_database
from batua.database.postgres import PostgresDatabase
from batua.database.sqlite import SQLiteDatabase

__all__ = ["build"]

BATCH = 20_000
GROUP = 256  # so many share one moment, as the group commit leaves them
START = datetime(2026, 1, 1, tzinfo=UTC)
PRICE = 100
PLENTY = 1_000_000_000

COLUMNS: dict[str, str] = {
    "batua_customer": "id, name, phone, language, created_at, updated_at, version",
    "batua_account": "id, key, kind, owner, currency, posted, held, may_overdraw, status,"
    " created_at, version",
    "batua_top_up": "id, customer_id, amount, currency, gateway, status, credited, return_url,"
    " failure, expires_at, created_at, updated_at, version",
    "batua_payment": "id, gateway, mode, purpose, top_up_id, customer_id, amount, currency, status,"
    " checkout, failure, expires_at, polls, created_at, updated_at, version",
    "batua_capture": "id, gateway, mode, provider_payment_id, provider_reference, payment_id,"
    " top_up_id, customer_id, amount, currency, destination, reason, transfer_seq, method,"
    " captured_at, created_at, version",
    "batua_order": "id, reference, customer_id, amount, currency, description, items, status,"
    " paid_from_wallet, created_by, paid_at, created_at, updated_at, version",
    "batua_transfer": "seq, id, kind, debit_account, credit_account, amount, currency, order_id,"
    " top_up_id, payment_id, reason, actor, occurred_at, created_at, hash",
    "batua_entry": "id, account_id, transfer_seq, amount, balance_after",
    "batua_idempotency": "id, principal, route, key, fingerprint, status, subject,"
    " response_status, response_body, lease_until, created_at, finished_at, version",
    "batua_outbox": "id, dedupe_key, template, customer_id, parameters, order_id, notifier,"
    " status, note, attempts, created_at, sent_at, version",
}
"""What is written of each table, parents before children; all else is null or its default."""

HEAD = (
    "update batua_ledger set transfer_seq = {seq}, account_seq = {accounts},"
    " head_hash = '{hash}', last_at = '{at}'"
)

INDEXES = """
    select format('drop index %s', indexrelid::regclass) as dropped,
        pg_get_indexdef(indexrelid) as made
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relnamespace = current_schema()::regnamespace and c.relname like 'batua_%'
    and not exists (select from pg_constraint where conindid = i.indexrelid)
    union all
    select format('alter table %s drop constraint %I', conrelid::regclass, conname),
        format('alter table %s add constraint %I %s', conrelid::regclass, conname,
            pg_get_constraintdef(oid))
    from pg_constraint c
    where connamespace = current_schema()::regnamespace and contype in ('p', 'u')
    and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid)
"""
"""Those that no foreign key needs: made again at the end they cost a third."""

Rows = dict[str, list[tuple[Any, ...]]]


async def build(database: Database, *, transfers: int, customers: int) -> None:
    """Fill an empty, migrated database with ``transfers`` transfers of ``customers`` customers."""
    if not 0 < customers <= transfers:
        raise ValueError("every customer tops up first: 0 < customers <= transfers")
    if isinstance(database, SQLiteDatabase):
        await asyncio.to_thread(_fill_sqlite, database, _Ledger(customers, transfers, as_text=True))
    elif isinstance(database, PostgresDatabase):
        await _fill_postgres(database, _Ledger(customers, transfers, as_text=False))


def _fill_sqlite(database: SQLiteDatabase, ledger: _Ledger) -> None:
    connection = sqlite3.connect(database.path, isolation_level=None)
    # Valid by construction, and proved after: nobody looks up every foreign key.
    connection.execute("pragma foreign_keys = off")
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -400000")
    connection.execute("begin immediate")
    for rows in ledger.batches():
        for table, values in rows.items():
            places = ", ".join("?" * len(values[0]))
            connection.executemany(
                f"insert into {table} ({COLUMNS[table]}) values ({places})", values
            )
    connection.execute(ledger.head())
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()


async def _fill_postgres(database: PostgresDatabase, ledger: _Ledger) -> None:
    async with database._pool.acquire() as connection:
        async with connection.transaction():
            # As above: replicas do not look up what the original has checked.
            await connection.execute("set local session_replication_role = replica")
            await connection.execute("set local maintenance_work_mem = '256MB'")
            indexes = await connection.fetch(INDEXES)
            for index in indexes:
                await connection.execute(index["dropped"])
            for rows in ledger.batches():
                for table, values in rows.items():
                    columns = COLUMNS[table].split(", ")
                    await connection.copy_records_to_table(table, records=values, columns=columns)
            for index in indexes:
                await connection.execute(index["made"])
            await connection.execute(ledger.head())
        await connection.execute("vacuum analyze")


class _Transfer(NamedTuple):
    """What is peculiar to one transfer."""

    id: str
    kind: str
    debit: int
    credit: int
    amount: int
    order: str | None
    top_up: str | None
    payment: str | None
    reason: str
    actor: str
    debit_after: int
    credit_after: int


class _Ledger:
    """Makes the rows, in order. ``as_text``: times as SQLite stores them."""

    def __init__(self, customers: int, transfers: int, *, as_text: bool) -> None:
        self._customers = customers
        self._transfers = transfers
        self._as_text = as_text
        self._seq = 0
        self._hash = ""
        self._at = START
        self._balances = [0] * customers
        self._revenue = 0

    def batches(self) -> Iterator[Rows]:
        """All rows, a batch at a time."""
        yield self._openings()
        for first in range(1, self._transfers + 1, BATCH):
            rows: Rows = {table: [] for table in COLUMNS}
            for seq in range(first, min(first + BATCH, self._transfers + 1)):
                if (seq - 1) % GROUP == 0:
                    self._at = START + timedelta(milliseconds=seq)
                if seq <= self._customers:
                    self._top_up(rows, seq)
                else:
                    self._pay(rows, seq)
            yield {table: values for table, values in rows.items() if values}

    def head(self) -> str:
        """The statement that moves the head row to the end."""
        return HEAD.format(
            seq=self._seq, accounts=self._customers + 2, hash=self._hash, at=self._iso(" ")
        )

    def _openings(self) -> Rows:
        # Accounts are written with what they will have in the end; wallets are 3, 4 and so on.
        paid = self._transfers - self._customers
        at = self._time()
        funded = self._customers * PLENTY
        shop = [
            (1, "gateway:razorpay:INR", "gateway", "razorpay", "INR", -funded, 0, True),
            (2, "revenue:shop:INR", "revenue", "shop", "INR", paid * PRICE, 0, True),
        ]
        wallets = []
        for place in range(self._customers):
            orders = paid // self._customers + (place < paid % self._customers)
            who = f"customer_{place}"
            posted = PLENTY - orders * PRICE
            wallets.append((place + 3, f"wallet:{who}:INR", "wallet", who, "INR", posted, 0, False))
        return {
            "batua_customer": [
                (f"customer_{place}", "Asha", "+910000000000", "en", at, at, 1)
                for place in range(self._customers)
            ],
            "batua_account": [(*row, "active", at, 1) for row in (*shop, *wallets)],
        }

    def _top_up(self, rows: Rows, seq: int) -> None:
        place, at = seq - 1, self._time()
        who, times = f"customer_{place}", (at, at, 1)
        top_up, payment, capture = (f"{prefix}_{seq:026}" for prefix in ("top", "pay", "cap"))
        money = (PLENTY, "INR")
        rows["batua_top_up"].append(
            (top_up, who, *money, "razorpay", "succeeded", PLENTY, "", "", at, *times)
        )
        rows["batua_payment"].append(
            (payment, "razorpay", "test", "top_up", top_up, who, *money, "succeeded", "{}", "", at,
             0, *times)
        )  # fmt: skip
        rows["batua_capture"].append(
            (capture, "razorpay", "test", capture, "", payment, top_up, who, *money, "wallet", "",
             seq, "upi", *times)
        )  # fmt: skip
        self._balances[place] = PLENTY
        self._post(
            rows,
            seq,
            _Transfer(
                f"{payment}.capture", "top_up", 1, place + 3, PLENTY, None, top_up, payment,
                "top_up", who, -seq * PLENTY, PLENTY,
            ),
        )  # fmt: skip

    def _pay(self, rows: Rows, seq: int) -> None:
        place, at = (seq - 1) % self._customers, self._time()
        who, key, order = f"customer_{place}", f"key-{seq}", f"ord_{seq:026}"
        times = (at, at, 1)
        rows["batua_order"].append(
            (order, f"R-{seq}", who, PRICE, "INR", "", "[]", "paid", PRICE, who, at, *times)
        )
        digest = sha256(f"{who}\0POST /orders\0{key}\0".encode()).hexdigest()
        rows["batua_idempotency"].append(
            (digest, who, "POST /orders", key, digest, "finished", order, 201, "{}", at, *times)
        )
        rows["batua_outbox"].append(
            (f"out_{seq:026}", f"{order}:paid", "order_paid", who, "{}", order, "whatsapp", "sent",
             "", 1, *times)
        )  # fmt: skip
        self._balances[place] -= PRICE
        self._revenue += PRICE
        self._post(
            rows,
            seq,
            _Transfer(
                f"{order}.payment", "order_payment", place + 3, 2, PRICE, order, None, None,
                "order", who, self._balances[place], self._revenue,
            ),
        )  # fmt: skip

    def _post(self, rows: Rows, seq: int, transfer: _Transfer) -> None:
        (key, kind, debit, credit, amount, order, top_up, payment, reason, actor,
         debit_after, credit_after) = transfer  # fmt: skip
        named = ",".join(f'"{each}"' if each else "null" for each in (order, top_up, payment))
        iso = self._iso("T")
        written = (
            f'["{self._hash}",{seq},"{key}","{kind}",{debit},{credit},{amount},"INR",{named},null,'
            f'null,"{reason}","{actor}",null,"{iso}","{iso}",{debit_after},{credit_after}]'
        )
        self._seq, self._hash = seq, sha256(written.encode()).hexdigest()
        at = self._time()
        rows["batua_transfer"].append(
            (seq, key, kind, debit, credit, amount, "INR", order, top_up, payment, reason, actor,
             at, at, self._hash)
        )  # fmt: skip
        rows["batua_entry"].append((2 * seq - 1, debit, seq, -amount, debit_after))
        rows["batua_entry"].append((2 * seq, credit, seq, amount, credit_after))

    def _time(self) -> Any:
        return self._iso(" ") if self._as_text else self._at

    def _iso(self, separator: str) -> str:
        return self._at.isoformat(separator, "microseconds")


async def _main(url: str, transfers: int, customers: int) -> None:
    database = open_database(url)
    await database.open()
    await migrate(database)
    began = time.perf_counter()
    await build(database, transfers=transfers, customers=customers)
    took = time.perf_counter() - began
    await database.close()
    print(f"{transfers:,} transfers in {took:.1f} s: {transfers / took:,.0f}/s")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("url")
    arguments.add_argument("--transfers", type=int, default=500_000)
    arguments.add_argument("--customers", type=int, default=2_000)
    asyncio.run(_main(**vars(arguments.parse_args())))
