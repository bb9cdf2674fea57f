"""Orders and refunds."""

from __future__ import annotations

from batua.audit import Actor
from batua.database import Row
from batua.errors import NotFound
from batua.orders import Orders, RefundTo
from batua.staff.acting import Clerk
from batua.staff.words import Word, require
from batua.wallets import TopUps

__all__ = ["OrderDesk"]


class OrderDesk:
    """Refunds over the limit wait for a second person."""

    def __init__(self, orders: Orders, top_ups: TopUps, clerk: Clerk) -> None:
        self._orders = orders
        self._top_ups = top_ups
        self._clerk = clerk

    async def refund(
        self, actor: Actor, id: str, order: str, amount: int | None, to: RefundTo, reason: str
    ) -> Row:
        """Refund an order, named by its reference or id; None for all that is left.

        Moves money, or reserves it for a second person. ``id`` becomes the refund's.
        """
        require(actor, Word.REFUND_ORDER)
        found = await self.find(order)
        subject = f"order:{found['id']}"
        with self._clerk.acting(
            actor, Word.REFUND_ORDER, subject, reason, amount=amount, to=str(to)
        ):
            new = self._clerk.new_refund(actor, id, amount, reason)
            return await self._orders.refund_by_staff(found["id"], to, new)

    async def refund_top_up(
        self, actor: Actor, id: str, top_up_id: str, amount: int | None, reason: str
    ) -> Row:
        """Give a top-up back to its source, with its bonus taken back. Moves money."""
        subject = f"top_up:{top_up_id}"
        with self._clerk.acting(actor, Word.REFUND_TOP_UP, subject, reason, amount=amount):
            new = self._clerk.new_refund(actor, id, amount, reason)
            return await self._top_ups.refund_by_staff(top_up_id, new)

    async def decide_refund(self, actor: Actor, refund_id: str, *, approve: bool) -> Row:
        """Let a refund go that waits for a second person, or reject it. Moves money."""
        subject = f"refund:{refund_id}"
        with self._clerk.acting(actor, Word.DECIDE_REFUND, subject, approve=approve):
            return await self._orders.decide_refund(refund_id, approver=actor.name, approve=approve)

    async def cancel(self, actor: Actor, order: str, reason: str) -> Row:
        """Cancel a pending order: what was held for it is released."""
        require(actor, Word.CANCEL_ORDER)
        found = await self.find(order)
        with self._clerk.acting(actor, Word.CANCEL_ORDER, f"order:{found['id']}", reason):
            return await self._orders.cancel_by_staff(found["id"])

    async def find(self, named: str) -> Row:
        """An order by its reference, or by its id. Raises ``NotFound``."""
        try:
            return await self._orders.find(named)
        except NotFound:
            return await self._orders.read(named)
