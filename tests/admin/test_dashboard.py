"""The dashboard over real HTTP: who sees it, what it says, and what can be taken away of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from batua.clock import utc_now
from batua.database import migrate
from batua.ledger import Engine
from batua.settings import read_settings
from batua.testing.serving import serving
from batua_admin import create_staff
from batua_admin.dashboard import CSV_FILES
from batua_api import BatuaPlugin, create_app
from tests.support.clock import FakeClock
from tests.support.databases import opened
from tests.support.histories import History
from tests.support.ledger import TABLES

pytestmark = [
    pytest.mark.filterwarnings("ignore:If running sessions in production"),
    pytest.mark.asyncio(loop_scope="module"),
]

PASSWORD = "a long password"
HOSTILE = '=1+1<img src=x onerror="a()">'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dashboard(shop_url):
    """A browser of a viewer, in a shop with 60 days of history in two currencies."""
    async with opened(shop_url) as database:
        await migrate(database)
        clock = FakeClock(utc_now() - timedelta(days=60))
        engine = Engine(database, TABLES, now=clock.now)
        history = History(database, engine, clock)
        await history.run(
            [("top_up", "asha", "INR", 500_000), ("wait", 3_600),
             ("order", "asha", "INR", 120_000, 0), ("top_up", "b:INR", "JPY", 900),
             ("order", HOSTILE, "INR", 30_000, 3), ("refund", 0, 700, 0)]
        )  # fmt: skip
        clock.advance((utc_now() - clock.now()).total_seconds())
        await history.run(
            [("order", "asha", "INR", 50_000, 0), ("order", HOSTILE, "INR", 90_000, 3)]
        )
        await engine.close()
    app = create_app(BatuaPlugin(read_settings({}, database_url=shop_url, jwt_secret="x" * 32), {}))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False) as http:
        await create_staff(app.state.batua, username="vik", password=PASSWORD, role="viewer")
        await http.get("/admin/")
        signed_in = await http.post(
            "/admin/public/login/",
            json={"username": "vik", "password": PASSWORD},
            headers={"X-CSRFToken": http.cookies["csrftoken"]},
        )
        assert signed_in.status_code == 200, signed_in.text
        yield http


async def text_of(http, path, **query):
    answer = await http.get(f"/admin/pages/dashboard/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_viewer_sees_every_figure_and_its_chart(dashboard):
    html = await text_of(dashboard, "", days="90")
    for said in ("₹5,000.00", "₹1,400.00", "₹900.00", "₹3,807.01", "1 h 0 min"):
        assert said in html, said
    assert len(re.findall(r"<svg role=\"img\"", html)) == html.count("<details>") == 4
    assert HOSTILE not in html
    assert "=1+1&lt;img src=x onerror=" in html
    assert "<script" not in html
    for name in set(CSV_FILES) - {"today"}:
        assert f"/admin/pages/dashboard/{name}.csv?days=90" in html.replace("&amp;", "&")


@pytest.mark.parametrize("days", ["7", "365", "0", "-1", "x" * 5_000])
async def test_a_period_that_there_is_not_is_thirty_days(dashboard, days):
    html = await text_of(dashboard, "", days=days)
    shown = re.search(r"aria-current=\"true\">([^<]+)</a>", html).group(1)
    assert shown == {"7": "7 days", "365": "12 months"}.get(days, "30 days")


async def test_another_currency_and_another_month(dashboard):
    assert "¥900" in await text_of(dashboard, "", currency="JPY", days="90")
    before = (utc_now() - timedelta(days=60)).strftime("%Y-%m")
    html = await text_of(dashboard, "", month=before)
    assert "₹1,200.00" in html
    assert "Nobody has paid" in await text_of(dashboard, "", month="2031-01", currency="zz")


async def test_each_figure_is_csv_that_adds_up_and_runs_nothing(dashboard):
    files = {name: await text_of(dashboard, f"{name}.csv", days="90") for name in CSV_FILES}
    rows = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items()}
    inr = [row for row in rows["days"] if row["currency"] == "INR"]
    assert len(inr) == 90
    assert sum(float(row["spend"]) for row in inr) == 1_200 + 300 + 500 + 900
    assert inr[-1]["liability"] == rows["money"][0]["liability"]
    assert [(row["day"], row["currency"]) for row in rows["today"]] == [
        (inr[-1]["day"], "INR"), (inr[-1]["day"], "JPY"),
    ]  # fmt: skip
    assert [row["customer"] for row in rows["top-customers"]] == [f"'{HOSTILE}", "asha"]
    assert {row["cohort"] for row in rows["cohorts"]} == {inr[29]["day"][:7]}
    assert len(rows["queues"]) == 9


async def test_what_there_is_not_is_404_and_nobody_comes_in_without_signing_in(dashboard):
    assert (await dashboard.get("/admin/pages/dashboard/secrets.csv")).status_code == 404
    async with httpx.AsyncClient(base_url=dashboard.base_url, trust_env=False) as stranger:
        for path in ("", "days.csv"):
            answer = await stranger.get(f"/admin/pages/dashboard/{path}")
            assert answer.status_code == 303, answer.text
