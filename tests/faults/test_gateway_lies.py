"""What a provider, or somebody who listens to it, may make us believe: no more than is true."""

import asyncio
import json

import pytest

from batua.contract import Money
from batua.errors import InvalidRequest
from batua.ledger.proof import prove
from tests.support.market import open_market
from tests.support.shop import claim

GATEWAYS = [("razorpay", "INR"), ("paypal", "USD"), ("stripe", "USD")]


async def opened(market, amount, currency, customer="asha"):
    answer = await market.batua.top_ups.open(
        customer, Money(amount, currency), market.gateway, "https://shop.example/back", claim()
    )
    assert answer.status == 201, answer.body
    payment = json.loads(answer.body)["payment"]
    (row,) = await market.rows(f"select * from batua_payment where id = '{payment['id']}'")
    return row


async def balance(market, currency):
    rows = await market.rows(
        f"select posted from batua_account where key = 'wallet:asha:{currency}'"
    )
    return rows[0]["posted"] if rows else 0


@pytest.mark.parametrize(("gateway", "currency"), GATEWAYS)
async def test_after_a_day_without_webhooks_replay_and_poller_credit_once(
    gateway, currency, database_url, clock
):
    async with open_market(gateway, database_url, clock) as market:
        for _ in range(6):
            await market.pay(await opened(market, 10_000, currency), "captured")
        clock.advance(86_400)
        replay = [market.heard.signed(event) for event in market.heard.all()]
        assert replay
        await asyncio.gather(
            market.batua.worker.run_once(),
            *(market.receive(*event) for event in replay),
            market.batua.worker.run_once(),
        )
        await market.batua.worker.run_once()
        assert await balance(market, currency) == 60_000
        assert len(await market.rows("select id from batua_capture")) == 6
        assert (await prove(market.batua.database)).is_sound


async def test_a_paypal_event_with_another_amount_and_the_same_crc_moves_what_paypal_says(
    sqlite_url, clock
):
    async with open_market("paypal", sqlite_url, clock) as market:
        await market.control("faults", same_crc=True)
        payment = await opened(market, 10_000, "USD")
        await market.pay(payment, "captured")
        events = market.heard.new()
        amounts = {body for body, _ in events if b'"value": "100.00"' not in body
                   and b'"value":"100.00"' not in body}  # fmt: skip
        assert amounts, "no event speaks of another amount: the test tests nothing"
        for body, headers in events:
            await market.receive(body, headers)
        assert await balance(market, "USD") == 10_000
        (capture,) = await market.ledger()
        assert capture["amount"] == 10_000


async def test_a_google_pay_token_pays_its_own_payment_and_no_other(sqlite_url, clock):
    async with open_market("googlepay", sqlite_url, clock, processor="stripe") as market:
        first = await opened(market, 10_000, "USD")
        second = await opened(market, 10_000, "USD")
        proof = await market.pay(first, "captured")
        top_ups = market.batua.top_ups
        await top_ups.confirm(first["top_up_id"], proof)
        assert await balance(market, "USD") == 10_000
        with pytest.raises(InvalidRequest):
            await top_ups.confirm(second["top_up_id"], proof)
        await market.batua.worker.run_once()
        assert await balance(market, "USD") == 10_000
        assert len(await market.ledger()) == 1
        (row,) = await market.rows(
            f"select gateway, front from batua_payment where id = '{first['id']}'"
        )
        assert (row["gateway"], row["front"]) == ("stripe", "googlepay")


async def test_what_a_upi_app_says_to_the_browser_moves_nothing(sqlite_url, clock):
    async with open_market("googlepay", sqlite_url, clock, processor="razorpay") as market:
        payment = await opened(market, 10_000, "INR")
        link = json.loads(payment["checkout"])["upi_link"]
        assert link.startswith("upi://pay?")
        await market.batua.top_ups.confirm(payment["top_up_id"], {"upi": "Status=SUCCESS"})
        assert await balance(market, "INR") == 0
        await market.pay(payment, "captured")
        for event in market.heard.new():
            await market.receive(*event)
        assert await balance(market, "INR") == 10_000
