"""The pages for a shop's developers and staff, typed word for word on a SQLite shop."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from datetime import UTC, datetime

import jwt
import pytest

from batua.events import Router
from tests.support.ports import free_port
from tests.support.clock import FakeClock
from tests.support.pages import ROOT
from tests.support.shop import open_shop

SECRET = "5e" * 32
TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def type_along(read, sqlite_url):
    """Opens a page for somebody who has a migrated shop."""

    def open_page(page):
        reader = read(page)
        reader.environ |= {"BATUA_DATABASE_URL": sqlite_url, "BATUA_JWT_SECRET": SECRET}
        reader.words["2026-11-21"] = TODAY
        return reader

    return open_page


async def order_paid(url, clock):
    """Asha, who has spent all that she had."""
    async with open_shop(url, clock) as shop:
        await shop.give(30_000)
        await shop.create_order(30_000, pay=True)
        batua = shop.batua
        await Router(batua.database, now=batua.now, new_id=batua.new_id).route()


@pytest.mark.pages("docs/how-to/receive-webhooks.md")
def test_webhooks_are_received(type_along, sqlite_url):
    page = type_along("docs/how-to/receive-webhooks.md")
    added = page.run(page.blocks[0])
    page.words["lst_…"] = re.search(r"lst_\w+", added)[0]
    assert "whsec_" in added
    asyncio.run(order_paid(sqlite_url, FakeClock(datetime.now(UTC))))
    delivery = page.type("sqlite3 ${BATUA_DATABASE_URL#sqlite:///} 'select id from batua_delivery'")
    page.words["dlv_…"] = delivery.split()[0]
    page.run_rest()
    assert {"base64", "verify"} <= set(page.names)


@pytest.mark.pages("docs/how-to/sign-customers-in.md")
def test_customers_are_signed_in(type_along):
    page = type_along("docs/how-to/sign-customers-in.md")
    page.names["secret"] = SECRET
    for name, role in (("ravi", "owner"), ("meera", "finance")):
        page.type(f"batua staff create {name} --role {role} --password a-long-password")
    said = [text for _, text in page.rest()]
    claims = jwt.decode(page.names["token"], SECRET, ["HS256"], audience="batua", issuer="batua")
    assert claims["sub"] == "asha"
    assert said[-1].startswith("batua_sk_")
    assert "support" in page.type("batua staff list")


@pytest.mark.pages("docs/how-to/export-and-erase-a-customer.md")
def test_a_customer_is_exported_and_erased(type_along, sqlite_url, clock, tmp_path):
    asyncio.run(order_paid(sqlite_url, clock))
    page = type_along("docs/how-to/export-and-erase-a-customer.md")
    page.run_rest()
    exported = json.loads((tmp_path / "asha.json").read_text())
    assert [order["amount"] for order in exported["orders"]] == [30_000]
    assert page.type("batua verify --quiet").startswith("sound")


@pytest.mark.pages("docs/how-to/reconcile.md")
def test_the_books_are_compared(type_along, tmp_path):
    type_along("docs/how-to/reconcile.md").run_rest()
    assert (tmp_path / f"{TODAY}.csv").read_text().startswith("gateway,")


@pytest.mark.pages("docs/reference/verify.md")
def test_a_copy_is_proved(type_along):
    proving = type_along("docs/reference/verify.md")
    (_, said), = proving.rest()  # fmt: skip
    assert "sound" in said


@pytest.mark.pages("examples/host-shop/README.md")
def test_the_host_shop_sells(type_along, tmp_path):
    shutil.copytree(ROOT / "examples/host-shop", tmp_path / "examples/host-shop")
    page = type_along("examples/host-shop/README.md")
    port = free_port()
    page.words |= {"localhost:8000": f"127.0.0.1:{port}", "--port 8000": f"--port {port}"}
    start, *sell = page.blocks
    page.run(start)
    page.type(f"curl -s --fail --retry 60 --retry-delay 1 --retry-all-errors --retry-max-time 50 "
              f"http://127.0.0.1:{port}/health/ready")  # fmt: skip
    for block in sell:
        page.run(block)
    deadline = time.monotonic() + 20
    while True:  # the hook is called after the payment
        (order,) = json.loads(page.type(f"curl -s -b jar http://127.0.0.1:{port}/orders"))
        if order["status"] == "paid" or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert (order["status"], order["shipments"]) == ("paid", 1)
