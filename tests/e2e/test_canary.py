"""No secret and no card's number comes out again: not in logs, tables, answers, metrics, traces.

A real server that logs all it can, with secrets in its settings.  Every route is called with
canaries in its address, its query, its heads and its body; a provider answers with some too.
"""

from __future__ import annotations

import json
import re
import time

import httpx
import jwt
import pytest

from batua.bootstrap import open_batua
from batua.sealing import new_key
from batua.settings import read_settings
from tests.support.canary import PANS, TEXT, listening, planted, tables_of
from tests.support.clients import JWT_SECRET, signature
from tests.support.databases import opened
from tests.support.processes import running_serve

SECRETS = {
    "key": "canary-key-secret-70c1",
    "webhook": "canary-webhook-secret-91d2",
    "metrics": "canary-metrics-token-33e7",
    "cookie": "canary-cookie-44aa",
    "api key": "batua_sk_canary0123456789abcdef",
    "provider": "sk_live_canary0123456789",
    "panel": "canary-panel-secret-88e5",
}
CALLERS = (
    {"sub": "asha"},
    {"sub": "olga", "scope": "staff", "role": "owner"},
    {"sub": "shop", "scope": "service"},
)
KEPT = {
    ("batua_order", "description"), ("batua_order", "reference"), ("batua_order", "items"),
    ("batua_order", "customer_id"), ("batua_customer", "id"), ("batua_customer", "name"),
    ("batua_adjustment", "note"), ("batua_adjustment", "customer_id"),
    ("batua_account", "owner"), ("batua_account", "key"), ("batua_consent", "customer_id"),
    ("batua_idempotency", "route"), ("batua_idempotency", "response_body"),
    ("batua_lot", "account_key"), ("batua_outbox", "customer_id"), ("batua_refund", "reason"),
    ("batua_disabled_customer", "customer_id"), ("batua_revocation", "subject"),
    ("batua_revocation", "jti"), ("batua_event", "data"), ("batua_transfer", "reason"),
    ("batua_inbox", "body"), ("batua_inbox", "headers"),
}  # fmt: skip
"""Where what people write is kept on purpose. A card's number and a secret are kept nowhere."""


def tokens():
    expires = int(time.time()) + 3600
    common = {"iss": "batua", "aud": "batua", "exp": expires}
    return [jwt.encode(common | each, JWT_SECRET, algorithm="HS256") for each in CALLERS]


def requests_of(document, canary):
    """Method, path, query and body of every route, with ``canary`` wherever a text may stand."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in {"get", "post", "put", "delete", "patch"}:
                continue
            filled = re.sub(r"\{[^}]*\}", canary, path.replace("{gateway}", "razorpay"))
            query = {
                each["name"]: canary
                for each in operation.get("parameters", ())
                if each["in"] == "query"
            }
            body = None
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                body = planted(document, content["application/json"].get("schema", {}), canary)
                body.pop("pay_with", None)  # nobody has any money here
                if "gateway" in body:
                    body["gateway"] = "razorpay"
            yield method, filled, query, body


def call_everything(base, bearers):
    """Plant the canaries everywhere; returns every answer, heads and all."""
    answers = []
    root = base.removesuffix("/api/v1")
    with httpx.Client(base_url=root, trust_env=False, timeout=10) as http:
        document = http.get("/api/v1/docs/openapi.json").json()
        for number, canary in enumerate((*PANS, TEXT)):
            # All callers once with a card's number and once with text; the others take turns.
            for bearer in bearers if number in {0, len(PANS)} else bearers[number:][:1]:
                heads = {
                    "Authorization": f"Bearer {bearer}",
                    "Cookie": f"session={SECRETS['cookie']}",
                    "X-Api-Key": SECRETS["api key"],
                    "X-Request-Id": canary.replace(" ", ""),
                    "X-Note": canary,
                }
                for method, path, query, body in requests_of(document, canary):
                    key = canary if method == "put" else f"key-{number}-{len(answers)}"
                    with http.stream(
                        method, path, params=query, json=body,
                        headers={**heads, "Idempotency-Key": key},
                    ) as answer:  # fmt: skip
                        is_endless = "event-stream" in answer.headers.get("content-type", "")
                        text = "" if is_endless else answer.read().decode()
                    assert answer.status_code != 500, (method, path, text)
                    answers.append(f"{answer.headers} {text}")
            answers += [
                http.get("/api/v1/wallet", headers={"Authorization": broken}).text
                for broken in ("Basic " + SECRETS["cookie"], f"Bearer {bearers[0]}x")
            ]
            body = json.dumps({"event": "of.nobody", "note": canary, "payload": {"x": canary}})
            signed = {"X-Razorpay-Signature": signature(body.encode(), SECRETS["webhook"])}
            told = http.post(
                "/api/v1/webhooks/razorpay", content=body,
                headers={**signed, "X-Razorpay-Event-Id": f"evt-{number}", "X-Note": canary},
            )  # fmt: skip
            assert told.status_code == 200, told.text
        # One that the provider is asked for, and refuses with canaries.
        wanted = {"amount": 500, "currency": "INR", "gateway": "razorpay"}
        heads = {"Authorization": f"Bearer {bearers[0]}", "Idempotency-Key": "key-topup"}
        asked = http.post("/api/v1/topups", json=wanted, headers=heads)
        assert asked.status_code == 502, asked.text
        answers.append(asked.text)
        token = {"Authorization": f"Bearer {SECRETS['metrics']}"}
        shown = http.get("/metrics", headers=token)
        assert shown.status_code == 200
        answers += [shown.text, http.get("/health").text]
    return answers


@pytest.fixture(params=["sqlite", "postgres"])
def url(request):
    return request.getfixturevalue(f"{request.param}_url")


async def write_in_the_panel(url, key):
    """A gateway whose secret the environment does not have."""
    values = {"client_id": "id", "client_secret": SECRETS["panel"], "webhook_id": "hook"}
    async with open_batua(read_settings({}, database_url=url, encryption_key=key), {}) as shop:
        await shop.gateway_settings.write("paypal", values, "staff:olga")


async def test_no_secret_and_no_cards_number_comes_out_again(url, tmp_path):
    bearers, key = tokens(), new_key()
    hidden = [*SECRETS.values(), JWT_SECRET, key, *bearers, *PANS]
    await write_in_the_panel(url, key)
    answer = {
        "error": {
            "code": "BAD_REQUEST_ERROR",
            "description": f"card {PANS[0]} refused with {SECRETS['provider']}",
        }
    }
    with (
        listening(answer) as provider,
        running_serve(
            url,
            cwd=tmp_path,
            with_worker=True,
            workers=2 if url.startswith("postgres") else 1,
            BATUA_JWT_SECRET=JWT_SECRET,
            BATUA_ENCRYPTION_KEY=key,
            BATUA_CUSTOMER_ORDERS="on",
            BATUA_RATE_LIMIT="off",
            BATUA_LOG_FORMAT="json",
            BATUA_LOG_LEVEL="DEBUG",
            BATUA_METRICS_TOKEN=SECRETS["metrics"],
            BATUA_OTLP_ENDPOINT=f"{provider.base}/v1/traces",
            BATUA_RAZORPAY_KEY_ID="rzp_test_canary",
            BATUA_RAZORPAY_KEY_SECRET=SECRETS["key"],
            BATUA_RAZORPAY_WEBHOOK_SECRET=SECRETS["webhook"],
            BATUA_RAZORPAY_BASE_URL=provider.base,
        ) as server,
    ):
        answers = call_everything(f"{server.base}/api/v1", bearers)
        server.stop()
        said = server.said()
    assert provider.calls, "the provider was asked"
    assert '"paypal":"test"' in answers[-1], "what the panel was told is used"
    assert provider.traces, "traces were sent"
    async with opened(url) as database:
        tables = await tables_of(database)

    seen = {
        "logs": said,
        "answers": "\n".join(answers),
        "traces": b"".join(provider.traces).decode("latin-1"),
        **{f"table {name}": json.dumps(rows) for name, rows in tables.items()},
    }
    for canary in hidden:
        for place, text in seen.items():
            around = text[max(0, text.find(canary) - 300) : text.find(canary) + 300]
            assert canary not in text, f"{canary} in {place}: {around}"
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert len(lines) > len(answers) / 2, "it logged what it could"
    kept = {
        (name, column)
        for name, rows in tables.items()
        for row in rows
        for column, value in row.items()
        if TEXT in value
    }
    assert ("batua_order", "description") in kept
    assert kept <= KEPT, kept - KEPT
