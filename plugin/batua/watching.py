"""What the module tells whoever watches it: how long something took, and what became of it.

Nobody does unless ``open_batua`` is given a watcher: then this costs a call that does nothing.
The API's watcher counts for ``/metrics`` and draws spans.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

__all__ = ["UNWATCHED", "Watcher"]

_NO_SPAN = nullcontext()


class Watcher:
    """Is told, and tells nobody. A subclass overrides what it wants to know. Times in seconds.

    What it raises would fail whoever told it: it raises nothing. Gateways' calls may be told of
    from other threads.
    """

    def span(self, name: str, **ids: str | int) -> AbstractContextManager[object]:
        """What is done within the block is one step; ``ids`` say of what."""
        del name, ids
        return _NO_SPAN

    def group_committed(self, size: int, took_s: float) -> None:
        """The engine committed a group of ``size`` operations."""

    def event_applied(self, gateway: str, status: str, lag_s: float) -> None:
        """A webhook's event was applied, so long after it was received."""

    def gateway_called(self, gateway: str, outcome: str, took_s: float) -> None:
        """A provider answered with a status of ``2xx`` and so on, or ``outcome`` says why not."""

    def message_sent(self, outcome: str) -> None:
        """The outbox is done with a message: ``sent``, ``failed``, ``skipped`` or ``dead``."""


UNWATCHED = Watcher()
