"""Places where a test may break the process: around every await that money depends on.

A failpoint stands before and after each database statement, BEGIN, COMMIT and ROLLBACK, before a
connection is waited for, and before and after each call to a provider. Passes are counted over
all of them, so that "fail at the Nth pass" for every N is every place there is.
``BATUA_TEST_FAILPOINT=kill@12`` arms the twelfth pass of any failpoint,
``BATUA_TEST_FAILPOINT=inbox.stored:kill@1`` the first of one. Unarmed, a failpoint is one
comparison.

A killed process runs no ``finally``, which is the point: it is what a power cut looks like from
the inside.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["NAMES", "Action", "Failpoint", "FailpointReached", "arm", "parse", "reach"]

NAMES = (
    "database.acquiring",
    "database.beginning",
    "database.begun",
    "database.asking",
    "database.answered",
    "database.committing",
    "database.committed",
    "database.rolling_back",
    "database.rolled_back",
    "gateway.asking",
    "gateway.answered",
    "inbox.stored",
)
"""Every failpoint there is."""


class FailpointReached(Exception):
    """What an armed failpoint raises: nothing in the product expects it."""


class Action(StrEnum):
    """What an armed failpoint does."""

    KILL = "kill"
    RAISE = "raise"
    CANCEL = "cancel"


@dataclass
class Failpoint:
    """What is armed: the ``at``-th pass of ``name``, or of any failpoint if that is empty.

    ``passed`` are the names that were passed, in order.
    """

    action: Action
    at: int
    name: str = ""
    passed: list[str] = field(default_factory=list)

    def reach(self, name: str) -> None:
        """One more pass."""
        if self.name not in {"", name}:
            return
        self.passed.append(name)
        if len(self.passed) != self.at:
            return
        if self.action is Action.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.action is Action.RAISE:
            raise FailpointReached(f"{name}, pass {self.at}")
        task = asyncio.current_task()
        if task is not None:
            task.cancel(f"{name}, pass {self.at}")


def parse(text: str) -> Failpoint | None:
    """``[name:]action@pass``; None for an empty text. Raises ``ValueError`` for anything else."""
    if not text:
        return None
    place, _, at = text.partition("@")
    name, _, action = place.rpartition(":")
    if name and name not in NAMES:
        raise ValueError(f"BATUA_TEST_FAILPOINT names {name!r}: there are {', '.join(NAMES)}")
    return Failpoint(Action(action), int(at), name)


_armed = parse(os.environ.get("BATUA_TEST_FAILPOINT", ""))


def reach(name: str) -> None:
    """Do what is armed for this pass of the failpoint ``name``, if anything is."""
    if _armed is not None:
        _armed.reach(name)


@contextmanager
def arm(failpoint: Failpoint) -> Iterator[Failpoint]:
    """Arm ``failpoint`` in this process, for a while."""
    global _armed  # noqa: PLW0603 - one switch for the process, as the variable is
    before, _armed = _armed, failpoint
    try:
        yield failpoint
    finally:
        _armed = before
