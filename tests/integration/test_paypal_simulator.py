"""The PayPal simulator, asked over real HTTP the way PayPal would be."""

import asyncio
import base64
import json
import re
import zlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, post
from litestar.exceptions import HTTPException

from batua.certificates import trusted_certificates
from batua.testing.serving import serving
from batua.testing.simulators.paypal import PayPalSimulator
from batua.testing.simulators.paypal.collisions import with_crc

# Loading certificates takes longer than a test.
BASIC = ("paypal_simulator_client", "paypal_simulator_secret")
WEBHOOK_ID = "1SIM0000000000001"
ALL = {"Prefer": "return=representation"}


class Shop:
    """Takes webhooks and answers with the next of ``answers``, else 200."""

    def __init__(self):
        self.taken = []
        self.answers = []
        self.has_taken = asyncio.Event()

        @post("/hook", status_code=200)
        async def hook(request: Request) -> None:
            self.taken.append((dict(request.headers), await request.body()))
            self.has_taken.set()
            if self.answers:
                raise HTTPException(status_code=self.answers.pop(0))

        self.app = Litestar([hook], logging_config=None, openapi_config=None)

    def names(self):
        return [json.loads(body)["event_type"] for _, body in self.taken]

    def of(self, name):
        return next(
            event for _, body in self.taken if (event := json.loads(body))["event_type"] == name
        )

    async def wait_for(self, count):
        async with asyncio.timeout(5):
            while len(self.taken) < count:
                self.has_taken.clear()
                await self.has_taken.wait()
        return self.names()


class Client:
    """A shop's server: a token, and calls with it."""

    def __init__(self, http, token):
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path, **params):
        return await self.http.get(path, headers=self.headers, params=params)

    async def post(self, path, body=None, request_id=None, **headers):
        headers = self.headers | ALL | headers
        headers |= {"PayPal-Request-Id": request_id} if request_id else {}
        return await self.http.post(path, json={} if body is None else body, headers=headers)

    async def delete(self, path):
        return await self.http.delete(path, headers=self.headers)

    async def control(self, what, **body):
        answer = await self.http.post(f"/_control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def running(**settings):
    settings = {"webhook_backoff_s": 0.02, "hang_s": 3.0, "webhook_url": None} | settings
    simulator = PayPalSimulator(**settings)
    async with serving(simulator.app) as url:
        simulator.public_url = url
        try:
            async with httpx.AsyncClient(
                base_url=url, trust_env=False, verify=trusted_certificates()
            ) as http:
                yield simulator, Client(http, (await token(http)).json()["access_token"])
        finally:
            await simulator.stop()


async def token(http, auth=BASIC, grant="client_credentials"):
    return await http.post("/v1/oauth2/token", auth=auth, data={"grant_type": grant})


@pytest.fixture
async def paypal():
    async with running() as (_, client):
        yield client


@pytest.fixture
async def shop():
    shop = Shop()
    async with serving(shop.app) as url:
        shop.url = f"{url}/hook"
        yield shop


def order_body(value="100.00", currency="USD", *, source=True, intent="CAPTURE", **unit):
    unit = {"amount": {"currency_code": currency, "value": value}, "custom_id": "pay_1"} | unit
    body = {"intent": intent, "purchase_units": [unit]}
    context = {"return_url": "http://shop.test/back?x=1", "cancel_url": "http://shop.test/no"}
    if source:
        body["payment_source"] = {"paypal": {"experience_context": context}}
    return body


async def ordered(paypal, request_id="order-1", **changes):
    answer = await paypal.post("/v2/checkout/orders", order_body(**changes), request_id)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def captured(paypal, request_id="order-1", **changes):
    """An order that was approved and captured by the shop; and its capture."""
    order = await ordered(paypal, request_id, **changes)
    await paypal.control("pay", reference=order["id"], outcome="authorized")
    answer = await paypal.post(f"/v2/checkout/orders/{order['id']}/capture", {}, f"{request_id}-c")
    assert answer.status_code == 201, answer.text
    return answer.json(), answer.json()["purchase_units"][0]["payments"]["captures"][0]


async def capture_of(paypal, capture):
    return (await paypal.get(f"/v2/payments/captures/{capture['id']}")).json()


async def refund(paypal, capture, body=None, request_id=None, **headers):
    path = f"/v2/payments/captures/{capture['id']}/refund"
    return await paypal.post(path, body, request_id, **headers)


def usd(value):
    return {"amount": {"currency_code": "USD", "value": value}}


def said(answer):
    body = answer.json()
    assert set(body) >= {"name", "message", "debug_id", "details", "links"}
    issue = body["details"][0]["issue"] if body["details"] else ""
    return answer.status_code, issue or body["name"]


def links(entity):
    return {link["rel"]: link["href"] for link in entity["links"]}


async def test_token_is_given_for_the_right_credentials_alone(paypal):
    given = await token(paypal.http)
    body = given.json()
    assert (given.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 32_400)
    for auth in (("x", "y"), ("", ""), (BASIC[0], "y")):
        refused = await token(paypal.http, auth)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    other = await token(paypal.http, grant="password")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


async def test_every_api_route_wants_a_good_token():
    now = [1_700_000_000.0]
    async with running(clock=lambda: now[0]) as (_, paypal):
        for method, path in (
            ("POST", "/v2/checkout/orders"), ("GET", "/v2/checkout/orders/X"),
            ("POST", "/v2/checkout/orders/X/capture"), ("POST", "/v2/checkout/orders/X/authorize"),
            ("GET", "/v2/payments/captures/X"), ("POST", "/v2/payments/captures/X/refund"),
            ("GET", "/v2/payments/refunds/X"), ("GET", "/v2/payments/authorizations/X"),
            ("POST", "/v2/payments/authorizations/X/capture"),
            ("POST", "/v2/payments/authorizations/X/void"),
            ("GET", "/v1/customer/disputes"), ("GET", "/v1/customer/disputes/X"),
            ("GET", "/v1/reporting/transactions"), ("GET", "/v3/vault/payment-tokens"),
            ("GET", "/v3/vault/payment-tokens/X"), ("DELETE", "/v3/vault/payment-tokens/X"),
        ):  # fmt: skip
            assert (await paypal.http.request(method, path)).status_code == 401, path
        bad = {"Authorization": paypal.headers["Authorization"][:-1] + "~"}
        refused = await paypal.http.get("/v2/checkout/orders/X", headers=bad)
        assert said(refused) == (401, "AUTHENTICATION_FAILURE")
        assert said(await paypal.get("/v2/checkout/orders/X")) == (404, "INVALID_RESOURCE_ID")
        now[0] += 32_400
        assert (await paypal.get("/v2/checkout/orders/X")).status_code == 401
        fresh = Client(paypal.http, (await token(paypal.http)).json()["access_token"])
        assert (await fresh.get("/v2/checkout/orders/X")).status_code == 404
        await paypal.control("faults", token_epoch=1)
        assert (await fresh.get("/v2/checkout/orders/X")).status_code == 401


async def test_order_is_approved_then_captured_once(paypal):
    order = await ordered(paypal)
    assert re.fullmatch(r"[A-Z0-9]{17}", order["id"])
    assert order["status"] == "PAYER_ACTION_REQUIRED"
    assert links(order)["payer-action"].endswith(f"/checkoutnow?token={order['id']}")
    path = f"/v2/checkout/orders/{order['id']}"
    assert said(await paypal.post(f"{path}/capture", {}, "c")) == (422, "ORDER_NOT_APPROVED")
    proof = await paypal.control("pay", reference=order["id"], outcome="authorized")
    assert (proof["token"], proof["status"], proof["capture"]) == (order["id"], "APPROVED", "")
    assert "payments" not in (await paypal.get(path)).json()["purchase_units"][0]
    first = await paypal.post(f"{path}/capture", {}, "c")
    again = await paypal.post(f"{path}/capture", {}, "c")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = await paypal.post(f"{path}/capture", {}, "d")
    assert said(other) == (422, "ORDER_ALREADY_CAPTURED")
    found = (await paypal.get(path)).json()
    (capture,) = found["purchase_units"][0]["payments"]["captures"]
    assert (found["status"], capture["status"]) == ("COMPLETED", "COMPLETED")
    assert capture["seller_receivable_breakdown"] == {
        "gross_amount": {"currency_code": "USD", "value": "100.00"},
        "paypal_fee": {"currency_code": "USD", "value": "3.98"},
        "net_amount": {"currency_code": "USD", "value": "96.02"},
    }
    alone = await capture_of(paypal, capture)
    assert alone["supplementary_data"]["related_ids"]["order_id"] == order["id"]
    assert links(alone)["up"].endswith(path)
    assert alone["custom_id"] == "pay_1"


async def test_same_request_id_gives_the_same_order_as_it_stands_now(paypal):
    order = await ordered(paypal)
    await paypal.control("pay", reference=order["id"], outcome="authorized")
    again = await paypal.post("/v2/checkout/orders", order_body(), "order-1")
    assert (again.status_code, again.json()["id"]) == (200, order["id"])
    assert again.json()["status"] == "APPROVED"
    assert (await ordered(paypal, "order-2"))["id"] != order["id"]
    body = order_body(source=False)
    twice = [(await paypal.post("/v2/checkout/orders", body)).json()["id"] for _ in range(2)]
    assert twice[0] != twice[1]


async def test_request_ids_are_forgotten_after_six_hours_on_orders_45_days_on_payments():
    now = [1_700_000_000.0]
    async with running(clock=lambda: now[0]) as (_, client):
        await client.control("faults", token_lifetime_s=100 * 86_400)
        paypal = Client(client.http, (await token(client.http)).json()["access_token"])
        order, capture = await captured(paypal)
        made = (await refund(paypal, capture, usd("1.00"), "r")).json()
        now[0] += 6 * 3600 - 1
        assert (await paypal.post("/v2/checkout/orders", order_body(), "order-1")).is_success
        now[0] += 1
        assert (await ordered(paypal))["id"] != order["id"]
        path = f"/v2/checkout/orders/{order['id']}/capture"
        forgotten = await paypal.post(path, {}, "order-1-c")
        assert said(forgotten) == (422, "ORDER_ALREADY_CAPTURED")
        assert (await refund(paypal, capture, usd("1.00"), "r")).json()["id"] == made["id"]
        now[0] += 45 * 86_400
        assert (await refund(paypal, capture, usd("1.00"), "r")).json()["id"] != made["id"]


async def test_answers_are_minimal_unless_asked(paypal):
    body = order_body()
    least = await paypal.post("/v2/checkout/orders", body, "order-1", Prefer="return=minimal")
    assert set(least.json()) == {"id", "status", "links"}
    _, capture = await captured(paypal, "order-2")
    least = await refund(paypal, capture, request_id="r", Prefer="")
    assert set(least.json()) == {"id", "status", "links"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": 100}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"value": "1e3"}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"value": "1" * 33}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"value": None}, (400, "MISSING_REQUIRED_PARAMETER")),
        ({"amount": None}, (400, "MISSING_REQUIRED_PARAMETER")),
        ({"value": "0.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"value": "-1.00"}, (422, "CANNOT_BE_ZERO_OR_NEGATIVE")),
        ({"value": "1.001"}, (422, "DECIMAL_PRECISION")),
        ({"currency": "JPY", "value": "100.00"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"currency": "HUF", "value": "100.5"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"currency": "TWD", "value": "100.00"}, (422, "DECIMALS_NOT_SUPPORTED")),
        ({"currency": "INR"}, (422, "INVALID_CURRENCY_CODE")),
        ({"currency": "XXX"}, (422, "INVALID_CURRENCY_CODE")),
        ({"currency": "USDX"}, (400, "INVALID_STRING_LENGTH")),
        ({"custom_id": "x" * 128}, (400, "INVALID_STRING_LENGTH")),
        ({"invoice_id": "x" * 128}, (400, "INVALID_STRING_LENGTH")),
        ({"custom_id": 5}, (400, "INVALID_PARAMETER_SYNTAX")),
        ({"intent": "SALE"}, (400, "INVALID_PARAMETER_VALUE")),
    ],
)
async def test_order_is_validated(paypal, changes, expected):
    refused = await paypal.post("/v2/checkout/orders", order_body(**changes), "order-1")
    assert said(refused) == expected


async def test_bodies_and_request_ids_are_checked(paypal):
    path = "/v2/checkout/orders"
    broken = await paypal.http.post(path, content=b'{"intent":', headers=paypal.headers)
    assert said(broken) == (400, "MALFORMED_REQUEST_JSON")
    for body in ([], 5):
        assert said(await paypal.post(path, body)) == (400, "MALFORMED_REQUEST_JSON")
    for units in (None, [], [1], [{}, {}]):
        assert (
            await paypal.post(path, {"intent": "CAPTURE", "purchase_units": units})
        ).status_code == 400
    none = await paypal.post(path, order_body())
    assert said(none) == (400, "PAYPAL_REQUEST_ID_REQUIRED")
    assert said(await paypal.post(path, order_body(), "x" * 109)) == (400, "INVALID_STRING_LENGTH")
    assert said(await paypal.get("/v2/nothing")) == (404, "RESOURCE_NOT_FOUND")


async def test_order_without_a_source_is_created_and_has_approve(paypal):
    order = await ordered(paypal, source=False)
    assert (order["status"], "approve" in links(order)) == ("CREATED", True)
    await paypal.control("faults", payer_action=False)
    order = await ordered(paypal, "order-2")
    assert (order["status"], "approve" in links(order)) == ("CREATED", True)


async def test_whole_currencies_are_counted_in_our_minor_units(paypal):
    for currency, minor in (("JPY", 500), ("HUF", 50_000)):
        order = await ordered(paypal, currency, currency=currency, value="500")
        await paypal.control("pay", reference=order["id"], outcome="captured")
        entry = (await paypal.http.get("/_control/ledger")).json()["captures"][-1]
        assert (entry["amount"], entry["currency"]) == (minor, currency)
    order = await ordered(paypal, "HUF-2", currency="HUF", value="500")
    body = {"reference": order["id"], "outcome": "captured", "amount": 50_001}
    assert (await paypal.http.post("/_control/pay", json=body)).status_code == 400


async def test_duplicate_invoice_is_refused_by_switch_once_it_was_paid(paypal):
    _, capture = await captured(paypal, invoice_id="inv-1")
    await ordered(paypal, "order-2", invoice_id="inv-1")
    await paypal.control("faults", refuse_duplicate_invoices=True)
    body = order_body(invoice_id="inv-1")
    refused = await paypal.post("/v2/checkout/orders", body, "order-3")
    assert said(refused) == (422, "DUPLICATE_INVOICE_ID")
    await ordered(paypal, "order-4", invoice_id="inv-2")
    body = usd("1.00") | {"invoice_id": "ref-1"}
    assert (await refund(paypal, capture, body)).status_code == 201
    assert said(await refund(paypal, capture, body)) == (422, "DUPLICATE_INVOICE_ID")


@pytest.mark.parametrize(
    "issue", ["INSTRUMENT_DECLINED", "ORDER_COMPLETION_IN_PROGRESS", "PAYER_CANNOT_PAY"]
)
async def test_refused_capture_moves_nothing_and_may_be_tried_again(paypal, issue):
    order = await ordered(paypal)
    await paypal.control("pay", reference=order["id"], outcome="authorized")
    await paypal.control("faults", capture_refusal=issue)
    path = f"/v2/checkout/orders/{order['id']}/capture"
    assert said(await paypal.post(path, {}, "c")) == (422, issue)
    assert (await paypal.http.get("/_control/ledger")).json() == {"captures": []}
    await paypal.control("faults")
    assert (await paypal.post(path, {}, "c")).status_code == 201


async def test_order_is_completed_while_its_capture_is_pending(paypal):
    await paypal.control("faults", capture_outcome="pending")
    order, capture = await captured(paypal)
    assert (order["status"], capture["status"]) == ("COMPLETED", "PENDING")
    assert capture["status_details"]["reason"] == "PENDING_REVIEW"
    assert "seller_receivable_breakdown" not in capture
    assert said(await refund(paypal, capture)) == (422, "PENDING_CAPTURE")
    body = {"payment": capture["id"], "status": "open"}
    assert (await paypal.http.post("/_control/dispute", json=body)).status_code == 400
    await paypal.control("settle_capture", capture=capture["id"], status="completed")
    settled = await capture_of(paypal, capture)
    assert (settled["status"], "status_details" in settled) == ("COMPLETED", False)
    body = {"capture": capture["id"], "status": "declined"}
    assert (await paypal.http.post("/_control/settle_capture", json=body)).status_code == 400


async def test_authorization_is_captured_once_or_voided(paypal):
    order = await ordered(paypal, intent="AUTHORIZE")
    path = f"/v2/checkout/orders/{order['id']}"
    assert said(await paypal.post(f"{path}/authorize")) == (422, "ORDER_NOT_APPROVED")
    await paypal.control("pay", reference=order["id"], outcome="authorized")
    assert said(await paypal.post(f"{path}/capture")) == (422, "ACTION_DOES_NOT_MATCH_INTENT")
    first = await paypal.post(f"{path}/authorize", {}, "a")
    again = await paypal.post(f"{path}/authorize", {}, "a")
    assert (first.status_code, again.status_code) == (201, 200)
    (promised,) = first.json()["purchase_units"][0]["payments"]["authorizations"]
    path = f"/v2/payments/authorizations/{promised['id']}"
    too_much = await paypal.post(f"{path}/capture", usd("100.01"))
    assert said(too_much) == (422, "MAX_CAPTURE_AMOUNT_EXCEEDED")
    taken = await paypal.post(f"{path}/capture", {}, "c")
    again = await paypal.post(f"{path}/capture", {}, "c")
    assert (taken.status_code, again.status_code) == (201, 200)
    assert taken.json()["id"] == again.json()["id"]
    assert (await paypal.get(path)).json()["status"] == "CAPTURED"
    assert said(await paypal.post(f"{path}/capture")) == (422, "AUTHORIZATION_ALREADY_CAPTURED")
    assert said(await paypal.post(f"{path}/void")) == (422, "PREVIOUSLY_CAPTURED")
    related = taken.json()["supplementary_data"]["related_ids"]
    assert related == {"order_id": order["id"], "authorization_id": promised["id"]}

    order = await ordered(paypal, "order-2", intent="AUTHORIZE")
    await paypal.control("pay", reference=order["id"], outcome="authorized")
    done = await paypal.post(f"/v2/checkout/orders/{order['id']}/authorize")
    (promised,) = done.json()["purchase_units"][0]["payments"]["authorizations"]
    path = f"/v2/payments/authorizations/{promised['id']}"
    assert (await paypal.post(f"{path}/void", Prefer="")).status_code == 204
    assert (await paypal.get(path)).json()["status"] == "VOIDED"
    assert said(await paypal.post(f"{path}/void")) == (422, "PREVIOUSLY_VOIDED")
    assert said(await paypal.post(f"{path}/capture")) == (422, "AUTHORIZATION_VOIDED")

    order = await ordered(paypal, "order-3", intent="AUTHORIZE")
    paid = await paypal.control("pay", reference=order["id"], outcome="captured", amount=4_000)
    assert paid["capture_status"] == "COMPLETED"
    found = (await paypal.get(f"/v2/checkout/orders/{order['id']}")).json()
    payments = found["purchase_units"][0]["payments"]
    assert payments["authorizations"][0]["status"] == "PARTIALLY_CAPTURED"


async def test_partial_refunds_then_the_rest(paypal):
    order, capture = await captured(paypal)
    for body, expected in (
        (usd("100.01"), "REFUND_AMOUNT_EXCEEDED"),
        (usd("0"), "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ({"amount": {"currency_code": "EUR", "value": "1"}}, "REFUND_CAPTURE_CURRENCY_MISMATCH"),
    ):
        assert said(await refund(paypal, capture, body)) == (422, expected)
    assert said(await refund(paypal, capture, {"custom_id": "a b"}))[0] == 400
    body = usd("40") | {"custom_id": "rfd_1", "note_to_payer": "sorry"}
    first = (await refund(paypal, capture, body, "r1")).json()
    assert (first["status"], first["amount"]["value"]) == ("COMPLETED", "40.00")
    assert (first["custom_id"], first["note_to_payer"]) == ("rfd_1", "sorry")
    assert links(first)["up"].endswith(f"/v2/payments/captures/{capture['id']}")
    assert (await capture_of(paypal, capture))["status"] == "PARTIALLY_REFUNDED"
    assert said(await refund(paypal, capture, usd("60.01"))) == (422, "REFUND_AMOUNT_EXCEEDED")
    rest = (await refund(paypal, capture, None, "r2")).json()
    totals = [one["seller_payable_breakdown"]["total_refunded_amount"] for one in (first, rest)]
    assert [total["value"] for total in totals] == ["40.00", "100.00"]
    assert rest["custom_id"] == "pay_1"  # the payment's own, where the refund brings none
    assert said(await refund(paypal, capture)) == (422, "CAPTURE_FULLY_REFUNDED")
    assert (await capture_of(paypal, capture))["status"] == "REFUNDED"
    assert (await paypal.get(f"/v2/payments/refunds/{first['id']}")).json() == first
    shown = (await paypal.get(f"/v2/checkout/orders/{order['id']}")).json()
    refunds = shown["purchase_units"][0]["payments"]["refunds"]
    assert [one["id"] for one in refunds] == [first["id"], rest["id"]]


async def test_same_request_id_refunds_once_and_tells_the_latest_status(paypal):
    _, capture = await captured(paypal)
    await paypal.control("faults", refund_outcome="pending")
    first = await refund(paypal, capture, usd("10.00"), "r")
    assert (first.status_code, first.json()["status"]) == (201, "PENDING")
    await paypal.control("settle_refund", refund=first.json()["id"], status="succeeded")
    again = await refund(paypal, capture, usd("10.00"), "r")
    assert (again.status_code, again.json()["status"]) == (200, "COMPLETED")
    assert again.json()["id"] == first.json()["id"]
    await paypal.control("settle_refund", refund=first.json()["id"], status="failed")
    assert (await capture_of(paypal, capture))["status"] == "COMPLETED"
    (entry,) = (await paypal.http.get("/_control/ledger")).json()["captures"]
    assert entry["refunds"] == [{"id": first.json()["id"], "amount": 1_000, "status": "failed"}]
    await paypal.control("faults", refund_busy=True)
    busy = await refund(paypal, capture, usd("10.00"), "s")
    assert said(busy) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")


async def test_dashboard_refund_and_ledger(paypal):
    order, capture = await captured(paypal)
    made = await paypal.control("refund", payment=capture["id"], amount=2_500)
    await paypal.control("dispute", payment=capture["id"], status="open", amount=1_000)
    (entry,) = (await paypal.http.get("/_control/ledger")).json()["captures"]
    (dispute,) = entry.pop("disputes")
    assert (dispute["amount"], dispute["status"]) == (1_000, "open")
    assert entry == {
        "id": capture["id"],
        "reference": order["id"],
        "amount": 10_000,
        "currency": "USD",
        "refunds": [{"id": made["id"], "amount": 2_500, "status": "succeeded"}],
    }
    (shown,) = (await paypal.http.get("/_control/payments")).json()["payments"]
    assert shown["id"] == order["id"]


async def test_payer_may_pay_other_money_than_was_asked(paypal):
    order = await ordered(paypal)
    body = {"reference": order["id"], "outcome": "captured", "amount": 777, "currency": "EUR"}
    made = await paypal.control("pay", **body)
    capture = (await paypal.get(f"/v2/payments/captures/{made['capture']}")).json()
    assert capture["amount"] == {"currency_code": "EUR", "value": "7.77"}
    assert (await paypal.http.post("/_control/pay", json=body)).status_code == 400


async def test_failed_try_may_be_followed_by_a_good_one(paypal):
    order = await ordered(paypal)
    failed = await paypal.control("pay", reference=order["id"], outcome="failed")
    assert (failed["status"], failed["capture_status"]) == ("PAYER_ACTION_REQUIRED", "DECLINED")
    assert said(await refund(paypal, {"id": failed["capture"]})) == (422, "REFUND_NOT_ALLOWED")
    paid = await paypal.control("pay", reference=order["id"], outcome="captured")
    assert (paid["status"], paid["capture_status"]) == ("COMPLETED", "COMPLETED")


async def test_disputes_are_opened_decided_and_listed(paypal):
    _, capture = await captured(paypal)
    opened = await paypal.control("dispute", payment=capture["id"], status="open", amount=2_000)
    path = f"/v1/customer/disputes/{opened['dispute_id']}"
    found = (await paypal.get(path)).json()
    assert (found["status"], found["dispute_amount"]["value"]) == ("OPEN", "20.00")
    (transaction,) = found["disputed_transactions"]
    assert transaction["seller_transaction_id"] == capture["id"]
    for status, outcome in (
        ("lost", "RESOLVED_BUYER_FAVOUR"),
        ("won", "RESOLVED_SELLER_FAVOUR"),
    ):
        await paypal.control("dispute", payment=capture["id"], status=status)
        found = (await paypal.get(path)).json()
        assert (found["status"], found["dispute_outcome"]["outcome_code"]) == ("RESOLVED", outcome)
        refused = await refund(paypal, capture, usd("1.00"))
        assert refused.status_code == (422 if status == "lost" else 201)
    assert [move["type"] for move in found["money_movements"]] == ["DEBIT", "CREDIT"]
    _, other = await captured(paypal, "order-2")
    await paypal.control("dispute", payment=other["id"], status="open")
    first = (await paypal.get("/v1/customer/disputes", page_size=1)).json()
    assert "disputed_transactions" not in first["items"][0]
    second = await paypal.http.get(links(first)["next"], headers=paypal.headers)
    assert [item["dispute_id"] for item in second.json()["items"]] == [opened["dispute_id"]]
    assert "next" not in links(second.json())
    one = await paypal.get("/v1/customer/disputes", disputed_transaction_id=capture["id"])
    assert len(one.json()["items"]) == 1
    resolved = await paypal.get("/v1/customer/disputes", dispute_state="RESOLVED")
    assert len(resolved.json()["items"]) == 1
    both = {"disputed_transaction_id": capture["id"], "start_time": "2026-01-01T00:00:00.000Z"}
    assert (await paypal.get("/v1/customer/disputes", **both)).status_code == 400
    later = await paypal.get("/v1/customer/disputes", update_time_after="2100-01-01T00:00:00.000Z")
    assert later.json()["items"] == []
    assert said(await paypal.get("/v1/customer/disputes/PP-X")) == (404, "INVALID_RESOURCE_ID")
    for params in ({"next_page_token": "?"}, {"page_size": 51}, {"update_time_after": "x"}):
        assert (await paypal.get("/v1/customer/disputes", **params)).status_code == 400


async def test_transaction_search_lists_what_moved():
    now = [1_700_000_000.0]
    async with running(clock=lambda: now[0]) as (_, paypal):
        _, capture = await captured(paypal, invoice_id="inv-1")
        now[0] += 60
        made = (await refund(paypal, capture, usd("40.00"), "r")).json()
        now[0] += 60
        await paypal.control("dispute", payment=capture["id"], status="lost", amount=1_000)
        begin, end = (datetime.fromtimestamp(now[0] + at, UTC) for at in (-600, 600))

        async def search(**params):
            params = {"start_date": begin.isoformat(), "end_date": end.isoformat()} | params
            return await paypal.get("/v1/reporting/transactions", **params)

        found = (await search()).json()
        infos = [one["transaction_info"] for one in found["transaction_details"]]
        assert [
            (info["transaction_event_code"], info["transaction_amount"]["value"]) for info in infos
        ] == [("T0006", "100.00"), ("T1107", "-40.00"), ("T1201", "-10.00")]
        assert (infos[0]["custom_field"], infos[0]["invoice_id"]) == ("pay_1", "inv-1")
        assert infos[0]["fee_amount"]["value"] == "-3.98"
        assert infos[1]["transaction_id"] == made["id"]
        assert (infos[1]["paypal_reference_id"], infos[1]["paypal_reference_id_type"]) == (
            capture["id"],
            "TXN",
        )
        page = (await search(page_size=2, page=2)).json()
        assert (page["total_items"], page["total_pages"]) == (3, 2)
        assert len(page["transaction_details"]) == 1
        await paypal.control("faults", report_delay_s=90)
        assert (await search()).json()["total_items"] == 1
        later = (end + timedelta(days=31)).isoformat()
        assert (await search(end_date=later)).status_code == 400
        assert (await search(end_date="yesterday")).status_code == 400
        assert said(await paypal.get("/v1/reporting/transactions"))[0] == 400


def vaulting():
    body = order_body()
    body["payment_source"]["paypal"]["attributes"] = {
        "vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"},
        "customer": {"id": "cus_1"},
    }
    return body


async def vaulted(paypal):
    order = (await paypal.post("/v2/checkout/orders", vaulting(), "order-v")).json()
    await paypal.control("pay", reference=order["id"], outcome="authorized")
    done = await paypal.post(f"/v2/checkout/orders/{order['id']}/capture", {}, "v")
    return done.json()["payment_source"]["paypal"]["attributes"]["vault"]


async def test_saved_account_is_charged_at_once_until_it_is_deleted(paypal):
    vault = await vaulted(paypal)
    assert (vault["status"], vault["customer"]) == ("VAULTED", {"id": "cus_1"})
    path = f"/v3/vault/payment-tokens/{vault['id']}"
    assert (await paypal.get(path)).json()["payment_source"]["paypal"]["account_id"]
    listed = (await paypal.get("/v3/vault/payment-tokens", customer_id="cus_1")).json()
    assert [one["id"] for one in listed["payment_tokens"]] == [vault["id"]]
    body = order_body() | {"payment_source": {"paypal": {"vault_id": vault["id"]}}}
    assert said(await paypal.post("/v2/checkout/orders", body))[1] == "PAYPAL_REQUEST_ID_REQUIRED"
    charged = await paypal.post("/v2/checkout/orders", body, "charge-1")
    again = await paypal.post("/v2/checkout/orders", body, "charge-1")
    assert (charged.status_code, again.status_code) == (201, 200)
    assert charged.json() == again.json()
    (capture,) = charged.json()["purchase_units"][0]["payments"]["captures"]
    assert (charged.json()["status"], capture["status"]) == ("COMPLETED", "COMPLETED")
    await paypal.control("faults", capture_refusal="INSTRUMENT_DECLINED")
    refused = await paypal.post("/v2/checkout/orders", body, "charge-2")
    assert said(refused) == (422, "INSTRUMENT_DECLINED")
    await paypal.control("faults")
    assert [(await paypal.delete(path)).status_code for _ in range(2)] == [204, 204]
    assert said(await paypal.get(path)) == (404, "INVALID_RESOURCE_ID")
    gone = await paypal.post("/v2/checkout/orders", body, "charge-3")
    assert said(gone) == (422, "TOKEN_ID_NOT_FOUND")


async def test_vault_may_wait_or_be_closed(paypal):
    await paypal.control("faults", vault_waits=True)
    assert await vaulted(paypal) == {"status": "APPROVED"}
    await paypal.control("faults", allows_vault=False)
    refused = await paypal.post("/v2/checkout/orders", vaulting(), "order-w")
    assert said(refused) == (422, "NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE")


async def test_person_approves_on_the_page_and_is_sent_back(paypal):
    order = await ordered(paypal)
    assert order["id"] in (await paypal.http.get("/")).text
    url = links(order)["payer-action"]
    shown = await paypal.http.get(url)
    assert "100.00" in shown.text
    assert "<script" not in shown.text
    cancelled = await paypal.http.post(url, data={"outcome": "cancel"})
    assert cancelled.status_code == 303
    assert cancelled.headers["location"] == f"http://shop.test/no?token={order['id']}"
    assert "declined" in (await paypal.http.post(url, data={"outcome": "fail"})).text
    approved = await paypal.http.post(url, data={"outcome": "approve"})
    back = httpx.URL(approved.headers["location"])
    assert (approved.status_code, back.host) == (303, "shop.test")
    assert dict(back.params) == {"x": "1", "token": order["id"], "PayerID": "SIMPAYER00001"}
    path = f"/v2/checkout/orders/{order['id']}"
    assert (await paypal.get(path)).json()["status"] == "APPROVED"
    assert (await paypal.post(f"{path}/capture", {}, "c")).status_code == 201
    assert "no more payments" in (await paypal.http.get(url)).text
    unknown = await paypal.http.get("/checkoutnow", params={"token": "<b>"})
    assert (unknown.status_code, "<b>" in unknown.text) == (400, False)


async def test_page_sends_nobody_to_what_is_no_web_address(paypal):
    body = order_body()
    context = body["payment_source"]["paypal"]["experience_context"]
    context["return_url"] = "javascript:alert(1)"
    order = (await paypal.post("/v2/checkout/orders", body, "order-1")).json()
    shown = await paypal.http.post(links(order)["payer-action"], data={"outcome": "approve"})
    assert (shown.status_code, "location" in shown.headers) == (200, False)


def check_signature(pem, headers, body, webhook_id=WEBHOOK_ID):
    message = "|".join(
        (
            headers["paypal-transmission-id"],
            headers["paypal-transmission-time"],
            webhook_id,
            str(zlib.crc32(body)),
        )
    )
    signature = base64.b64decode(headers["paypal-transmission-sig"])
    x509.load_pem_x509_certificate(pem).public_key().verify(
        signature, message.encode(), PKCS1v15(), SHA256()
    )


def verified(simulator, headers, body, pem, webhook_id=WEBHOOK_ID):
    """PayPal's documented check, written apart from the simulator. Raises where it fails."""
    check_signature(pem, headers, body, webhook_id)
    certificates = x509.load_pem_x509_certificates(pem)
    roots = x509.load_pem_x509_certificates(simulator.authorities.encode())
    verifier = (
        PolicyBuilder()
        .store(Store(roots[:1]))
        .time(datetime.now(UTC).replace(tzinfo=None))
        .build_server_verifier(x509.DNSName("messageverificationcerts.sandbox.paypal.com"))
    )
    verifier.verify(certificates[0], [*certificates[1:], roots[1]])
    return certificates


async def served(paypal, headers):
    return (await paypal.http.get(headers["paypal-cert-url"])).content


async def test_webhook_is_signed_as_paypal_does(shop):
    async with running(webhook_url=shop.url) as (simulator, paypal):
        order, capture = await captured(paypal)
        names = await shop.wait_for(3)
        assert sorted(names) == [
            "CHECKOUT.ORDER.APPROVED",
            "CHECKOUT.ORDER.COMPLETED",
            "PAYMENT.CAPTURE.COMPLETED",
        ]
        for headers, body in shop.taken:
            pem = await served(paypal, headers)
            (leaf,) = verified(simulator, headers, body, pem)
            assert leaf.public_key().key_size == 2048
            assert leaf.subject != leaf.issuer
            with pytest.raises(InvalidSignature):
                verified(simulator, headers, body + b" ", pem)
            with pytest.raises(InvalidSignature):
                verified(simulator, headers, body, pem, webhook_id="WEBHOOK_ID")
            assert re.fullmatch(
                r"http://127\.0\.0\.1:\d+/v1/notifications/certs/CERT(-[0-9a-f]{8}){3}",
                headers["paypal-cert-url"],
            )
            assert headers["paypal-auth-algo"] == "SHA256withRSA"
            assert headers["paypal-auth-version"] == "v2"
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", headers["paypal-transmission-time"])
        event = shop.of("PAYMENT.CAPTURE.COMPLETED")
        assert re.fullmatch(r"WH-[A-Z0-9]{17}-[A-Z0-9]{17}", event["id"])
        assert (event["event_version"], event["resource_type"]) == ("1.0", "capture")
        assert event["resource"] == await capture_of(paypal, capture)
        approved = shop.of("CHECKOUT.ORDER.APPROVED")
        assert approved["resource_type"] == "checkout-order"
        assert approved["resource"]["id"] == order["id"]
        await paypal.control("faults", serves_chain=True)
        pem = await served(paypal, shop.taken[0][0])
        assert len(verified(simulator, *shop.taken[0], pem)) == 2
        missing = await paypal.http.get("/v1/notifications/certs/CERT-x")
        assert missing.status_code == 404


async def test_mock_events_and_expired_certificates_by_switch(shop):
    async with running(webhook_url=shop.url) as (simulator, paypal):
        order = await ordered(paypal)
        await paypal.control("faults", mock_events=True)
        await paypal.control("pay", reference=order["id"], outcome="authorized")
        await shop.wait_for(1)
        headers, body = shop.taken[0]
        verified(simulator, headers, body, await served(paypal, headers), webhook_id="WEBHOOK_ID")
        await paypal.control("faults", mock_events=False, expired_certificate=True)
        await paypal.control("pay", reference=order["id"], outcome="captured")
        await shop.wait_for(3)
        headers, body = shop.taken[-1]
        pem = await served(paypal, headers)
        with pytest.raises(VerificationError):
            verified(simulator, headers, body, pem)
        check_signature(pem, headers, body)


async def test_same_crc_delivery_verifies_with_another_amount(shop):
    async with running(webhook_url=shop.url) as (simulator, paypal):
        await paypal.control("faults", same_crc=True)
        order = await ordered(paypal)
        await paypal.control("pay", reference=order["id"], outcome="captured")
        await shop.wait_for(6)
        taken = [one for one in shop.taken if b'"PAYMENT.CAPTURE.COMPLETED"' in one[1]]
        (true_headers, genuine), (other_headers, forged) = sorted(
            taken, key=lambda one: len(one[1])
        )
        assert genuine != forged
        assert zlib.crc32(genuine) == zlib.crc32(forged)
        pem = await served(paypal, true_headers)
        verified(simulator, true_headers, forged, pem)
        for name in ("paypal-transmission-id", "paypal-transmission-sig", "paypal-cert-url"):
            assert true_headers[name] == other_headers[name]
        told, lied = json.loads(genuine), json.loads(forged)
        assert (told["id"], told["resource"]["id"]) == (lied["id"], lied["resource"]["id"])
        assert told["resource"]["amount"]["value"] == "100.00"
        assert lied["resource"]["amount"]["value"] == "9100.00"
        (entry,) = (await paypal.http.get("/_control/ledger")).json()["captures"]
        assert entry["amount"] == 10_000


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1))
def test_any_document_reaches_any_checksum_by_blanks(document, wanted):
    other = with_crc(document, wanted)
    assert zlib.crc32(other) == wanted
    assert other.startswith(document)
    assert set(other[len(document) :]) <= set(b" \t")


async def test_every_change_fires_its_event(shop):
    async with running(webhook_url=shop.url) as (_, paypal):
        await paypal.control("faults", capture_outcome="pending")
        _, capture = await captured(paypal)
        await paypal.control("settle_capture", capture=capture["id"], status="completed")
        await paypal.control("faults", capture_outcome="completed")
        made = (await refund(paypal, capture, usd("40.00"), "r")).json()
        await paypal.control("dispute", payment=capture["id"], status="open", amount=1_000)
        await paypal.control("dispute", payment=capture["id"], status="lost")
        await paypal.control("dispute", payment=capture["id"], status="open")
        vault = await vaulted(paypal)
        await paypal.delete(f"/v3/vault/payment-tokens/{vault['id']}")
        order = await ordered(paypal, "order-3")
        await paypal.control("pay", reference=order["id"], outcome="failed")
        await paypal.control("faults", declined_event="DECLINED")
        await paypal.control("pay", reference=order["id"], outcome="failed")
        await shop.wait_for(18)
        assert sorted(shop.names()) == sorted(
            ["CHECKOUT.ORDER.APPROVED"] * 4
            + ["CHECKOUT.ORDER.COMPLETED"] * 2
            + ["PAYMENT.CAPTURE.PENDING"]
            + ["PAYMENT.CAPTURE.COMPLETED"] * 2
            + ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"]
            + ["PAYMENT.CAPTURE.DENIED", "PAYMENT.CAPTURE.DECLINED"]
            + ["CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED", "CUSTOMER.DISPUTE.UPDATED"]
            + ["VAULT.PAYMENT-TOKEN.CREATED", "VAULT.PAYMENT-TOKEN.DELETED"]
        )
        refunded = shop.of("PAYMENT.CAPTURE.REFUNDED")
        assert (refunded["resource_type"], refunded["resource"]) == ("refund", made)
        reversed_ = shop.of("PAYMENT.CAPTURE.REVERSED")["resource"]
        assert links(reversed_)["up"].endswith(capture["id"])
        assert (await paypal.get(f"/v2/payments/refunds/{reversed_['id']}")).json() == reversed_
        dispute = shop.of("CUSTOMER.DISPUTE.RESOLVED")["resource"]
        assert dispute["dispute_outcome"]["outcome_code"] == "RESOLVED_BUYER_FAVOUR"
        assert shop.of("VAULT.PAYMENT-TOKEN.CREATED")["resource"]["id"] == vault["id"]


async def test_retry_has_a_new_transmission_by_switch_alone(shop):
    async with running(webhook_url=shop.url) as (simulator, paypal):
        order = await ordered(paypal)
        for is_new in (False, True):
            shop.taken.clear()
            shop.answers = [500, 500]
            await paypal.control("faults", new_transmission_on_retry=is_new)
            if is_new:
                await paypal.control("send_webhooks")
            else:
                await paypal.control("pay", reference=order["id"], outcome="authorized")
            await shop.wait_for(3)
            ids = {headers["paypal-transmission-id"] for headers, _ in shop.taken}
            assert len(ids) == (3 if is_new else 1)
            assert len({json.loads(body)["id"] for _, body in shop.taken}) == 1
            for headers, body in shop.taken:
                verified(simulator, headers, body, await served(paypal, headers))


@pytest.mark.parametrize(
    ("fault", "has_effect"),
    [
        ("429", False),
        ("500", False),
        ("500_after_effect", True),
        ("timeout_after_effect", True),
        ("html", True),
        ("connection_reset", True),
    ],
)
async def test_api_faults_come_after_the_effect_but_429_and_500(fault, has_effect):
    async with running(hang_s=0.05) as (_, paypal):
        _, capture = await captured(paypal)
        await paypal.control("faults", api={"next": fault, "path": "/refund"})
        # A new token is not what the fault is for.
        assert (await token(paypal.http)).status_code == 200
        try:
            answer = await refund(paypal, capture, usd("10.00"), "r")
            assert answer.status_code != 201
        except httpx.RemoteProtocolError:
            assert fault == "connection_reset"
        (entry,) = (await paypal.http.get("/_control/ledger")).json()["captures"]
        assert len(entry["refunds"]) == has_effect
        again = await refund(paypal, capture, usd("10.00"), "r")
        assert again.status_code == (200 if has_effect else 201)


async def test_fault_that_names_no_path_leaves_tokens_and_certificates(paypal):
    await paypal.control("faults", api={"next": "429"})
    assert (await token(paypal.http)).status_code == 200
    limited = await paypal.get("/v2/checkout/orders/X")
    assert said(limited) == (429, "RATE_LIMIT_REACHED")
    await paypal.control("faults", api={"next": "429"}, plain_429=True)
    plain = await paypal.get("/v2/checkout/orders/X")
    assert (plain.status_code, plain.text[:6]) == (429, "<html>")
    await paypal.control("faults", api={"next": "500", "path": "/v1/oauth2/token"})
    assert (await token(paypal.http)).status_code == 500


def read(path):
    return Path(path).read_text(encoding="ascii")


async def test_books_and_certificates_survive_a_restart(shop, tmp_path):
    store = tmp_path / "paypal.sqlite"
    async with running(store=store) as (simulator, paypal):
        order, capture = await captured(paypal)
        authorities = simulator.authorities
        kept = dict(paypal.headers)
    async with running(store=store, webhook_url=shop.url) as (simulator, paypal):
        assert simulator.authorities == authorities
        assert (await capture_of(paypal, capture))["status"] == "COMPLETED"
        old = await paypal.http.get(f"/v2/checkout/orders/{order['id']}", headers=kept)
        assert old.status_code == 200
        settings = simulator.settings()
        assert settings["BATUA_PAYPAL_BASE_URL"] == simulator.public_url
        assert read(tmp_path / "paypal.ca.pem") == authorities
    async with running() as (simulator, _):
        settings = simulator.settings()
        assert simulator.authorities != authorities
        assert read(settings["BATUA_PAYPAL_CA_FILE"]) == simulator.authorities


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pay", {"reference": "X", "outcome": "captured"}),
        ("refund", {"payment": "X", "amount": 5}),
        ("settle_refund", {"refund": "X", "status": "failed"}),
        ("settle_capture", {"capture": "X", "status": "completed"}),
        ("dispute", {"payment": "X", "status": "open"}),
        ("faults", {"colour": "red"}),
        ("faults", {"capture_outcome": "red"}),
    ],
)
async def test_control_says_what_can_not_be_done(paypal, path, body):
    answer = await paypal.http.post(f"/_control/{path}", json=body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
