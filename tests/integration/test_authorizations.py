"""Staff capture or void what was authorized: taken in as any word of a provider, once."""

import asyncio
import json

import pytest

from batua.audit import Act, Actor, acting
from batua.contract import Money
from batua.errors import Refusal
from batua.identity import Role
from batua.ledger.proof import prove
from tests.support.market import open_market
from tests.support.shop import STAFF, claim, open_shop

MEERA = Actor(name=STAFF, role=Role.FINANCE)


@pytest.fixture
async def shop(database_url, clock):
    """A shop whose Razorpay leaves the capture to it."""
    manual = {"BATUA_RAZORPAY_CAPTURE": "manual"}
    async with open_shop(database_url, clock, environ=manual) as opened:
        yield opened


async def authorized(shop, opened=None, **changes):
    """The id of a payment that is authorized, and that its gateway was not told to take."""
    opened = opened or await shop.open_top_up()
    await shop.provider.pay(opened["payment"]["provider_reference"], "authorized", **changes)
    await shop.hear()
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "authorized"
    return opened["payment"]["id"]


async def code_of(doing):
    try:
        await doing
    except Refusal as refusal:
        return refusal.code
    return ""


async def statuses(shop):
    return [payment["status"] for payment in await shop.provider.payments()]


def by_hand(shop):
    return shop.batua.by_hand.authorizations


async def test_another_amount_is_captured_by_hand_into_suspense(shop):
    payment = await authorized(shop, amount=49_999)
    with acting(Act(id="aud_1", actor=MEERA, word="capture_payment")):
        captured = await by_hand(shop).capture(payment)
    assert await statuses(shop) == ["captured"]
    assert captured["id"] == payment
    assert await shop.posted("suspense:razorpay:INR") == 49_999
    assert len(await shop.rows("audit")) == 1
    await shop.hear()
    assert len(await shop.rows("capture")) == 1


async def test_what_a_cancelled_order_wants_no_more_is_captured_into_the_wallet(shop):
    order = (await shop.create_order())["id"]
    opened = await shop.pay_by_gateway(order)
    await shop.cancel(order)
    payment = await authorized(shop, opened)
    captured = await by_hand(shop).capture(payment)
    assert captured["status"] == "succeeded"
    assert await shop.balance() == 30_000
    assert await code_of(by_hand(shop).capture(payment)) == "not_authorized"


async def test_many_of_the_staff_capture_at_once(shop):
    payment = await authorized(shop, amount=49_999)
    codes = await asyncio.gather(*(code_of(by_hand(shop).capture(payment)) for _ in range(4)))
    assert set(codes) == {""}
    assert len(await shop.rows("capture")) == 1
    assert await shop.posted("suspense:razorpay:INR") == 49_999


@pytest.mark.parametrize("fault", ["500_after_effect", "connection_reset"])
async def test_a_capture_whose_answer_is_lost_is_asked_about(shop, fault):
    payment = await authorized(shop, amount=49_999)
    await shop.provider.spoil(fault, path="/capture")
    with acting(Act(id="aud_1", actor=MEERA, word="capture_payment")):
        code = await code_of(by_hand(shop).capture(payment))
    assert code in {"", "gateway_unavailable"}
    assert len(await shop.rows("audit")) == 1
    assert await code_of(by_hand(shop).capture(payment)) == ""
    assert await statuses(shop) == ["captured"]
    assert await shop.posted("suspense:razorpay:INR") == 49_999


async def test_a_provider_that_can_not_be_asked_leaves_it_authorized(shop):
    payment = await authorized(shop, amount=49_999)
    await shop.provider.spoil("500", times=3)
    assert await code_of(by_hand(shop).capture(payment)) == "gateway_unavailable"
    assert (await shop.row("payment", payment))["status"] == "authorized"


async def test_what_can_not_be_done_says_so(shop):
    payment = await authorized(shop, amount=49_999)
    assert await code_of(by_hand(shop).void(payment)) == "void_unsupported"
    opened = await shop.open_top_up()
    assert await code_of(by_hand(shop).capture(opened["payment"]["id"])) == "not_authorized"
    assert await code_of(by_hand(shop).void("pmt_none")) == "not_found"


# --- a gateway that voids -------------------------------------------------------------------------


async def promised(market):
    """A payment that is authorized, and whose capture its gateway has not answered."""
    answer = await market.batua.top_ups.open(
        "asha", Money(10_000, "USD"), "stripe", "https://shop.example/back", claim()
    )
    payment = json.loads(answer.body)["payment"]
    await market.pay(payment, "authorized")
    await market.control("faults", api={"next": "500", "path": "/capture", "times": 9})
    for body, headers in market.heard.new():
        await market.receive(body, headers)
    await market.control("faults")
    (row,) = await market.rows("select id, status from batua_payment")
    assert row["status"] == "authorized"
    return row["id"]


async def test_what_was_authorized_is_voided_by_hand(sqlite_url, clock):
    async with open_market("stripe", sqlite_url, clock) as market:
        payment = await promised(market)
        hand = market.batua.by_hand.authorizations
        with acting(Act(id="aud_1", actor=MEERA, word="void_payment")):
            assert (await hand.void(payment))["status"] == "cancelled"
        assert await code_of(hand.capture(payment)) == "not_authorized"
        assert await market.ledger() == []
        assert len(await market.rows("select * from batua_audit")) == 1


async def test_one_captures_and_another_voids_at_once(sqlite_url, clock):
    async with open_market("stripe", sqlite_url, clock) as market:
        payment = await promised(market)
        hand = market.batua.by_hand.authorizations
        codes = await asyncio.gather(code_of(hand.capture(payment)), code_of(hand.void(payment)))
        assert codes.count("") == 1
        assert set(codes) - {""} <= {"gateway_rejected", "not_authorized"}
        (row,) = await market.rows("select status from batua_payment")
        is_taken = codes[0] == ""
        assert row["status"] == ("succeeded" if is_taken else "cancelled")
        assert len(await market.ledger()) == is_taken
        assert (await prove(market.batua.database)).is_sound
