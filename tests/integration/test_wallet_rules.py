"""What a wallet may hold, load and spend: exact under races, and never against money that came."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from batua.errors import ConfigurationError, Conflict, InvalidRequest
from batua.settings import read_settings
from batua.wallets import PROFILES, DecideAdjustment, wallet_rules
from tests.support.shop import open_shop

DAY_S = 24 * 3600
MONTH_S = 9 * DAY_S  # from the clock's 22 November into December


async def codes(*answers):
    """How many of each: the code of a refusal, or the status of what was done."""
    got = await asyncio.gather(*answers)
    return Counter(answer.body.get("code", answer.status) for answer in got)


async def test_a_months_loads_are_exact_when_all_come_at_once(database_url, clock):
    options = {"wallet_profile": "small_ppi", "wallet_balance_max": 0}
    async with open_shop(database_url, clock, **options) as shop:
        async with open_shop(database_url, clock, provider=shop.provider, **options) as other:
            opened = await codes(
                *(each.open_top_up(90_000) for each in [shop, other] * 10),
                *(each.open_top_up(90_000, "ravi") for each in [shop, other] * 10),
            )
        # Rs 10,000 has room for eleven of Rs 900, for each of the two.
        assert opened == {201: 22, "exceeds_monthly_load": 18}
        assert await codes(shop.open_top_up(10_000)) == {201: 1}
        assert await codes(shop.open_top_up(100)) == {"exceeds_monthly_load": 1}

        # Nobody paid: those that expired are not loads, and a new month has room again.
        await shop.work(after_s=3 * 3600)
        assert await codes(shop.open_top_up(1_000_000)) == {201: 1}
        await shop.work(after_s=MONTH_S)
        assert await codes(shop.open_top_up(1_000_000)) == {201: 1}


async def test_a_year_has_a_limit_of_its_own(sqlite_url, clock):
    limits = {"wallet_load_per_year": 1_500, "wallet_load_per_month": 1_000}
    async with open_shop(sqlite_url, clock, **limits) as shop:
        await shop.topped_up(1_000)
        await shop.work(after_s=MONTH_S)
        assert await codes(shop.open_top_up(501)) == {"exceeds_yearly_load": 1}
        assert await codes(shop.open_top_up(500)) == {201: 1}
        await shop.work(after_s=125 * DAY_S)  # past the first of April
        assert await codes(shop.open_top_up(1_000)) == {201: 1}


async def test_the_cap_counts_what_is_not_paid_yet_and_stops_no_money_that_came(
    database_url, clock
):
    async with open_shop(database_url, clock, wallet_balance_max=100_000) as shop:
        order = await shop.paid_order(60_000)
        first = await shop.open_top_up(60_000)
        assert await codes(*(shop.open_top_up(20_000) for _ in range(3))) == {
            201: 2,
            "exceeds_balance_cap": 1,
        }

        # Expired, and paid all the same; and its order goes back to the wallet. Both are credited.
        await shop.work(after_s=3 * 3600)
        await shop.topped_up(100_000)
        await shop.provider.pay(first["payment"]["provider_reference"])
        await shop.hear()
        assert await shop.balance() == 160_000
        refunded = await shop.refund(order, "wallet")
        assert refunded.status == 201
        assert await shop.balance() == 220_000
        assert await codes(shop.open_top_up(100)) == {"exceeds_balance_cap": 1}


async def test_staff_give_within_the_cap_and_a_second_person_too(database_url, clock):
    async with open_shop(database_url, clock, wallet_balance_max=100_000) as shop:
        rules, submit = shop.batua.wallet_rules, shop.batua.engine.submit
        waiting = replace(shop.adjustment(60_000, id="adj_1", approval_limit=0), rules=rules)
        assert (await submit(waiting))["status"] == "awaiting_approval"
        await submit(replace(shop.adjustment(50_000), rules=rules))
        with pytest.raises(Conflict, match="there is room for 50000") as over:
            await submit(replace(shop.adjustment(50_001), rules=rules))
        assert over.value.code == "exceeds_balance_cap"

        decision = DecideAdjustment(
            adjustment_id="adj_1", approver="staff:olga", approve=True,
            new_id=shop.batua.new_id, rules=rules,
        )  # fmt: skip
        with pytest.raises(Conflict, match="Spending makes room") as over:
            await submit(decision)
        await shop.create_order(20_000, pay=True)
        assert (await submit(decision))["status"] == "posted"
        assert await shop.balance() == 90_000


async def test_top_ups_have_a_size_and_so_many_a_day(sqlite_url, clock):
    limits = {"wallet_top_up_min": 200, "wallet_top_up_max": 500, "wallet_top_ups_per_day": 3}
    async with open_shop(sqlite_url, clock, **limits) as shop:
        for amount, code in ((199, "below_minimum_top_up"), (501, "above_maximum_top_up")):
            with pytest.raises(InvalidRequest) as refused:
                await shop.open_top_up(amount)
            assert (refused.value.code, refused.value.pointer) == (code, "/amount")
        opened = await codes(*(shop.open_top_up(500) for _ in range(5)))
        assert opened == {201: 3, "too_many_top_ups": 2}
        # The day ends at 18:30 UTC, which is midnight in India.
        await shop.work(after_s=6.4 * 3600)
        assert await codes(shop.open_top_up(500)) == {"too_many_top_ups": 1}
        await shop.work(after_s=0.2 * 3600)
        assert await codes(shop.open_top_up(500)) == {201: 1}


async def test_spending_has_a_limit_a_day_and_payments_one_an_hour(database_url, clock):
    limits = {"wallet_spend_per_day": 1_000, "wallet_payments_per_hour": 4}
    async with open_shop(database_url, clock, **limits) as shop:
        await shop.give(5_000)
        pending = (await shop.create_order(400))["id"]
        paid = await codes(*(shop.create_order(300, pay=True) for _ in range(5)))
        assert paid == {201: 3, "exceeds_daily_spend": 2}
        assert await codes(shop.pay_from_wallet(pending)) == {"exceeds_daily_spend": 1}
        split = (await shop.create_order(6_000))["id"]
        assert await codes(shop.pay_split(split)) == {"exceeds_daily_spend": 1}
        assert await codes(shop.create_order(50, pay=True)) == {201: 1}
        assert await codes(shop.create_order(50, pay=True)) == {"too_many_payments": 1}
        await shop.work(after_s=3601)
        assert await codes(shop.create_order(50, pay=True)) == {201: 1}
        await shop.work(after_s=DAY_S)
        assert await codes(shop.pay_from_wallet(pending)) == {201: 1}


async def test_orders_that_are_paid_at_once_count_one_another(database_url, clock):
    limits = {"wallet_spend_per_day": 1_000, "wallet_payments_per_hour": 4}
    async with open_shop(database_url, clock, **limits) as shop:
        await shop.give(5_000)
        large = [(await shop.create_order(300))["id"] for _ in range(6)]
        paid = await codes(*(shop.pay_from_wallet(order) for order in large))
        assert paid == {201: 3, "exceeds_daily_spend": 3}
        await shop.give(5_000, "ravi")
        small = [(await shop.create_order(10, "ravi"))["id"] for _ in range(6)]
        paid = await codes(*(shop.pay_from_wallet(order) for order in small))
        assert paid == {201: 4, "too_many_payments": 2}


async def test_a_regulated_wallet_is_in_rupees(sqlite_url, clock):
    async with open_shop(sqlite_url, clock, wallet_profile="full_kyc") as shop:
        rules = shop.batua.wallet_rules
        with pytest.raises(Conflict) as refused:
            await shop.batua.engine.submit(replace(shop.adjustment(1, currency="USD"), rules=rules))
        assert refused.value.code == "currency_not_covered"


def test_a_profiles_numbers_can_be_overridden_one_by_one():
    rules = wallet_rules(read_settings({"BATUA_WALLET_PROFILE": "small_ppi"}))
    assert (rules.balance_max, rules.load_per_month, rules.load_per_year) == (
        10_000_00,
        10_000_00,
        1_20_000_00,
    )
    environ = {"BATUA_WALLET_PROFILE": "full_kyc", "BATUA_WALLET_BALANCE_MAX": "0"}
    assert wallet_rules(read_settings(environ)).balance_max == 0
    assert PROFILES["full_kyc"]["balance_max"] == 2_00_000_00
    assert not wallet_rules(read_settings({})).is_strict
    usd = {"BATUA_CURRENCY": "USD"}
    assert wallet_rules(read_settings(usd | {"BATUA_WALLET_BALANCE_MAX": "5"})).balance_max == 5
    with pytest.raises(ConfigurationError, match="BATUA_WALLET_PROFILE=small_ppi is of INR"):
        wallet_rules(read_settings(usd | {"BATUA_WALLET_PROFILE": "small_ppi"}))
