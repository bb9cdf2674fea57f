"""A scripted PayPal for the adapter's own tests: its documents, our requests, and who answers."""

import json
from datetime import UTC, datetime

import httpx
import requests

from batua.contract import (
    ChargeRequest,
    ConfirmRequest,
    DisputeLookup,
    FollowUpRequest,
    Money,
    PaymentLookup,
    PaymentRequest,
    RefundLookup,
    RefundRequest,
    Transport,
)
from batua.gateways.paypal import PayPalGateway
from batua.gateways.paypal.settings import PayPalSettings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAYMENT = "pay_0123456789abcdefghjkmnpqrs"
REFUND = "ref_0123456789abcdefghjkmnpqrs"
ORDER, CAPTURE, REFUNDED, DISPUTE = "8PR65097T8571330M", "0JF852973C016714D", "1Y107", "PP-D-4012"
TEN = Money(1_000, "USD")
TEN_DOLLARS = {"currency_code": "USD", "value": "10.00"}
API = "https://api-m.sandbox.paypal.com"
ORDERS, CAPTURES = "/v2/checkout/orders", "/v2/payments/captures"
DISPUTES = "/v1/customer/disputes"
SEARCH = "/v1/reporting/transactions"

CREATE = PaymentRequest(
    payment_id=PAYMENT, amount=TEN, description="Top-up", return_url="https://shop.example/back"
)
LOOKUP = PaymentLookup(payment_id=PAYMENT, provider_reference=ORDER, amount=TEN)
FOLLOW_UP = FollowUpRequest(idempotency_key=PAYMENT, provider_payment_id=ORDER, amount=TEN)
TO_REFUND = RefundRequest(refund_id=REFUND, provider_payment_id=CAPTURE, amount=TEN, reason="sad")
TO_CHARGE = ChargeRequest(
    payment_id=PAYMENT, amount=TEN, provider_token="3nqvjt3n", provider_customer="208743798"
)
TO_DISPUTE = DisputeLookup(provider_dispute_id=DISPUTE, provider_payment_id=CAPTURE)


def order(status="CREATED", *captures, refunds=(), **changes):
    unit = {"custom_id": PAYMENT, "invoice_id": PAYMENT, "amount": TEN_DOLLARS}
    if captures or refunds:
        unit["payments"] = {"captures": list(captures), "refunds": list(refunds)}
    links = [
        {"rel": "self", "href": f"{API}{ORDERS}/{ORDER}"},
        {"rel": "payer-action", "href": f"https://www.paypal.com/checkoutnow?token={ORDER}"},
    ]
    return {
        "id": ORDER, "status": status, "purchase_units": [unit], "links": links,
        "payment_source": {"paypal": {}}, "create_time": "2026-11-22T11:00:00Z",
    } | changes  # fmt: skip


def capture(status="COMPLETED", **changes):
    return {
        "id": CAPTURE, "status": status, "amount": TEN_DOLLARS,
        "create_time": "2026-11-22T11:30:00Z",
        "links": [{"rel": "up", "href": f"{API}{ORDERS}/{ORDER}"}],
    } | changes  # fmt: skip


def refund(status="COMPLETED", **changes):
    return {
        "id": REFUNDED, "status": status, "amount": TEN_DOLLARS,
        "custom_id": f"refund.{REFUND}", "invoice_id": REFUND,
        "create_time": "2026-11-22T11:45:00Z",
        "links": [{"rel": "up", "href": f"{API}{CAPTURES}/{CAPTURE}"}],
    } | changes  # fmt: skip


def dispute(status="RESOLVED", outcome="RESOLVED_BUYER_FAVOUR", **changes):
    return {
        "dispute_id": DISPUTE, "status": status, "reason": "UNAUTHORISED",
        "dispute_amount": TEN_DOLLARS, "create_time": "2026-11-22T11:40:00Z",
        "disputed_transactions": [{"seller_transaction_id": CAPTURE}],
        "dispute_outcome": {"outcome_code": outcome},
    } | changes  # fmt: skip


def movement(kind, value, party="SELLER", reason="DISPUTE_SETTLEMENT"):
    amount = {"currency_code": "USD", "value": value}
    return {"affected_party": party, "type": kind, "reason": reason, "amount": amount}


def confirm(**proof):
    return ConfirmRequest(payment_id=PAYMENT, provider_reference=ORDER, amount=TEN, proof=proof)


def refund_lookup(provider_refund_id="", **changes):
    found = {"refund_id": REFUND, "provider_payment_id": CAPTURE, "amount": TEN} | changes
    return RefundLookup(provider_refund_id=provider_refund_id, **found)


def refusal(issue="", status=422, name="UNPROCESSABLE_ENTITY"):
    details = [{"issue": issue, "description": "no"}] if issue else []
    body = {
        "name": name,
        "message": "secret words",
        "debug_id": "90957fca61718",
        "details": details,
    }
    return httpx.Response(status, json=body)


class PayPal:
    """Answers by (method, path); the last answer of a list is given again and again."""

    def __init__(self):
        self.answers = {}
        self.sent = []
        self.tokens = 0
        self.token_answers = []

    def on(self, method, path, *answers):
        self.answers[method, path] = list(answers)

    def __call__(self, request):
        if request.url.path == "/v1/oauth2/token":
            return self._token(request)
        self.sent.append(request)
        queue = self.answers.get((request.method, request.url.path))
        if queue is None:
            return refusal("", 404, "RESOURCE_NOT_FOUND")
        return self._given(queue.pop(0) if len(queue) > 1 else queue[0])

    def _token(self, request):
        assert request.headers["authorization"].startswith("Basic ")
        assert request.content == b"grant_type=client_credentials"
        self.tokens += 1
        if self.token_answers:
            return self._given(self.token_answers.pop(0))
        return httpx.Response(200, json={"access_token": f"A{self.tokens}", "expires_in": 32_400})

    def _given(self, answer):
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(200, json=answer)
        # A response can be read once.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def bodies(self, path):
        return [json.loads(one.content) for one in self.sent if one.url.path == path]

    def request_ids(self, path):
        return [one.headers["paypal-request-id"] for one in self.sent if one.url.path == path]


def gateway_to(paypal, now=lambda: NOW):
    """A gateway of the sandbox that talks to ``paypal``."""

    async def run_here(call):
        return call()

    transport = Transport(
        http=httpx.AsyncClient(transport=httpx.MockTransport(paypal), trust_env=False),
        session=requests.Session(),
        run_blocking=run_here,
        timeout_s=1.0,
        now=now,
    )
    settings = PayPalSettings(client_id="client", client_secret="hush", webhook_id="4JH86294D")
    return PayPalGateway(settings, transport)
