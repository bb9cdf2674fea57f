"""What settings change, and how the API stands up to a database that is not there."""

import asyncio
import hmac
import json
import logging
from hashlib import sha256

import pytest

from batua.errors import ConfigurationError
from batua.settings import read_settings
from batua_api import BatuaPlugin
from tests.support.api import open_api
from tests.support.proxy import CuttingProxy
from tests.support.shop import JWT_SECRET

ORDER = {"reference": "A-1", "amount": 1_000, "currency": "INR"}


async def test_customers_create_no_orders_unless_the_shop_says_so(sqlite_url, clock):
    async with open_api(sqlite_url, clock, customer_orders=False) as api:
        refused = await api.post("/orders", ORDER)
        made = await api.post("/orders", {**ORDER, "customer": "asha"}, "service")

        assert (refused.status_code, refused.json()["code"]) == (403, "customer_orders_off")
        assert made.status_code == 201
        await api.shop.give(1_000)
        paid = await api.post(f"/orders/{made.json()['id']}/payments", {"method": "wallet"})
        assert paid.status_code == 201
        await limits(api, clock)


async def limits(api, clock):
    """600 requests a minute per customer, of which nobody else's are; health is not counted."""
    clock.advance(60)
    statuses = [response.status_code for response in await many(api, 600)]
    assert statuses == [200] * 600
    over = await api.get("/wallet")
    assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
    assert 0 < int(over.headers["retry-after"]) <= 60
    assert (await api.get("/wallet", "ravi")).status_code == 200
    assert (await api.get("/health", None)).status_code == 200
    assert (await api.post("/webhooks/razorpay", b"{}", None)).status_code == 401

    clock.advance(int(over.headers["retry-after"]))
    assert (await api.get("/wallet")).status_code == 200


async def many(api, count, who="asha"):
    responses = []
    for _ in range(count // 100):
        responses += await asyncio.gather(*(api.get("/wallet", who) for _ in range(100)))
    return responses


async def test_limits_count_addresses_routes_and_guesses(sqlite_url, clock):
    limits = {
        "rate_limit_address": 12,
        "rate_limit_routes": "list_gateways=3",
        "trusted_proxies": "127.0.0.0/8",
    }
    async with open_api(sqlite_url, clock, **limits) as api:

        async def statuses(path, count, who, address):
            sent = {"X-Forwarded-For": f"8.8.8.8, {address}"}
            answers = [await api.get(path, who, headers=sent) for _ in range(count)]
            return [answer.status_code for answer in answers]

        assert await statuses("/gateways", 4, "asha", "192.0.2.1") == [200] * 3 + [429]
        assert await statuses("/wallet", 1, "asha", "192.0.2.1") == [200]
        assert await statuses("/gateways", 1, "ravi", "192.0.2.1") == [200]
        # Five so far: one that is known to be over a limit is counted nowhere else.
        assert await statuses("/wallet", 9, None, "192.0.2.1") == [401] * 7 + [429] * 2
        assert await statuses("/wallet", 1, "asha", "192.0.2.1") == [429]
        assert await statuses("/wallet", 1, "asha", "192.0.2.2") == [200]
        assert await statuses("/health", 1, None, "192.0.2.1") == [200]


async def test_a_limit_of_a_route_that_there_is_not_is_refused(clock):
    for told, problem in (
        ("open_sesame=3", "no route 'open_sesame'"),
        ("receive_webhook=3", "no route 'receive_webhook'"),
        ("create_top_up=many", "a route, = and how often"),
        ("create_top_up", "a route, = and how often"),
        ("create_top_up=-1", "a route, = and how often"),
    ):
        core = read_settings({}, jwt_secret=JWT_SECRET, rate_limit_routes=told)
        with pytest.raises(ConfigurationError, match=f"BATUA_RATE_LIMIT_ROUTES: .*{problem}"):
            BatuaPlugin(core, {})


async def test_a_database_that_is_not_migrated_is_not_ready(tmp_path, clock):
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    async with open_api(url, clock, is_provable=False) as api:
        for path in ("/health", "/health/ready"):
            answer = await api.get(path, None)
            assert answer.status_code == 503
            assert "run batua migrate" in answer.json()["reason"]
        assert (await api.get("/health/live", None)).status_code == 200


async def test_a_database_that_is_away_is_503_and_comes_back(postgres_url, clock, caplog):
    caplog.set_level(logging.CRITICAL)
    async with (
        CuttingProxy(postgres_url) as proxy,
        open_api(proxy.url, clock) as api,
    ):
        await api.shop.give(5_000)
        await proxy.down()
        paid = {**ORDER, "pay_with": "wallet"}
        for answer in (
            await api.get("/wallet"),
            await api.get("/orders"),
            await api.post("/orders", paid, key="k"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        for path in ("/health", "/health/ready"):
            away = await api.get(path, None)
            assert away.status_code == 503
            assert "does not answer" in away.json()["reason"]
        assert (await api.get("/health/live", None)).status_code == 200

        await proxy.up()
        assert (await api.post("/orders", paid, key="k")).status_code == 201
        assert (await api.get("/wallet")).json()["balance"] == 4_000


async def test_a_gateway_without_secrets_is_shown_nowhere_and_takes_nothing(sqlite_url, clock):
    environ = {"BATUA_RAZORPAY_WEBHOOK_SECRET": ""}
    async with open_api(sqlite_url, clock, environ=environ) as api:
        assert (await api.get("/gateways")).json() == []
        top_up = {"amount": 5_000, "currency": "INR", "gateway": "razorpay"}
        refused = await api.post("/topups", top_up)
        assert (refused.status_code, refused.json()["code"]) == (409, "gateway_off")
        webhook = await api.post("/webhooks/razorpay", b"{}", None)
        assert (webhook.status_code, webhook.json()["code"]) == (401, "webhook_rejected")
        assert "BATUA_" not in webhook.text
        health = (await api.get("/health", None)).json()
        assert "BATUA_RAZORPAY_WEBHOOK_SECRET" in health["gateways"]["razorpay"]


async def test_whatsapp_proves_its_address_and_reports_deliveries(sqlite_url, clock):
    environ = {
        "BATUA_WHATSAPP_PHONE_NUMBER_ID": "1",
        "BATUA_WHATSAPP_ACCESS_TOKEN": "t",
        "BATUA_WHATSAPP_APP_SECRET": "s",
        "BATUA_WHATSAPP_VERIFY_TOKEN": "v",
    }
    async with open_api(sqlite_url, clock, environ=environ) as api:
        asked = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "v"}
        shown = await api.get("/webhooks/whatsapp", None, params=asked)
        wrong = await api.get("/webhooks/whatsapp", None, params={**asked, "hub.verify_token": "x"})
        assert (shown.status_code, shown.text) == (200, "42")
        assert (wrong.status_code, wrong.json()["code"]) == (403, "forbidden")

        await api.shop.paid_order()
        await api.shop.work()
        (message,) = await api.shop.messages()
        body = report(message)
        assert (await api.post("/webhooks/whatsapp", body, None)).status_code == 401
        headers = {"X-Hub-Signature-256": f"sha256={hmac.new(b's', body, sha256).hexdigest()}"}
        told = await api.post("/webhooks/whatsapp", body, None, headers=headers)
        assert (told.status_code, told.json()) == (200, {"status": "stored"})
        assert (await api.shop.messages())[0]["status"] == "delivered"


def report(message):
    status = {
        "id": "wamid.1",
        "status": "delivered",
        "timestamp": "1764000000",
        "recipient_id": "1",
        "biz_opaque_callback_data": message["id"],
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "1", "display_phone_number": "1"},
        "statuses": [status],
    }
    changes = [{"field": "messages", "value": value}]
    entry = [{"id": "1", "changes": changes}]
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
