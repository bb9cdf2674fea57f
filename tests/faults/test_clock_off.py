"""A machine whose clock is a day off, forwards and back: nobody's money moves by it."""

from __future__ import annotations

import pytest

from tests.support.api import open_api

DAY_S = 24 * 3600
TAP = {"amount": 1_000, "currency": "INR", "pay_with": "wallet"}


@pytest.fixture
async def api(database_url, clock):
    async with open_api(database_url, clock) as api:
        yield api  # at its end the ledger is proved


async def tap(api, reference, **headers):
    return await api.post("/orders", TAP | {"reference": reference}, key=reference, headers=headers)


async def times(api):
    return [row["created_at"] for row in await api.shop.transfers()]


async def test_a_day_ahead_what_is_due_falls_due_and_money_goes_where_it_was_meant(api, clock):
    await api.shop.give(100_000)
    bearer = api.headers("asha")
    first = await tap(api, "T-1")
    top_up = await api.shop.open_top_up(50_000)
    split = await api.shop.create_order(200_000)
    held = await api.shop.pay_split(split["id"])
    assert (await api.shop.wallet()).held == 99_000

    clock.advance(DAY_S)
    # A token of yesterday is over, and says so. One of today is not.
    old = await api.http.get("/wallet", headers=bearer)
    assert (old.status_code, old.json()["code"]) == (401, "unauthorized")
    assert "expired" in old.json()["detail"]
    # A key is as good as before: the same answer, and no second order.
    again = await tap(api, "T-1")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    # What waited for too long is given back; what was paid meanwhile is credited all the same.
    await api.shop.work()
    assert (await api.shop.wallet()).held == 0
    await api.shop.provider.pay(top_up["payment"]["provider_reference"])
    await api.shop.provider.pay(held["payment"]["provider_reference"])
    await api.shop.hear()
    assert (await api.shop.row("order", split["id"]))["status"] == "paid"
    assert await api.shop.balance() == 50_000
    assert await times(api) == sorted(await times(api))


async def test_a_day_behind_the_ledger_takes_nothing_until_the_clock_is_right(api, clock):
    await api.shop.give(100_000)
    first = await tap(api, "T-1")
    bearer = api.headers("asha")["Authorization"]
    rows = await api.shop.transfers()

    clock.advance(-DAY_S)
    refused = await tap(api, "T-2")
    assert (refused.status_code, refused.json()["code"]) == (503, "clock_behind")
    assert int(refused.headers["Retry-After"]) >= 1
    given = await api.post(
        "/customers/asha/adjustments", {"amount": 5, "reason_code": "goodwill"}, who="finance"
    )
    assert (given.status_code, given.json()["code"]) == (503, "clock_behind")
    # Whoever reads is served, and nothing was written: no order, no transfer, no key used up.
    assert (await api.get("/wallet")).json()["balance"] == 99_000
    assert await api.shop.transfers() == rows
    assert [row["reference"] for row in await api.shop.rows("order")] == ["T-1"]
    await api.shop.work()
    assert await api.shop.transfers() == rows

    clock.advance(DAY_S)
    paid = await tap(api, "T-2", Authorization=bearer)
    assert paid.status_code == 201
    assert "Idempotency-Replayed" not in paid.headers
    assert (await tap(api, "T-1")).content == first.content
    assert await times(api) == sorted(await times(api))


async def test_a_wrong_day_that_was_written_is_waited_for_and_never_goes_back(api, clock):
    """A machine was a day ahead and has written: the others refuse, rather than write a past."""
    await api.shop.give(100_000)
    clock.advance(DAY_S)
    assert (await tap(api, "T-1")).status_code == 201
    clock.advance(-DAY_S)
    assert (await tap(api, "T-2")).json()["code"] == "clock_behind"
    clock.advance(DAY_S - 60)  # a minute is no more than clocks differ by
    assert (await tap(api, "T-2")).status_code == 201
    found = await times(api)
    assert found == sorted(found)
