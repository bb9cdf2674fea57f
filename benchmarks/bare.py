"""What ours is measured beside: the same rows of a transfer, and nothing else."""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import asyncio
import shutil
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg

from benchmarks.report import Wrong

__all__ = ["bare_postgres_p99_ms", "bare_postgres_rate", "bare_sqlite_rate"]

PAYERS = 64

SQLITE_TABLES = (
    "create table a (id bigint primary key, bal bigint not null)",
    "create table t (id bigint primary key, debit bigint, credit bigint, amount bigint)",
    "create table e (t bigint, a bigint, amount bigint)",
)

POSTGRES_TABLES = (
    "drop table if exists a, t, e;"
    "create table a (id bigint primary key, bal bigint not null);"
    "create table t (id bigserial primary key, debit bigint, credit bigint, amount bigint);"
    "create table e (t bigint, a bigint, amount bigint);"
    f"insert into a select n, 0 from generate_series(0, {PAYERS}) n"
)

POSTGRES_TRANSFER = f"""\\set payer random(1, {PAYERS})
with d as (update a set bal = bal - 1 where id = :payer returning 1),
     c as (update a set bal = bal + 1 where id = 0 returning 1),
     t as (insert into t (debit, credit, amount) values (:payer, 0, 1) returning id)
insert into e select t.id, x.a, x.amount from t, (values (:payer, -1), (0, 1)) as x (a, amount);
"""


def bare_sqlite_rate(path: Path, transfers: int) -> float:
    """Transfers per second of a plain loop: two balances, a transfer row, two entries, COMMIT."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    for statement in SQLITE_TABLES:
        connection.execute(statement)
    connection.executemany("insert into a values (?, 0)", [(n,) for n in range(PAYERS + 1)])
    started = time.perf_counter()
    for number in range(transfers):
        payer = 1 + number % PAYERS
        connection.execute("begin immediate")
        connection.execute("update a set bal = bal - 1 where id = ?", (payer,))
        connection.execute("update a set bal = bal + 1 where id = 0")
        connection.execute("insert into t values (?, ?, 0, 1)", (number, payer))
        connection.execute("insert into e values (?, ?, -1)", (number, payer))
        connection.execute("insert into e values (?, 0, 1)", (number,))
        connection.execute("commit")
    rate = transfers / (time.perf_counter() - started)
    connection.close()
    return rate


def bare_postgres_rate(url: str, seconds: int) -> float:
    """Transfers per second of pgbench, one prepared statement each: the best of 16 and 64 clients.

    ``url`` is a database that has nothing else in it.
    """
    said = [_pgbench(url, clients, seconds) for clients in (16, 64)]
    lines = (line for each in said for line in each.splitlines() if line.startswith("tps"))
    return max(float(line.split("=")[1].split()[0]) for line in lines)


def bare_postgres_p99_ms(url: str, seconds: int, *, rate: float) -> float:
    """The p99 of the same transfers from 64 clients, where ``rate`` fall due a second.

    pgbench counts from when one was due, as we do; by chance, so that some come in a row.
    """
    with tempfile.TemporaryDirectory() as folder:
        _pgbench(url, 64, seconds, "--log", f"--log-prefix={folder}/took", f"--rate={rate:.0f}")
        lines = [line for each in Path(folder).iterdir() for line in each.read_text().splitlines()]
    took_us = sorted(int(line.split()[2]) for line in lines)
    return took_us[int(len(took_us) * 0.99)] / 1000


def _pgbench(url: str, clients: int, seconds: int, *more: str) -> str:
    if shutil.which("pgbench") is None:
        raise Wrong("pgbench is not installed: there is nothing to compare with")
    asyncio.run(_execute(url, POSTGRES_TABLES))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(POSTGRES_TRANSFER)
        script.flush()
        return subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
             *more, "-f", script.name, url],
            check=True, capture_output=True, text=True, timeout=60 + seconds,
        ).stdout  # fmt: skip


async def _execute(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()
