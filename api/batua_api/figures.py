"""What a shop's database says of itself, for ``/metrics`` and ``/health``: seldom and in time.

A database that hangs must not hang whoever asks whether it does.  So every look ends within a
bound; and figures are read at most every ten seconds, however often a scraper comes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from batua.bootstrap import Batua
from batua.database import pending
from batua.errors import BatuaError, ConfigurationError
from batua.standing import Standing, read_standing
from batua_api.auth import Authenticator
from batua_api.metrics import Metrics

__all__ = ["LOOK_S_MAX", "Figures"]

LOOK_S_MAX = 2.0
"""How long a look at the database may take."""
EVERY_S = 10.0
SET_EVERY_S = 5.0

log = logging.getLogger(__name__)

T = TypeVar("T")


class Figures(Collector):
    """The figures of one shop in one process. ``monotonic`` is a clock in seconds."""

    def __init__(
        self,
        batua: Batua,
        metrics: Metrics,
        authenticator: Authenticator,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._batua = batua
        self._authenticator = authenticator
        self._metrics = metrics
        self._monotonic = monotonic
        self._standing: Standing | None = None
        self._tried_at: float | None = None
        self._read_at: float | None = None
        self._is_up = False
        self._reading = asyncio.Lock()
        self._looking: set[asyncio.Future[Any]] = set()

    async def wrong(self) -> str:
        """What keeps the shop from serving; empty where nothing does. Takes two seconds at most."""
        try:
            missing = await self._in_time(pending(self._batua.database))
        except TimeoutError:
            return f"the database does not answer within {LOOK_S_MAX:.0f} s"
        except ConfigurationError as error:
            return str(error)  # the database is ahead of this code: it says what to do
        except (BatuaError, OSError) as error:
            return f"the database does not answer: {type(error).__name__}"
        if missing:
            return f"migrations are missing: {', '.join(missing)}; run batua migrate"
        return self._authenticator.wrong

    async def standing(self) -> Standing | None:
        """How the shop stands, ten seconds ago at most; None where nobody can tell."""
        await self.refresh()
        return self._standing if self._is_up else None

    async def refresh(self) -> None:
        """Read the figures again where they are old. Takes two seconds at most.

        Who comes while they are read waits for them.
        """
        async with self._reading:
            now = self._monotonic()
            if self._tried_at is not None and now - self._tried_at < EVERY_S:
                return
            self._tried_at = now
            batua = self._batua
            try:
                self._standing = await self._in_time(
                    read_standing(batua.database, batua.silence, batua.signs)
                )
            except (TimeoutError, BatuaError, OSError) as error:
                log.warning("the figures of the shop can't be read: %r", error)
                self._is_up = False
            else:
                self._is_up, self._read_at = True, self._monotonic()

    def scraped(self) -> CollectorRegistry:
        """The counts of the process, or of all that share them, and the figures of the shop."""
        self.set_process()
        together = CollectorRegistry(auto_describe=False)
        together.register(self._metrics.scraped())
        together.register(self)
        return together

    def set_process(self) -> None:
        """Set what a process knows of itself."""
        batua = self._batua
        states = [(code, breaker.state) for code, breaker in batua.registry.breakers.items()]
        self._metrics.set_process(
            batua.engine.queued,
            states,
            *batua.database.connections(),
            streams=batua.live_wallets.open,
            is_apart=batua.rate_limits.is_apart,
        )

    async def keep_set(self) -> None:
        """Set it again and again: a scrape may meet another process of the same server."""
        while True:
            self.set_process()
            await asyncio.sleep(SET_EVERY_S)

    def collect(self) -> Iterator[Metric]:
        """The figures as metrics. What is not known is left out, and nothing is made up."""
        yield _gauge("database_up", "1 where it answered the last look at it.", self._is_up)
        if self._read_at is not None:
            age_s = self._monotonic() - self._read_at
            yield _gauge("figures_age_seconds", "How old the figures of the shop are.", age_s)
        if self._standing is not None:
            yield from _metrics_of(self._standing, self._batua.now())

    async def _in_time(self, look: Awaitable[T]) -> T:
        """Raises ``TimeoutError``. What hangs is told to stop, and nobody waits until it does."""
        looking = asyncio.ensure_future(look)
        self._looking.add(looking)
        looking.add_done_callback(self._looked)
        try:
            done, _ = await asyncio.wait({looking}, timeout=LOOK_S_MAX)
        finally:
            looking.cancel()  # which does nothing to what is done
        if not done:
            raise TimeoutError
        return looking.result()

    def _looked(self, looking: asyncio.Future[Any]) -> None:
        self._looking.discard(looking)
        if not looking.cancelled():
            looking.exception()  # whoever waited for it may have gone


def _metrics_of(standing: Standing, now: datetime) -> Iterator[Metric]:
    yield _by(
        "wallet_liability_minor_units", "What wallets hold: owed to customers.", "currency",
        standing.liability,
    )  # fmt: skip
    yield _by(
        "suspense_minor_units", "Genuine money that waits for staff.", "currency", standing.suspense
    )
    for name, waiting, noun in (
        ("inbox", standing.inbox, "Webhook events"), ("outbox", standing.outbox, "Messages"),
    ):  # fmt: skip
        yield _gauge(f"{name}_waiting", f"{noun} that wait to be worked on.", waiting.count)
        yield _gauge(
            f"{name}_oldest_seconds", "How long the oldest of them has waited.",
            _age_s(waiting.oldest, now) or 0,
        )  # fmt: skip
        known = {"quarantined": 0, "dead": 0} if name == "inbox" else {"dead": 0}
        yield _by(
            f"{name}_attention", f"{noun} that need a person.", "status",
            {**known, **waiting.attention},
        )  # fmt: skip
    yield _by(
        "webhook_silent", "1 while a gateway takes money and sends no webhooks.", "gateway",
        {code: int(hearing.is_silent) for code, hearing in standing.hearings.items()},
    )  # fmt: skip
    ages = {code: _age_s(hearing.last, now) for code, hearing in standing.hearings.items()}
    yield _by(
        "webhook_last_seconds", "How long ago a gateway's last webhook came.", "gateway",
        {code: age for code, age in ages.items() if age is not None},
    )  # fmt: skip
    signs = standing.signs
    yield _gauge("workers_alive", "Workers that have given a sign within 30 s.", signs.workers)
    verify_age_s = _age_s(signs.proved_at, now)
    if verify_age_s is not None:
        yield _gauge(
            "verify_age_seconds", "How long ago batua verify --record ended.", verify_age_s
        )
        yield _gauge("verify_sound", "1 where it found the ledger sound.", signs.is_sound)


def _age_s(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, (now - moment).total_seconds())


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"batua_{name}", says, value=float(value))


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"batua_{name}", says, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
