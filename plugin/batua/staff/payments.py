"""Payments: authorizations taken or let go, money in suspense placed."""

from __future__ import annotations

from batua.audit import Actor
from batua.database import Row
from batua.payments import ByHand, NewRefund, SuspenseTo
from batua.staff.acting import Clerk
from batua.staff.words import Word

__all__ = ["PaymentDesk"]


class PaymentDesk:
    """What goes out of suspense waits for a second person over the limit."""

    def __init__(self, by_hand: ByHand, clerk: Clerk) -> None:
        self._by_hand = by_hand
        self._clerk = clerk

    async def capture(self, actor: Actor, payment_id: str) -> Row:
        """Take what a payer's bank has promised. Moves money."""
        with self._clerk.acting(actor, Word.CAPTURE_PAYMENT, f"payment:{payment_id}"):
            return await self._by_hand.authorizations.capture(payment_id)

    async def void(self, actor: Actor, payment_id: str) -> Row:
        """Let go what a payer's bank has promised."""
        with self._clerk.acting(actor, Word.VOID_PAYMENT, f"payment:{payment_id}"):
            return await self._by_hand.authorizations.void(payment_id)

    async def release(
        self, actor: Actor, id: str, capture_id: str, amount: int | None, reason: str
    ) -> Row:
        """Money in suspense goes to its customer's wallet; None for all of it. Moves money."""
        return await self._let_go(
            actor, Word.RELEASE_SUSPENSE, capture_id, SuspenseTo.WALLET,
            self._clerk.new_refund(actor, id, amount, reason),
        )  # fmt: skip

    async def refund(
        self, actor: Actor, id: str, capture_id: str, amount: int | None, reason: str
    ) -> Row:
        """Money in suspense goes back through its gateway; None for all of it. Moves money."""
        return await self._let_go(
            actor, Word.REFUND_SUSPENSE, capture_id, SuspenseTo.SOURCE,
            self._clerk.new_refund(actor, id, amount, reason),
        )  # fmt: skip

    async def _let_go(
        self, actor: Actor, word: Word, capture_id: str, to: SuspenseTo, new: NewRefund
    ) -> Row:
        with self._clerk.acting(
            actor, word, f"capture:{capture_id}", new.reason, amount=new.amount
        ):
            return await self._by_hand.suspense.let_go(capture_id, to, new)
