"""The model's commands as operations of the real ledger, and its answers in the model's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batua.errors import LinkedRefused, Refusal
from batua.ledger import (
    AccountKind,
    AccountName,
    CaptureHold,
    ExpireHold,
    HoldClosed,
    HoldOpened,
    Linked,
    LinkedAnswers,
    Movement,
    OpenHold,
    Posted,
    PostTransfer,
    ReverseTransfer,
    VoidHold,
    account_needs,
)
from batua.ledger.movements import NewLot
from tests.support.ledger import Staged
from tests.support.model import (
    Capture,
    Expire,
    Freeze,
    Link,
    Name,
    Open,
    Opens,
    Post,
    Reverse,
    Void,
)

__all__ = ["TOP_UP", "operation_of", "plain"]

TOP_UP = "top_of_the_model"
"""What every bonus is for: the proof wants one that exists."""


def operation_of(command: Any) -> Any:
    """The operation of a command."""
    return _OPERATIONS[type(command)](command)


def plain(answer: Any) -> tuple[Any, ...]:
    """An answer of the ledger in the model's words; anything unexpected is raised."""
    if isinstance(answer, LinkedRefused):
        return ("refused", answer.code, answer.index, *plain(answer.cause)[1:])
    if isinstance(answer, Refusal):
        return ("refused", answer.ledger_code)
    if isinstance(answer, BaseException):
        raise answer
    if isinstance(answer, tuple):
        return answer
    return _ANSWERS[type(answer)](answer)


_ANSWERS: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    Posted: lambda answer: ("posted", answer.id, answer.seq, answer.exists),
    HoldOpened: lambda answer: ("opened", answer.id, answer.exists),
    HoldClosed: lambda answer: ("closed", answer.id, answer.status, answer.exists),
    LinkedAnswers: lambda answer: ("linked", *map(plain, answer.answers), answer.exists),
}


def _movement(command: Post) -> Movement:
    return Movement(id=command.id, kind=command.kind, debit=_name(command.debit),
                    credit=_name(command.credit), amount=command.amount, reason=command.reason,
                    actor="test", opens=_new_lot(command.opens),
                    top_up_id=TOP_UP if command.kind == "top_up_bonus" else None)  # fmt: skip


def _new_lot(opens: Opens | None) -> NewLot | None:
    if opens is None:
        return None
    return NewLot(kind=opens.kind, amount=opens.amount, expires_at=opens.expires_at)


def _name(name: Name) -> AccountName:
    return AccountName(AccountKind(name.kind), name.owner, name.currency)


def _opening(command: Open) -> OpenHold:
    return OpenHold(id=command.id, account=_name(command.account), amount=command.amount,
                    expires_at=command.expires_at)  # fmt: skip


def _freezing(command: Freeze) -> Staged:
    name = _name(command.account)

    def freeze(book: Any) -> tuple[str, bool]:
        book.update(book.account(name), status="frozen" if command.frozen else "active")
        return "frozen", command.frozen

    return Staged(freeze, tuple(account_needs(name)))


_OPERATIONS: Mapping[type, Callable[[Any], Any]] = {
    Post: lambda command: PostTransfer(_movement(command)),
    Capture: lambda command: CaptureHold(_movement(command)),
    Open: _opening,
    Void: lambda command: VoidHold(command.id),
    Expire: lambda command: ExpireHold(command.id),
    Reverse: lambda command: ReverseTransfer(
        id=command.id, of=command.of, reason=command.reason, actor="test"
    ),
    Freeze: _freezing,
    Link: lambda command: Linked(tuple(map(operation_of, command.commands))),
}
