"""The circuit breaker: a provider that has stopped answering is not asked again and again.

Everybody who waits for it would wait for nothing, and hold a connection or a thread meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

__all__ = ["Breaker", "BreakerOpen", "BreakerState"]

FIRST_WAIT_S = 5.0
WAIT_MAX_S = 300.0

log = logging.getLogger(__name__)


class BreakerState(StrEnum):
    """Whether calls are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  # one call is let through, and decides


class BreakerOpen(Exception):
    """The call was not made: nothing was sent."""


class Breaker:
    """Opens after ``failures_max`` failures in a row within ``within_s`` seconds.

    A failure is a call that got no answer: a timeout, or a connection that could not be made or
    was lost. An answer of any status closes it, whoever asked. It stays open for five seconds, and
    twice as long each time that the one call which is then let through fails, up to five minutes.

    Calls may end in any thread. ``now`` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        failures_max: int,
        within_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._within_s = within_s
        self._now = now
        self._lock = threading.Lock()
        self._failures: deque[float] = deque(maxlen=failures_max)
        self._failures_max = failures_max
        self._opened_in_a_row = 0
        self._open_until: float | None = None
        self._is_probed = False
        self._era = 0

    @property
    def state(self) -> BreakerState:
        """As it is now."""
        with self._lock:
            if self._open_until is None:
                return BreakerState.CLOSED
            is_over = self._now() >= self._open_until
            return BreakerState.HALF_OPEN if is_over else BreakerState.OPEN

    @property
    def refuses(self) -> bool:
        """Whether a call would be refused now. It takes no one's turn."""
        with self._lock:
            return self._refuses()

    def begin(self) -> int:
        """A call begins. Raises ``BreakerOpen``; the number is for whoever tells how it ended."""
        with self._lock:
            if self._refuses():
                raise BreakerOpen(f"{self._name} has not answered lately: nothing was sent")
            self._is_probed = self._open_until is not None
            return self._era

    def answered(self) -> None:
        """Any call was answered, with whatever status."""
        with self._lock:
            self._failures.clear()
            if self._open_until is None:
                return
            self._open_until, self._is_probed, self._opened_in_a_row = None, False, 0
            self._era += 1
            log.info("%s answers again: calls go through", self._name)

    def failed(self, call: int) -> None:
        """The call that began as ``call`` got no answer."""
        with self._lock:
            if call != self._era:
                return  # it began before the last change, which knows better
            now = self._now()
            self._failures.append(now)
            in_time = [when for when in self._failures if now - when <= self._within_s]
            if self._is_probed or len(in_time) == self._failures_max:
                self._open(now)

    def abandoned(self, call: int) -> None:
        """The call that began as ``call`` says nothing: it was given up, or was never made."""
        with self._lock:
            if call == self._era:
                self._is_probed = False

    def _refuses(self) -> bool:
        if self._open_until is None:
            return False
        return self._is_probed or self._now() < self._open_until

    def _open(self, now: float) -> None:
        wait_s = min(FIRST_WAIT_S * 2**self._opened_in_a_row, WAIT_MAX_S)
        is_first = self._opened_in_a_row == 0
        # Counted no further than the longest wait needs.
        self._opened_in_a_row = min(self._opened_in_a_row + 1, 16)
        self._open_until, self._is_probed = now + wait_s, False
        self._era += 1
        self._failures.clear()
        if is_first:
            log.error("%s does not answer: no call goes through for now", self._name)
