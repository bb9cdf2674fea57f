"""What the ledger's operations answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["HoldClosed", "HoldOpened", "LinkedAnswers", "Posted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A transfer that is in the ledger. ``exists``: it was there before this operation."""

    id: str
    seq: int
    hash: str
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOpened:
    """An amount that was set aside, whatever has become of it since."""

    id: str
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldClosed:
    """A hold that was given back: ``status`` is ``voided`` or ``expired``."""

    id: str
    status: str
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAnswers:
    """The answers of operations that happened together, in their order."""

    answers: tuple[Any, ...]
    exists: bool
