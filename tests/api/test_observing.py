"""What is seen of requests: their ids in answers and lines, their real status in figures."""

from __future__ import annotations

import logging

import pytest

from tests.support.api import open_api

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAN = "4111111111111111"


async def test_a_request_is_followed_from_its_head_to_its_transfers(api, caplog):
    who = api.newcomer()
    await api.shop.give(50_000, who)
    caplog.set_level(logging.INFO, "batua.money")
    caplog.clear()
    body = {"reference": api.reference(), "amount": 20_000, "currency": "INR", "pay_with": "wallet"}
    paid = await api.post("/orders", body, who, headers={"X-Request-Id": "mine-12345"})
    assert paid.status_code == 201
    assert paid.headers["X-Request-Id"] == "mine-12345"
    (line,) = [line for record in caplog.records for line in getattr(record, "lines", ())]
    order = paid.json()["id"]
    rows = await api.shop.batua.database.fetch(
        "select id from batua_transfer where order_id = $1 order by seq", order
    )
    assert line["request_id"] == "mine-12345"
    assert line["principal"] == f"customer:{who}"
    assert line["order"] == order
    assert line["transfers"] == [row["id"] for row in rows] != []
    assert len(line["key_hash"]) == 12
    replayed = await api.get("/wallet", who)
    assert replayed.headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize("sent", ["short", "has blanks in it", "x" * 65, PAN])
async def test_an_id_that_is_not_sane_is_not_taken(api, sent):
    answer = await api.get("/wallet", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"].startswith("req_")


async def test_what_is_refused_has_an_id_and_is_counted_by_its_real_status(api):
    refused = await api.get("/wallet", None)
    assert refused.status_code == 401
    assert refused.headers["X-Request-Id"].startswith("req_")
    assert (await api.get("/nowhere-at-all")).status_code == 404
    text = (await api.get("/metrics", None)).text
    assert 'batua_requests_total{method="GET",route="/api/v1/wallet",status="401"}' in text
    assert 'batua_requests_total{method="GET",route="(none)",status="404"}' in text
    assert "batua_database_up 1.0" in text


@pytest.mark.parametrize("name", ["reference", "description", "items", "customer"])
async def test_a_cards_number_is_refused_and_repeated_nowhere(api, name):
    field = [{"note": PAN}] if name == "items" else f"pay {PAN}"
    who = "service" if name == "customer" else "asha"
    named = {"customer": "asha"} if who == "service" else {}
    body = {"reference": api.reference(), "amount": 1, "currency": "INR", **named, name: field}
    answer = await api.post("/orders", body, who)
    assert (answer.status_code, answer.json()["code"]) == (400, "card_number_refused")
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"
    assert PAN not in answer.text


async def test_a_cards_number_is_refused_as_key_and_hidden_where_an_error_repeats_it(api):
    body = {"reference": api.reference(), "amount": 1, "currency": "INR"}
    refused = await api.post("/orders", body, key=PAN)
    assert (refused.status_code, refused.json()["code"]) == (400, "card_number_refused")
    hidden = await api.post("/orders", b'{"reference": "\\u0034111111111111111", "amount": 1,'
                            b' "currency": "INR"}')  # fmt: skip
    assert (hidden.status_code, hidden.json()["code"]) == (400, "card_number_refused")
    missing = await api.get(f"/orders/{PAN}")
    assert missing.status_code == 404
    assert PAN not in missing.text


async def test_an_amount_with_as_many_digits_is_no_card(api):
    who = api.newcomer()
    body = {"reference": api.reference(), "amount": 4_222_222_222_222, "currency": "INR"}
    assert (await api.post("/orders", body, who)).status_code == 201


async def test_a_body_that_is_too_long_to_be_looked_through_is_refused(api):
    body = {"reference": api.reference(), "amount": 1, "currency": "INR",
            "items": [{"note": "x" * 65_536}]}  # fmt: skip
    answer = await api.post("/orders", body)
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


async def test_metrics_want_the_token_that_is_set_and_429_is_counted(sqlite_url, clock):
    async with open_api(
        sqlite_url, clock, metrics_token="scrape-me-please", rate_limit_customer=3
    ) as api:
        for sent in (None, "Bearer wrong", "scrape-me-please"):
            headers = {"Authorization": sent} if sent else {}
            assert (await api.get("/metrics", None, headers=headers)).status_code == 401
        for _ in range(4):
            last = await api.get("/wallet")
        assert last.status_code == 429
        bearer = {"Authorization": "Bearer scrape-me-please"}
        text = (await api.get("/metrics", None, headers=bearer)).text
    assert 'route="/api/v1/wallet",status="429"} 1.0' in text
    assert "batua_rate_limited_total 1.0" in text
