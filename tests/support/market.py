"""A shop beside any provider's simulator, over real HTTP, and what a provider may do to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import entry_points
from typing import Any

import httpx

from batua.bootstrap import Batua, open_batua
from batua.settings import read_settings
from batua.testing.serving import serving
from batua.testing.simulators.kit.simulator import Simulator
from tests.support.clock import FakeClock
from tests.support.shop import JWT_SECRET

__all__ = ["Heard", "Market", "open_market"]


class Heard:
    """The events of a simulator that were not taken out before."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._seen = 0

    def new(self) -> list[tuple[bytes, dict[str, str]]]:
        """Body and headers of each, in order."""
        events = self._simulator.webhooks.events(skip=self._seen)
        self._seen += len(events)
        return [self.signed(event) for event in events]

    def all(self) -> list[dict[str, Any]]:
        """Every event that there ever was."""
        return self._simulator.webhooks.events()

    def signed(self, event: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """An event as it is sent."""
        body = event["body"].encode()
        headers = {
            name.lower(): value
            for name, value in self._simulator.sign(event["id"], body, False).items()
        }
        return body, {"content-type": "application/json", **headers}


class Market:
    """A shop, the gateway that its customers choose, and the one that takes the money."""

    def __init__(
        self,
        batua: Batua,
        clock: FakeClock,
        simulators: Mapping[str, tuple[Simulator, str]],
        *,
        gateway: str,
        processor: str,
    ) -> None:
        self.batua = batua
        self.clock = clock
        self.gateway = gateway
        self.processor = processor
        self._simulators = simulators
        self.simulator = simulators[processor][0]
        self.heard = Heard(self.simulator)
        self._http = httpx.AsyncClient(timeout=10, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def control(self, path: str, *, at: str = "", **body: Any) -> dict[str, Any]:
        """A control route of the processor's simulator, or of the one that ``at`` names."""
        base = self._simulators[at or self.processor][1]
        answer = await self._http.post(f"{base}/_control/{path}", json=body)
        assert answer.status_code == 200, (path, body, answer.text)
        return answer.json()

    async def tell(self, path: str) -> Any:
        base = self._simulators[self.processor][1]
        return (await self._http.get(f"{base}/_control/{path}")).json()

    async def ledger(self) -> list[dict[str, Any]]:
        """What the provider took, and what went back of it."""
        captures: list[dict[str, Any]] = (await self.tell("ledger"))["captures"]
        return captures

    async def pay(self, payment: Mapping[str, Any], outcome: str, **changes: Any) -> dict[str, str]:
        """One try of a payer; returns what the browser brings back."""
        if self.gateway != self.processor and outcome == "captured" and not changes:
            request = json.loads(payment["checkout"]).get("google_pay")
            if request:
                paid = await self.control("payment_data", at=self.gateway, google_pay=request)
                return {"payment_data": paid["payment_data"]}
        paid = await self.control(
            "pay", reference=payment["provider_reference"], outcome=outcome, **changes
        )
        return {name: value for name, value in paid.items() if isinstance(value, str)}

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> None:
        """As the webhook's route does it: stored, then applied."""
        inbox_id = await self.batua.receiver.receive(self.processor, body, headers)
        if inbox_id is not None:
            await self.batua.applier.apply(inbox_id)

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.batua.database.fetch(sql)]


@asynccontextmanager
async def open_market(
    gateway: str,
    database_url: str,
    clock: FakeClock,
    *,
    processor: str = "",
    environ: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[Market]:
    """A shop with ``gateway`` on; one that stands before a ``processor`` has that on too."""
    processor = processor or gateway
    found = {entry.name: entry for entry in entry_points(group="batua.simulators")}
    async with AsyncExitStack() as stack:
        simulators: dict[str, tuple[Simulator, str]] = {}
        variables: dict[str, str] = {}
        for code in dict.fromkeys((processor, gateway)):
            simulator = found[code].load()(clock=clock.unix, hang_s=0.3)
            base = await stack.enter_async_context(serving(simulator.app))
            simulator.public_url = base
            simulators[code] = (simulator, base)
            variables |= simulator.settings()
        if gateway != processor:
            variables[f"BATUA_{gateway.upper()}_PROCESSOR"] = processor
        wanted = {"jwt_secret": JWT_SECRET, "gateway_timeout_s": 0.5, "database_pool_size": 3}
        core = read_settings({}, database_url=database_url, **wanted | settings)
        batua = await stack.enter_async_context(
            open_batua(core, variables | dict(environ or {}), now=clock.now)
        )
        market = Market(batua, clock, simulators, gateway=gateway, processor=processor)
        stack.push_async_callback(market.close)
        yield market
