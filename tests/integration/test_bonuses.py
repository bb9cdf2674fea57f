"""Bonuses: what a top-up brings on top, and what becomes of it when the top-up goes back."""

import pytest

from batua.contract import Money
from batua.wallets import BonusRule
from tests.support.disputes import balances
from tests.support.shop import open_shop

TOPPED_UP = 50_000


@pytest.fixture
async def shop(database_url, clock):
    """A shop that gives a tenth on top of 100 rupees and more, but 6,000 paise at most."""
    async with open_shop(
        database_url,
        clock,
        top_up_bonus_percent=10,
        top_up_bonus_from=10_000,
        top_up_bonus_max=6_000,
        top_up_bonus_days=30,
    ) as opened:
        yield opened


@pytest.mark.parametrize(
    ("amount", "bonus"),
    [(9_999, 0), (10_000, 1_000), (10_009, 1_000), (60_000, 6_000), (90_000, 6_000)],
)
async def test_a_top_up_brings_its_bonus(shop, amount, bonus):
    top_id = await shop.topped_up(amount)
    assert await shop.balance() == amount + bonus
    assert (await shop.row("top_up", top_id))["bonus"] == bonus
    lots = [(lot["kind"], lot["amount"], lot["top_up_id"]) for lot in await shop.rows("lot")]
    assert lots == ([("bonus", bonus, top_id)] if bonus else [])


def test_a_bonus_is_of_one_currency_and_rounded_down():
    rule = BonusRule(currency="INR", percent=15)
    assert rule.bonus_of(999, "INR") == 149
    assert rule.bonus_of(999, "USD") == 0
    assert BonusRule(currency="INR", percent=0).bonus_of(10**15, "INR") == 0


async def test_a_second_capture_brings_none(shop):
    opened = await shop.open_top_up(TOPPED_UP)
    for _ in range(2):
        await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear(times=2)
    assert await shop.balance() == 2 * TOPPED_UP + 5_000


async def test_a_bonus_is_spent_first_and_expires(shop, clock):
    await shop.topped_up(TOPPED_UP)
    await shop.create_order(2_000, pay=True)
    clock.advance(31 * 86_400)
    await shop.work()
    assert await balances(shop) == {
        "gateway:razorpay": -TOPPED_UP,
        "promotion:shop": -2_000,
        "revenue:shop": 2_000,
        "wallet:asha": TOPPED_UP,
    }


async def test_a_refund_takes_the_bonus_back(shop):
    top_id = await shop.topped_up(TOPPED_UP)
    await shop.provider.refunds_end("pending")
    refund = await shop.refund_top_up(top_id)
    wallet = await shop.wallet()
    assert (wallet.posted, wallet.held) == (55_000, 55_000)
    await shop.provider.settle((await shop.row("refund", refund["id"]))["provider_refund_id"],
                               "processed")  # fmt: skip
    await shop.hear()
    assert await balances(shop) == {}
    top_up = await shop.row("top_up", top_id)
    assert (top_up["status"], top_up["bonus_returned"]) == ("refunded", 5_000)


@pytest.mark.parametrize("after_success", [False, True])
async def test_a_refund_that_fails_gives_the_bonus_back(shop, after_success):
    top_id = await shop.topped_up(TOPPED_UP)
    before = await shop.rows("lot")
    await shop.provider.refunds_end("pending")
    refund = await shop.refund_top_up(top_id, 20_000)
    there = (await shop.row("refund", refund["id"]))["provider_refund_id"]
    assert (await shop.wallet()).held == 22_000
    if after_success:
        await shop.provider.settle(there, "processed")
        await shop.hear()
        assert await shop.balance() == 33_000
    await shop.provider.settle(there, "failed")
    await shop.hear()
    wallet = await shop.wallet()
    assert (wallet.posted, wallet.held) == (55_000, 0)
    after = await shop.rows("lot")
    assert [(lot["id"], lot["remaining"]) for lot in after] == [
        (lot["id"], lot["remaining"]) for lot in before
    ]
    assert (await shop.row("top_up", top_id))["bonus_returned"] == 0


async def test_a_spent_bonus_is_deducted_from_what_can_be_refunded(shop):
    top_id = await shop.topped_up(TOPPED_UP)
    await shop.create_order(3_000, pay=True)
    refused = await shop.refund_top_up(top_id, 47_001)
    assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable")
    assert (await shop.refund_top_up(top_id))["amount"] == 47_000
    await shop.hear()
    # The spent bonus stays as what was paid for it; what was left of the bonus is gone.
    assert await balances(shop) == {
        "gateway:razorpay": -3_000,
        "promotion:shop": -3_000,
        "revenue:shop": 3_000,
        "wallet:asha": 3_000,
    }
    assert (await shop.refund_top_up(top_id, 1))["code"] == "refund_exceeds_refundable"


async def test_parts_take_their_share_of_the_bonus(shop):
    top_id = await shop.topped_up(TOPPED_UP)
    for amount, left in ((16_667, 3_333), (16_667, 1_666), (16_666, 0)):
        refund = await shop.refund_top_up(top_id, amount)
        await shop.hear()
        assert (await shop.row("refund", refund["id"]))["status"] == "succeeded"
        assert sum(lot["remaining"] for lot in await shop.rows("lot")) == left
    assert await balances(shop) == {}


async def test_no_more_than_what_is_available_is_refunded(shop):
    top_id = await shop.topped_up(TOPPED_UP)
    await shop.create_order(35_000, pay=True)
    over = await shop.refund_top_up(top_id, 20_001)
    assert (over.status, over["code"]) == (402, "insufficient_funds")
    assert (await shop.refund_top_up(top_id))["amount"] == 20_000
    await shop.hear()
    nothing = await shop.refund_top_up(top_id)
    assert (nothing.status, nothing["code"]) == (402, "insufficient_funds")
    assert await shop.balance() == 0


async def test_a_bonus_that_an_order_gave_back_counts_as_there(shop):
    top_id = await shop.topped_up(TOPPED_UP)
    order = (await shop.create_order(4_000, pay=True))["id"]
    await shop.refund(order, "wallet")
    assert (await shop.refund_top_up(top_id))["amount"] == TOPPED_UP
    await shop.hear()
    assert await balances(shop) == {}


async def test_a_refund_that_waits_holds_the_bonus_until_it_is_decided(shop):
    top_id = await shop.topped_up(TOPPED_UP)
    await shop.refund_top_up(top_id, approval_limit=1)
    refused = await shop.create_order(1, pay=True)
    assert refused["code"] == "insufficient_funds"
    (refund,) = await shop.rows("refund")
    assert (refund["status"], refund["bonus_amount"]) == ("awaiting_approval", 5_000)
    await shop.batua.orders.decide_refund(refund["id"], approver="staff:ravi", approve=False)
    assert (await shop.wallet()).held == 0


async def test_dollars_get_no_bonus(shop):
    assert (await shop.open_top_up(TOPPED_UP, currency="USD")).status == 201
    (payment,) = await shop.rows("payment")
    await shop.provider.pay(payment["provider_reference"])
    await shop.hear()
    assert (await shop.wallet("asha", "USD")).posted == Money(TOPPED_UP, "USD").amount
