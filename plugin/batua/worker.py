"""The worker: everything that happens without anybody asking.

It sends what the outbox holds, takes up events that a crash left behind, asks providers about
payments and refunds that are not final, and expires what nobody paid.  Several may run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from batua.inbox import Applier, Receiver
from batua.ledger import Expiry
from batua.outbox import Outbox
from batua.payments import Poller, Refunder

__all__ = ["Worker"]

PAUSE_S = 0.5
FAILED_PAUSE_S = 5.0
BATCH = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Duty:
    """Something to look for again and again: what is due, and what to do with each."""

    name: str
    due: Callable[[int], Awaitable[Sequence[str]]]
    work: Callable[[str], Awaitable[None]]

    async def do(self) -> int:
        ids = await self.due(BATCH)
        failed = 0
        for due in ids:
            try:
                await self.work(due)
            except Exception:
                # One that can't be worked on must not stand in the way of the others.
                log.exception("the worker's duty %r failed on %s", self.name, due)
                failed += 1
        return len(ids) - failed


class Worker:
    """Runs its duties side by side until it is stopped; one that fails is tried again.

    ``wake`` is told when there is something to send, so that nobody waits for the next look.
    """

    def __init__(
        self,
        *,
        receiver: Receiver,
        applier: Applier,
        poller: Poller,
        refunder: Refunder,
        outbox: Outbox,
        expiry: Expiry,
    ) -> None:
        self._outbox = outbox
        self._duties = (
            _Duty("inbox", receiver.due, applier.apply),
            _Duty("payments", poller.due, poller.poll),
            _Duty("refunds", refunder.due, refunder.poll),
            _Duty("holds", expiry.due_holds, expiry.expire_hold),
            _Duty("lots", expiry.due_wallets, expiry.expire_lots),
        )
        self._sending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the duties in the running event loop."""
        for duty in self._duties:
            self._tasks.append(asyncio.create_task(self._repeat(duty.name, duty.do)))
        self._tasks.append(asyncio.create_task(self._repeat("outbox", self._outbox.send_due)))

    async def stop(self) -> None:
        """Stop between two steps: whatever is cut off is due again later."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def wake(self, tables: frozenset[str]) -> None:
        """Something was committed to these tables."""
        if "batua_outbox" in tables:
            self._sending.set()

    async def run_once(self) -> int:
        """Do everything that is due now, once; returns how much it was."""
        done = [await duty.do() for duty in self._duties]
        return sum(done) + await self._outbox.send_due()

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

    async def _pause(self, name: str) -> None:
        if name != "outbox":
            await asyncio.sleep(PAUSE_S)
            return
        with suppress(TimeoutError):
            # Not wait_for: Python 3.11's may swallow the cancellation that stops the worker.
            async with asyncio.timeout(PAUSE_S):
                await self._sending.wait()
        self._sending.clear()
