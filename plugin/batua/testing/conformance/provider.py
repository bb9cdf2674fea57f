"""The provider's side of a check: its simulator on loopback, with what was asked of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from litestar.types import Receive, Scope, Send

from batua.certificates import trusted_certificates
from batua.testing.conformance.sites import Sites
from batua.testing.simulators.kit.faults import ApiFault
from batua.testing.simulators.kit.simulator import Simulator

__all__ = ["Delivery", "Provider", "Refusal", "provided"]

HANG_S = 3.0
"""How long a spoiled answer hangs or drips: well above the timeout of whoever must not wait."""

_ALWAYS = 1_000_000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Refusal(Exception):
    """The simulator can't do what it was asked for: its provider knows no such thing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as the provider sends it. Header names are in lower case."""

    id: str
    kind: str
    body: bytes
    headers: Mapping[str, str]


class Provider:
    """Pays, breaks and asks at a simulator. ``requests`` are those of its API, in order."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.requests: list[tuple[str, str]] = []
        self._http = httpx.AsyncClient(verify=trusted_certificates(), trust_env=False, timeout=30)
        self._armed: ApiFault | None = None

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The simulator's app, watched."""
        # A lifespan has no path; the simulators have no websockets.
        method, path = str(scope.get("method", "")), str(scope.get("path", ""))
        if method and self.simulator.is_api(path):
            self.requests.append((method, path))
            if self._armed is not None and method not in _SAFE:
                self._fault(self._armed)
                self._armed = None
        await self.simulator.app(scope, receive, send)

    async def close(self) -> None:
        await self._http.aclose()
        await self.simulator.stop()

    def spoil_write(self, fault: Any, *, rest: bool = False) -> None:
        """The next call that may change something goes wrong, with ``rest`` all after it too."""
        self._armed = ApiFault(next=fault, times=_ALWAYS if rest else 1)

    def spoil_all(self, fault: Any) -> None:
        """Every API call goes wrong until ``heal``."""
        self._fault(ApiFault(next=fault, times=_ALWAYS))

    def heal(self) -> None:
        self._armed = None
        self._fault(ApiFault(next="500", times=0))

    def _fault(self, fault: ApiFault) -> None:
        self.simulator.faults.change(self.simulator.faults.change_type(api=fault))

    def kept(self) -> Counter[str]:
        """How many things of each kind are in the simulator's books, but for the events.

        It is how a second payment is seen that nobody can find.
        """
        counts = self.simulator.store.counts()
        return Counter({kind: count for kind, count in counts.items() if kind != "event"})

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        """Ask a control route. Raises ``Refusal`` where the provider has no such thing."""
        url = f"{self.simulator.public_url}/_control/{path}"
        answer = await self._http.post(url, json=body)
        if answer.status_code != 200:
            raise Refusal(f"_control/{path} answered {answer.status_code}: {answer.text[:300]}")
        answered: dict[str, Any] = answer.json()
        return answered

    async def ledger(self) -> list[dict[str, Any]]:
        """What the provider took: its captures with their refunds and disputes."""
        answer = await self._http.get(f"{self.simulator.public_url}/_control/ledger")
        captures: list[dict[str, Any]] = answer.json()["captures"]
        return captures

    def deliveries(self) -> list[Delivery]:
        """Every webhook that the provider sent or would send, oldest first."""
        return [
            self.signed(event["body"].encode(), event_id=event["id"], kind=event["event"])
            for event in self.simulator.webhooks.events()
        ]

    def signed(
        self, body: bytes, *, event_id: str = "evt_conformance1", kind: str = "", old: bool = False
    ) -> Delivery:
        """A genuine webhook of these bytes."""
        signed = self.simulator.sign(event_id, body, old)
        headers = {name.lower(): value for name, value in signed.items()}
        return Delivery(event_id, kind, body, {"content-type": "application/json", **headers})


@asynccontextmanager
async def provided(make: Callable[..., Simulator], sites: Sites) -> AsyncIterator[Provider]:
    """A simulator with empty books. A class is told how long to hang; a factory is not."""
    simulator = make(hang_s=HANG_S) if isinstance(make, type) else make()
    provider = Provider(simulator)
    async with sites.site() as site:
        simulator.public_url, site.app = site.url, provider.app
        await simulator.start()
        try:
            yield provider
        finally:
            await provider.close()
