"""A request that talks to a provider between its first and its last write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from batua.errors import InProgress, InvariantViolated, Refusal
from batua.ledger import Begun, Book, Claim, Engine, Finished, Need, Operation, StoredAnswer
from batua.ledger.tables import IdempotencyKey

__all__ = ["run_flow"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Refused:
    """An operation whose answer is a refusal that was made outside the ledger."""

    refusal: Refusal

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        return ()

    def decide(self, book: Book) -> Any:
        del book
        raise self.refusal


@dataclass(frozen=True, slots=True)
class _LetGo:
    """Give the lease back, so that the same key may try again at once."""

    claim: Claim[Any]

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(IdempotencyKey, "id", self.claim.id)

    def decide(self, book: Book) -> None:
        row = book.need(IdempotencyKey, "id", self.claim.id)
        if row["status"] == "in_progress":
            book.update(row, lease_until=book.clock)


@dataclass(frozen=True, slots=True)
class _IsKnown:
    """Whether the key was used before."""

    claim: Claim[Any]

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(IdempotencyKey, "id", self.claim.id)

    def decide(self, book: Book) -> bool:
        return book.get(IdempotencyKey, "id", self.claim.id) is not None


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The first step of a request whose key is known: it is never reached."""

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        return ()

    def decide(self, book: Book) -> Any:
        raise InvariantViolated(f"a known key vanished at {book.now}")


async def run_flow(
    engine: Engine,
    claim: Claim[T],
    subject: str,
    prepare: Callable[[], Awaitable[Operation[Any]]],
    work: Callable[[str], Awaitable[Operation[T]]],
) -> StoredAnswer:
    """Begin under the claim, do the network's part, and store the answer.

    ``prepare`` checks the request and makes its first step; it is not asked about a key that is
    known, so that an answer is replayed whatever has changed since. ``subject`` is the id of what
    is made; ``work`` gets it, or that of a first try that was cut off, and says how the answer is
    read. A refusal of ``work`` that is final is stored as the answer; any other lets go of the
    lease and is raised.
    """
    begin = _Nothing() if await engine.submit(_IsKnown(claim)) else await prepare()
    try:
        begun = await engine.submit(Begun(begin, claim, subject))
    except InProgress as first:
        if not first.lease_expired:
            raise
        begun = await engine.submit(Begun(begin, claim, first.subject, resume=True))
        subject = first.subject
    if isinstance(begun, StoredAnswer):
        return begun
    try:
        ending: Operation[T] = await work(subject)
    except Refusal as refusal:
        if not refusal.is_final:
            await engine.submit(_LetGo(claim))
            raise
        ending = _Refused(refusal)
    return await engine.submit(Finished(ending, claim))
