"""One request, one effect, one answer, replayed byte for byte."""

import asyncio

import pytest

from batua.database import Dialect
from tests.support.engine import holding_the_lock

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOP_UP = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}


def order(api, **changes):
    return {"reference": api.reference(), "amount": 1_000, "currency": "INR", **changes}


async def test_whatever_moves_money_needs_a_key(api):
    paid, pending = await api.order(pay=True), await api.order()
    for path, body, who in (
        ("/topups", TOP_UP, "asha"),
        ("/orders", order(api, pay_with="wallet"), "asha"),
        (f"/orders/{pending}/payments", {"method": "wallet"}, "asha"),
        (f"/orders/{paid}/refunds", {"to": "wallet", "reason": "r"}, "owner"),
        ("/topups/top_x/refunds", {}, "owner"),
        ("/customers/asha/adjustments", {"amount": 1, "reason_code": "goodwill"}, "owner"),
    ):
        for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": '""'}):
            answer = await api.post(path, body, who, key=None, headers=headers)
            assert answer.status_code == 400, (path, answer.text)
            assert answer.json()["code"] == "idempotency_key_required"


async def test_whatever_moves_none_may_come_without(api):
    pending = await api.order()

    assert (await api.post("/orders", order(api), key=None)).status_code == 201
    assert (await api.post(f"/orders/{pending}/cancel", key=None)).status_code == 200
    put = await api.post("/customers/asha", {"name": "A"}, "service", key=None, method="PUT")
    assert put.status_code == 200


async def test_an_answer_is_replayed_byte_for_byte(api):
    who, body = api.newcomer(), order(api, pay_with="wallet")
    await api.shop.give(5_000, who)

    first, bare, quoted = [await api.post("/orders", body, who, key=key)
                           for key in ("k1", "k1", '"k1"')]  # fmt: skip

    assert first.status_code == bare.status_code == quoted.status_code == 201
    assert first.content == bare.content == quoted.content
    assert "idempotency-replayed" not in first.headers
    assert bare.headers["idempotency-replayed"] == "true"
    assert quoted.headers["idempotency-replayed"] == "true"
    assert await api.shop.balance(who) == 4_000


async def test_a_key_belongs_to_its_caller_and_its_route_with_its_ids(api):
    one, two = api.newcomer(), api.newcomer()
    await api.shop.give(5_000, one)
    made = [
        await api.post("/orders", order(api), one, key="k"),
        await api.post("/orders", order(api), two, key="k"),
        await api.post("/topups", TOP_UP, one, key="k"),
    ]
    first, other = [await api.order(who=one, amount=1_000) for _ in range(2)]
    made += [
        await api.post(f"/orders/{order_id}/payments", {"method": "wallet"}, one, key="k")
        for order_id in (first, other)
    ]

    assert [answer.status_code for answer in made] == [201] * 5
    assert not any("idempotency-replayed" in answer.headers for answer in made)


async def test_a_key_with_another_body_is_422(api):
    who, body = api.newcomer(), order(api)
    await api.post("/orders", body, who, key="k")

    for other in ({**body, "amount": 1_001}, {**body, "description": "x"}, order(api)):
        answer = await api.post("/orders", other, who, key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    # The same request in other words is the same request.
    same = await api.post("/orders", {**body, "description": "", "items": None}, who, key="k")
    assert same.headers["idempotency-replayed"] == "true"


async def test_refusals_are_replayed_although_they_would_not_be_made_now(api):
    who, body = api.newcomer(), order(api, pay_with="wallet")
    poor = await api.post("/orders", body, who, key="k")
    await api.shop.give(5_000, who)
    again = await api.post("/orders", body, who, key="k")
    assert poor.status_code == again.status_code == 402
    assert poor.content == again.content
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotency-replayed"] == "true"
    assert (await api.post("/orders", body, who)).status_code == 201

    taken = await api.post("/orders", body, who, key="k2")
    assert (taken.status_code, taken.json()["code"]) == (409, "order_reference_exists")
    assert (await api.post("/orders", body, who, key="k2")).content == taken.content


async def test_validation_errors_and_refusals_at_the_door_use_up_no_key(api):
    who, fine = api.newcomer(), order(api)
    for body, caller, status in (
        ({**fine, "amount": 0}, who, 400),
        ({**fine, "currency": "XXX"}, who, 400),
        (fine, None, 401),
        ({**fine, "customer": "ravi"}, who, 403),
    ):
        assert (await api.post("/orders", body, caller, key="k")).status_code == status
    assert (await api.post("/topups", {**TOP_UP, "gateway": "paytm"}, who, key="k")).json()[
        "code"
    ] == "unknown_gateway"

    assert (await api.post("/orders", fine, who, key="k")).status_code == 201
    assert (await api.post("/topups", TOP_UP, who, key="k")).status_code == 201


async def test_a_gateway_that_is_away_uses_up_no_key(api):
    who = api.newcomer()
    await api.shop.provider.spoil("429", times=50)

    away = await api.post("/topups", TOP_UP, who, key="k")
    await api.shop.provider.heal()
    made = await api.post("/topups", TOP_UP, who, key="k")

    assert (away.status_code, away.json()["code"]) == (503, "gateway_unavailable")
    assert away.headers["retry-after"] == "2"
    assert made.status_code == 201
    assert "idempotency-replayed" not in made.headers
    assert len(await api.shop.rows("top_up", f"customer_id = '{who}'")) == 1


async def test_a_gateway_that_refuses_is_replayed(api):
    who, body = api.newcomer(), {**TOP_UP, "currency": "KWD", "amount": 1_001}

    first, again = [await api.post("/topups", body, who, key="k") for _ in range(2)]

    assert (first.status_code, first.json()["code"]) == (502, "gateway_rejected")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


async def test_one_key_a_hundred_times_at_once_has_one_effect_and_one_answer(api):
    who, body = api.newcomer(), order(api, pay_with="wallet")
    await api.shop.give(5_000, who)

    answers = await asyncio.gather(*(api.post("/orders", body, who, key="k") for _ in range(100)))
    opened = await asyncio.gather(*(api.post("/topups", TOP_UP, who, key="k") for _ in range(30)))

    for made in (answers, opened):
        assert {answer.status_code for answer in made} == {201}
        assert len({answer.content for answer in made}) == 1
        assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    assert await api.shop.balance(who) == 4_000


async def test_a_duplicate_waits_for_the_first_and_is_told_when_it_takes_too_long(api):
    if api.shop.batua.database.dialect is Dialect.POSTGRES:
        pytest.skip("five seconds of waiting; the lease itself is tested on both engines")
    who = api.newcomer()
    made = await api.post("/topups", TOP_UP, who, key="k")
    # As if the first one were still at work, with half a minute left.
    shop = api.shop
    key = f"customer:{who}"
    await shop.run(
        "update batua_idempotency set status = 'in_progress', response_status = null,"
        " response_body = null, finished_at = null, version = version + 1 where principal = $1",
        key,
    )

    waiting = asyncio.create_task(api.post("/topups", TOP_UP, who, key="k"))
    told = await waiting
    assert (told.status_code, told.json()["code"]) == (409, "in_progress")

    api.clock.advance(60)
    taken_up = await api.post("/topups", TOP_UP, who, key="k")
    assert taken_up.status_code == 201
    assert taken_up.json() == made.json()
    assert len(await shop.rows("top_up", f"customer_id = '{who}'")) == 1


async def test_an_answer_that_is_no_longer_kept_is_said_to_be_gone(api):
    who, body = api.newcomer(), order(api)
    await api.post("/orders", body, who, key="k")
    await api.shop.run(
        "update batua_idempotency set response_body = null, version = version + 1"
        " where principal = $1",
        f"customer:{who}",
    )

    gone = await api.post("/orders", body, who, key="k")

    assert (gone.status_code, gone.json()["code"]) == (409, "key_expired")


async def test_requests_run_to_their_end_although_their_clients_went_away(api):
    who, engine = api.newcomer(), api.shop.batua.engine
    bodies = {key: order(api, pay_with="wallet") for key in ("begun", "queued")}
    await api.shop.give(5_000, who)
    leaving = []
    async with holding_the_lock(api.shop.batua.database), asyncio.timeout(10):
        for key, body in bodies.items():
            leaving.append(asyncio.create_task(api.post("/orders", body, who, key=key)))
            while engine._runner.done() or len(engine._queue) != len(leaving) - 1:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        assert all(task.cancelled() for task in leaving)
        await asyncio.sleep(0.05)  # the server hears of it
        assert await orders_of(api, who) == {}
    await engine.close()
    made = await orders_of(api, who)

    for key, body in bodies.items():
        again = await api.post("/orders", body, who, key=key)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert made[body["reference"]] == (again.json()["id"], "paid")
    assert len(made) == 2
    assert await api.shop.balance(who) == 3_000


async def orders_of(api, who):
    rows = await api.shop.rows("order", f"customer_id = '{who}'")
    return {row["reference"]: (row["id"], row["status"]) for row in rows}
