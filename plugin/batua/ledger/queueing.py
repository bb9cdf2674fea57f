"""Operations that wait for their group, and how all of a group are told what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batua.errors import BatuaError, TryAgain
from batua.following import followed
from batua.ledger.deciding import Operation
from batua.ledger.rows import Record

__all__ = ["Queued", "forget", "refuse", "resolve"]

_UNAVAILABLE = "The database is unavailable. Try again."

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Queued:
    """An operation, whose it is by the ``ids`` that follow it, and the transfers it has made."""

    operation: Operation[Any]
    answer: asyncio.Future[Any] = field(default_factory=asyncio.Future)
    ids: Mapping[str, str] = field(default_factory=followed)
    moved: Sequence[Record] = ()

    def resolve(self, outcome: Any) -> None:
        if self.answer.done():  # nobody waits for it any more
            return
        if isinstance(outcome, BaseException):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)

    def has_decided(self, outcome: Any, moved: Sequence[Record]) -> None:
        """It made these transfers; or none, and finds those that a lost COMMIT has made."""
        if moved or isinstance(outcome, BaseException):
            self.moved = moved


def forget(group: Iterable[Queued]) -> None:
    """What ``group`` has decided was not written, and is decided again."""
    for queued in group:
        queued.moved = ()


def refuse(group: Iterable[Queued], error: BatuaError) -> None:
    """Nothing happened: say so to all of ``group``."""
    if isinstance(error, TryAgain):
        resolve(group, TryAgain, error.code, str(error))
        return
    log.error("the database is unavailable: %s", error)
    resolve(group, TryAgain, "database_unavailable", _UNAVAILABLE)


def resolve(group: Iterable[Queued], outcome: type[BatuaError], *args: str) -> None:
    """Answer all of ``group`` with an error of their own each."""
    for queued in group:
        queued.resolve(outcome(*args))
