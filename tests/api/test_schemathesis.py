"""What nobody would think of, sent to every route: no answer is outside of the OpenAPI document.

Schemathesis makes requests that fit the document and requests that do not. Every answer must be one
that the document tells of: its status, its media type, its headers and its body. Callers of every
kind send them, and every other one names something that there is, so that handlers are reached.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict

import hypothesis
import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.api import open_api
from tests.support.clock import FakeClock

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEED = 20261128
TIMES = 40 if os.environ.get("BATUA_TEST_SOAK") else 1
EXAMPLES = {GenerationMode.POSITIVE: 10 * TIMES, GenerationMode.NEGATIVE: 4 * TIMES}
"""How many for each route, of what fits and of what does not."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CALLERS = ("asha", "owner", "service", "ravi", "viewer", None)
FOR_STAFF = {"refund_top_up", "refund_order", "adjust_wallet", "get_customer_wallet",
             "put_customer"}  # fmt: skip
SIGNED = {"receive_webhook", "answer_challenge", "confirm_top_up", "confirm_order_payment"}
"""What a provider signs can't be made of the document."""

ENDLESS = {"watch_wallet"}
"""An answer that goes on is never whole: tests/api/test_wallet_events.py reads it."""


@pytest_asyncio.fixture(loop_scope="session")
async def api(database_url):
    """A shop of its own: what is sent may disable whoever calls, and others call too."""
    async with open_api(database_url, FakeClock(), rate_limit=False) as opened:
        yield opened


async def things(api):
    """What there is, by the names that stand in paths and queries."""
    await api.shop.give(10_000_000, "asha")
    pending, paid = await api.order(), await api.order(pay=True)
    refund = await api.post(
        f"/orders/{paid}/refunds", {"to": "wallet", "reason": "r", "amount": 1}, "owner"
    )
    top_up = await api.post("/topups", {"amount": 5_000, "currency": "INR", "gateway": "razorpay"})
    opened = await api.post(
        f"/orders/{await api.order()}/payments", {"method": "gateway", "gateway": "razorpay"}
    )
    paid_top_up = await api.shop.topped_up(5_000, "asha")
    return {
        ("pay_order", "order_id"): [await api.order() for _ in range(8)],
        ("refund_top_up", "top_up_id"): [paid_top_up],
        "order_id": [pending, paid, opened.json()["order"]["id"]],
        "payment_id": [opened.json()["payment"]["id"]],
        "top_up_id": [top_up.json()["id"], paid_top_up],
        "refund_id": [refund.json()["id"]],
        "customer_id": ["asha", "nobody"],
        "code": ["razorpay", "whatsapp"],
        "currency": ["INR"],
        "customer": ["asha"],
    }


def naming(case, known, data):
    """The request about something that there is."""
    for name in case.path_parameters or {}:
        named = known.get((name_of(case.operation), name)) or known[name]
        case.path_parameters[name] = data.draw(st.sampled_from(named), label=name)
    body = case.body if isinstance(case.body, dict) else {}
    if "currency" in body:
        body["currency"] = "INR"
    if "gateway" in body:
        body["gateway"] = "razorpay"
    if "amount" in body:
        body["amount"] = data.draw(st.integers(100, 500), label="amount")
    body.pop("return_url", None)
    if "to" in body:
        body["to"] = "wallet"
    if "method" in body:
        body["method"] = data.draw(st.sampled_from(["wallet", "gateway"]), label="method")
    if "cursor" in (case.query or {}):
        case.query.pop("cursor")
    return case


def name_of(operation):
    return operation.definition.raw["operationId"]


def attack(operation, mode, base, tokens, known):
    """Send what Schemathesis makes of one route; what was answered how often, by status."""
    answered = Counter()
    allowed = "owner" if name_of(operation) in FOR_STAFF else "asha"
    session = requests.Session()
    session.trust_env = False

    @hypothesis.seed(SEED)
    @settings(
        max_examples=EXAMPLES[mode],
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        who=st.sampled_from([*CALLERS, *[allowed] * 2 * len(CALLERS)]),
        is_known=st.sampled_from([True, True, False]),
        data=st.data(),
    )
    def send(case, who, is_known, data):
        if is_known:
            naming(case, known, data)
        headers = {} if who is None else {"Authorization": f"Bearer {tokens[who]}"}
        response = case.call(base_url=base, session=session, headers=headers, timeout=20)
        answered[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    send()
    session.close()
    return answered


def attack_all(document, base, tokens, known):
    schema = schemathesis.openapi.from_dict(document)
    answered, failed = defaultdict(Counter), {}
    for result in schema.get_all_operations():
        operation = result.ok()
        name = name_of(operation)
        if name in ENDLESS:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                answered[name] += attack(operation, mode, base, tokens, known)
            except hypothesis.errors.Unsatisfiable:
                pass  # nothing that does not fit can be made of a route that takes nothing
            except BaseExceptionGroup as group:
                failed[name, mode.value] = [str(error) for error in group.exceptions]
            except Exception as error:
                failed[name, mode.value] = [f"{type(error).__name__}: {error}"]
    return answered, failed


async def test_no_answer_is_outside_of_the_document(api):
    document = (await api.http.get("/docs/openapi.json")).raise_for_status().json()
    tokens = {who: api.token(who) for who in CALLERS if who is not None}
    base = str(api.http.base_url).removesuffix("/api/v1/")

    answered, failed = await asyncio.to_thread(
        attack_all, document, base, tokens, await things(api)
    )

    assert failed == {}, "\n\n".join(
        f"{name} {mode}: {error}" for (name, mode), errors in failed.items() for error in errors
    )
    print(*(f"{name}: {dict(sorted(each.items()))}" for name, each in answered.items()), sep="\n")
    reached = {name for name, statuses in answered.items() if {200, 201} & statuses.keys()}
    assert set(answered) - reached <= SIGNED, "some route is never really reached"
