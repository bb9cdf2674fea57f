"""Small processors that take the money behind Google Pay, and tokens for them."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

import httpx
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from batua.contract import (
    Capabilities,
    ConfirmRequest,
    CreatedPayment,
    FetchedPayment,
    Gateway,
    Manifest,
    Mode,
    Money,
    PaymentRequest,
    PaymentResult,
    PluginSettings,
    ProviderPaymentStatus,
    Transport,
    UpiIntent,
    WebhookRejected,
)
from batua.gateways.googlepay import GooglePayGateway
from batua.gateways.googlepay.settings import GooglePaySettings
from batua.testing.simulators.googlepay import CardDetails, Sealer

__all__ = [
    "DOLLARS",
    "KEY",
    "NOW",
    "NOW_MS",
    "OLD_KEY",
    "OTHER_ID",
    "OUR_ID",
    "PAN",
    "RUPEES",
    "SEALER",
    "STATUS",
    "Bank",
    "Both",
    "Cards",
    "Clock",
    "Nothing",
    "Numbers",
    "RootKeysAnswer",
    "Upi",
    "asking",
    "confirming",
    "data",
    "direct",
    "fetched",
    "front",
    "manifest",
    "pkcs8",
    "point",
    "sealed",
    "transport",
]

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
OUR_ID = "pmt_0123456789abcdefghjkmnpqrs"
OTHER_ID = "pmt_1123456789abcdefghjkmnpqrs"
RUPEES = Money(50_000, "INR")
DOLLARS = Money(50_000, "USD")
PAN = "4111111111111111"
STATUS = ProviderPaymentStatus


class Nothing(PluginSettings, frozen=True, kw_only=True):
    pass


def manifest(**declared):
    return Manifest(
        code="bank",
        name="Bank",
        summary="",
        version="1",
        author="us",
        category="Payments",
        settings=Nothing,
        capabilities=Capabilities(currencies=frozenset({"INR", "USD"}), **declared),
    )


class Bank(Gateway):
    """Takes money in its own way only. ``moved`` is what it took, by our payment id."""

    manifest = manifest()
    mode = Mode.TEST

    def __init__(self):
        self.created = {}
        self.moved = {}
        self.asked = 0
        self.trouble = None

    async def create_payment(self, request):
        self.created.setdefault(request.payment_id, f"ref_{len(self.created)}")
        return CreatedPayment(
            provider_reference=self.created[request.payment_id],
            checkout={"key": "public", "amount": request.amount.amount},
            url="https://bank.example/pay",
        )

    async def fetch_payment(self, request):
        self.asked += 1
        if self.trouble:
            raise self.trouble
        took = self.moved.get(request.payment_id)
        return FetchedPayment(
            provider_reference=request.provider_reference, attempts=(took,) if took else ()
        )

    async def verify_webhook(self, _request):
        raise WebhookRejected("no")

    def take(self, payment_id, reference, amount):
        result = PaymentResult(
            provider_payment_id=f"try_{payment_id}",
            provider_reference=reference,
            status=STATUS.CAPTURED,
            amount=amount,
            mode=self.mode,
        )
        return self.moved.setdefault(payment_id, result)


class Cards(Bank):
    """Takes each token once, and charges each payment once."""

    manifest = manifest(card_tokens=True)
    card_token_parameters = {"gateway": "bank", "gatewayMerchantId": "shop"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.requests = []

    async def charge_card_token(self, request):
        self.requests.append(request)
        taken = self.take(request.payment_id, request.provider_reference, request.amount)
        if self.trouble:
            raise self.trouble
        return taken


class Upi(Bank):
    manifest = manifest(upi_intent=True)
    link = "upi://pay?pa=shop@bank&pn=Shop&tr=t&am=500.00&cu=INR"

    async def open_upi(self, request):
        if self.trouble:
            raise self.trouble
        self.opened = request
        self.openings = getattr(self, "openings", 0) + 1
        return UpiIntent(link=self.link)


class Both(Cards, Upi):
    manifest = manifest(card_tokens=True, upi_intent=True)


class Numbers(Bank):
    manifest = manifest(network_tokens=True)

    async def charge_network_token(self, request):
        self.request = request
        taken = self.take(request.payment_id, request.provider_reference, request.amount)
        if self.trouble:
            raise self.trouble
        return taken


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class RootKeysAnswer:
    """What stands at the root keys' URL. ``asked`` counts."""

    def __init__(self, text="", headers=None, status=200):
        self.text, self.headers, self.status = text, headers or {}, status
        self.asked = 0
        self.error = None

    async def __call__(self, _request):
        self.asked += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return httpx.Response(self.status, text=self.text, headers=self.headers)


async def run_blocking(call):
    return call()


def transport(clock=None, answer=None):
    return Transport(
        http=httpx.AsyncClient(transport=httpx.MockTransport(answer or RootKeysAnswer(status=404))),
        session=requests.Session(),
        run_blocking=run_blocking,
        timeout_s=1.0,
        now=clock or Clock(),
    )


def front(taker, *, clock=None, answer=None, seen=None, **changes):
    settings = GooglePaySettings(**{"processor": "bank"} | changes)
    gateway = GooglePayGateway(settings, transport(clock, answer), seen=seen)
    gateway.connect(taker)
    return gateway


def asking(amount=RUPEES, payment_id=OUR_ID):
    return PaymentRequest(
        payment_id=payment_id, amount=amount, return_url="https://shop.example/back?a=b"
    )


def confirming(payment_id=OUR_ID, reference="ref_0", amount=RUPEES, **proof):
    return ConfirmRequest(
        payment_id=payment_id, provider_reference=reference, amount=amount, proof=proof
    )


def data(token='{"id": "tok_1"}', tokenization="PAYMENT_GATEWAY"):
    tokenized = {"type": tokenization, "token": token}
    return json.dumps(
        {"apiVersion": 2, "paymentMethodData": {"type": "CARD", "tokenizationData": tokenized}}
    )


KEY = ec.generate_private_key(ec.SECP256R1())
OLD_KEY = ec.generate_private_key(ec.SECP256R1())
SEALER = Sealer()
ROOTS_URL = "https://keys.example/keys.json"


def pkcs8(key):
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(der).decode()


def direct(**changes):
    return {
        "tokenization": "DIRECT",
        "merchant_id": "123",
        "private_keys": f"{pkcs8(KEY)},{pkcs8(OLD_KEY)}",
        "root_keys": SEALER.root_keys(NOW_MS),
    } | changes


def fetched(**changes):
    return direct(root_keys="", root_keys_url=ROOTS_URL, **changes)


def point(key):
    public = key.public_key().public_numbers()
    encoded = b"\x04" + public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
    return base64.b64encode(encoded).decode()


def sealed(card=None, *, key=KEY, message_id="m1", **changes):
    given = {"recipient_id": "merchant:123", "now_ms": NOW_MS, "public_key": point(key)} | changes
    token = SEALER.seal_card(card or CardDetails(), message_id=message_id, **given)
    return data(token, "DIRECT")
