"""Rate limits: so many calls in a window of time, exactly, whichever process they come to.

A count is a trip to a store that all processes share. Callers who come while one trip is under
way wait, and go together in the next: under load a trip is shared by dozens. While the store is
away each process goes on from what it knew, and tells the store once it is back.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from batua.clock import Clock
from batua.errors import RateLimited
from batua.following import begin_for_all
from batua.limits.counts import CallCounts, Window

__all__ = ["Rate", "RateLimits"]

ANSWER_S_MAX = 1.0
"""How long the store may take to count, before each process counts for itself."""
PACE_S = 0.003
"""The least time between two trips: whoever comes to an idle process goes at once."""
RETRY_S = 1.0
"""How often a store that is away is tried again."""
SWEEP_S = 60
GRACE_S = 300
"""How long an ended window is kept: the clock of another process may be behind."""

log = logging.getLogger(__name__)


class Rate(NamedTuple):
    """At most ``most`` calls in each ``window_s`` seconds. ``name`` tells the counts apart."""

    name: str
    most: int
    window_s: int = 60
    noun: str = "requests"


Exceeded = tuple[Window, Rate]
Waiting = tuple[Sequence[tuple[Window, Rate]], "asyncio.Future[Exceeded | None]"]
"""What is counted for a call, and where its caller waits: for what it exceeds, or for None."""


class RateLimits:
    """Lets calls in while none of the rates that they count for is exceeded.

    Windows are fixed: all minutes begin at once. So exactly ``most`` calls are let in of one
    window, and the clocks of processes need not agree for that.
    """

    def __init__(self, counts: CallCounts, *, now: Clock) -> None:
        self._counts = counts
        self._now = now
        self._waiting: list[Waiting] = []
        self._trip: asyncio.Task[None] | None = None
        self._known: dict[Window, int] = {}
        self._unsent: Counter[Window] = Counter()
        self._return: asyncio.Task[None] | None = None
        self._swept_at = now().timestamp()

    @property
    def is_apart(self) -> bool:
        """Whether the store is away, so that this process counts for itself."""
        return self._return is not None

    async def admit(self, *calls: tuple[Rate, str]) -> None:
        """Count a call under each rate for who makes it. Raises ``RateLimited``."""
        moment = self._now().timestamp()
        asked = []
        for rate, who in calls:
            ends_at = (int(moment) // rate.window_s + 1) * rate.window_s
            window = _window(rate.name, who, ends_at)
            if self._known.get(window, 0) >= rate.most:  # for the rest of it nobody need be asked
                raise _refusal(rate, ends_at - moment)
            asked.append((window, rate))
        answer: asyncio.Future[Exceeded | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._trip is None or self._trip.done():
            self._trip = begin_for_all(self._go())
        exceeded = await answer
        if exceeded is not None:
            window, rate = exceeded
            raise _refusal(rate, window.ends_at - moment)

    async def close(self) -> None:
        """Finish what is counted, and leave the store."""
        if self._return is not None:
            self._return.cancel()
            await asyncio.gather(self._return, return_exceptions=True)
        if self._trip is not None:
            await asyncio.gather(self._trip, return_exceptions=True)
        await self._counts.close()

    async def _go(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            next_at = loop.time() + PACE_S
            group, self._waiting = self._waiting, []
            calls = Counter([window for asked, _ in group for window, _ in asked])
            try:
                totals = await self._add(calls)
            except asyncio.CancelledError:  # the loop ends: nobody may wait for ever
                for _, answer in (*group, *self._waiting):
                    answer.cancel()
                raise
            _answer(group, {window: totals[window] - count for window, count in calls.items()})
            await self._sweep()
            await asyncio.sleep(next_at - loop.time())

    async def _add(self, calls: Mapping[Window, int]) -> Mapping[Window, int]:
        if not self.is_apart:
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    totals = await self._counts.add(calls)
            except Exception as error:
                # Whatever it is, a request must not fail because it could not be counted.
                self._go_apart(error)
            else:
                self._known.update(totals)
                return totals
        self._unsent.update(calls)
        for window, count in calls.items():
            self._known[window] = self._known.get(window, 0) + count
        return self._known

    def _go_apart(self, error: Exception) -> None:
        log.error(
            "calls can't be counted with the other processes (%s: %s): until they can, each "
            "process lets in as many as its rate limits say",
            type(error).__name__, error,
        )  # fmt: skip
        self._return = begin_for_all(self._come_back())

    async def _come_back(self) -> None:
        """Try again and again to tell the store what was counted here, then count there again.

        What a trip that failed had counted after all is counted twice: a limit may be met early,
        and never late.
        """
        while True:
            await asyncio.sleep(RETRY_S)
            sent, self._unsent = self._unsent, Counter()
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    totals = await self._counts.add(sent)
            except Exception as error:  # the same as in _add
                log.debug("calls still can't be counted together: %s", error)
                self._unsent.update(sent)
                continue
            for window, total in totals.items():
                self._known[window] = total + self._unsent[window]
            if not self._unsent:
                log.warning("calls are counted with the other processes again")
                self._return = None
                return

    async def _sweep(self) -> None:
        moment = self._now().timestamp()
        if moment - self._swept_at < SWEEP_S:
            return
        self._swept_at = moment
        for counts in (self._known, self._unsent):
            for window in [window for window in counts if window.ends_at <= moment]:
                del counts[window]
        if not self.is_apart:
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    await self._counts.sweep(int(moment) - GRACE_S)
            except Exception as error:  # it is swept again in a minute
                log.warning("old counts of calls were not swept: %s", error)


def _answer(group: Sequence[Waiting], before: dict[Window, int]) -> None:
    """Tell each of ``group`` in the order they came, from the counts ``before`` the first."""
    for asked, answer in group:
        exceeded = None
        for each in asked:
            window, rate = each
            before[window] += 1
            if exceeded is None and before[window] > rate.most:
                exceeded = each
        if not answer.done():  # nobody waits for it any more
            answer.set_result(exceeded)


def _refusal(rate: Rate, wait_s: float) -> RateLimited:
    seconds = max(1, math.ceil(wait_s))
    return RateLimited(
        f"More than {rate.most} {rate.noun} in {_spoken(rate.window_s)}. "
        f"Try again in {seconds} seconds.",
        retry_after_s=seconds,
    )


def _spoken(seconds: int) -> str:
    minutes, hours = seconds // 60, seconds // 3600
    if minutes == 1:
        return "a minute"
    return f"{minutes} minutes" if hours < 2 else f"{hours} hours"


@lru_cache(maxsize=10_000)
def _window(name: str, who: str, ends_at: int) -> Window:
    """A caller's window: of one length whatever they are called, and without anybody's name."""
    called = f"{name}\0{who}".encode("utf-8", "surrogatepass")
    return Window(blake2b(called, digest_size=16).hexdigest(), ends_at)
