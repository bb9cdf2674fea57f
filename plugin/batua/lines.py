"""A plugin's line to its provider: its breaker, its connections and its threads, freed together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import requests

from batua.breaker import Breaker
from batua.calls import Calls
from batua.certificates import trusted_certificates
from batua.clock import Clock
from batua.contract import Transport
from batua.transports import BlockingCalls, GuardedAdapter, GuardedTransport
from batua.watching import Watcher

__all__ = ["Line", "Lines"]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What one instance of a plugin was given."""

    transport: Transport
    breaker: Breaker
    calls: BlockingCalls

    async def close(self) -> None:
        """Free its connections and threads."""
        await self.transport.http.aclose()
        self.transport.session.close()
        self.calls.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Lays them, all with the same limits. ``monotonic`` is a clock in seconds."""

    now: Clock
    timeout_s: float
    failures_max: int
    monotonic: Callable[[], float]
    watcher: Watcher

    def lay(self, code: str, unavailable: type[Exception]) -> Line:
        """A line for a plugin. ``unavailable`` is its error for "nothing was sent"."""
        timeout_s = self.timeout_s
        breaker = Breaker(
            code,
            failures_max=self.failures_max,
            # Calls that time out one after another must still count as a row.
            within_s=60 + self.failures_max * timeout_s,
            now=self.monotonic,
        )
        told = Calls(code, self.watcher)
        network = httpx.AsyncHTTPTransport(verify=trusted_certificates(), trust_env=False)
        http = httpx.AsyncClient(
            transport=GuardedTransport(network, breaker, timeout_s, told),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter(breaker, timeout_s, told))
        calls = BlockingCalls(code, breaker, unavailable)
        transport = Transport(
            http=http,
            session=session,
            run_blocking=calls.run,
            timeout_s=timeout_s,
            now=self.now,
        )
        return Line(transport, breaker, calls)
