"""A form has no idempotency key: the same words of the same person twice are a double click."""

from __future__ import annotations

from datetime import datetime, timedelta

from batua.clock import Clock

__all__ = ["Recent"]

REPEAT_S = 10


class Recent:
    """Remembers what was asked in the last seconds, in this process."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._asked: dict[tuple[object, ...], datetime] = {}

    def refuse_repeat(self, asked: tuple[object, ...]) -> None:
        """Raises ``ValueError`` when the same was asked within ten seconds."""
        now = self._now()
        oldest = now - timedelta(seconds=REPEAT_S)
        self._asked = {key: at for key, at in self._asked.items() if at > oldest}
        if asked in self._asked:
            raise ValueError(
                f"You asked for exactly this less than {REPEAT_S} seconds ago. "
                "If you mean it twice, wait a moment."
            )
        self._asked[asked] = now

    def forget(self, asked: tuple[object, ...]) -> None:
        """It was refused, and nothing came of it: it may be asked for again at once."""
        self._asked.pop(asked, None)
