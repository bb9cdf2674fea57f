"""Where calls are counted: one place for all processes of a shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

__all__ = ["CallCounts", "Window"]


class Window(NamedTuple):
    """One caller's calls until ``ends_at`` (Unix seconds). ``caller`` is a digest, never a name."""

    caller: str
    ends_at: int


class CallCounts(Protocol):
    """Counts that several processes add to. Raises whatever its store does when it is away."""

    async def add(self, calls: Mapping[Window, int]) -> Mapping[Window, int]:
        """Add to each window's count, atomically; returns what they have come to."""

    async def sweep(self, ended_by: int) -> None:
        """Forget the windows that had ended by then (Unix seconds)."""

    async def close(self) -> None: ...
