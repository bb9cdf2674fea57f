"""Our books against Razorpay's simulator, whose clock is the shop's: equal, broken, and healed."""

from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from batua.contract import DisputeResult, DisputeStatus, Mode, Money
from batua.errors import InvalidRequest, NotFound, TryAgain
from batua.reconciliation import BreakType, Kind, State
from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator
from tests.support.clock import FakeClock
from tests.support.plugins import PAPER, install
from tests.support.provider import KEY_ID, Provider
from tests.support.proxy import CuttingProxy
from tests.support.shop import open_shop

DAY = date(2026, 11, 22)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


@asynccontextmanager
async def provider_at(clock):
    simulator = RazorpaySimulator(
        key_id=KEY_ID, hang_s=0.3, webhook_backoff_s=0.05, clock=clock.unix
    )
    async with (
        serving(simulator.app) as base,
        CuttingProxy(base) as proxy,
        httpx.AsyncClient(base_url=base, verify=False, trust_env=False) as http,
    ):
        yield Provider(http, proxy, simulator)


@pytest.fixture
async def shop(database_url, clock):
    async with (
        provider_at(clock) as provider,
        open_shop(database_url, clock, provider=provider) as opened,
    ):
        yield opened


async def reconciled(shop, *, day=DAY, heal=False, after_s=600):
    shop.clock.advance(after_s)
    return await shop.batua.reconciler.reconcile("razorpay", day, heal=heal)


async def paid(shop, amount=50_000, *, heard=True):
    """A top-up that was paid at the provider; the id of its payment there."""
    opened = await shop.open_top_up(amount)
    proof = await shop.provider.pay(opened["payment"]["provider_reference"])
    if heard:
        await shop.hear()
    return proof["razorpay_payment_id"]


def told(report):
    return [(each.type, each.kind, each.provider_id) for each in report.breaks]


def sums(report):
    return {kind: (each.ours, each.theirs) for _, kind, each in report.sums_in_order()}


async def planted(shop, table, change, *args):
    """Break our books past our code."""
    shop.is_provable = False
    assert await shop.run(f"update batua_{table} set {change}", *args) == 1


# --- equal ----------------------------------------------------------------------------------------


async def test_a_day_of_captures_and_refunds_is_equal(shop):
    await paid(shop, 50_000)
    order = await shop.paid_order(30_000, by="gateway")
    await shop.refund(order, "source", 10_000)
    await shop.provider.refund_in_dashboard(await paid(shop, 20_000), 5_000)
    await shop.hear()

    report = await reconciled(shop)

    assert (report.state, report.problem, report.breaks) == (State.EQUAL, "", [])
    assert sums(report) == {
        Kind.CAPTURE: (100_000, 100_000), Kind.REFUND: (15_000, 15_000), Kind.DISPUTE: (0, 0),
    }  # fmt: skip


async def test_a_day_without_anything_is_equal(shop):
    report = await reconciled(shop, day=DAY - timedelta(days=3))
    assert (report.state, sums(report)) == (State.EQUAL, {})


async def test_attempts_that_took_no_money_are_no_breaks(shop):
    opened = await shop.open_top_up()
    await shop.provider.pay(opened["payment"]["provider_reference"], "failed")
    assert (await reconciled(shop)).breaks == []


async def test_an_open_refund_is_no_break(shop):
    await shop.provider.refunds_end("pending")
    order = await shop.paid_order(30_000, by="gateway")
    await shop.refund(order, "source", 10_000)
    report = await reconciled(shop)
    assert (report.breaks, sums(report)[Kind.REFUND]) == ([], (0, 0))


# --- the two sides of midnight --------------------------------------------------------------------


async def test_paid_before_midnight_there_and_heard_of_after_it_here(shop):
    shop.clock.advance((MIDNIGHT - shop.clock.now()).total_seconds() - 1)
    payment = await paid(shop, heard=False)
    shop.clock.advance(2)
    await shop.hear()
    # Our clock's time, as where a provider tells none.
    await shop.run("update batua_capture set captured_at = $1", shop.clock.now())

    before = await reconciled(shop)
    after = await reconciled(shop, day=DAY + timedelta(days=1))

    assert (before.state, sums(before)[Kind.CAPTURE]) == (State.EQUAL, (50_000, 50_000))
    assert (after.state, sums(after)) == (State.EQUAL, {})
    assert (await shop.rows("capture"))[0]["provider_payment_id"] == payment


async def test_heard_of_days_later_without_the_providers_time(shop):
    await paid(shop)
    late = shop.clock.now() + timedelta(days=40)
    await shop.run("update batua_capture set captured_at = $1", late)

    report = await reconciled(shop, day=late.date(), after_s=41 * 86_400)

    assert (report.state, sums(report)) == (State.EQUAL, {}), "the provider was asked about it"


async def test_what_is_minutes_old_is_left_alone(shop):
    await paid(shop, heard=False)
    assert (await reconciled(shop, after_s=60)).breaks == []
    assert len((await reconciled(shop, after_s=300)).breaks) == 1


# --- breaks ---------------------------------------------------------------------------------------


async def test_a_capture_that_we_have_not_heard_of(shop):
    payment = await paid(shop, heard=False)

    report = await reconciled(shop)

    assert report.state is State.BROKEN
    assert told(report) == [(BreakType.MISSING_HERE, Kind.CAPTURE, payment)]
    (found,) = report.breaks
    assert (found.ours, found.theirs) == (None, Money(50_000, "INR"))
    assert "--heal" in found.what_to_do
    assert sums(report)[Kind.CAPTURE] == (0, 50_000)
    assert await shop.balance() == 0, "only looked at"


async def test_a_capture_that_the_provider_knows_nothing_of(shop):
    await paid(shop)
    await planted(shop, "capture", "provider_payment_id = 'pay_made_up'")

    report = await reconciled(shop)

    assert (BreakType.MISSING_THERE, Kind.CAPTURE, "pay_made_up") in told(report)
    found = next(each for each in report.breaks if each.type is BreakType.MISSING_THERE)
    assert (found.ours, found.theirs) == (Money(50_000, "INR"), None)
    assert sums(report)[Kind.CAPTURE] == (50_000, 50_000)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("amount = amount + 1", BreakType.AMOUNT_DIFFERS),
        ("currency = 'USD'", BreakType.CURRENCY_DIFFERS),
        ("mode = 'live'", BreakType.MODE_DIFFERS),
    ],
)
async def test_a_capture_that_differs(shop, change, expected):
    payment = await paid(shop)
    await planted(shop, "capture", change)

    report = await reconciled(shop, heal=True)

    assert told(report) == [(expected, Kind.CAPTURE, payment)]
    assert not report.breaks[0].is_healed
    assert report.state is State.BROKEN


async def test_a_refund_that_differs_in_amount(shop):
    order = await shop.paid_order(30_000, by="gateway")
    refund = await shop.refund(order, "source", 10_000)
    await shop.hear()
    await planted(shop, "refund", "source_amount = 9000, amount = 9000 where id = $1", refund["id"])
    report = await reconciled(shop)
    assert [each[:2] for each in told(report)] == [(BreakType.AMOUNT_DIFFERS, Kind.REFUND)]
    assert sums(report)[Kind.REFUND] == (9_000, 10_000)


async def test_a_refund_that_the_provider_knows_nothing_of(shop):
    order = await shop.paid_order(30_000, by="gateway")
    refund = await shop.refund(order, "source", 10_000)
    await planted(shop, "refund", "provider_refund_id = 'rfnd_made_up' where id = $1", refund["id"])
    await planted(shop, "refund", f"id = '{'ref_other':<30}' where id = $1", refund["id"])

    report = await reconciled(shop)

    assert {each[:2] for each in told(report)} == {
        (BreakType.MISSING_HERE, Kind.REFUND), (BreakType.MISSING_THERE, Kind.REFUND),
    }  # fmt: skip


# --- healing --------------------------------------------------------------------------------------


async def test_lost_webhooks_are_made_good_by_the_way_that_webhooks_use(shop):
    payment = await paid(shop, heard=False)
    await shop.provider.refund_in_dashboard(payment, 20_000)
    shop.clock.advance(1)

    report = await reconciled(shop, heal=True)

    assert {each[:2] for each in told(report)} == {
        (BreakType.MISSING_HERE, Kind.CAPTURE), (BreakType.MISSING_HERE, Kind.REFUND),
    }  # fmt: skip
    assert all(each.is_healed for each in report.breaks), report.breaks
    assert report.state is State.EQUAL
    assert await shop.balance() == 30_000

    again = await reconciled(shop, heal=True)
    assert (again.breaks, await shop.balance()) == ([], 30_000)
    await shop.hear(times=2)
    assert await shop.balance() == 30_000, "the webhooks come after all"


async def test_a_refund_that_failed_after_all_is_made_good(shop):
    order = await shop.paid_order(30_000, by="gateway")
    refund = await shop.refund(order, "source", 10_000)
    await shop.hear()
    at_provider = (await shop.row("refund", refund["id"]))["provider_refund_id"]
    await shop.provider.settle(at_provider, "failed")

    report = await reconciled(shop, heal=True)

    assert told(report) == [(BreakType.STATUS_DIFFERS, Kind.REFUND, at_provider)]
    assert report.breaks[0].is_healed
    assert (await shop.row("refund", refund["id"]))["status"] == "failed"


async def test_a_payment_of_somebody_else_stays_a_break(shop):
    payment = await paid(shop, heard=False)
    await shop.run("update batua_payment set provider_reference = 'order_other'")

    report = await reconciled(shop, heal=True)

    (found,) = report.breaks
    assert (found.provider_id, found.is_healed) == (payment, False)
    assert found.note.startswith("unmatched: ")
    assert report.state is State.BROKEN


async def test_what_can_wait_no_longer_is_told_and_not_forgotten(shop, monkeypatch):
    async def wait(_gateway, _payload):
        raise TryAgain("refund_under_way", "one of ours is not decided yet")

    await paid(shop, heard=False)
    monkeypatch.setattr(shop.batua.reconciler, "_take_in", wait)
    report = await reconciled(shop, heal=True)
    assert report.breaks[0].note == "one of ours is not decided yet"
    assert report.state is State.BROKEN


async def test_the_worker_heals_the_last_days_and_says_each_break_once(shop, caplog):
    await paid(shop, heard=False)
    shop.clock.advance(86_400)
    foreign = await paid(shop, 20_000, heard=False)
    await shop.run(
        "update batua_payment set provider_reference = 'order_other' where amount = 20000"
    )
    shop.clock.advance(600)

    assert await shop.batua.reconciler.heal_recent() == 1
    assert await shop.batua.reconciler.heal_recent() == 0

    assert await shop.balance() == 50_000
    said = [record.getMessage() for record in caplog.records if "the books differ" in record.msg]
    assert len(said) == 1
    assert foreign in said[0]


async def test_an_adapter_that_breaks_is_said_and_nothing_else(shop, monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError("no")

    speaking(shop)
    monkeypatch.setattr(Lister, "list_transactions", broken)
    shop.clock.advance(600)
    assert await shop.batua.reconciler.heal_recent() == 0
    assert "the books of razorpay could not be compared" in caplog.text


async def test_what_is_too_old_for_the_worker_is_left_to_people(shop):
    await shop.provider.refund_in_dashboard(await paid(shop), 5_000)
    shop.clock.advance(40 * 86_400)
    assert await shop.batua.reconciler.heal_recent() == 0
    assert await shop.balance() == 50_000


# --- disputes -------------------------------------------------------------------------------------


class Lister:
    """A gateway that says what a test makes it say; all else is asked of the real one."""

    def __init__(self, gateway, *listed):
        self._gateway = gateway
        self.listed = listed

    def __getattr__(self, name):
        return getattr(self._gateway, name)

    async def list_transactions(self, since, until):
        assert since < until
        return self.listed

    async def list_settlements(self, since, until):
        assert since < until
        return ()

    async def fetch_dispute(self, request):
        assert request.provider_dispute_id


def speaking(shop, *listed):
    """Razorpay's gateway, which lists just this."""
    plugin = shop.batua.registry.gateways["razorpay"]
    object.__setattr__(plugin, "instance", Lister(plugin.instance, *listed))


def dispute(shop, payment, status=DisputeStatus.OPEN, amount=50_000):
    return DisputeResult(
        provider_dispute_id="disp_1",
        provider_payment_id=payment,
        status=status,
        amount=Money(amount, "INR"),
        mode=Mode.TEST,
        occurred_at=shop.clock.now(),
    )


async def test_a_dispute_that_nobody_told_of_is_made_good(shop):
    payment = await paid(shop)
    opened = dispute(shop, payment)
    speaking(shop, opened)

    report = await reconciled(shop, heal=True)

    assert told(report) == [(BreakType.MISSING_HERE, Kind.DISPUTE, "disp_1")]
    assert report.breaks[0].is_healed, report.breaks[0].note
    (row,) = await shop.rows("dispute")
    assert (row["status"], row["amount"]) == ("open", 50_000)
    assert sums(report)[Kind.DISPUTE] == (0, 50_000)

    speaking(shop, dispute(shop, payment, DisputeStatus.LOST))
    report = await reconciled(shop, heal=True)
    assert told(report) == [(BreakType.STATUS_DIFFERS, Kind.DISPUTE, "disp_1")]
    assert (await shop.rows("dispute"))[0]["status"] == "lost"
    assert report.state is State.EQUAL

    # Ours is of the day, and the provider has never heard of it.
    speaking(shop)
    report = await reconciled(shop)
    assert (BreakType.MISSING_THERE, Kind.DISPUTE, "disp_1") in told(report)


async def test_a_dispute_that_was_won_before_we_heard_of_it_is_no_break(shop):
    speaking(shop, dispute(shop, await paid(shop), DisputeStatus.WON))
    assert (await reconciled(shop)).breaks == []


# --- who can't be compared ------------------------------------------------------------------------


async def test_a_provider_that_does_not_answer(shop):
    await paid(shop)
    await shop.provider.down()

    report = await reconciled(shop)

    assert report.state is State.UNAVAILABLE
    assert report.problem


async def test_gateways_that_list_nothing_and_fronts_are_said_to_be_so(
    database_url, clock, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "paper_unlisted", PAPER, value="paper = paper_unlisted:Paper")
    front = (
        PAPER.replace('code="paper"', 'code="pouch"')
        + """
    processor = "paper"

    def connect(self, processor):
        self.connected = processor
"""
    )
    install(tmp_path, "pouch_unlisted", front, value="pouch = pouch_unlisted:Paper")
    environ = {"BATUA_PAPER_SECRET": "s", "BATUA_POUCH_SECRET": "s"}
    async with open_shop(database_url, clock, environ=environ) as shop:
        reconcile = shop.batua.reconciler.reconcile
        paper, pouch = await reconcile("paper", DAY), await reconcile("pouch", DAY)
        assert (paper.state, pouch.state) == (State.NOT_RECONCILABLE, State.NOT_RECONCILABLE)
        assert paper.problem == "its provider lists no transactions"
        assert pouch.problem == "its money is paper's"
        with pytest.raises(NotFound):
            await reconcile("paytm", DAY)
        with pytest.raises(InvalidRequest, match="has not begun"):
            await reconcile("razorpay", DAY + timedelta(days=1))


async def test_a_gateway_that_is_off_matters_only_where_it_has_taken_money(database_url, clock):
    off = {"BATUA_RAZORPAY_KEY_SECRET": ""}
    async with open_shop(database_url, clock, environ=off) as shop:
        report = await shop.batua.reconciler.reconcile("razorpay", DAY)
        assert report.state is State.NOT_RECONCILABLE
        assert "BATUA_RAZORPAY_KEY_SECRET" in report.problem
    async with open_shop(database_url, clock) as shop:
        await paid(shop)
    async with open_shop(database_url, clock, environ=off) as shop:
        report = await shop.batua.reconciler.reconcile("razorpay", DAY)
        assert report.state is State.UNAVAILABLE


# --- many -----------------------------------------------------------------------------------------


async def test_a_day_of_many_pages_at_one_moment_is_read_whole(shop, monkeypatch):
    monkeypatch.setattr("batua.reconciliation.ours.PAGE", 3)
    amounts = [10_000 + number for number in range(8)]
    for amount in amounts:
        await paid(shop, amount)
    assert len({row["captured_at"] for row in await shop.rows("capture")}) == 1

    report = await reconciled(shop)
    assert (report.breaks, sums(report)[Kind.CAPTURE]) == ([], (sum(amounts), sum(amounts)))

    speaking(shop)  # so that every one of ours has to be found on our side, and asked about
    report = await reconciled(shop)
    assert (report.breaks, sums(report)[Kind.CAPTURE]) == ([], (sum(amounts), sum(amounts)))


def test_the_clock_of_these_tests_begins_on_their_day():
    assert FakeClock().now().date() == DAY
