"""The Razorpay simulator as a test holds it: over real HTTP, through a proxy that can cut."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import httpx

from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator
from tests.support.proxy import Cut, CuttingProxy

__all__ = ["KEY_SECRET", "WEBHOOK_SECRET", "Provider", "open_provider", "signed"]

KEY_ID = "rzp_test_simulator"
KEY_SECRET = "simulator_key_secret"
WEBHOOK_SECRET = "simulator_webhook_secret"


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
        return self.simulator.app.state.books.orders(None)

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


@asynccontextmanager
async def open_provider() -> AsyncIterator[Provider]:
    """A provider of its own, with nothing in its books."""
    simulator = RazorpaySimulator(key_id=KEY_ID, hang_s=0.3, webhook_backoff_s=0.05)
    async with (
        serving(simulator.app) as base,
        CuttingProxy(base) as proxy,
        httpx.AsyncClient(base_url=base, verify=False, trust_env=False) as http,
    ):
        yield Provider(http, proxy, simulator)
