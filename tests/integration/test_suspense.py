"""Money in suspense: released to the wallet or refunded to its source, never twice, never lost."""

import asyncio

import pytest

from batua.audit import Act, Actor, acting
from batua.errors import Forbidden, Refusal
from batua.identity import Role
from batua.payments import SuspenseTo
from tests.support.disputes import balances, dispute, refunded_there
from tests.support.shop import SECOND_PERSON, STAFF

PAID = 40_000


async def odd_capture(shop, amount=PAID, *, of="top_up", **changes):
    """A payment of another amount than was asked for: the capture, in suspense."""
    opened = await opened_payment(shop, of)
    await shop.provider.pay(opened["payment"]["provider_reference"], amount=amount, **changes)
    await shop.hear()
    (capture,) = await shop.rows("capture", f"payment_id = '{opened['payment']['id']}'")
    assert capture["destination"] == "suspense"
    return capture


async def opened_payment(shop, of):
    if of == "top_up":
        return await shop.open_top_up(50_000)
    return await shop.pay_by_gateway((await shop.create_order(50_000))["id"])


@pytest.fixture
async def odd(shop):
    return await odd_capture(shop)


async def let_go(shop, capture, to, amount=None, **changes):
    new = shop.new_refund(amount, **changes)
    return await shop.batua.by_hand.suspense.let_go(capture["id"], SuspenseTo(to), new)


async def code_of(doing):
    try:
        await doing
    except Refusal as refusal:
        return refusal.code
    return ""


async def counters(shop, capture):
    row = await shop.row("capture", capture["id"])
    return {name: row[name] for name in ("refunded", "refund_reserved", "clawed_back", "disputed")
            if row[name]}  # fmt: skip


@pytest.mark.parametrize("of", ["top_up", "order"])
async def test_what_is_in_suspense_is_released_to_its_customer(shop, of):
    odd = await odd_capture(shop, of=of)
    released = await let_go(shop, odd, "wallet", 15_000)
    assert (released["status"], released["destination"]) == ("succeeded", "wallet")
    assert await balances(shop) == {
        "gateway:razorpay": -PAID, "suspense:razorpay": 25_000, "wallet:asha": 15_000,
    }  # fmt: skip
    await let_go(shop, odd, "wallet")
    assert await shop.balance() == PAID
    (first, _) = await shop.transfers(kind="suspense_release")
    assert (first["actor"], first["refund_id"]) == (STAFF, released["id"])
    assert await counters(shop, odd) == {"refunded": PAID}
    assert await shop.rows("lot") == []  # it is paid credit
    assert len(await shop.messages("refund_succeeded")) == 2
    assert await code_of(let_go(shop, odd, "wallet")) == "refund_exceeds_refundable"


@pytest.mark.parametrize("of", ["top_up", "order"])
async def test_what_is_in_suspense_is_refunded_to_its_source(shop, of):
    odd = await odd_capture(shop, of=of)
    await let_go(shop, odd, "source", 15_000)
    await let_go(shop, odd, "source")
    await shop.hear()
    assert await balances(shop) == {}
    refunds = await shop.rows("refund", order="source_amount")
    assert [(each["source_amount"], each["status"]) for each in refunds] == [
        (15_000, "succeeded"), (25_000, "succeeded"),
    ]  # fmt: skip
    assert await counters(shop, odd) == {"refunded": PAID}


async def test_the_right_payment_still_pays_the_top_up_and_is_refunded_apart(shop):
    odd = await odd_capture(shop)
    await let_go(shop, odd, "wallet")
    payment = await shop.row("payment", odd["payment_id"])
    await shop.provider.pay(payment["provider_reference"], amount=50_000)
    await shop.hear()
    top_up = await shop.row("top_up", odd["top_up_id"])
    assert (top_up["status"], top_up["credited"], top_up["refunded"]) == ("succeeded", 50_000, 0)
    refund = await shop.refund_top_up(odd["top_up_id"])
    await shop.hear()
    assert refund["amount"] == 50_000
    assert await shop.balance() == PAID


async def test_another_currency_goes_to_a_wallet_of_its_own(shop):
    odd = await odd_capture(shop, 900, currency="USD")
    await let_go(shop, odd, "wallet", 400)
    assert (await shop.wallet(currency="USD")).posted == 400
    await let_go(shop, odd, "source")
    await shop.hear()
    assert await shop.posted("suspense:razorpay:USD") == 0


async def test_a_big_one_waits_for_somebody_else(shop, odd):
    waiting = await let_go(shop, odd, "wallet", approval_limit=PAID - 1)
    assert waiting["status"] == "awaiting_approval"
    assert await counters(shop, odd) == {"refund_reserved": PAID}
    assert await code_of(let_go(shop, odd, "source", 1)) == "refund_exceeds_refundable"
    decide = shop.batua.orders.decide_refund
    with pytest.raises(Forbidden):
        await decide(waiting["id"], approver=STAFF, approve=True)
    await decide(waiting["id"], approver=SECOND_PERSON, approve=False)
    assert await counters(shop, odd) == {}
    again = await let_go(shop, odd, "source", approval_limit=0)
    await decide(again["id"], approver=SECOND_PERSON, approve=True)
    await shop.hear()
    assert await balances(shop) == {}
    (transfer,) = await shop.transfers(kind="suspense_refund")
    assert (transfer["actor"], transfer["approved_by"]) == (STAFF, SECOND_PERSON)


async def test_an_approved_release_is_in_the_wallet_at_once(shop, odd):
    waiting = await let_go(shop, odd, "wallet", 30_000, approval_limit=0)
    await shop.batua.orders.decide_refund(waiting["id"], approver=SECOND_PERSON, approve=True)
    assert await shop.balance() == 30_000
    assert await counters(shop, odd) == {"refunded": 30_000}


async def test_many_of_the_staff_at_once_let_no_more_go_than_there_is(shop, odd):
    codes = await asyncio.gather(
        *(code_of(let_go(shop, odd, to, 15_000)) for to in ("wallet", "source") * 3)
    )
    assert sorted(codes) == ["", "", *["refund_exceeds_refundable"] * 4]
    await shop.hear()
    assert await shop.posted("suspense:razorpay:INR") == 10_000


async def test_one_id_lets_go_once(shop, odd):
    made = await asyncio.gather(
        *(let_go(shop, odd, "wallet", 15_000, id="ref_one") for _ in range(3))
    )
    assert {refund["id"] for refund in made} == {"ref_one"}
    assert await shop.balance() == 15_000
    other = let_go(shop, odd, "wallet", 15_001, id="ref_one")
    assert await code_of(other) == "exists_with_different_amount"
    other = let_go(shop, odd, "source", 15_000, id="ref_one")
    assert await code_of(other) == "exists_with_different_details"


async def test_only_what_is_in_suspense_is_let_go(shop):
    await shop.topped_up()
    (capture,) = await shop.rows("capture")
    assert await code_of(let_go(shop, capture, "wallet")) == "not_in_suspense"
    assert await code_of(let_go(shop, {"id": "cap_none"}, "wallet")) == "not_found"


async def test_an_act_is_entered_with_what_it_let_go(shop, odd):
    meera = Actor(name=STAFF, role=Role.FINANCE)
    with acting(Act(id="aud_1", actor=meera, word="release_suspense")):
        await let_go(shop, odd, "wallet")
    (entry,) = await shop.rows("audit")
    assert f"batua_capture {odd['id']}" in entry["after"]


# --- the provider has another word ----------------------------------------------------------------


async def test_a_refund_whose_answer_is_lost_stays_reserved_and_is_found(shop, odd):
    await shop.provider.spoil("500_after_effect", path="/refund")
    refund = await let_go(shop, odd, "source")
    assert refund["status"] == "unknown"
    assert await counters(shop, odd) == {"refund_reserved": PAID}
    assert await code_of(let_go(shop, odd, "wallet")) == "refund_exceeds_refundable"
    await shop.work(60)
    assert (await shop.row("refund", refund["id"]))["status"] == "succeeded"
    assert await balances(shop) == {}


async def succeed_then_fail(shop, refund):
    """The provider takes back what it has said of a refund."""
    row = await shop.row("refund", refund["id"])
    (capture,) = await shop.rows("capture", f"id = '{row['capture_id']}'")
    return await refunded_there(
        shop, capture["provider_payment_id"], row["source_amount"], "failed",
        id=row["provider_refund_id"],
    )  # fmt: skip


async def test_a_refund_that_fails_after_all_is_in_suspense_again(shop, odd):
    refund = await let_go(shop, odd, "source", 30_000)
    await shop.hear()
    assert await shop.posted("suspense:razorpay:INR") == 10_000
    await succeed_then_fail(shop, refund)
    assert await shop.posted("suspense:razorpay:INR") == PAID
    assert await counters(shop, odd) == {}
    await let_go(shop, odd, "wallet")
    assert await shop.balance() == PAID


async def test_a_dispute_takes_what_was_released_from_the_wallet(shop, odd):
    await let_go(shop, odd, "wallet", 30_000)
    await shop.create_order(25_000, pay=True)
    await dispute(shop, odd["provider_payment_id"], "open", PAID)
    assert await balances(shop) == {
        "debt:asha": -25_000, "dispute:razorpay": PAID, "gateway:razorpay": -PAID,
        "revenue:shop": 25_000,
    }  # fmt: skip
    assert await counters(shop, odd) == {"clawed_back": 30_000, "disputed": PAID}
    assert (await shop.wallet()).status == "frozen"
    assert await code_of(let_go(shop, odd, "wallet")) == "refund_exceeds_refundable"
    await dispute(shop, odd["provider_payment_id"], "won", PAID)
    assert await balances(shop) == {
        "gateway:razorpay": -PAID, "revenue:shop": 25_000, "suspense:razorpay": 10_000,
        "wallet:asha": 5_000,
    }  # fmt: skip
    assert await counters(shop, odd) == {"refunded": 30_000}
    assert (await shop.wallet()).status == "active"
    await let_go(shop, odd, "wallet")


async def test_a_refund_at_the_provider_takes_what_was_released_from_the_wallet(shop, odd):
    await let_go(shop, odd, "wallet", 30_000)
    await refunded_there(shop, odd["provider_payment_id"], 35_000)
    assert await balances(shop) == {
        "gateway:razorpay": -5_000, "wallet:asha": 5_000,
    }  # fmt: skip
    assert await counters(shop, odd) == {"refunded": PAID, "clawed_back": 25_000}
    await refunded_there(shop, odd["provider_payment_id"], 35_000, "failed")
    assert await shop.balance() == 30_000
    assert await counters(shop, odd) == {"refunded": 30_000}


async def test_a_dispute_takes_what_a_refund_had_reserved_and_the_refund_may_fail(shop, odd):
    await shop.provider.spoil("500_after_effect", path="/refund")
    refund = await let_go(shop, odd, "source")
    await dispute(shop, odd["provider_payment_id"], "open", PAID)
    assert await shop.posted("dispute:razorpay:INR") == PAID
    await shop.work(60)
    row = await shop.row("refund", refund["id"])
    assert row["status"] == "succeeded"  # the provider has made both: the shop has paid it twice
    assert await balances(shop) == {"dispute:razorpay": PAID, "dispute_loss:shop": -PAID}
    await shop.assert_sound()
    await succeed_then_fail(shop, refund)
    assert await balances(shop) == {"dispute:razorpay": PAID, "gateway:razorpay": -PAID}
    await dispute(shop, odd["provider_payment_id"], "won", PAID)
    assert await shop.posted("suspense:razorpay:INR") == PAID
    assert await counters(shop, odd) == {}


async def test_what_was_refunded_and_is_disputed_all_the_same_is_a_loss(shop, odd):
    await let_go(shop, odd, "source")
    await shop.hear()
    await dispute(shop, odd["provider_payment_id"], "lost", PAID)
    assert await balances(shop) == {"dispute_loss:shop": -PAID, "gateway:razorpay": PAID}


async def test_a_disputed_one_is_not_approved(shop, odd):
    waiting = await let_go(shop, odd, "wallet", approval_limit=0)
    await dispute(shop, odd["provider_payment_id"], "open", PAID)
    decide = shop.batua.orders.decide_refund
    refused = decide(waiting["id"], approver=SECOND_PERSON, approve=True)
    assert await code_of(refused) == "payment_disputed"
    await dispute(shop, odd["provider_payment_id"], "won", PAID)
    await decide(waiting["id"], approver=SECOND_PERSON, approve=True)
    assert await shop.balance() == PAID
