"""What a fault may leave behind that no ledger shows: the invariants I23 and I24.

The proof can't see them from a database: I23 needs the provider's books, I24 the server that runs.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

import asyncpg

from batua.bootstrap import Batua
from batua.database import Dialect
from batua.database.sqlite import READERS
from tests.support.databases import read_rows

__all__ = ["assert_all_returned", "assert_books_agree", "assert_nothing_left"]

OURS = "application_name = 'batua' and datname = current_database()"
SESSIONS = f"""
    select 'session ' || pid as left_over, state || ': ' || query as why from pg_stat_activity
    where {OURS} and state like 'idle in transaction%'
    union all
    select 'prepared transaction ' || gid, owner::text from pg_prepared_xacts
    where database = current_database()
    union all
    select 'lock of session ' || pid, concat_ws(' ', mode, locktype, relation::regclass)
    from pg_locks join pg_stat_activity using (pid) where {OURS}
"""
SESSION_COUNT = f"select count(*) from pg_stat_activity where {OURS}"


# --- I24: nothing is left open --------------------------------------------------------------------


async def assert_nothing_left(
    url: str, *, sessions_max: int | None = None, within_s: float = 10
) -> None:
    """No transaction, prepared or open, and no lock of ours, soon after the last request.

    ``sessions_max`` is how many all pools together may have. What works at the moment has locks
    of its own, as a worker that looks for work: one look at which there are none is enough. On
    SQLite there is one lock, and somebody else must get it.
    """
    if url.startswith("sqlite"):
        await asyncio.to_thread(_take_the_lock, url.removeprefix("sqlite:///"), within_s)
        return
    connection = await asyncpg.connect(url)
    try:
        deadline = time.monotonic() + within_s
        while left := [tuple(row) for row in await connection.fetch(SESSIONS)]:
            assert time.monotonic() < deadline, f"left after {within_s} s: {left}"
            await asyncio.sleep(0.05)
        count = await connection.fetchval(SESSION_COUNT)
    finally:
        await connection.close()
    assert sessions_max is None or count <= sessions_max, f"{count} sessions, not {sessions_max}"


def _take_the_lock(path: str, within_s: float) -> None:
    connection = sqlite3.connect(path, timeout=within_s, isolation_level=None)
    try:
        connection.execute("begin immediate")
        connection.execute("rollback")
    finally:
        connection.close()


async def assert_all_returned(batua: Batua, *, within_s: float = 10) -> None:
    """A shop in this process waits for nothing, and every connection is back in its pool."""
    deadline = time.monotonic() + within_s
    while not all(_resting(batua)):
        assert time.monotonic() < deadline, f"not at rest after {within_s} s: {_resting(batua)}"
        await asyncio.sleep(0.02)
    database: Any = batua.database
    if database.dialect is Dialect.SQLITE:
        assert database._idle.qsize() == READERS
        assert not database._lock.locked()
        return
    for pool in (database._pool, database._singles):
        assert pool.get_idle_size() == pool.get_size() <= pool.get_max_size()


def _resting(batua: Batua) -> tuple[bool, ...]:
    engine, database = batua.engine, cast("Any", batua.database)
    return (
        engine._runner is None or engine._runner.done(),
        not engine._queue,
        not engine._answers,
        not database._open_transactions._tasks,
    )


# --- I23: our books are the provider's ------------------------------------------------------------


async def assert_books_agree(
    url: str, payments: Iterable[Mapping[str, Any]], *, gateway: str = "razorpay"
) -> None:
    """A gateway's accounts say what the provider captured minus what it refunded, to the unit.

    ``payments`` are all that it has in its books, with their refunds, once it has told of them.
    """
    theirs: Counter[str] = Counter()
    for payment in payments:
        if payment["captured"]:
            theirs[payment["currency"]] += payment["amount"]
        for refund in payment["refunds"]:
            if refund["status"] == "processed":
                theirs[payment["currency"]] -= refund["amount"]
    rows = await read_rows(
        url,
        "select currency, posted from batua_account where kind = 'gateway' and owner = $1",
        gateway,
    )
    # What the provider owes us is a debit of its account here.
    ours = {row["currency"]: -row["posted"] for row in rows if row["posted"]}
    assert ours == {currency: amount for currency, amount in theirs.items() if amount}
