"""``make bench``: one-tap payments over HTTP beside the bare database, in one run."""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import asyncio
import json
import os
import platform
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batua.bootstrap import open_batua
from batua.contract import Money
from batua.database import migrate, open_database
from batua.settings import read_settings
from batua.testing.serving import free_port
from batua.wallets import Adjust, AdjustmentReason, Direction
from batua_api.auth import Scope, issue_token
from benchmarks.load import Load, run_load
from tests.postgres import running_server

SECRET = "a benchmark secret of thirty-two bytes"
REQUESTS = 20_000
CONNECTIONS = 64
CUSTOMERS = 64
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print, and write the table beside this file."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows += measure_sqlite(Path(folder))
        with running_server() as server:
            rows += measure_postgres(server.create(migrated=False))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    page = f"{heading()}\n\n| measure | value |\n|---|---|\n{table}\n"
    print(page)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "one_tap.md").write_text(page, encoding="utf-8")


def heading() -> str:
    """Which machine, which versions, which commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"# One-tap payments\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}. {REQUESTS} requests over {CONNECTIONS} connections to "
        "one `batua serve` process, the load generator on the same machine. Each is an order "
        "created and paid with JWT, idempotency key, two entries and an outbox row."
    )


def measure_sqlite(folder: Path) -> list[tuple[str, str]]:
    """SQLite, synchronous FULL: ours beside a loop that commits each bare transfer."""
    bare = bare_sqlite_rate(folder / "bare.sqlite")
    load = asyncio.run(one_tap(f"sqlite:///{folder / 'shop.sqlite'}"))
    return [
        ("SQLite: bare loop of committed transfers", f"{bare:,.0f}/s"),
        ("SQLite: one-tap payments over HTTP", described(load)),
        ("SQLite: ratio", f"{load.rate / bare:.2f}"),
    ]


def measure_postgres(url: str) -> list[tuple[str, str]]:
    """PostgreSQL with fsync on: ours beside pgbench's bare transfer on one hot account."""
    bare = max(bare_postgres_rate(url, clients) for clients in (16, 64))
    load = asyncio.run(one_tap(url))
    return [
        ("PostgreSQL: pgbench, bare transfers, best of 16 and 64 clients", f"{bare:,.0f}/s"),
        ("PostgreSQL: one-tap payments over HTTP", described(load)),
        ("PostgreSQL: ratio", f"{load.rate / bare:.2f}"),
    ]


def described(load: Load) -> str:
    """A load in words."""
    if set(load.statuses) != {201}:
        raise SystemExit(f"unexpected answers: {load.statuses}")
    return (
        f"{load.rate:,.0f}/s, p50 {load.percentile_ms(50):.0f} ms, "
        f"p99 {load.percentile_ms(99):.0f} ms"
    )


async def one_tap(url: str) -> Load:
    """Seed wallets, start the server, and let every customer pay."""
    settings = read_settings({}, database_url=url, jwt_secret=SECRET)
    await seed(url)
    tokens = [
        issue_token(settings, f"c{number}", Scope.CUSTOMER, None, ttl=timedelta(hours=1))
        for number in range(CUSTOMERS)
    ]

    def request(number: int) -> bytes:
        body = json.dumps(
            {"reference": f"R-{number}", "amount": 100, "currency": "INR", "pay_with": "wallet"}
        ).encode()
        return (
            f"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {tokens[number % CUSTOMERS]}\r\n"
            f"Idempotency-Key: k-{number}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    with serving_shop(url) as port:
        return run_load([port], REQUESTS, CONNECTIONS, request)


async def seed(url: str) -> None:
    """A migrated database whose customers have money."""
    database = open_database(url)
    await database.open()
    await migrate(database)
    await database.close()
    settings = read_settings({}, database_url=url, jwt_secret=SECRET)
    async with open_batua(settings, {}) as batua:
        for number in range(CUSTOMERS):
            await batua.engine.submit(
                Adjust(
                    id=f"seed-{number}",
                    customer_id=f"c{number}",
                    money=Money(100_000_000, "INR"),
                    direction=Direction.CREDIT,
                    reason_code=AdjustmentReason.OPENING_BALANCE,
                    note="",
                    requested_by="benchmark",
                    approval_limit=10**12,
                    newcomers=batua.newcomers,
                    new_id=batua.new_id,
                )
            )


@contextmanager
def serving_shop(url: str) -> Iterator[int]:
    """One ``batua serve`` process, ready, and ended at the end."""
    port = free_port()
    environ = {
        **os.environ,
        "BATUA_DATABASE_URL": url,
        "BATUA_JWT_SECRET": SECRET,
        "BATUA_CUSTOMER_ORDERS": "on",
        "BATUA_RATE_LIMIT": "off",
    }
    command = [sys.executable, "-m", "batua_api.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(port: int) -> None:
    """Until something listens, or fifteen seconds."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def bare_sqlite_rate(path: Path) -> float:
    """Transfers per second of a plain loop: two balances, a transfer row, two entries, COMMIT."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    for statement in BARE_SCHEMA:
        connection.execute(statement)
    connection.executemany("insert into a values (?, 0)", [(n,) for n in range(CUSTOMERS + 1)])
    count, started = 3_000, time.perf_counter()
    for number in range(count):
        payer = 1 + number % CUSTOMERS
        connection.execute("begin immediate")
        connection.execute("update a set bal = bal - 1 where id = ?", (payer,))
        connection.execute("update a set bal = bal + 1 where id = 0")
        connection.execute("insert into t values (?, ?, 0, 1)", (number, payer))
        connection.execute("insert into e values (?, ?, -1)", (number, payer))
        connection.execute("insert into e values (?, 0, 1)", (number,))
        connection.execute("commit")
    rate = count / (time.perf_counter() - started)
    connection.close()
    return rate


BARE_SCHEMA = (
    "create table a (id bigint primary key, bal bigint not null)",
    "create table t (id bigint primary key, debit bigint, credit bigint, amount bigint)",
    "create table e (t bigint, a bigint, amount bigint)",
)

BARE_TRANSFER = """\\set payer random(1, 64)
with d as (update a set bal = bal - 1 where id = :payer returning 1),
     c as (update a set bal = bal + 1 where id = 0 returning 1),
     t as (insert into t (debit, credit, amount) values (:payer, 0, 1) returning id)
insert into e select t.id, x.a, x.amount from t, (values (:payer, -1), (0, 1)) as x (a, amount);
"""


def bare_postgres_rate(url: str, clients: int) -> float:
    """Transfers per second of pgbench: the same rows in one prepared statement."""

    def psql(sql: str) -> None:
        subprocess.run(["psql", url, "-qc", sql], check=True)

    psql("drop table if exists a, t, e")
    psql("create table a (id bigint primary key, bal bigint not null)")
    psql("create table t (id bigserial primary key, debit bigint, credit bigint, amount bigint)")
    psql("create table e (t bigint, a bigint, amount bigint)")
    psql(f"insert into a select n, 0 from generate_series(0, {CUSTOMERS}) n")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(BARE_TRANSFER)
        script.flush()
        said = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", "5",
             "-f", script.name, url],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    psql("drop table a, t, e")
    line = next(line for line in said.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


if __name__ == "__main__":
    main()
