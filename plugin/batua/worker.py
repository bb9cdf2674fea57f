"""The worker: everything that happens without anybody asking.

It sends what the outbox holds, takes up events that a crash left behind, asks providers about
payments and refunds that are not final, and expires what nobody paid.  Several may run.

What may wait for a provider has a lane for each: one that hangs holds up its own alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from batua.clock import Clock
from batua.database import Database
from batua.events import Deliveries, Keeping
from batua.following import following
from batua.inbox import Applier, Silence
from batua.insight import Counter
from batua.ledger import Expiry
from batua.outbox import Outbox
from batua.payments import Poller, Refunder
from batua.privacy import Privacy
from batua.reconciliation import Reconciler
from batua.registry import Registry
from batua.signs import BEAT_EVERY_S, Signs

__all__ = ["Worker"]

PAUSE_S = 0.5
FAILED_PAUSE_S = 5.0
BATCH = 50
SIDE_BY_SIDE = 8
"""How many of a duty are worked on at a time: one slow answer must not hold up the others."""
LISTEN_EVERY_S = 60.0
COUNT_EVERY_S = 5.0
SWEEP_EVERY_S = 3600.0
ERASE_EVERY_S = 21_600.0
FIRST_ROUTINE_S = 60.0
"""A worker that is often started anew must come to its routines too."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Duty:
    """Something to look for again and again: what is due, and what to do with each."""

    name: str
    due: Callable[[int], Awaitable[Sequence[str]]]
    work: Callable[[str], Awaitable[None]]

    async def do(self) -> int:
        """Work on what is due, some side by side and each once; returns how many went well."""
        places = asyncio.Semaphore(SIDE_BY_SIDE)
        ids = dict.fromkeys(await self.due(BATCH))
        async with asyncio.TaskGroup() as working:
            tasks = [working.create_task(self._do_one(due, places)) for due in ids]
        return sum(task.result() for task in tasks)

    async def _do_one(self, due: str, places: asyncio.Semaphore) -> bool:
        async with places:
            with following(duty=self.name, due=due):
                try:
                    await self.work(due)
                except Exception:
                    # One that can't be worked on must not stand in the way of the others.
                    log.exception("the worker's duty %r failed on %s", self.name, due)
                    return False
        return True


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Rows of ``table`` whose time in ``column`` has come.

    They are those of the gateway ``code`` while it works, or without a code those of no gateway
    that does. Where each of them ``asks`` the provider and its breaker lets nothing through,
    nobody is asked: a look would be spent for nothing.
    """

    database: Database
    registry: Registry
    now: Clock
    table: str
    column: str
    asks: bool
    code: str | None = None

    async def __call__(self, limit: int) -> list[str]:
        working = [code for code, each in self.registry.gateways.items() if each.instance]
        if self.code is not None and (self.code not in working or self._is_refused(self.code)):
            return []
        listed = self.database.dialect.in_list("gateway", "$2")
        whose = listed if self.code else f"(gateway is null or not {listed})"
        rows = await self.database.fetch(
            f"select id from {self.table} where {self.column} <= $1 and {whose}"
            f" order by {self.column} limit {limit}",
            self.now(),
            [self.code] if self.code else working,
        )
        return [row["id"] for row in rows]

    def _is_refused(self, code: str) -> bool:
        return self.asks and self.registry.breakers[code].refuses


@dataclass(frozen=True, slots=True)
class _Lanes:
    """A lane for each gateway, and one for the rest: those are never waited for.

    A gateway that is off has nothing in its lane, and what is due of it is in the rest's.
    """

    database: Database
    registry: Registry
    now: Clock

    def duties(
        self,
        name: str,
        table: str,
        column: str,
        work: Callable[[str], Awaitable[None]],
        *,
        asks: bool,
    ) -> Iterator[_Duty]:
        """The same duty in every lane. ``asks`` says that each of it asks the provider."""
        rest = _Waiting(self.database, self.registry, self.now, table, column, asks)
        for code in self.registry.gateways:
            yield _Duty(f"{name} of {code}", replace(rest, code=code), work)
        yield _Duty(name, rest, work)


@dataclass(frozen=True, slots=True)
class _Routine:
    """Something to do every so often; never where ``every_s`` is 0."""

    name: str
    every_s: float
    do: Callable[[], Awaitable[object]]
    at_once: bool = False


class Worker:
    """Runs its duties side by side until it is stopped; one that fails is tried again.

    ``wake`` is told when there is something to send, so that nobody waits for the next look.
    """

    def __init__(  # noqa: PLR0913 - it works for every room of the house
        self,
        *,
        database: Database,
        registry: Registry,
        now: Clock,
        applier: Applier,
        poller: Poller,
        refunder: Refunder,
        outbox: Outbox,
        hooks: Deliveries,
        webhooks: Deliveries,
        keeping: Keeping,
        expiry: Expiry,
        silence: Silence,
        signs: Signs,
        counter: Counter,
        reconciler: Reconciler,
        reconcile_every_s: float,
        privacy: Privacy,
    ) -> None:
        self._outbox = outbox
        self._hooks = hooks
        self._webhooks = webhooks
        lanes = _Lanes(database, registry, now)
        inbox, payments, refunds = "batua_inbox", "batua_payment", "batua_refund"
        self._duties = (
            *lanes.duties("inbox", inbox, "next_attempt_at", applier.apply, asks=False),
            *lanes.duties("payments", payments, "next_poll_at", poller.poll, asks=True),
            *lanes.duties("refunds", refunds, "next_poll_at", refunder.poll, asks=True),
            _Duty("holds", expiry.due_holds, expiry.expire_hold),
            _Duty("lots", expiry.due_wallets, expiry.expire_lots),
        )
        self._routines = (
            _Routine("beat", BEAT_EVERY_S, signs.beat, at_once=True),
            _Routine("counting", COUNT_EVERY_S, counter.count),
            _Routine("silence", LISTEN_EVERY_S, silence.look),
            _Routine("reconciliation", reconcile_every_s, reconciler.heal_recent),
            _Routine("old events", SWEEP_EVERY_S, keeping.sweep),
            _Routine("retention", SWEEP_EVERY_S, privacy.retention.sweep),
            _Routine("erasures", ERASE_EVERY_S, privacy.eraser.follow_up),
        )
        # What is looked for at once when the engine has written what makes it due.
        self._woken = {name: asyncio.Event() for name in ("outbox", "hooks", "webhooks")}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the duties in the running event loop."""
        for duty in self._duties:
            self._tasks.append(asyncio.create_task(self._repeat(duty.name, duty.do)))
        self._tasks.append(asyncio.create_task(self._repeat("outbox", self._outbox.send_due)))
        self._tasks.append(asyncio.create_task(self._repeat("webhooks", self._webhooks.send_due)))
        self.start_hooks()
        for routine in self._routines:
            if routine.every_s:
                self._tasks.append(asyncio.create_task(self._do_every(routine)))

    def start_hooks(self) -> None:
        """Call the host's hooks and do nothing else: no other process can."""
        self._tasks.append(asyncio.create_task(self._repeat("hooks", self._hooks.send_due)))

    async def stop(self) -> None:
        """Stop between two steps: whatever is cut off is due again later."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._hooks.stop()
        await self._webhooks.stop()

    def wake(self, tables: frozenset[str]) -> None:
        """Something was committed to these tables."""
        if "batua_outbox" in tables:
            self._woken["outbox"].set()
        if "batua_event" in tables:
            self._woken["hooks"].set()
            self._woken["webhooks"].set()

    async def run_once(self) -> int:
        """Do everything that is due now, once; returns how much it was. Routines are left out."""
        done = [await duty.do() for duty in self._duties]
        told = await self._hooks.drain() + await self._webhooks.drain()
        return sum(done) + told + await self._outbox.send_due()

    async def _repeat(self, name: str, do: Callable[[], Awaitable[int]]) -> None:
        while True:
            try:
                busy = await do() > 0
            except Exception:
                # A duty that dies would be missed by nobody until a customer complains.
                log.exception("the worker's duty %r failed and is tried again", name)
                await asyncio.sleep(FAILED_PAUSE_S)
                continue
            if not busy:
                await self._pause(name)

    async def _do_every(self, routine: _Routine) -> None:
        wait_s = 0 if routine.at_once else min(FIRST_ROUTINE_S, routine.every_s)
        while True:
            await asyncio.sleep(wait_s)
            wait_s = routine.every_s
            try:
                await routine.do()
            except Exception:
                # It is tried again when its time comes, like any other time.
                log.exception("the worker's routine %r failed", routine.name)

    async def _pause(self, name: str) -> None:
        woken = self._woken.get(name)
        if woken is None:
            await asyncio.sleep(PAUSE_S)
            return
        with suppress(TimeoutError):
            # Not wait_for: Python 3.11's may swallow the cancellation that stops the worker.
            async with asyncio.timeout(PAUSE_S):
                await woken.wait()
        woken.clear()
