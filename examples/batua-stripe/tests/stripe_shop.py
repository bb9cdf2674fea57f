"""A gateway, the simulator that it talks to, and what went over the wire."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import requests
from batua.contract import Money, PaymentRequest, Transport
from batua.testing.serving import serving
from batua.testing.simulators.stripe import StripeSimulator

from batua_stripe import StripeGateway
from batua_stripe.settings import StripeSettings

# Loading certificates takes longer than a test.
TLS = ssl.create_default_context()
OUR_ID = "pay_0123456789abcdefghjkmnpqrs"
OUR_REFUND = "ref_0123456789abcdefghjkmnpqrs"
RUPEES_500 = Money(50_000, "INR")
BACK = "https://shop.example/back?order=7"
REQUEST = PaymentRequest(
    payment_id=OUR_ID, amount=RUPEES_500, description="Top-up", return_url=BACK, customer="cust_1"
)
# Each of these answers is lost after the effect.
LOST = ("500_after_effect", "timeout_after_effect", "html", "connection_reset", "slow_drip")
KEYS = {
    "secret_key": "sk_test_simulator",
    "publishable_key": "pk_test_simulator",
    "webhook_secret": "whsec_simulator",
}


class Clock:
    """Unix seconds that move only when a test says so."""

    def __init__(self, now=1_800_000_000.0):
        self.now = now

    def __call__(self):
        return self.now

    def moment(self):
        return datetime.fromtimestamp(self.now, UTC)


class Recorder(httpx.AsyncBaseTransport):
    """Sends for real and writes down what was sent. ``before`` may see it first."""

    def __init__(self):
        self.sent = []
        self.before = None
        self._real = httpx.AsyncHTTPTransport(verify=TLS, trust_env=False)

    async def handle_async_request(self, request):
        path = request.url.path
        self.sent.append((request.method, path, request.headers.get("idempotency-key")))
        if self.before is not None:
            await self.before(request)
        return await self._real.handle_async_request(request)

    async def aclose(self):
        await self._real.aclose()


class Shop:
    def __init__(self, gateway, http, recorder, simulator, clock):
        self.gateway = gateway
        self.http = http
        self.recorder = recorder
        self.simulator = simulator
        self.clock = clock

    def posts(self, path=""):
        return [sent for sent in self.recorder.sent if sent[0] == "POST" and path in sent[1]]

    async def control(self, path, **body):
        answer = await self.http.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def spoil(self, fault, path="", times=1):
        await self.control("faults", api={"next": fault, "path": path, "times": times})

    async def paid(self, outcome="captured", request=REQUEST, **changes):
        """The id of a payment intent that a payer has tried to pay."""
        created = await self.gateway.create_payment(request)
        reference = created.provider_reference
        await self.control("pay", reference=reference, outcome=outcome, **changes)
        return reference

    async def all(self, kinds):
        answer = await self.http.get(f"/v1/{kinds}", params={"limit": 100})
        return answer.json()["data"]

    async def ledger(self):
        return (await self.http.get("/_control/ledger")).json()["captures"]

    async def events(self):
        found = (await self.http.get("/_control/webhooks")).json()["webhooks"]
        return [(event["event"], event["id"], event["body"].encode()) for event in found]


@asynccontextmanager
async def gateway_at(base_url, clock, *, timeout_s=2.0, **settings):
    recorder = Recorder()
    with requests.Session() as session:
        async with httpx.AsyncClient(transport=recorder) as http:
            transport = Transport(
                http=http,
                session=session,
                run_blocking=asyncio.to_thread,
                timeout_s=timeout_s,
                now=clock.moment,
            )
            made = StripeSettings(**(KEYS | {"base_url": base_url} | settings))
            yield StripeGateway(made, transport), recorder


@asynccontextmanager
async def shop_with(*, timeout_s=2.0, **settings):
    clock = Clock()
    simulator = StripeSimulator(hang_s=5, webhook_backoff_s=0.02, clock=clock)
    headers = {"authorization": "Bearer sk_test_simulator"}
    async with (
        serving(simulator.app) as url,
        httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, verify=TLS) as http,
        gateway_at(url, clock, timeout_s=timeout_s, **settings) as (gateway, recorder),
    ):
        simulator.public_url = url
        try:
            yield Shop(gateway, http, recorder, simulator, clock)
        finally:
            await simulator.stop()
