"""The Razorpay simulator as a test holds it: over real HTTP, through a proxy that can cut."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import requests

from batua.certificates import trusted_certificates
from batua.contract import (
    Mandate,
    MandateFrequency,
    Money,
    PaymentLookup,
    PaymentRequest,
    Transport,
    WebhookRequest,
)
from batua.gateways.razorpay import RazorpayGateway
from batua.gateways.razorpay.settings import RazorpaySettings
from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator
from tests.support.proxy import Cut, CuttingProxy

__all__ = [
    "KEY_SECRET",
    "LOST",
    "MANDATE",
    "PAYMENT",
    "RUPEES_500",
    "WEBHOOK_SECRET",
    "GatewayShop",
    "Provider",
    "open_gateway",
    "open_provider",
    "signed",
]

KEY_ID = "rzp_test_simulator"
KEY_SECRET = "simulator_key_secret"
WEBHOOK_SECRET = "simulator_webhook_secret"
PAYMENT = "pay_0123456789abcdefghjkmnpqrs"
RUPEES_500 = Money(50_000, "INR")
MANDATE = Mandate(
    max_amount=Money(100_000, "INR"),
    frequency=MandateFrequency.MONTHLY,
    name="Asha Rao",
    email="asha@example.test",
    phone="+919876543210",
)

LOST = ("500_after_effect", "timeout_after_effect", "html", "connection_reset", "slow_drip")
"""Each of these answers is lost after the order, capture, refund or debit was made."""


def signed(body: bytes, event_id: str = "") -> dict[str, str]:
    """The headers of a genuine webhook with these bytes."""
    digest = hmac.new(WEBHOOK_SECRET.encode(), body, sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-razorpay-signature": digest,
        **({"x-razorpay-event-id": event_id} if event_id else {}),
    }


class Provider:
    """Pays, breaks and asks at the simulator.

    Webhooks are not sent by themselves unless ``simulator.webhook_url`` is set: ``new_events``
    hands out what the shop has not heard yet, so that a test decides when and whether it does.
    """

    def __init__(self, http: httpx.AsyncClient, proxy: CuttingProxy, simulator: Any) -> None:
        self._http = http
        self._proxy = proxy
        self._heard: set[str] = set()
        self.simulator: RazorpaySimulator = simulator

    @property
    def base(self) -> str:
        """Where it answers without the proxy."""
        return str(self._http.base_url)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "BATUA_RAZORPAY_KEY_ID": KEY_ID,
            "BATUA_RAZORPAY_KEY_SECRET": KEY_SECRET,
            "BATUA_RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "BATUA_RAZORPAY_BASE_URL": self._proxy.url,
            "BATUA_RAZORPAY_CHECKOUT_URL": f"{self._proxy.url}/v1/checkout",
        }

    async def pay(
        self, reference: str, outcome: str = "captured", **changes: Any
    ) -> dict[str, str]:
        """One try of a payer; returns what Checkout gives to the browser."""
        return await self._control("pay", reference=reference, outcome=outcome, **changes)

    async def spoil(self, fault: str, *, path: str = "", times: int = 1) -> None:
        """The next API answers go wrong: after the effect, but for ``429``."""
        await self._control("faults", api={"next": fault, "path": path, "times": times})

    async def heal(self) -> None:
        await self._control("faults")

    async def refunds_end(self, outcome: str) -> None:
        """What becomes of new refunds: ``processed``, ``pending`` or ``failed``."""
        await self._control("faults", refund_outcome=outcome)

    async def settle(self, refund: str, status: str) -> None:
        await self._control("settle_refund", refund=refund, status=status)

    async def refund_in_dashboard(self, payment: str, amount: int) -> None:
        await self._control("refund", payment=payment, amount=amount)

    def lose_next(self, request: bytes, *, times: int = 1) -> None:
        """The next connections on which ``request`` is sent are cut before it arrives."""
        self._proxy.arm(Cut.BEFORE, statement=request, times=times)

    async def down(self) -> None:
        """Nothing answers any more, until ``up``."""
        await self._proxy.down()

    async def up(self) -> None:
        await self._proxy.up()

    async def payments(self) -> list[dict[str, Any]]:
        """Every payment with its order and refunds, oldest first."""
        answer = await self._http.get("/_control/payments")
        return answer.json()["payments"]

    def orders(self) -> list[dict[str, Any]]:
        """Every order in the provider's books, oldest first."""
        return self.simulator.app.state.books.payments.orders(None)

    async def new_events(self) -> list[tuple[str, bytes, dict[str, str]]]:
        """Kind, body and headers of every webhook that was not handed out before, in order."""
        answer = await self._http.get("/_control/webhooks")
        new = [event for event in answer.json()["webhooks"] if event["id"] not in self._heard]
        self._heard |= {event["id"] for event in new}
        return [
            (event["event"], event["body"].encode(), signed(event["body"].encode(), event["id"]))
            for event in new
        ]

    async def _control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self._http.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


class GatewayShop:
    """A Razorpay gateway, its provider, and a clock that both of them look at.

    ``again`` makes the same gateway anew, as another process would have it.
    """

    def __init__(
        self,
        simulator: RazorpaySimulator,
        http: httpx.AsyncClient,
        again: Callable[[], RazorpayGateway],
        at: list[datetime],
    ) -> None:
        self.simulator = simulator
        self.http = http
        self.again = again
        self.gateway = again()
        self._at = at

    @property
    def now(self) -> datetime:
        return self._at[0]

    @now.setter
    def now(self, now: datetime) -> None:
        self._at[0] = now

    async def control(self, path, **body):
        answer = await self.http.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def switch(self, **switches):
        await self.control("faults", **switches)

    async def spoil(self, fault, path, times=1):
        await self.control("faults", api={"next": fault, "path": path, "times": times})

    async def create(self, payment_id=PAYMENT, amount=RUPEES_500, **wanted):
        request = PaymentRequest(payment_id=payment_id, amount=amount, **wanted)
        return await self.gateway.create_payment(request)

    async def paid(self, outcome="captured", payment_id=PAYMENT, **wanted):
        created = await self.create(payment_id, **wanted)
        payment = await self.control("pay", reference=created.provider_reference, outcome=outcome)
        return payment["razorpay_payment_id"]

    async def attempts(self, payment_id=PAYMENT):
        lookup = PaymentLookup(payment_id=payment_id, provider_reference="", amount=RUPEES_500)
        return (await self.gateway.fetch_payment(lookup)).attempts

    async def payments(self):
        return (await self.http.get("/_control/payments")).json()["payments"]

    async def ledger(self):
        return (await self.http.get("/_control/ledger")).json()["captures"]

    async def token(self):
        """The token and customer of a mandate that its payer has just confirmed."""
        await self.paid(mandate=MANDATE)
        payment = (await self.payments())[-1]
        return payment["token_id"], payment["customer_id"]

    async def events(self, *, old_secret=False):
        """Every webhook so far as the gateway understands it."""
        found = []
        for event in self.simulator.webhooks.events():
            body = event["body"].encode()
            headers = self.simulator.sign(event["id"], body, old_secret)
            request = WebhookRequest(body=body, headers=dict(headers), received_at=self.now)
            found += await self.gateway.verify_webhook(request)
        return found

    async def heard(self, event_type):
        return [each.payload for each in await self.events() if each.event_type == event_type]


@asynccontextmanager
async def open_gateway(*, timeout_s: float = 2.0, **settings: str) -> AsyncIterator[GatewayShop]:
    """A gateway over real HTTP; ``settings`` are its own."""
    at = [datetime(2026, 11, 22, 12, tzinfo=UTC)]

    def seconds() -> float:
        return at[0].timestamp()

    simulator = RazorpaySimulator(hang_s=2, clock=seconds)
    credentials = (simulator.key_id, simulator.key_secret)
    with ThreadPoolExecutor(8) as pool, requests.Session() as session:
        session.trust_env = False
        async with (
            serving(simulator.app) as url,
            httpx.AsyncClient(
                base_url=url, auth=credentials, trust_env=False, verify=trusted_certificates()
            ) as http,
        ):
            transport = Transport(
                http=http,
                session=session,
                run_blocking=lambda call: asyncio.get_running_loop().run_in_executor(pool, call),
                timeout_s=timeout_s,
                now=lambda: at[0],
            )
            made = {
                "key_id": simulator.key_id,
                "key_secret": simulator.key_secret,
                "webhook_secret": simulator.webhook_secret,
                "base_url": url,
                "payer_email": "shop@example.test",
                "payer_phone": "+911234567890",
            } | settings

            def again() -> RazorpayGateway:
                return RazorpayGateway(RazorpaySettings(**made), transport)

            try:
                yield GatewayShop(simulator, http, again, at)
            finally:
                await simulator.stop()


@asynccontextmanager
async def open_provider() -> AsyncIterator[Provider]:
    """A provider of its own, with nothing in its books."""
    with _a_simulator() as simulator:
        async with (
            serving(simulator.app) as base,
            CuttingProxy(base) as proxy,
            httpx.AsyncClient(
                base_url=base, verify=trusted_certificates(), trust_env=False
            ) as http,
        ):
            yield Provider(http, proxy, simulator)


@contextmanager
def _a_simulator() -> Iterator[RazorpaySimulator]:
    if _idle:
        simulator = _idle.pop()
    else:
        simulator = RazorpaySimulator(key_id=KEY_ID, hang_s=0.3, webhook_backoff_s=0.05)
    yield simulator
    simulator.forget()
    _idle.append(simulator)


_idle: list[RazorpaySimulator] = []
