"""Disputes: who bears what, to the paisa, when a payer's bank takes a payment back, and forth."""

import pytest

from batua.contract import Mode
from batua.errors import Conflict
from batua.orders import RefundTo
from batua.payments import DecideRefund
from batua.wallets import AdjustmentKind
from tests.support.disputes import balances, dispute, provider_payment
from tests.support.shop import SECOND_PERSON, open_shop

TOPPED_UP = 50_000
BONUS = {"top_up_bonus_percent": 10, "top_up_bonus_days": 90}


async def spend(shop, amount):
    """Buy something of this much from the wallet."""
    assert (await shop.create_order(amount, pay=True)).status == 201


async def top_up(shop):
    """A top-up that is in the wallet, and the provider's id of its payment."""
    top_id = await shop.topped_up(TOPPED_UP)
    return top_id, await provider_payment(shop, top_up_id=top_id)


async def status_of(shop, top_up_id):
    return (await shop.row("top_up", top_up_id))["status"]


async def is_frozen(shop):
    (wallet,) = await shop.rows("account", "key = 'wallet:asha:INR'")
    return wallet["status"] == "frozen"


# --- top-ups --------------------------------------------------------------------------------------


async def test_a_disputed_top_up_is_taken_back_and_what_is_left_is_frozen(shop):
    top_id, payment = await top_up(shop)
    await shop.give(7_000)
    assert await dispute(shop, payment, "open") == ("applied", "applied")
    assert await balances(shop) == {
        "adjustment:shop": -7_000,
        "dispute:razorpay": TOPPED_UP,
        "gateway:razorpay": -TOPPED_UP,
        "wallet:asha": 7_000,
    }
    assert await status_of(shop, top_id) == "disputed"
    assert await is_frozen(shop)
    refused = await shop.create_order(1_000, pay=True)
    assert (refused.status, refused["code"]) == (409, "wallet_frozen")
    await shop.assert_sound()

    await dispute(shop, payment, "lost")
    assert await balances(shop) == {"adjustment:shop": -7_000, "wallet:asha": 7_000}
    assert await status_of(shop, top_id) == "charged_back"
    assert await is_frozen(shop)


async def test_a_spent_top_up_leaves_a_debt_that_later_credits_repay_first(shop):
    top_id, payment = await top_up(shop)
    await spend(shop, 30_000)
    await dispute(shop, payment, "lost")
    assert await balances(shop) == {"debt:asha": -30_000, "revenue:shop": 30_000}
    assert await status_of(shop, top_id) == "charged_back"

    await shop.give(10_000)
    assert (await balances(shop))["debt:asha"] == -20_000
    assert await shop.balance() == 0
    await shop.give(25_000)
    assert "debt:asha" not in await balances(shop)
    assert await shop.balance() == 5_000
    repaid = await shop.transfers(kind="debt_repayment")
    assert [transfer["amount"] for transfer in repaid] == [10_000, 20_000]


async def test_a_bonus_repays_nothing(shop):
    _, payment = await top_up(shop)
    await spend(shop, 30_000)
    await dispute(shop, payment, "lost")
    await shop.batua.engine.submit(shop.adjustment(5_000, kind=AdjustmentKind.BONUS))
    assert await shop.balance() == 5_000
    assert (await balances(shop))["debt:asha"] == -30_000


async def test_a_capture_that_comes_later_repays_a_debt_too(shop):
    second = await shop.open_top_up(20_000)
    _, payment = await top_up(shop)
    await spend(shop, 30_000)
    await dispute(shop, payment, "lost")
    await shop.provider.pay(second["payment"]["provider_reference"])
    await shop.hear()
    assert await shop.balance() == 0
    assert (await balances(shop))["debt:asha"] == -10_000


@pytest.mark.parametrize("by", ["open", "lost"])
@pytest.mark.parametrize("repaid", [0, 12_000, 45_000])
async def test_a_won_dispute_restores_all_of_it(shop, by, repaid):
    top_id, payment = await top_up(shop)
    await spend(shop, 30_000)
    before = await balances(shop)
    await dispute(shop, payment, by)
    if repaid:
        await shop.give(repaid)
    await dispute(shop, payment, "won")
    given = {"adjustment:shop": -repaid} if repaid else {}
    after = {**before, "wallet:asha": before["wallet:asha"] + repaid}
    assert await balances(shop) == {**after, **given}
    assert await status_of(shop, top_id) == "succeeded"
    assert not await is_frozen(shop)
    await spend(shop, 20_000 + repaid)


async def test_the_same_word_again_and_words_out_of_order_change_nothing(shop):
    _, payment = await top_up(shop)
    for status in ("open", "open", "lost", "open", "lost"):
        await dispute(shop, payment, status)
    assert await balances(shop) == {}
    transfers = await shop.transfers()
    assert await dispute(shop, payment, "open") == ("applied", "nothing_new")
    assert await shop.transfers() == transfers


async def test_a_dispute_that_was_over_before_we_heard_of_it_moves_nothing(shop):
    top_id, payment = await top_up(shop)
    assert await dispute(shop, payment, "won") == ("applied", "applied")
    assert await dispute(shop, payment, "open") == ("applied", "nothing_new")
    assert await shop.balance() == TOPPED_UP
    assert await status_of(shop, top_id) == "succeeded"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": TOPPED_UP + 1}, "dispute_differs"),
        ({"currency": "USD"}, "dispute_differs"),
    ],
)
async def test_more_than_was_captured_needs_a_person(shop, changes, code):
    _, payment = await top_up(shop)
    status, note = await dispute(shop, payment, "open", **changes)
    assert (status, note.partition(":")[0]) == ("quarantined", code)
    assert await shop.balance() == TOPPED_UP


async def test_another_amount_than_at_first_and_a_loss_after_a_win_need_a_person(shop):
    _, payment = await top_up(shop)
    await dispute(shop, payment, "open", 20_000)
    assert (await dispute(shop, payment, "lost", 20_001))[0] == "quarantined"
    await dispute(shop, payment, "won", 20_000)
    status, note = await dispute(shop, payment, "lost", 20_000)
    assert (status, note.partition(":")[0]) == ("quarantined", "dispute_was_won")
    assert await shop.balance() == TOPPED_UP


async def test_a_live_dispute_is_not_of_a_test_payment(shop):
    _, payment = await top_up(shop)
    assert (await dispute(shop, payment, "open", mode=Mode.LIVE))[0] == "quarantined"
    assert await shop.balance() == TOPPED_UP


async def test_an_unknown_payments_dispute_waits(shop):
    assert (await dispute(shop, "pay_nobodys", "open"))[0] == "unmatched"


async def test_two_disputes_freeze_until_both_are_won(shop):
    _, first = await top_up(shop)
    _, second = await top_up(shop)
    await dispute(shop, first, "open", id="disp_1")
    await dispute(shop, second, "lost", id="disp_2")
    await dispute(shop, first, "won", id="disp_1")
    assert await is_frozen(shop)
    await dispute(shop, second, "won", id="disp_2")
    assert not await is_frozen(shop)
    assert await shop.balance() == 2 * TOPPED_UP


async def test_a_wallet_that_staff_have_frozen_stays_so(shop):
    _, payment = await top_up(shop)
    await shop.freeze()
    await dispute(shop, payment, "open")
    await dispute(shop, payment, "won")
    assert await is_frozen(shop)


async def test_a_part_of_a_top_up_is_disputed(shop):
    top_id, payment = await top_up(shop)
    await dispute(shop, payment, "open", 20_000)
    assert await shop.balance() == 30_000
    assert await status_of(shop, top_id) == "disputed"
    refused = await shop.refund_top_up(top_id, 30_001)
    assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable")
    assert (await shop.refund_top_up(top_id))["amount"] == 30_000
    await shop.hear()
    assert await status_of(shop, top_id) == "disputed"
    await dispute(shop, payment, "won", 20_000)
    assert await status_of(shop, top_id) == "partially_refunded"
    assert await shop.balance() == 20_000


async def test_a_disputed_capture_is_not_what_a_top_up_is_refunded_from(shop):
    opened = await shop.open_top_up(TOPPED_UP)
    for _ in range(2):
        await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    first, second = await shop.rows("capture", order="transfer_seq")
    await dispute(shop, first["provider_payment_id"], "open")
    refund = await shop.refund_top_up(opened["top_up"]["id"], 10_000)
    assert (await shop.row("refund", refund["id"]))["capture_id"] == second["id"]


async def test_a_waiting_refund_of_a_disputed_top_up_is_not_approved(shop):
    top_id, payment = await top_up(shop)
    waiting = await shop.refund_top_up(top_id, 10_000, approval_limit=1)
    await dispute(shop, payment, "open")
    with pytest.raises(Conflict) as refused:
        await shop.batua.orders.decide_refund(waiting["id"], approver=SECOND_PERSON, approve=True)
    assert refused.value.code == "payment_disputed"
    await shop.batua.orders.decide_refund(waiting["id"], approver=SECOND_PERSON, approve=False)


async def test_money_in_suspense_is_taken_from_there(shop):
    opened = await shop.open_top_up(TOPPED_UP)
    await shop.provider.pay(opened["payment"]["provider_reference"], amount=40_000)
    await shop.hear()
    top_id = opened["top_up"]["id"]
    payment = await provider_payment(shop, top_up_id=top_id)
    await dispute(shop, payment, "open", 40_000)
    assert await balances(shop) == {"dispute:razorpay": 40_000, "gateway:razorpay": -40_000}
    assert await status_of(shop, top_id) == "suspense"
    await dispute(shop, payment, "won", 40_000)
    assert await balances(shop) == {"gateway:razorpay": -40_000, "suspense:razorpay": 40_000}


# --- top-ups with a bonus -------------------------------------------------------------------------


@pytest.fixture
async def generous(database_url, clock):
    """A shop that gives a tenth on top."""
    async with open_shop(database_url, clock, **BONUS) as opened:
        yield opened


async def test_an_unspent_bonus_goes_back_with_its_top_up_and_comes_again(generous):
    top_id, payment = await top_up(generous)
    assert await generous.balance() == 55_000
    before, lots = await balances(generous), await generous.rows("lot")
    await dispute(generous, payment, "open")
    assert await balances(generous) == {
        "dispute:razorpay": TOPPED_UP,
        "gateway:razorpay": -TOPPED_UP,
    }
    assert (await generous.row("top_up", top_id))["bonus_returned"] == 5_000
    await generous.assert_sound()
    await dispute(generous, payment, "won")
    assert await balances(generous) == before
    (lot,), (again,) = lots, await generous.rows("lot")
    assert (again["id"], again["remaining"]) == (lot["id"], 5_000)
    assert (await generous.row("top_up", top_id))["bonus_returned"] == 0


@pytest.mark.parametrize("by", ["open", "lost"])
async def test_a_spent_bonus_is_debt_like_the_rest(generous, by):
    _, payment = await top_up(generous)
    await spend(generous, 8_000)  # the bonus first, then 3,000 of what was paid
    before = await balances(generous)
    assert before["wallet:asha"] == 47_000
    await dispute(generous, payment, by)
    taken = await balances(generous)
    assert taken["debt:asha"] == -(3_000 + 5_000)
    assert "wallet:asha" not in taken
    assert "promotion:shop" not in taken  # what the bonus cost is owed by who spent it
    await dispute(generous, payment, "won")
    assert await balances(generous) == before


async def test_a_bonus_that_has_expired_is_not_owed(generous, clock):
    _, payment = await top_up(generous)
    clock.advance(91 * 86_400)
    await generous.work()
    assert await generous.balance() == TOPPED_UP
    await dispute(generous, payment, "lost")
    assert await balances(generous) == {}


async def test_another_top_ups_bonus_is_taken_last(generous):
    _, payment = await top_up(generous)
    await top_up(generous)
    await spend(generous, 30_000)  # both bonuses, then 20,000 of what was paid
    await dispute(generous, payment, "lost")
    assert await generous.balance() == 110_000 - 30_000 - 55_000


async def test_a_part_takes_its_share_of_the_bonus_rounded_up(generous):
    top_id, payment = await top_up(generous)
    await dispute(generous, payment, "open", 16_667)
    assert await generous.balance() == 55_000 - 16_667 - 1_667
    assert (await generous.row("top_up", top_id))["bonus_returned"] == 1_667
    await dispute(generous, payment, "won", 16_667)
    assert await generous.balance() == 55_000


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["open", "lost"])
@pytest.mark.parametrize("spent", [0, 4_000, 10_000])
async def test_a_disputed_order_takes_back_only_what_its_wallet_got(shop, by, spent):
    order = await shop.paid_order(30_000, by="gateway")
    assert (await shop.refund(order, "wallet", 10_000)).status == 201
    if spent:
        await spend(shop, spent)
    before = await balances(shop)
    payment = await provider_payment(shop, order_id=order)
    await dispute(shop, payment, by, 30_000)
    taken = await balances(shop)
    assert taken["dispute_loss:shop"] == -20_000
    assert taken.get("debt:asha", 0) == -spent
    assert "wallet:asha" not in taken
    assert not await is_frozen(shop)
    row = await shop.row("order", order)
    assert (row["status"], row["refunded"]) == ("paid", 0)
    refused = await shop.refund(order, "wallet", 1)
    assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable")
    await shop.assert_sound()
    await dispute(shop, payment, "won", 30_000)
    assert await balances(shop) == before
    row = await shop.row("order", order)
    assert (row["status"], row["refunded"]) == ("partially_refunded", 10_000)
    assert (await shop.refund(order, "wallet", 20_000)).status == 201


async def test_a_disputed_order_without_refunds_is_the_shops_loss(shop):
    order = await shop.paid_order(30_000, by="gateway")
    await dispute(shop, await provider_payment(shop, order_id=order), "lost", 30_000)
    assert await balances(shop) == {"dispute_loss:shop": -30_000, "revenue:shop": 30_000}


async def test_paid_credit_of_a_second_capture_is_taken_from_the_wallet(shop):
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_by_gateway(order)
    for _ in range(2):
        await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    (credit,) = await shop.rows("capture", "destination = 'wallet'")
    await dispute(shop, credit["provider_payment_id"], "open", 30_000)
    assert await is_frozen(shop)
    assert await balances(shop) == {
        "dispute:razorpay": 30_000,
        "gateway:razorpay": -60_000,
        "revenue:shop": 30_000,
    }
    await dispute(shop, credit["provider_payment_id"], "won", 30_000)
    assert await shop.balance() == 30_000
    assert not await is_frozen(shop)


async def test_the_wallets_share_of_a_disputed_split_can_still_be_refunded(shop):
    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_split(order)
    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    await dispute(shop, await provider_payment(shop, order_id=order), "open", 20_000)
    refused = await shop.refund(order, "wallet", 10_001)
    assert (refused.status, refused["code"]) == (409, "refund_exceeds_refundable")
    assert (await shop.refund(order))["amount"] == 10_000
    assert await shop.balance() == 10_000


async def test_a_refund_that_waits_is_not_approved_once_its_payment_is_disputed(shop):
    order = await shop.paid_order(30_000, by="gateway")
    waiting = await shop.refund(order, RefundTo.WALLET, 30_000, approval_limit=1)
    await dispute(shop, await provider_payment(shop, order_id=order), "open", 30_000)
    decide = {
        "refund_id": waiting["id"],
        "approver": SECOND_PERSON,
        "purposes": shop.batua.refunder._purposes,
    }
    with pytest.raises(Conflict) as refused:
        await shop.batua.engine.submit(DecideRefund(approve=True, **decide))
    assert refused.value.code == "payment_disputed"
    await shop.batua.engine.submit(DecideRefund(approve=False, **decide))
    assert await shop.balance() == 0
