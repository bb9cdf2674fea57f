"""The page about embedding: its pieces are put together to a host, which sells something."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from litestar import Request, post
from litestar.connection import ASGIConnection
from piccolo.columns import Text
from piccolo.engine.sqlite import SQLiteEngine, TransactionType
from piccolo.table import Table

from batua.events import Event, OrderFact
from batua.testing.serving import serving
from tests.support.shop import open_shop

SECRET = "5e" * 32


@pytest.mark.pages("docs/how-to/embed-in-your-app.md")
async def test_a_host_takes_money_and_hears_of_it(read, sqlite_url, clock, monkeypatch, tmp_path):
    page = read("docs/how-to/embed-in-your-app.md")
    shop, login, take, replay, hear = page.blocks
    database = SQLiteEngine(path=str(tmp_path / "host.sqlite"))

    class Order(Table, tablename="shop_order", db=database):
        id = Text(primary_key=True)
        status = Text(default="pending")

    class Seen(Table, tablename="shop_seen", db=database):
        event = Text(primary_key=True)

    @post("/buy")
    async def buy(request: Request[Any, Any, Any]) -> None:
        page.names["request"] = request
        await page.run_here(take)

    page.names |= {
        "ASGIConnection": ASGIConnection, "Event": Event, "OrderFact": OrderFact, "Order": Order,
        "Seen": Seen, "DB": database, "TransactionType": TransactionType, "your_routes": buy,
    }  # fmt: skip
    page.run(login)
    page.run(hear)
    variables = {"BATUA_DATABASE_URL": sqlite_url, "BATUA_JWT_SECRET": SECRET}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    page.environ |= variables
    page.words["2026-11-21"] = datetime.now(UTC).date().isoformat()
    page.run(shop)

    assert await page.names["customer_of"](SimpleNamespace(session={"user": "asha"})) == "asha"
    async with open_shop(sqlite_url, clock) as before:
        await before.give(30_000)
    for table in (Order, Seen):
        await table.create_table()
    await Order.insert(Order(id="H-1"))
    async with serving(page.names["app"]) as base, httpx.AsyncClient(trust_env=False) as http:
        (await http.post(f"{base}/buy")).raise_for_status()
        async with asyncio.timeout(20):
            while not await Order.exists().where(Order.status == "paid"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert await Seen.count() == 1
    said = await asyncio.to_thread(page.run, replay)
    assert "1 events are due again for hook:order.paid" in said
