"""Webhooks that the provider did not sign: 401, nothing stored, nothing moved."""

import json

import pytest

from tests.support.clients import JWT_SECRET, ShopClient, signature
from tests.support.databases import read_rows
from tests.support.processes import running_demo, running_serve


@pytest.fixture(scope="module")
def demo(shop_url, tmp_path_factory):
    cwd = tmp_path_factory.mktemp("demo")
    with running_demo(shop_url, cwd=cwd, BATUA_JWT_SECRET=JWT_SECRET) as demo:
        yield demo


@pytest.fixture
async def shop(demo):
    async with ShopClient(demo) as shop:
        yield shop


async def count_stored(program):
    return len(await read_rows(program.database_url, "select id from batua_inbox"))


def signed(value):
    return {} if value is None else {"X-Razorpay-Signature": value}


def edited(body, position):
    """The body with one bit of one byte changed: still ASCII, perhaps no longer JSON."""
    return body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]


def more_money(body):
    event = json.loads(body)
    event["payload"]["payment"]["entity"]["amount"] *= 10
    return json.dumps(event, separators=(",", ":")).encode()


FORGERIES = {
    "none": lambda body, _: (body, None),
    "an empty one": lambda body, _: (body, ""),
    "another secret's": lambda body, _: (body, signature(body, "guessed")),
    "the empty secret's": lambda body, _: (body, signature(body, "")),
    "all zeros": lambda body, _: (body, "0" * 64),
    "truncated": lambda body, good: (body, good[:-1]),
    "half of it": lambda body, good: (body, good[:32]),
    "longer": lambda body, good: (body, good + "0"),
    "in capitals": lambda body, good: (body, good.upper()),
    "with a scheme": lambda body, good: (body, f"sha256={good}"),
    "twice": lambda body, good: (body, f"{good},{good}"),
    "not ASCII": lambda body, good: (body, ("é" + good[1:]).encode()),
    "not UTF-8": lambda body, _: (body, b"\xff\xfe" * 32),
    "first byte changed": lambda body, good: (edited(body, 0), good),
    "a byte changed": lambda body, good: (edited(body, len(body) // 2), good),
    "last byte changed": lambda body, good: (edited(body, len(body) - 1), good),
    "one byte less": lambda body, good: (body[:-1], good),
    "one byte more": lambda body, good: (body + b"\n", good),
    "no body": lambda _, good: (b"", good),
    "more money": lambda body, good: (more_money(body), good),
}


async def test_whatever_is_not_signed_with_our_secret_is_refused_and_not_stored(shop, demo):
    await shop.lose_webhooks()
    top_up = await shop.top_up("meera", 50_000)
    paid = await shop.pay(top_up)
    genuine = (await shop.announcements(paid["razorpay_payment_id"]))["payment.captured"]
    good = signature(genuine, shop.webhook_secret)

    stored = await count_stored(demo)
    for name, forge in FORGERIES.items():
        body, sign = forge(genuine, good)
        answer = await shop.announce(body, headers=signed(sign))
        assert answer.status_code == 401, name
        assert answer.json()["code"] == "webhook_rejected", name
        assert await count_stored(demo) == stored, name
    assert await shop.balance("meera") == 0

    # The same bytes, signed, are taken: it was the signature that was wrong, and nothing else.
    assert (await shop.announce(genuine, headers=signed(good))).status_code == 200
    assert await count_stored(demo) == stored + 1
    await shop.until_balance("meera", 50_000)


async def test_a_delivery_report_that_meta_did_not_sign_is_refused(shop):
    body = {"object": "whatsapp_business_account", "entry": []}
    for headers in ({}, {"X-Hub-Signature-256": "sha256=" + "0" * 64}):
        answer = await shop.call("meera", "POST", "/webhooks/whatsapp", body, headers=headers)
        assert answer.status_code == 401


async def test_a_gateway_that_nobody_knows_has_no_webhook(shop, demo):
    stored = await count_stored(demo)
    answer = await shop.call("meera", "POST", "/webhooks/nosuch", {})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await count_stored(demo) == stored


@pytest.mark.parametrize(
    "configured",
    [
        {},
        {
            "BATUA_RAZORPAY_KEY_ID": "rzp_test_1",
            "BATUA_RAZORPAY_KEY_SECRET": "s",
            "BATUA_RAZORPAY_WEBHOOK_SECRET": " , ",
        },
    ],
    ids=["nothing set", "an empty webhook secret"],
)
async def test_an_unset_secret_never_means_accept(sqlite_url, tmp_path, configured):
    variables = {"BATUA_JWT_SECRET": JWT_SECRET, **configured}
    with running_serve(sqlite_url, cwd=tmp_path, **variables) as server:
        async with ShopClient(server) as shop:
            for secret in ("", " ", "None", "null", "s"):
                body = b'{"event":"payment.captured"}'
                answer = await shop.announce(body, headers=signed(signature(body, secret)))
                assert answer.status_code == 401, secret
            assert (await shop.announce(b"{}", headers={})).status_code == 401
        assert await count_stored(server) == 0
        assert "razorpay" in server.said()  # and it says why, at the start


async def test_a_signature_of_the_other_secret_of_a_rotation_still_counts(sqlite_url, tmp_path):
    secrets = ("the-old-secret", "the-new-secret")
    variables = {
        "BATUA_JWT_SECRET": JWT_SECRET,
        "BATUA_RAZORPAY_KEY_ID": "rzp_test_simulator",
        "BATUA_RAZORPAY_KEY_SECRET": "simulator_key_secret",
        "BATUA_RAZORPAY_WEBHOOK_SECRET": ",".join(secrets),
        "BATUA_RAZORPAY_BASE_URL": "http://127.0.0.1:9",
    }
    with running_serve(sqlite_url, cwd=tmp_path, **variables) as server:
        async with ShopClient(server) as shop:
            for secret in secrets:
                body = json.dumps({"event": "x", "secret": secret}).encode()
                headers = {"X-Razorpay-Signature": signature(body, secret)}
                assert (await shop.announce(body, headers=headers)).status_code == 200
            both = {"X-Razorpay-Signature": signature(body, ",".join(secrets))}
            assert (await shop.announce(body, headers=both)).status_code == 401
