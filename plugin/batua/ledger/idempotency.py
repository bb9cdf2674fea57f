"""One request, one effect, one answer: the key's row is written with the effect itself.

``Claimed`` is for an operation that decides all at once.  A request that talks to a provider in
between begins with ``Begun`` and ends with ``Finished``; while it is under way it holds a lease,
and whoever finds an expired lease takes the work up again, by the ids that the first one made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import msgspec

from batua.errors import Conflict, IdempotencyConflict, InProgress, Refusal
from batua.ledger.book import Book
from batua.ledger.deciding import Operation
from batua.ledger.rows import Need, Record
from batua.ledger.tables import IdempotencyKey

__all__ = ["Begun", "Claim", "Claimed", "Finished", "StoredAnswer", "claim_id"]

LEASE_S = 30

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An HTTP answer as it was first given, and is given again byte for byte."""

    status: int
    body: str
    replayed: bool


class Claim(msgspec.Struct, Generic[T_contra], frozen=True, kw_only=True, dict=True):
    """Somebody's key on one route.

    ``fingerprint`` is of the request's body. ``render`` and ``render_refusal`` write the answer,
    so that it is stored in the transaction that has the effect.
    """

    principal: str
    route: str
    key: str
    fingerprint: str
    render: Callable[[T_contra], tuple[int, str]]
    render_refusal: Callable[[Refusal], tuple[int, str]]

    @cached_property
    def id(self) -> str:
        """The primary key of its row."""
        return claim_id(self.principal, self.route, self.key)


def claim_id(principal: str, route: str, key: str) -> str:
    """The primary key of a claim: SHA-256, in hex, of the three parts, each ended by a zero."""
    return hashlib.sha256(f"{principal}\0{route}\0{key}\0".encode()).hexdigest()


class Claimed(msgspec.Struct, Generic[T], frozen=True):
    """An operation under a key. A final refusal is an answer too, and is stored."""

    operation: Operation[T]
    claim: Claim[T]

    def needs(self, book: Book) -> Iterable[Need]:
        return (_key_of(self.claim), *self.operation.needs(book))

    def decide(self, book: Book) -> StoredAnswer:
        if (known := _known_answer(book, self.claim)) is not None:
            return known
        mark = book.mark()
        try:
            status, body = self.claim.render(self.operation.decide(book))
        except Refusal as refusal:
            if not refusal.is_final:
                raise
            book.undo_to(mark)
            status, body = self.claim.render_refusal(refusal)
        _insert(book, self.claim, subject="", **_finished(book, status, body))
        return StoredAnswer(status, body, replayed=False)


@dataclass(frozen=True, slots=True)
class Begun(Generic[T]):
    """The first step of a longer request. ``subject`` is the id of what it makes.

    Answers with the operation's own answer, or with the stored one if there is one. With
    ``resume`` an expired lease is taken over: then the answer is None.
    """

    operation: Operation[T]
    claim: Claim[Any]
    subject: str
    resume: bool = False

    # Run again after a lost COMMIT, it finds the row that it wrote itself: nobody else makes
    # ``subject``. Then it goes on to the operation, which gives the answer of its first run.

    def needs(self, book: Book) -> Iterable[Need]:
        yield _key_of(self.claim)
        yield from self.operation.needs(book)

    def decide(self, book: Book) -> T | StoredAnswer | None:
        if self.resume:
            row = book.need(IdempotencyKey, "id", self.claim.id)
            if row["status"] == "in_progress" and row["lease_until"] <= book.clock:
                book.update(row, lease_until=book.clock + timedelta(seconds=LEASE_S))
                return None
        is_ours = not self.resume and _is_under_way_with(book, self.claim, self.subject)
        if not is_ours and (known := _known_answer(book, self.claim)) is not None:
            return known
        mark = book.mark()
        try:
            answer = self.operation.decide(book)
        except Refusal as refusal:
            if not refusal.is_final:
                raise
            book.undo_to(mark)
            status, body = self.claim.render_refusal(refusal)
            _insert(book, self.claim, subject=self.subject, **_finished(book, status, body))
            return StoredAnswer(status, body, replayed=False)
        if not is_ours:
            _insert(book, self.claim, subject=self.subject)
        return answer


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """The last step of a longer request: its outcome and its answer, stored together.

    ``operation`` answers what is rendered. A refusal that is not final lets go of the lease, so
    that the same key may try again at once; it is stored nowhere.
    """

    operation: Operation[T]
    claim: Claim[T]

    def needs(self, book: Book) -> Iterable[Need]:
        yield _key_of(self.claim)
        yield from self.operation.needs(book)

    def decide(self, book: Book) -> StoredAnswer:
        row = book.need(IdempotencyKey, "id", self.claim.id)
        if row["status"] == "finished":
            return StoredAnswer(row["response_status"], row["response_body"], replayed=True)
        mark = book.mark()
        try:
            status, body = self.claim.render(self.operation.decide(book))
        except Refusal as refusal:
            book.undo_to(mark)
            if not refusal.is_final:
                book.update(row, lease_until=book.clock)
                # The engine raises what it is handed back too, and keeps what was staged.
                return cast("StoredAnswer", refusal)
            status, body = self.claim.render_refusal(refusal)
        book.update(row, **_finished(book, status, body))
        return StoredAnswer(status, body, replayed=False)


def _key_of(claim: Claim[Any]) -> Need:
    return Need(IdempotencyKey, "id", claim.id)


def _known_answer(book: Book, claim: Claim[Any]) -> StoredAnswer | None:
    row = book.get(IdempotencyKey, "id", claim.id)
    if row is None:
        return None
    if row["fingerprint"] != claim.fingerprint:
        raise IdempotencyConflict(claim.key)
    if row["status"] == "in_progress":
        expired = row["lease_until"] <= book.clock
        raise InProgress(claim.key, subject=row["subject"], lease_expired=expired)
    if row["response_body"] is None:
        raise Conflict(
            "key_expired",
            f"The Idempotency-Key {claim.key!r} was used more than 30 days ago and its answer is "
            "no longer kept. Look the result up, or make a new key for a new request.",
        )
    return StoredAnswer(row["response_status"], row["response_body"], replayed=True)


def _is_under_way_with(book: Book, claim: Claim[Any], subject: str) -> bool:
    row = book.get(IdempotencyKey, "id", claim.id)
    return row is not None and (row["status"], row["subject"]) == ("in_progress", subject)


def _insert(book: Book, claim: Claim[Any], *, subject: str, **finished: Any) -> Record:
    return book.insert(
        IdempotencyKey,
        id=claim.id,
        principal=claim.principal,
        route=claim.route,
        key=claim.key,
        fingerprint=claim.fingerprint,
        subject=subject,
        lease_until=book.clock + timedelta(seconds=LEASE_S),
        **(finished or {"status": "in_progress"}),
    )


def _finished(book: Book, status: int, body: str) -> dict[str, Any]:
    return {
        "status": "finished",
        "response_status": status,
        "response_body": body,
        "finished_at": book.now,
    }
