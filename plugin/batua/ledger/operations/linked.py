"""Several operations that stand or fall together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from batua.errors import Conflict, LinkedRefused, Refusal
from batua.ledger.book import Book
from batua.ledger.deciding import Operation
from batua.ledger.operations.answers import LinkedAnswers
from batua.ledger.rows import Need

__all__ = ["Linked"]


@dataclass(frozen=True, slots=True)
class Linked:
    """All of ``operations`` or none, in their order; each sees what those before it did.

    Raises ``LinkedRefused`` with the first one that was refused. One that was done before while
    others were not is refused too (``exists``): what happened by itself can't be undone with them.
    """

    operations: tuple[Operation[Any], ...]

    def needs(self, book: Book) -> Iterable[Need]:
        for operation in self.operations:
            yield from operation.needs(book)

    def decide(self, book: Book) -> LinkedAnswers:
        answers = []
        for index, operation in enumerate(self.operations):
            try:
                answers.append(operation.decide(book))
            except Refusal as refusal:
                raise LinkedRefused(index, refusal) from refusal
        # Operations of other rooms do not say whether they had been done: they follow the others.
        known = [
            (index, bool(answer.exists))
            for index, answer in enumerate(answers)
            if hasattr(answer, "exists")
        ]
        exists = bool(known) and all(each for _, each in known)
        for index, each in known:
            if each and not exists:
                cause = Conflict("exists", "It was done before, by itself. Link it with new ids.")
                raise LinkedRefused(index, cause)
        return LinkedAnswers(answers=tuple(answers), exists=exists)
