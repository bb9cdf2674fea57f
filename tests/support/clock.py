"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["START", "FakeClock"]

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class FakeClock:
    """Hand ``clock.now`` to whatever takes a ``Clock``."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def unix(self) -> float:
        """Unix seconds, as the simulators ask for them."""
        return self._now.timestamp()

    def advance(self, seconds: float) -> None:
        """Move it; negative seconds move it back, as NTP may."""
        self._now += timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return self._now
