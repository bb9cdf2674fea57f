"""Adjustments: what staff give or take by hand, and the second person over the limit."""

import asyncio

import pytest

from batua.contract import Money
from batua.errors import Conflict, Forbidden, InsufficientFunds
from batua.wallets import NO_RULES, AdjustmentReason, DecideAdjustment, Direction
from tests.support.shop import SECOND_PERSON, STAFF


async def adjust(shop, amount, **changes):
    return await shop.batua.engine.submit(shop.adjustment(amount, **changes))


async def decide(shop, adjustment, *, approve, by=SECOND_PERSON):
    return await shop.batua.engine.submit(
        DecideAdjustment(
            adjustment_id=adjustment["id"],
            approver=by,
            approve=approve,
            new_id=shop.batua.new_id,
            rules=NO_RULES,
        )
    )


async def test_staff_give_and_take_with_a_reason_code(shop):
    await adjust(shop, 50_000, reason_code=AdjustmentReason.COMPENSATION)
    await adjust(shop, 20_000, direction=Direction.DEBIT, reason_code=AdjustmentReason.CORRECTION)

    assert await shop.balance() == 30_000
    assert await shop.posted("adjustment:shop:INR") == -30_000
    given, taken = await shop.transfers()
    assert (given["kind"], given["reason"], given["actor"]) == (
        "adjustment_credit", "compensation", STAFF
    )  # fmt: skip
    assert (taken["kind"], taken["reason"]) == ("adjustment_debit", "correction")


async def test_more_than_there_is_cant_be_taken(shop):
    await adjust(shop, 10_000)

    with pytest.raises(InsufficientFunds):
        await adjust(shop, 10_001, direction=Direction.DEBIT)

    assert await shop.balance() == 10_000
    assert len(await shop.rows("adjustment")) == 1


async def test_the_same_id_again_has_one_effect(shop):
    once = shop.adjustment(10_000)
    first = await shop.batua.engine.submit(once)
    again = await shop.batua.engine.submit(once)

    assert again["id"] == first["id"]
    assert await shop.balance() == 10_000


async def test_the_same_id_with_another_amount_is_a_conflict(shop):
    first = await adjust(shop, 10_000)

    for change in (
        {"amount": 10_001},
        {"direction": Direction.DEBIT},
        {"currency": "USD"},
    ):
        wanted = {"amount": 10_000, **change}
        with pytest.raises(Conflict) as refusal:
            await adjust(shop, wanted.pop("amount"), id=first["id"], **wanted)
        assert refusal.value.code == "exists_with_different_amount"


async def test_over_the_limit_a_credit_waits_and_moves_nothing(shop):
    waiting = await adjust(shop, 10_001, approval_limit=10_000)
    posted = await adjust(shop, 10_000, approval_limit=10_000)

    assert (waiting["status"], posted["status"]) == ("awaiting_approval", "posted")
    assert await shop.balance() == 10_000
    await shop.assert_sound()


async def test_over_the_limit_a_debit_holds_its_amount(shop):
    await adjust(shop, 50_000)

    await adjust(shop, 30_000, direction=Direction.DEBIT, approval_limit=0)

    assert (await shop.wallet()).available == 20_000
    with pytest.raises(InsufficientFunds):
        await adjust(shop, 20_001, direction=Direction.DEBIT, approval_limit=0)
    await shop.assert_sound()


@pytest.mark.parametrize(
    ("direction", "approve", "posted"),
    [
        (Direction.CREDIT, True, 80_000),
        (Direction.CREDIT, False, 50_000),
        (Direction.DEBIT, True, 20_000),
        (Direction.DEBIT, False, 50_000),
    ],
)
async def test_another_person_decides(shop, direction, approve, posted):
    await adjust(shop, 50_000)
    waiting = await adjust(shop, 30_000, direction=direction, approval_limit=0)

    for wish in (True, False):
        with pytest.raises(Forbidden) as refusal:
            await decide(shop, waiting, approve=wish, by=STAFF)
        assert refusal.value.code == "self_approval"
    decided = await decide(shop, waiting, approve=approve)

    assert decided["status"] == ("posted" if approve else "rejected")
    wallet = await shop.wallet()
    assert (wallet.posted, wallet.held) == (posted, 0)
    if approve:
        (transfer,) = await shop.transfers(id=waiting["id"])
        assert (transfer["actor"], transfer["approved_by"]) == (STAFF, SECOND_PERSON)
    assert await decide(shop, waiting, approve=approve) | {"version": 0} == decided | {"version": 0}
    for again in ({"approve": not approve}, {"approve": approve, "by": "staff:zoe"}):
        with pytest.raises(Conflict) as refusal:
            await decide(shop, waiting, **again)
        assert refusal.value.code == "not_awaiting_approval"


async def test_two_deciders_at_once_decide_once(shop):
    waiting = await adjust(shop, 30_000, approval_limit=0)

    outcomes = await asyncio.gather(
        *(decide(shop, waiting, approve=True, by=f"staff:{name}") for name in "abcd"),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert await shop.balance() == 30_000


async def test_staff_may_adjust_a_frozen_wallet(shop):
    await adjust(shop, 10_000)
    await shop.freeze()

    await adjust(shop, 5_000)
    await adjust(shop, 1_000, direction=Direction.DEBIT)

    assert await shop.balance() == 14_000
    assert Money(14_000, "INR") == Money(await shop.balance(), "INR")
