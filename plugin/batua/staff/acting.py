"""How a desk lets somebody act: checked first, and entered in the log with what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batua.audit import Act, Actor, acting, asked
from batua.clock import NewId
from batua.payments import NewRefund
from batua.staff.words import Word, require

__all__ = ["Clerk"]


class Clerk:
    """Stands at every desk. Over ``approval_limit`` minor units a second person decides."""

    def __init__(self, new_id: NewId, *, approval_limit: int) -> None:
        self.new_id = new_id
        self.approval_limit = approval_limit

    def new_refund(self, actor: Actor, id: str, amount: int | None, reason: str) -> NewRefund:
        """What ``actor`` asks for; None for all that is left."""
        return NewRefund(
            id=id,
            amount=amount,
            reason=reason,
            requested_by=actor.name,
            approval_limit=self.approval_limit,
        )

    @contextmanager
    def acting(
        self, actor: Actor, word: Word, subject: str, reason: str = "", **told: Any
    ) -> Iterator[None]:
        """Whatever is written within the block is entered as this act. Raises ``Forbidden``."""
        require(actor, word)
        act = Act(id=self.new_id("aud"), actor=actor, word=word, subject=subject, reason=reason)
        with acting(act):
            asked(told)
            yield
