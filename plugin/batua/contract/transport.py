"""The one seam between an adapter and the network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

import httpx
import requests

__all__ = ["RunBlocking", "Transport"]

T = TypeVar("T")


class RunBlocking(Protocol):
    """Runs a synchronous call in a bounded thread pool."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """What the registry hands to every adapter. An adapter opens no connection of its own.

    ``http`` has explicit timeouts and follows no redirect. ``session`` and ``run_blocking`` are
    for a provider's synchronous SDK, which must pass ``timeout_s`` (seconds) on every call.
    ``now`` is the clock, in UTC.
    """

    http: httpx.AsyncClient
    session: requests.Session
    run_blocking: RunBlocking
    timeout_s: float
    now: Callable[[], datetime]
