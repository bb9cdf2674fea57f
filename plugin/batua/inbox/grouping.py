"""What comes side by side shares a trip to the database: a COMMIT each would cost the most."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

__all__ = ["Grouped"]

GROUP_MAX = 256

T = TypeVar("T")
R = TypeVar("R")


class Grouped(Generic[T, R]):
    """Hands what is put in to ``work``, as many at a time as came while the last were worked on.

    Nobody waits for a group to fill. ``work`` answers for each, in order; what it raises,
    everybody in the group gets.
    """

    def __init__(self, work: Callable[[list[T]], Awaitable[Sequence[R]]]) -> None:
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def put(self, item: T) -> R:
        """The answer for ``item``. Whoever goes away leaves it queued."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._runner is None or self._runner.done():
            # In a context of its own: it works for everybody, and not for who comes first.
            self._runner = asyncio.create_task(self._run(), context=Context())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            try:
                results = await self._work([item for item, _ in group])
            except asyncio.CancelledError:
                # Somebody ends the loop. Nobody may wait for ever for what was begun.
                _fail([*group, *self._waiting], ConnectionError("the process was told to stop"))
                self._waiting = []
                raise
            except Exception as error:
                _fail(group, error)
            else:
                for (_, answer), result in zip(group, results, strict=True):
                    if not answer.done():
                        answer.set_result(result)


def _fail(group: Iterable[tuple[T, asyncio.Future[R]]], error: Exception) -> None:
    for _, answer in group:
        if not answer.done():
            answer.set_exception(error)
