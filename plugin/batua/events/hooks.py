"""Hooks: functions of the host's that are called, in its own process, after the money has moved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from batua.database import Row
from batua.errors import ConfigurationError
from batua.events.delivering import DeliveryFailed
from batua.events.facts import Event, EventType
from batua.events.listeners import HOOK, hook_id

__all__ = ["Hook", "HookCaller", "Hooks", "checked_hooks"]

Hook = Callable[[Event[Any]], Awaitable[None]]
Hooks = Mapping[str, Hook]
"""By type of event: ``{"order.paid": mark_paid}``."""

MINUTE, HOUR = 60, 3600
RETRY_S = (
    1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR,
)  # fmt: skip
"""Two days in all: long enough for a host to be mended."""


def checked_hooks(hooks: Hooks) -> dict[EventType, Hook]:
    """Raises ``ConfigurationError`` for a type of event that there is not."""
    unknown = sorted(set(hooks) - (set(EventType) - {EventType.WEBHOOK_TEST}))
    if unknown:
        raise ConfigurationError(f"hooks: there is no event type {unknown[0]!r}")
    return {EventType(name): hook for name, hook in hooks.items()}


class HookCaller:
    """Calls a hook with an event: at least once, and again where it raises or takes too long.

    It is given nothing of ours, and what it raises reaches nobody but the log.
    """

    kind = HOOK
    retry_s = RETRY_S
    failing_max = None
    """A host's own function is mended, and not given up."""

    def __init__(self, hooks: Mapping[EventType, Hook], *, limit_s: float) -> None:
        self._hooks = hooks
        self._ids = {hook_id(name) for name in hooks}
        self.limit_s = limit_s

    def types(self) -> Iterable[EventType]:
        """What this process has hooks for."""
        return self._hooks.keys()

    @property
    def is_idle(self) -> bool:
        """Most shops have no host."""
        return not self._hooks

    def reaches(self, listener: Row) -> bool:
        """Only the process that has the function."""
        return listener["id"] in self._ids

    async def tell(self, listener: Row, event: Event[Any]) -> None:
        del listener
        try:
            async with asyncio.timeout(self.limit_s) as limit:
                await self._hooks[event.type](event)
        except TimeoutError:
            if limit.expired():
                raise DeliveryFailed(f"not done within {self.limit_s:g} s") from None
            raise  # the host's own
