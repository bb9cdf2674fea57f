"""Whose work this is: the ids that follow it from the request into every line of the log.

A request, an event or a duty opens a set of ids with ``following``; whoever learns another one
adds it with ``follow``.  Tasks that are begun meanwhile share it.  What is worked on for several
at a time carries each one's set along instead (see the engine).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Any, TypeVar

__all__ = ["begin_for_all", "follow", "followed", "following", "start_following"]

T = TypeVar("T")

_ids: ContextVar[dict[str, str] | None] = ContextVar("batua_ids", default=None)


@contextmanager
def following(**ids: str) -> Iterator[dict[str, str]]:
    """Begin a set of ``ids`` within the block. It begins with those of the work around it."""
    mine = {**followed(), **ids}
    token = _ids.set(mine)
    try:
        yield mine
    finally:
        _ids.reset(token)


def start_following(**ids: str) -> None:
    """The same to the end of the task: what a request's error is logged by comes after it."""
    _ids.set(ids)


def begin_for_all(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that works for everybody: the ids of who happens to begin it don't follow it."""
    return asyncio.create_task(work, context=Context())


def follow(**ids: str) -> None:
    """Add what has become known to the set around; without one nobody follows."""
    mine = _ids.get()
    if mine is not None:
        mine.update(ids)


def followed() -> Mapping[str, str]:
    """The ids of the work that runs now."""
    return _ids.get() or {}
