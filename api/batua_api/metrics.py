"""What ``/metrics`` counts in this process, on a registry of its own.

With several processes (``serve --workers N``) a scrape meets one of them.  They share files then
(``PROMETHEUS_MULTIPROC_DIR``, which the command sets): whoever is met answers for all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from batua.breaker import BreakerState
from batua.watching import Watcher
from batua_api.tracing import NO_TRACER, Tracer

__all__ = ["Metrics", "shared_figures"]

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
COMMIT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
CALL_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAG_S = (0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3600)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@contextmanager
def shared_figures() -> Iterator[None]:
    """A folder for the processes that are started within the block to share their figures in."""
    with TemporaryDirectory(prefix="batua-metrics-") as folder:
        os.environ[MULTIPROCESS] = folder
        try:
            yield
        finally:
            del os.environ[MULTIPROCESS]


class Metrics(Watcher):
    """Counts what it is told of. A count is a few microseconds, and nothing waits for it."""

    def __init__(self, tracer: Tracer = NO_TRACER) -> None:
        self.tracer = tracer
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "batua_requests",
            "Requests answered, by their route as it is declared.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._request_s = Histogram(
            "batua_request_seconds",
            "From a request's head until its answer begins.",
            ("route", "method"),
            buckets=REQUEST_S,
            registry=registry,
        )
        self._limited = Counter(
            "batua_rate_limited", "Requests refused with 429.", registry=registry
        )
        self._group_size = Histogram(
            "batua_engine_group_size",
            "Operations that were committed together.",
            buckets=SIZES,
            registry=registry,
        )
        self._group_s = Histogram(
            "batua_engine_commit_seconds",
            "From a group's loading until its COMMIT was answered.",
            buckets=COMMIT_S,
            registry=registry,
        )
        self._lag_s = Histogram(
            "batua_webhook_lag_seconds",
            "From a webhook's receiving until it was applied.",
            ("gateway",),
            buckets=LAG_S,
            registry=registry,
        )
        self._events = Counter(
            "batua_webhook_events",
            "Webhook events, by what became of them.",
            ("gateway", "status"),
            registry=registry,
        )
        self._calls = Histogram(
            "batua_gateway_call_seconds",
            "Calls to a provider: answered with 2xx and so on, or why not.",
            ("gateway", "outcome"),
            buckets=CALL_S,
            registry=registry,
        )
        self._messages = Counter(
            "batua_outbox_messages",
            "Messages that the outbox is done with.",
            ("status",),
            registry=registry,
        )
        self._queue = Gauge(
            "batua_engine_queue",
            "Operations that wait for their group.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._breakers = Gauge(
            "batua_breaker_open",
            "1 while a provider is left alone because it does not answer.",
            ("gateway",),
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._apart = Gauge(
            "batua_rate_limits_apart",
            "1 while a process counts calls for itself, because they can't be counted together.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._streams = Gauge(
            "batua_streams_open",
            "Customers' connections that are told of their balance.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._connections = Gauge(
            "batua_database_connections",
            "Connections of the pools: in use or idle.",
            ("state",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._routes: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    # --- what it is told ----------------------------------------------------------------------

    def request_answered(
        self, route: str, method: str, status: int, took_s: float | None = None
    ) -> None:
        """A request was answered. ``took_s`` is None where nobody knows when it began."""
        known = self._routes.get((route, method, status))
        if known is None:  # finding a label's child takes longer than counting
            known = self._routes[route, method, status] = (
                self._requests.labels(route, method, str(status)),
                self._request_s.labels(route, method),
            )
        count, seconds = known
        count.inc()
        if took_s is not None:
            seconds.observe(took_s)
        if status == 429:
            self._limited.inc()

    def span(self, name: str, **ids: str | int) -> AbstractContextManager[object]:
        return self.tracer.span(name, ids)

    def group_committed(self, size: int, took_s: float) -> None:
        self._group_size.observe(size)
        self._group_s.observe(took_s)

    def event_applied(self, gateway: str, status: str, lag_s: float) -> None:
        self._events.labels(gateway, status).inc()
        self._lag_s.labels(gateway).observe(lag_s)

    def gateway_called(self, gateway: str, outcome: str, took_s: float) -> None:
        self._calls.labels(gateway, outcome).observe(took_s)

    def message_sent(self, outcome: str) -> None:
        self._messages.labels(outcome).inc()

    # --- what is asked for --------------------------------------------------------------------

    def set_process(
        self,
        queued: int,
        breakers: Iterable[tuple[str, BreakerState]],
        used: int,
        idle: int,
        *,
        streams: int,
        is_apart: bool,
    ) -> None:
        """How this process stands now."""
        self._queue.set(queued)
        for code, state in breakers:
            self._breakers.labels(code).set(state is not BreakerState.CLOSED)
        self._streams.set(streams)
        self._apart.set(is_apart)
        self._connections.labels("used").set(used)
        self._connections.labels("idle").set(idle)

    def scraped(self) -> CollectorRegistry:
        """A registry to be written out: of all processes that share their files, or this one's."""
        if MULTIPROCESS not in os.environ:
            return self.registry
        _forget_the_dead(Path(os.environ[MULTIPROCESS]))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call] # it ships no types
        return together


def _forget_the_dead(folder: Path) -> None:
    """A process that was killed has no queue and no connections any more; its counts stay."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = int(path.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # it ships no types
        except PermissionError:
            pass  # it lives, and is somebody else's
