"""Lots in a whole shop: what is spent first, what expires, what comes back as what it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from batua.errors import Conflict, InsufficientFunds, InvalidRequest
from batua.wallets import NO_RULES, AdjustmentKind, DecideAdjustment, Direction
from tests.support.clock import START
from tests.support.shop import SECOND_PERSON

DAY = timedelta(days=1)
DAY_S = 86_400


async def bonus(shop, amount, *, days=None, **changes):
    expires_at = None if days is None else shop.clock.now() + days * DAY
    given = shop.adjustment(amount, kind=AdjustmentKind.BONUS, expires_at=expires_at, **changes)
    return await shop.batua.engine.submit(given)


async def decide(shop, adjustment, *, approve):
    return await shop.batua.engine.submit(
        DecideAdjustment(
            adjustment_id=adjustment["id"],
            approver=SECOND_PERSON,
            approve=approve,
            new_id=shop.batua.new_id,
            rules=NO_RULES,
        )
    )


async def credit(shop):
    """(kind, remaining, held) of each part of asha's wallet, in spending order."""
    wallet = await shop.wallet()
    lots = await shop.rows(
        "lot",
        "account_key = 'wallet:asha:INR' and remaining > 0",
        "case when expires_at is null then 1 else 0 end, expires_at, kind, created_at, id",
    )
    parts = [(lot["kind"], lot["remaining"], lot["held"]) for lot in lots]
    remaining = sum(part[1] for part in parts)
    held = sum(part[2] for part in parts)
    return [*parts, ("paid", wallet.posted - remaining, wallet.held - held)]


async def spend(shop, amount):
    answer = await shop.create_order(amount, pay=True)
    assert answer.status == 201, answer.body
    return answer["id"]


async def test_a_bonus_comes_from_the_promotion_account_and_is_a_lot_of_its_own(shop):
    given = await bonus(shop, 500, days=10)

    (transfer,) = await shop.transfers()
    assert (transfer["kind"], transfer["amount"]) == ("adjustment_credit", 500)
    assert await shop.posted("promotion:shop:INR") == -500
    (lot,) = await shop.rows("lot")
    assert (lot["kind"], lot["amount"], lot["remaining"]) == ("bonus", 500, 500)
    assert lot["expires_at"] == START + 10 * DAY
    (entry,) = await shop.rows("lot_entry")
    assert entry["id"] == f"{given['id']}/{lot['id']}"
    assert (entry["amount"], entry["remaining_after"]) == (500, 500)


async def test_a_bonus_expires_at_its_moment_in_whatever_zone_it_was_said(shop):
    india = timezone(timedelta(hours=5, minutes=30))
    expires_at = (START + timedelta(hours=1)).astimezone(india)
    given = shop.adjustment(500, kind=AdjustmentKind.BONUS, expires_at=expires_at)
    await shop.batua.engine.submit(given)

    assert await shop.work(after_s=3_599) == 0
    assert await shop.work(after_s=1) == 1
    assert await shop.balance() == 0


async def test_what_expires_soonest_is_spent_first_and_paid_credit_last(shop):
    await shop.give(1_000)
    await bonus(shop, 100)
    await bonus(shop, 100, days=20)
    await bonus(shop, 100, days=10)

    await spend(shop, 150)
    assert await credit(shop) == [("bonus", 50, 0), ("bonus", 100, 0), ("paid", 1_000, 0)]
    await spend(shop, 200)
    assert await credit(shop) == [("paid", 950, 0)]


async def test_a_due_bonus_expires_before_the_wallet_is_spent_from(shop):
    await shop.give(100)
    await bonus(shop, 50, days=1)
    shop.clock.advance(DAY_S)

    refused = await shop.create_order(150, pay=True)
    assert refused.status == 402
    paid = await shop.create_order(100, pay=True)

    assert paid.status == 201
    assert await credit(shop) == [("paid", 0, 0)]
    (expiry,) = await shop.transfers(kind="bonus_expiry")
    assert (expiry["amount"], expiry["reason"], expiry["actor"]) == (50, "expired", "system")
    assert await shop.posted("promotion:shop:INR") == 0


async def test_the_worker_expires_what_is_due_in_wallets_that_nobody_touches(shop):
    await shop.give(100)
    await bonus(shop, 50, days=1)

    assert await shop.work() == 0
    assert await shop.balance() == 150
    assert await shop.work(after_s=DAY_S) == 1
    assert await shop.balance() == 100
    assert await shop.work() == 0


async def test_a_bonus_without_a_day_and_paid_credit_never_expire(shop):
    await shop.give(100)
    await bonus(shop, 50)

    assert await shop.work(after_s=4_000 * DAY_S) == 0
    assert await credit(shop) == [("bonus", 50, 0), ("paid", 100, 0)]


async def test_a_held_bonus_expires_only_once_it_is_given_back(shop):
    await bonus(shop, 100, days=1)
    held = shop.adjustment(60, direction=Direction.DEBIT, approval_limit=0)
    waiting = await shop.batua.engine.submit(held)
    assert await credit(shop) == [("bonus", 100, 60), ("paid", 0, 0)]

    await shop.work(after_s=DAY_S)
    assert await credit(shop) == [("bonus", 60, 60), ("paid", 0, 0)]
    await decide(shop, waiting, approve=False)
    await shop.work()

    assert await shop.balance() == 0
    first, second = await shop.transfers(kind="bonus_expiry")
    assert (first["amount"], second["amount"]) == (40, 60)


async def test_what_is_held_of_a_due_bonus_can_still_be_captured(shop):
    await shop.give(10)
    await bonus(shop, 100, days=1)
    held = shop.adjustment(60, direction=Direction.DEBIT, approval_limit=0)
    waiting = await shop.batua.engine.submit(held)

    shop.clock.advance(DAY_S)
    await decide(shop, waiting, approve=True)

    assert await credit(shop) == [("paid", 10, 0)]
    assert await shop.posted("adjustment:shop:INR") == 60 - 10


async def test_a_refund_gives_back_what_was_spent_last_first(shop):
    await shop.give(100)
    await bonus(shop, 100, days=10)
    await bonus(shop, 100, days=20)
    order = await spend(shop, 250)

    await shop.refund(order, amount=40)
    assert await credit(shop) == [("paid", 90, 0)]
    await shop.refund(order, amount=50)
    assert await credit(shop) == [("bonus", 40, 0), ("paid", 100, 0)]
    await shop.refund(order)
    assert await credit(shop) == [("bonus", 100, 0), ("bonus", 100, 0), ("paid", 100, 0)]
    assert (await shop.row("order", order))["wallet_refunded"] == 250


async def test_a_refund_into_an_expired_bonus_opens_one_that_is_valid_for_thirty_days(shop):
    await bonus(shop, 100, days=1)
    order = await spend(shop, 100)
    shop.clock.advance(2 * DAY_S)

    answer = await shop.refund(order)

    (lot,) = await shop.rows("lot", "remaining > 0")
    assert lot["id"] == f"{answer['id']}.wallet.lot1"
    assert (lot["kind"], lot["amount"]) == ("bonus", 100)
    assert lot["expires_at"] == shop.clock.now() + 30 * DAY
    await shop.work(after_s=30 * DAY_S)
    assert await shop.balance() == 0


async def test_a_refund_that_waits_gives_back_in_the_order_of_approval(shop):
    await shop.give(50)
    await bonus(shop, 50)
    order = await spend(shop, 100)
    waiting = await shop.refund(order, amount=60, approval_limit=0)
    await shop.refund(order, amount=40)
    assert await credit(shop) == [("paid", 40, 0)]

    await shop.batua.orders.decide_refund(waiting["id"], approver=SECOND_PERSON, approve=True)

    assert await credit(shop) == [("bonus", 50, 0), ("paid", 50, 0)]


async def test_the_gateways_share_comes_to_the_wallet_as_refund_credit(shop):
    order = await shop.paid_order(1_000, by="gateway")
    await shop.give(10)

    await shop.refund(order, to="wallet", amount=400)

    assert await credit(shop) == [("refund", 400, 0), ("paid", 10, 0)]
    assert (await shop.row("order", order))["wallet_refunded"] == 0
    again = await spend(shop, 405)
    await shop.refund(again)
    assert await credit(shop) == [("refund", 400, 0), ("paid", 10, 0)]


async def test_a_top_ups_refund_is_never_taken_from_a_bonus(shop):
    top_up = await shop.topped_up(1_000)
    await spend(shop, 300)
    await bonus(shop, 500)

    refused = await shop.refund_top_up(top_up, 701)
    assert (refused.status, refused["code"]) == (402, "insufficient_funds")
    answer = await shop.refund_top_up(top_up, 700)

    assert answer.status == 201
    await shop.work(after_s=60)
    assert await credit(shop) == [("bonus", 500, 0), ("paid", 0, 0)]


async def test_staff_take_credit_in_spending_order(shop):
    await shop.give(100)
    await bonus(shop, 100)

    await shop.batua.engine.submit(shop.adjustment(120, direction=Direction.DEBIT))

    assert await credit(shop) == [("paid", 80, 0)]


async def test_a_bonus_over_the_limit_waits_for_a_second_person(shop):
    waiting = await bonus(shop, 100, days=10, approval_limit=0)
    assert await shop.rows("lot") == []

    await decide(shop, waiting, approve=True)

    assert await credit(shop) == [("bonus", 100, 0), ("paid", 0, 0)]


async def test_a_bonus_that_has_expired_before_it_is_approved_can_only_be_rejected(shop):
    waiting = await bonus(shop, 100, days=1, approval_limit=0)
    shop.clock.advance(DAY_S)

    with pytest.raises(Conflict) as refused:
        await decide(shop, waiting, approve=True)
    assert refused.value.code == "bonus_expired"
    assert (await decide(shop, waiting, approve=False))["status"] == "rejected"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": AdjustmentKind.BONUS, "direction": Direction.DEBIT}, "/kind"),
        ({"kind": AdjustmentKind.PAID, "expires_at": START + DAY}, "/expires_at"),
        (
            {"kind": AdjustmentKind.BONUS, "expires_at": datetime.max.replace(tzinfo=UTC)},
            "/expires_at",
        ),
    ],
)
async def test_a_bonus_that_cant_be_meant_is_refused(shop, changes, pointer):
    with pytest.raises(InvalidRequest) as refused:
        await shop.batua.engine.submit(shop.adjustment(100, **changes))
    assert refused.value.pointer == pointer


async def test_an_unknown_wallet_has_no_credit_at_all(shop):
    assert await credit(shop) == [("paid", 0, 0)]


async def test_a_bonus_is_no_more_than_it_is(shop):
    await bonus(shop, 100)
    with pytest.raises(InsufficientFunds):
        await shop.batua.engine.submit(shop.adjustment(101, direction=Direction.DEBIT))
