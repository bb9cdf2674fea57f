"""What staff wait for: every page of the panel, over HTTP, at a shop after years.

A list is what the panel's page asks for when it is opened: its schema, its count, its rows. It is
opened as it is, and found by what leads to it from a row of another list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import median

import httpx

from batua.bootstrap import open_batua
from batua.database import open_database
from batua.settings import read_settings
from batua_admin import create_staff
from batua_admin.lists import LISTS
from benchmarks.big_shop import ORDER, START, STEP, fill
from benchmarks.report import Figure, Wrong, below
from benchmarks.scale import Scale
from benchmarks.serving import SECRET, postgres, scratch, serving
from benchmarks.shops import migrated

__all__ = ["measure"]

ORDERS = 1_000_000
MS_MAX = 300
STAFF, PASSWORD = "benchmark", "a benchmark password"

FOUND = (
    ("orders", "customer_id={customer}"), ("orders", "reference=R-{n}"),
    ("orders", "id={order}"), ("orders", "status=paid"), ("orders", "amount=>50"),
    ("orders", "amount=99.95"),
    ("payments", "customer_id={customer}"), ("payments", "top_up_id={top_up}"),
    ("top_ups", "customer_id={customer}"), ("captures", "payment_id={payment}"),
    ("refunds", "order_id={refunded}"), ("refunds", "customer_id={customer}"),
    ("transfers", "order_id={order}"), ("transfers", "payment_id={payment}"),
    ("transfers", "created_at={day}"), ("transfers", "created_at=<={day}"),
    ("entries", "account_id=2"), ("entries", "account_id={account}"),
    ("entries", "transfer_seq={n}"), ("accounts", "customer_id={customer}"),
    ("accounts", "key={customer}&key__match=contains"),
    ("customers", "name=omer {n}&name__match=contains"), ("customers", "id={customer}"),
    ("webhook_events", "payment_id={payment}"), ("webhook_events", "status=dead"),
    ("notifications", "order_id={order}"), ("notifications", "customer_id={customer}"),
    ("notifications", "status=dead"),
)  # fmt: skip
"""A list and what it is found by."""

PAGES = (
    "", "customers/{customer}/", "orders/{order}/", "approvals/", "attention/", "gateways/",
    "audit/", "staff/", "find/?q=R-{n}", "find/?q={customer}", "find/?q=customer_",
    "find/?q=nobody",
)  # fmt: skip
"""Pages of our own; what is found there is by what somebody reads out."""

DASHBOARDS = {
    f"dashboard {query}": [f"/pages/dashboard/{query}"]
    for query in ("?days=7", "?days=365&month={month}", "days.csv?days=365",
                  "top-customers.csv?month={month}", "cohorts.csv")
}  # fmt: skip


def measure(scale: Scale) -> list[Figure]:
    """Fill a shop, then open every list in turn, as often as there are rounds."""
    orders = scale.count(ORDERS)
    with postgres() as server, scratch(server) as url:
        began = time.perf_counter()
        asyncio.run(_build(url, orders))
        server.run("checkpoint")
        took = time.perf_counter() - began
        print(f"  {orders:,} orders, {10 * orders:,} entries built in {took:.0f} s", flush=True)
        with (
            serving(url, environ={"BATUA_STAFF_MFA": "optional"}) as ports,
            _signed_in(ports[0]) as http,
        ):
            opened = {each.name: _paths(each.name, "") for each in LISTS}
            found = {
                f"{name} by {query}": _paths(name, query)
                for name, query in ((name, _filled(text, orders)) for name, text in FOUND)
            }
            month = f"{START + orders // 2 * STEP:%Y-%m}"
            boards = {
                name: [path.format(month=month) for path in paths]
                for name, paths in DASHBOARDS.items()
            }
            pages = {path: [f"/pages/{_filled(path, orders)}"] for path in PAGES}
            return [
                _slowest("list pages as they are opened", _timed(http, opened, scale)),
                _slowest("list pages found by something", _timed(http, found, scale)),
                _slowest("pages of customers, orders and what waits", _timed(http, pages, scale)),
                _slowest("dashboards and their CSV", _timed(http, boards, scale)),
            ]


async def _build(url: str, orders: int) -> None:
    await migrated(url)
    database = open_database(url)
    await database.open()
    try:
        await fill(database, orders=orders)
    finally:
        await database.close()
    settings = read_settings({}, database_url=url, jwt_secret=SECRET)
    async with open_batua(settings, {}) as batua:
        await create_staff(batua, username=STAFF, password=PASSWORD, role="owner")
        # What a worker does meanwhile; a part is left for whoever reads.
        await batua.counter.rebuild()


@contextmanager
def _signed_in(port: int) -> Iterator[httpx.Client]:
    base = f"http://127.0.0.1:{port}/admin"
    with httpx.Client(base_url=base, trust_env=False, timeout=30, follow_redirects=True) as http:
        http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        answer = http.post("/public/login/", json={"username": STAFF, "password": PASSWORD})
        if answer.status_code != 200:
            raise Wrong(f"signing in to the panel: {answer.status_code} {answer.text}")
        yield http


def _filled(query: str, orders: int) -> str:
    # One from the middle: neither the newest nor the oldest.
    customers = orders // 5
    n = customers // 2
    refunded = n - n % 20
    day = f"{START + n * STEP:%Y-%m-%d}"
    return query.format(
        n=n, customer=f"customer_{n}", account=n + 3, order=ORDER.format(n),
        refunded=ORDER.format(refunded), day=day, top_up=f"top_{n:026}", payment=f"pay_{n:026}",
    )  # fmt: skip


def _paths(name: str, query: str) -> list[str]:
    """What the page asks for, one after another."""
    list_ = f"/api/tables/{name}/"
    joined = f"&{query}" if query else ""
    return [
        f"{list_}schema/",
        f"{list_}count/?{query}",
        f"{list_}?__readable=true&__page_size=15&__page=1{joined}",
    ]


def _timed(http: httpx.Client, pages: dict[str, list[str]], scale: Scale) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in pages}
    for number in range(scale.rounds + 1):
        for name, paths in pages.items():
            took = _opened(http, name, paths)
            if number:  # the first time warms it up
                times[name].append(took)
    return {name: median(each) for name, each in times.items()}


def _opened(http: httpx.Client, name: str, paths: Iterable[str]) -> float:
    began = time.perf_counter()
    answers = [http.get(path) for path in paths]
    took = (time.perf_counter() - began) * 1000
    for answer in answers:
        if answer.status_code != 200:
            raise Wrong(f"{name}: {answer.status_code} {answer.text[:200]}")
    if " by " in name and not answers[-1].json()["rows"]:
        raise Wrong(f"{name}: nothing was found")
    return took


def _slowest(what: str, times: dict[str, float]) -> Figure:
    for name, ms in sorted(times.items(), key=lambda pair: -pair[1])[:5]:
        print(f"  {ms:7.1f} ms {name}", flush=True)
    name, ms = max(times.items(), key=lambda pair: pair[1])
    return below(f"the slowest of {len(times)} {what} ({name.partition(' ')[0]})", ms, MS_MAX, "ms")
