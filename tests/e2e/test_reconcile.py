"""``batua reconcile`` as operators run it, against Razorpay's simulator over HTTP."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator
from tests.support.clock import FakeClock
from tests.support.processes import clean_environ, run_batua
from tests.support.provider import KEY_ID, Provider
from tests.support.proxy import CuttingProxy
from tests.support.shop import JWT_SECRET, open_shop

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
DAY = str(AN_HOUR_AGO.date())


@pytest.fixture
async def shop(database_url):
    clock = FakeClock(AN_HOUR_AGO)
    simulator = RazorpaySimulator(key_id=KEY_ID, clock=clock.unix)
    async with (
        serving(simulator.app) as base,
        CuttingProxy(base) as proxy,
        httpx.AsyncClient(base_url=base, verify=False, trust_env=False) as http,
        open_shop(database_url, clock, provider=Provider(http, proxy, simulator)) as opened,
    ):
        yield opened


async def reconcile(shop, tmp_path, *arguments, **variables):
    """The command's exit code and what it wrote."""
    environ = clean_environ(
        shop.batua.settings.database_url,
        BATUA_JWT_SECRET=JWT_SECRET,
        **(shop.provider.environ | variables),
    )
    command = ("reconcile", "--day", DAY, *arguments)
    ended = await asyncio.to_thread(run_batua, *command, environ=environ, cwd=tmp_path)
    return ended.returncode, ended.stdout, ended.stderr


async def heard_and_unheard(shop):
    """One top-up that we know of and one that we don't; the other's payment."""
    await shop.topped_up(50_000)
    opened = await shop.open_top_up(20_000)
    proof = await shop.provider.pay(opened["payment"]["provider_reference"])
    return proof["razorpay_payment_id"]


async def test_equal_then_a_break_then_healed(shop, tmp_path):
    await shop.topped_up(50_000)
    code, text, _ = await reconcile(shop, tmp_path)
    assert code == 0, text
    assert f"razorpay  {DAY} (UTC)  equal" in text
    (line,) = [line for line in text.splitlines() if line.startswith("  INR captured")]
    assert line.split() == ["INR", "captured", "₹500.00", "₹500.00", "-"]

    lost = await heard_and_unheard(shop)
    code, text, _ = await reconcile(shop, tmp_path)
    assert code == 1
    assert f"missing_here  capture {lost} of payment {lost}, ours -" in text
    assert "ours nothing; theirs ₹200.00 (20000 minor units, captured, test)" in text
    assert await shop.balance() == 100_000

    code, text, _ = await reconcile(shop, tmp_path, "--heal")
    assert code == 0, text
    assert "nothing: it is healed (applied: applied)" in text
    assert await shop.balance() == 120_000

    code, text, _ = await reconcile(shop, tmp_path, "--gateway", "razorpay")
    assert (code, "missing_here" in text) == (0, False)


async def test_json_is_exact(shop, tmp_path):
    lost = await heard_and_unheard(shop)
    code, text, _ = await reconcile(shop, tmp_path, "--gateway", "razorpay", "--format", "json")
    assert code == 1
    (report,) = json.loads(text)
    assert (report["gateway"], report["day"], report["state"]) == ("razorpay", DAY, "broken")
    assert report["sums"][0] == {
        "currency": "INR", "kind": "captured", "ours": 50_000, "theirs": 70_000,
        "difference": -20_000,
    }  # fmt: skip
    (found,) = report["breaks"]
    assert (found["type"], found["kind"], found["provider_id"]) == ("missing_here", "capture", lost)
    assert (found["ours"], found["healed"]) == (None, False)
    assert found["theirs"] == {
        "amount": 20_000, "currency": "INR", "formatted": "₹200.00", "status": "captured",
        "mode": "test",
    }  # fmt: skip


async def test_csv_opens_in_a_spreadsheet_and_runs_nothing(shop, tmp_path):
    await shop.topped_up(50_000)
    shop.is_provable = False
    await shop.run("update batua_capture set id = '=HYPERLINK(1)', amount = amount + 1")
    code, text, _ = await reconcile(shop, tmp_path, "--gateway", "razorpay", "--format", "csv")
    assert code == 1
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["line"], row["what"]) for row in rows] == [
        ("state", "broken"), ("sum", "captured"), ("sum", "refunded"), ("sum", "disputed"),
        ("break", "amount_differs"),
    ]  # fmt: skip
    assert (rows[1]["ours"], rows[1]["theirs"], rows[1]["difference"]) == ("50001", "50000", "1")
    assert rows[-1]["our_id"] == "'=HYPERLINK(1)"
    assert (rows[-1]["ours"], rows[-1]["ours_formatted"]) == ("50001", "₹500.01")


async def test_a_gateway_that_can_not_be_asked(shop, tmp_path):
    await shop.topped_up(50_000)
    await shop.provider.down()
    code, text, _ = await reconcile(shop, tmp_path)
    assert code == 2
    assert f"razorpay  {DAY} (UTC)  COULD NOT BE ASKED: " in text

    code, text, _ = await reconcile(shop, tmp_path, BATUA_RAZORPAY_KEY_SECRET="")
    assert code == 2
    assert "COULD NOT BE ASKED: razorpay is off: set BATUA_RAZORPAY_KEY_SECRET" in text


async def test_gateways_that_can_not_be_compared_are_said_to_be_so(shop, tmp_path):
    code, text, _ = await reconcile(shop, tmp_path, BATUA_RAZORPAY_KEY_SECRET="")
    assert code == 0, "it has never taken money"
    assert f"razorpay  {DAY} (UTC)  not reconcilable: razorpay is off" in text

    code, _, error = await reconcile(shop, tmp_path, "--gateway", "paytm")
    assert (code, error.splitlines()[-1]) == (2, "batua: There is no gateway 'paytm'.")
