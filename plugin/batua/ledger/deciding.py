"""What an operation is, and how the operations of a group are asked and decided. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from batua.errors import Refusal
from batua.ledger.book import Book
from batua.ledger.rows import Need, NotLoaded

__all__ = ["Operation", "ask", "decide"]

log = logging.getLogger(__name__)

A_co = TypeVar("A_co", covariant=True)


class Operation(Protocol[A_co]):
    """A kind of money movement. Everything it will write has an id before it starts.

    Run twice, it has one effect and gives the same answer: that is how a COMMIT whose outcome is
    unknown is resolved.
    """

    def needs(self, book: Book) -> Iterable[Need]:
        """The rows to load. Asked again after each load, until it needs nothing more."""

    def decide(self, book: Book) -> A_co:
        """Decide, pure of I/O. Raises a ``Refusal``, which undoes whatever it staged."""


def ask(operations: list[Operation[Any]], book: Book) -> tuple[set[Need], list[Operation[Any]]]:
    """What must still be loaded, and who has to be asked again once it is."""
    needs: set[Need] = set()
    again = []
    for operation in operations:
        reads = book.reads
        needs.update(operation.needs(book))
        if book.reads != reads:
            again.append(operation)
    return book.missing(needs), again


def decide(operation: Operation[Any], book: Book) -> Any:
    """The operation's answer, or what it raised: then it has left nothing in ``book``."""
    mark = book.mark()
    try:
        return operation.decide(book)
    except (Refusal, NotLoaded) as refusal:
        book.undo_to(mark)
        return refusal.with_traceback(None)  # an answer; its frames would hold on to the book
    except Exception as error:
        # A bug or a broken invariant in one operation takes nothing of its neighbours down.
        log.exception("%s could not decide", type(operation).__name__)
        book.undo_to(mark)
        return error
