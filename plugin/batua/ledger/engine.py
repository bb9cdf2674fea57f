"""The only writer of money: load, decide, write, for a group of operations at a time.

What was decided on one version of the ledger's head is never written onto another.  Beside other
processes that write, the head is locked first.

Concurrent operations queue up and share one database transaction.  The engine knows none of them:
each says which rows it needs, decides on them purely, and stages its effects in the book.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from piccolo.table import Table

from batua.clock import Clock
from batua.database import Database, Storage
from batua.errors import (
    CommitUnknown,
    DatabaseUnavailable,
    InvariantViolated,
    StaleRow,
    TryAgain,
)
from batua.following import begin_for_all
from batua.ledger.book import Book
from batua.ledger.deciding import Operation, ask, decide
from batua.ledger.queueing import Queued, forget, refuse, resolve
from batua.ledger.rows import NotLoaded
from batua.ledger.store import load, lock_head, write
from batua.ledger.telling import tell_committed, transfers_of
from batua.watching import UNWATCHED, Watcher

__all__ = ["Engine", "Witness"]

GROUP_MIN = 8
GROUP_MAX = 256
QUEUE_MAX = 4096
LOAD_ROUNDS_MAX = 5
ANSWERS_WAIT_S_MAX = 0.005
COMMIT_UNKNOWN_TRIES = 5
COMMIT_UNKNOWN_PAUSE_S = 0.2
CLOCK_BEHIND_MAX = timedelta(minutes=5)
CLOCK_ALARM_EVERY = timedelta(minutes=1)

_CUT_OFF = "The process was told to stop. Send the same request again."
_CLOCK_BEHIND = "The clocks of this shop's machines differ by more than five minutes. Try again."

log = logging.getLogger(__name__)

A = TypeVar("A")


class Witness(Protocol):
    """Given each operation, and runs in its place: it may write beside it who has done it."""

    def __call__(self, operation: Operation[A], /) -> Operation[A]: ...


def _nobody(operation: Operation[A], /) -> Operation[A]:
    return operation


class Engine:
    """Runs operations against one ledger.

    ``tables`` are all tables that operations write, parents before children. ``on_commit`` is
    told after each commit which tables were written, and ``watcher`` how long it took.
    ``witness`` sees each operation where it is submitted.
    """

    def __init__(
        self,
        database: Database,
        tables: Sequence[type[Table]],
        *,
        now: Clock,
        on_commit: Callable[[frozenset[str]], None] = lambda _: None,
        watcher: Watcher = UNWATCHED,
        witness: Witness = _nobody,
    ) -> None:
        self._database = database
        self._tables = tables
        self.now = now
        self._on_commit = on_commit
        self._watcher = watcher
        self._witness = witness
        self._queue: deque[Queued] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._clock_alarm_at: datetime | None = None
        self._answers: list[tuple[Queued, Any]] = []
        self._last_group = 0
        self._version = 0
        self._is_alone = True

    @property
    def queued(self) -> int:
        """How many operations wait for their group."""
        return len(self._queue)

    async def submit(self, operation: Operation[A]) -> A:
        """Run ``operation`` and return its answer. May move money.

        It runs to its end even if the caller goes away. Raises the operation's ``Refusal``, and
        ``TryAgain`` when nothing happened because the database or the queue was not able to.
        """
        if len(self._queue) >= QUEUE_MAX:
            raise TryAgain("overloaded", "Too many operations are waiting. Try again in a second.")
        queued = Queued(self._witness(operation))
        self._queue.append(queued)
        if self._runner is None or self._runner.done():
            self._runner = begin_for_all(self._drain())
        # A caller who goes away cancels the wait for the answer, and not what was queued.
        try:
            answer: A = await queued.answer
        finally:
            del queued  # a refusal would hold this frame, and this frame the refusal
        return answer

    async def close(self) -> None:
        """Finish what is queued."""
        if self._runner is not None:
            await self._runner

    async def _drain(self) -> None:
        while self._queue:
            group: list[Queued] = []
            self._fill(group, self._half_of_those_about())
            try:
                await self._run(group, at_first=True)
            except asyncio.CancelledError:
                # Somebody ends the loop. Nobody may wait for ever for what was begun.
                resolve(group, CommitUnknown, _CUT_OFF)
                resolve(self._queue, TryAgain, "overloaded", _CUT_OFF)
                self._queue.clear()
                raise

    def _half_of_those_about(self) -> int:
        """How many make a group, so that the others are heard while the database works.

        Were all in one group, this process and the database would wait for each other by turns.
        """
        about = len(self._queue) + self._last_group
        return max(GROUP_MIN, (about + 1) // 2)

    def _fill(self, group: list[Queued], most: int) -> None:
        while self._queue and len(group) < min(most, GROUP_MAX):
            group.append(self._queue.popleft())

    async def _run(
        self,
        group: list[Queued],
        unknown: CommitUnknown | None = None,
        *,
        at_first: bool = False,
    ) -> None:
        """Answer all of ``group``, which nobody has tried before ``at_first``.

        ``unknown`` is the lost COMMIT that may have done it already.
        """
        tries = 0
        while True:
            try:
                alone = await self._run_group(group, at_first=at_first)
                break
            except CommitUnknown as error:
                # Under the head lock each operation finds its own ids, if they were committed.
                unknown = error
            except (DatabaseUnavailable, TryAgain) as error:
                if unknown is None:
                    refuse(group, error)
                    return
            except Exception as error:
                if len(group) == 1:
                    log.exception("an operation failed")
                    group[0].resolve(error)
                    return
                if unknown is None:
                    forget(group)
                log.warning("a group of %d operations failed and runs one by one", len(group))
                alone = group
                break
            if tries == COMMIT_UNKNOWN_TRIES:
                log.error("a COMMIT stays unknown: %s", unknown)
                resolve(group, CommitUnknown, str(unknown))
                return
            tries += 1
            at_first = False
            await asyncio.sleep(COMMIT_UNKNOWN_PAUSE_S * tries)
        for queued in alone:
            await self._run([queued], unknown)

    async def _run_group(self, group: list[Queued], *, at_first: bool) -> list[Queued]:
        """Commit the group and answer it. Returns the operations that must run alone."""
        began = asyncio.get_running_loop().time()
        with self._watcher.span("engine.group"):
            outcomes, written = await self._commit(group, at_first=at_first)
        took_s = asyncio.get_running_loop().time() - began
        self._on_commit(written)
        alone = []
        for queued, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, NotLoaded):
                alone.append(queued)
            else:
                self._answers.append((queued, outcome))
        self._tell(group, took_s)
        self._last_group = len(group)
        if len(self._queue) > GROUP_MIN:
            asyncio.get_running_loop().call_later(ANSWERS_WAIT_S_MAX, self._give_answers)
        else:
            self._give_answers()
        if len(group) == 1 and alone:
            raise InvariantViolated(f"an operation reads what it never asked for: {outcomes[0]}")
        return alone

    def _tell(self, group: list[Queued], took_s: float) -> None:
        try:
            self._watcher.group_committed(len(group), took_s)
            tell_committed((queued.operation, queued.ids, queued.moved) for queued in group)
        except Exception:
            # A host's handler may raise. The group is committed: its answers stay what they are.
            log.exception("a group was committed and could not be told of")

    async def _commit(
        self, group: list[Queued], *, at_first: bool
    ) -> tuple[list[Any], frozenset[str]]:
        if at_first and self._is_alone:
            try:
                return await self._load_decide_write(group, Book(self.now()), self._database)
            except StaleRow:
                forget(group)  # nothing was written: somebody else wrote in between
        async with self._database.transaction() as transaction:
            head = await lock_head(self._database, transaction)
            if at_first and head["version"] != self._version:
                # Another process had the lock: whoever came while we waited comes along.
                self._fill(group, GROUP_MAX)
            book = Book(self.now())
            book.open(head)
            return await self._load_decide_write(group, book, transaction)

    async def _load_decide_write(
        self, group: list[Queued], book: Book, storage: Storage
    ) -> tuple[list[Any], frozenset[str]]:
        """Load, decide, write. Under the head's lock, or else on the version of it we found."""
        operations = [queued.operation for queued in group]
        asking, trips = operations, 0
        for _ in range(LOAD_ROUNDS_MAX):
            needs, asking = ask(asking, book)
            if book.head and not needs:
                break
            await load(storage, book, needs)
            trips += 1
        version = book.head["version"]
        self._is_alone = version == self._version
        self._require_clock(book.head["last_at"], book.clock)
        outcomes = []
        for queued in group:
            staged = len(book.inserted)
            outcome = decide(queued.operation, book)
            queued.has_decided(outcome, transfers_of(book.inserted[staged:]))
            outcomes.append(outcome)
        book.settle()
        changed = {row.table for row in (*book.inserted, *book.updated.values())}
        if changed:
            await write(self._database, storage, book, self._tables, meanwhile=self._give_answers)
            version += 1
        elif trips > 1 and storage is self._database:
            await self._require_one_moment(book)
        self._version = version
        return outcomes, frozenset(table._meta.tablename for table in changed)

    async def _require_one_moment(self, book: Book) -> None:
        """Raises ``StaleRow`` where somebody wrote between the trips in which ``book`` was loaded.

        Who writes is told by the head's version. A group that only reads or refuses writes
        nothing, and its answers have to be of one moment all the same.
        """
        now = Book(book.clock)
        await load(self._database, now, ())
        if now.head["version"] != book.head["version"]:
            raise StaleRow("somebody wrote while a group was loaded")

    def _give_answers(self) -> None:
        """Answer those whose group was committed.

        They make work, so where many wait the next group goes first, until the database has it to
        write: while it waits for us, and others perhaps for the ledger's lock, little else may run.
        """
        answers, self._answers = self._answers, []
        for queued, outcome in answers:
            queued.resolve(outcome)

    def _require_clock(self, last_at: datetime, clock: datetime) -> None:
        """Raises ``TryAgain`` (``clock_behind``) when either clock can't be right."""
        behind = last_at - clock
        if behind <= CLOCK_BEHIND_MAX:
            return
        if self._clock_alarm_at is None or abs(clock - self._clock_alarm_at) >= CLOCK_ALARM_EVERY:
            self._clock_alarm_at = clock
            log.error(
                "the ledger was last written at %s and this process's clock says %s, %s earlier: "
                "set this machine's clock, or that of the process which wrote last if it is ahead",
                last_at, clock, behind,
            )  # fmt: skip
        raise TryAgain("clock_behind", _CLOCK_BEHIND)
