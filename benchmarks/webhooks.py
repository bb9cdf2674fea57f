"""Webhooks: how fast they are safe on disk, and how soon the money is in the wallets.

Each is a genuine ``payment.captured`` of Razorpay for a pending top-up of its own.  Its signature
covers the whole body, so applying it asks nobody: the server that acknowledged it applies it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from batua.database import Database, open_database
from benchmarks.load import Load, run_load
from benchmarks.report import Figure, Wrong, above, below, described, typical, undisturbed
from benchmarks.scale import Scale
from benchmarks.serving import postgres, prove, scratch, serving
from benchmarks.shops import CONNECTIONS, migrated, read
from benchmarks.stalls import Stalls, watching

__all__ = ["measure", "sent"]

T = TypeVar("T")

FLOOD, STREAM, WARM_UP = 15_000, 10_000, 1_000
STREAM_RATE = 1_000
CUSTOMERS = 1_000
AMOUNT = 50_000
DRAIN_S_MAX = 120
LOOK_S = 0.02
WEBHOOK_SECRET = "a benchmark's webhook secret"
RAZORPAY = {
    "BATUA_RAZORPAY_KEY_ID": "rzp_test_benchmark",
    "BATUA_RAZORPAY_KEY_SECRET": "nobody is asked with it",
    "BATUA_RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
_LETTERS = str.maketrans("0123456789", "ABCDEFGHIJ")
SAMPLES = Path(__file__).parents[1] / "tests" / "vectors" / "razorpay" / "webhook_payloads.json"

PENDING = (
    "insert into batua_customer (id, name, phone, language, created_at, updated_at, version)"
    f" select 'c' || n, 'Asha', '+910000000000', 'en', $1, $1, 1"
    f" from generate_series(0, {CUSTOMERS - 1}) n where $2::bigint > 0",
    "insert into batua_top_up (id, customer_id, amount, currency, gateway, status, return_url,"
    " failure, expires_at, created_at, updated_at, version)"
    f" select 'top_' || n, 'c' || n % {CUSTOMERS}, {AMOUNT}, 'INR', 'razorpay', 'pending', '', '',"
    " $1::timestamptz + interval '1 hour', $1, $1, 1 from generate_series(0, $2::bigint - 1) n",
    "insert into batua_payment (id, gateway, mode, purpose, top_up_id, customer_id, amount,"
    " currency, status, provider_reference, checkout, failure, expires_at, polls, next_poll_at,"
    " created_at, updated_at, version)"
    f" select 'pmt_' || n, 'razorpay', 'test', 'top_up', 'top_' || n, 'c' || n % {CUSTOMERS},"
    f" {AMOUNT}, 'INR', 'pending', 'order_' || n, '{{}}', '', $1::timestamptz + interval '1 hour',"
    " 0, $1::timestamptz + interval '1 hour', $1, $1, 2 from generate_series(0, $2::bigint - 1) n",
)
"""Top-ups as ``POST /topups`` leaves them, once the provider has given each its order."""

WAITING = "select count(*) as n from batua_inbox where next_attempt_at is not null"

COUNTED = (
    ("events applied", "select count(*) as n from batua_inbox where status = 'applied'", 1),
    ("top-ups succeeded", "select count(*) as n from batua_top_up"
     f" where status = 'succeeded' and credited = {AMOUNT}", 1),
    ("captures", "select count(*) as n from batua_capture where destination = 'wallet'", 1),
    ("money in the wallets", "select coalesce(sum(posted), 0) as n from batua_account"
     " where kind = 'wallet'", AMOUNT),
    ("entries", "select count(*) as n from batua_entry", 2),
    ("messages", "select count(*) as n from batua_outbox", 1),
)  # fmt: skip

LATEST = (
    "select coalesce(extract(epoch from max(applied_at - received_at)) * 1000000, 0)::bigint as n"
    " from batua_inbox where received_at >= $1"
)


@dataclass(frozen=True, slots=True)
class _Round:
    """A load, how long its last events then still took, and the slowest from receipt to wallet."""

    load: Load
    drained_s: float
    slowest_ms: float


def measure(scale: Scale) -> list[Figure]:
    """Floods as fast as 64 connections go and streams of a thousand a second, by turns."""
    warm_up, flood, stream = (scale.count(full) for full in (WARM_UP, FLOOD, STREAM))
    floods, streams = [], []
    with postgres() as server, scratch(server) as url:
        asyncio.run(_seed(url, warm_up + scale.rounds * (flood + stream)))
        server.run("checkpoint")
        with serving(url, environ=RAZORPAY) as ports:
            shop = _Shop(url, ports)
            shop.tell(warm_up)
            for _ in range(scale.rounds):
                floods.append(shop.tell(flood))
                with watching() as stalls:
                    found = shop.tell(stream, rate=STREAM_RATE)
                streams.append((found, stalls))
        asyncio.run(_check(url, shop.told))
        prove(url)
    return _figures(floods, streams)


def _figures(floods: list[_Round], streams: list[tuple[_Round, Stalls]]) -> list[Figure]:
    acknowledged = [each.load.rate for each in floods]
    whole = [len(each.load.latencies_s) / (each.load.seconds + each.drained_s) for each in floods]
    return [
        above(
            "webhooks durably acknowledged a second", median(acknowledged), 3_000,
            described(typical(each.load for each in floods)),
        ),
        Figure(
            "all webhooks of a flood are applied, this long after its end",
            f"{median(each.drained_s for each in floods):.1f} s"
            f" ({median(whole):,.0f}/s from the first to the last)",
            target="all", is_met=True,
        ),
        below(
            f"p99 of webhooks at {STREAM_RATE:,}/s",
            median(each.load.percentile_ms(99) for each, _ in streams), 50, "ms",
        ),
        undisturbed("the same p99", [(each.load, stalls) for each, stalls in streams]),
        below(
            "the slowest of them all from receipt to applied",
            max(each.slowest_ms for each, _ in streams), 1_000, "ms",
        ),
    ]  # fmt: skip


class _Shop:
    """Is told of each pending payment once, in order."""

    def __init__(self, url: str, ports: list[int]) -> None:
        self._url = url
        self._ports = ports
        self.told = 0

    def tell(self, count: int, *, rate: float | None = None) -> _Round:
        """Send the next webhooks, and wait until the last one is applied."""
        requests = [sent(number) for number in range(self.told, self.told + count)]
        began = datetime.now(UTC)
        load = run_load(self._ports, count, CONNECTIONS, requests.__getitem__, rate=rate)
        if set(load.statuses) != {200}:
            raise Wrong(f"answers of {count} webhooks: {load.statuses}")
        # In the time that it had it may have sent fewer.
        self.told += len(load.latencies_s)
        ended = time.perf_counter()
        slowest = asyncio.run(_with(self._url, lambda database: _drained(database, began)))
        return _Round(load, time.perf_counter() - ended, slowest)


async def _drained(database: Database, began: datetime) -> float:
    deadline = time.monotonic() + DRAIN_S_MAX
    while waiting := await read(database, WAITING):
        if time.monotonic() > deadline:
            raise Wrong(f"{waiting} events wait {DRAIN_S_MAX} s after the last one came")
        await asyncio.sleep(LOOK_S)
    return await read(database, LATEST, began) / 1000


def sent(number: int) -> bytes:
    """The request that tells of payment ``number``: Razorpay's own sample, signed."""
    body = _body(number)
    signature = hmac.new(WEBHOOK_SECRET.encode(), body, sha256).hexdigest()
    return (
        "POST /api/v1/webhooks/razorpay HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nX-Razorpay-Signature: {signature}\r\n"
        f"X-Razorpay-Event-Id: {_id('evt', number)}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _id(prefix: str, number: int) -> str:
    """As Razorpay's are: fourteen characters, which could be no card's number."""
    return f"{prefix}_{f'{number:014}'.translate(_LETTERS)}"


def _body(number: int) -> bytes:
    event = _SAMPLE | {"created_at": int(time.time())}
    payment = _SAMPLE["payload"]["payment"]["entity"] | {
        "id": _id("pay", number),
        "order_id": f"order_{number}",
        "amount": AMOUNT,
        "currency": "INR",
        "created_at": int(time.time()),
    }
    event["payload"] = {"payment": {"entity": payment}}
    return json.dumps(event, separators=(",", ":")).encode()


def _sample() -> dict[str, Any]:
    events = json.loads(SAMPLES.read_text(encoding="utf-8"))["events"]
    sample: dict[str, Any] = events["payment.captured__card"]["payload"]
    return sample


_SAMPLE = _sample()


async def _with(url: str, ask: Callable[[Database], Awaitable[T]]) -> T:
    database = open_database(url)
    await database.open()
    try:
        return await ask(database)
    finally:
        await database.close()


async def _seed(url: str, count: int) -> None:
    async def fill(database: Database) -> None:
        at = datetime.now(UTC) - timedelta(seconds=1)
        async with database.transaction() as transaction:
            for statement in PENDING:
                await transaction.execute(statement, at, count)

    await migrated(url)
    await _with(url, fill)


async def _check(url: str, total: int) -> None:
    async def count(database: Database) -> None:
        for name, sql, each in COUNTED:
            found = await read(database, sql)
            if found != each * total:
                raise Wrong(f"{name}: {found}, not {each * total}")

    await _with(url, count)
