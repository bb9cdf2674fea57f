"""The desk: all that staff do, each act checked, entered in the log, and handed to its service.

The panel, our pages and whatever comes later call this, so that who may do what is decided in one
place. Amounts are minor units; each act that moves money has an id that is made before it starts,
so that the same act twice has one effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batua.audit import Act, Actor, acting, asked
from batua.clock import NewId
from batua.contract import Money
from batua.database import Database, Row
from batua.errors import NotFound
from batua.ledger import Engine
from batua.orders import Orders, RefundTo
from batua.payments import GatewayState, NewRefund, Switches
from batua.staff.words import Word, require
from batua.wallets import (
    Adjust,
    AdjustmentKind,
    AdjustmentReason,
    DecideAdjustment,
    Direction,
    Newcomers,
    WalletRules,
)

__all__ = ["Adjusting", "Desk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusting:
    """What is given to a wallet or taken from it by hand, and why."""

    customer_id: str
    money: Money
    direction: Direction
    reason_code: AdjustmentReason
    note: str = ""
    kind: AdjustmentKind = AdjustmentKind.PAID
    expires_at: datetime | None = None


class Desk:
    """Every method takes who acts first, and raises ``Forbidden`` where they may not."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        orders: Orders,
        switches: Switches,
        *,
        new_id: NewId,
        newcomers: Newcomers,
        rules: WalletRules,
        approval_limit: int,
    ) -> None:
        self._database = database
        self._engine = engine
        self._orders = orders
        self._switches = switches
        self._new_id = new_id
        self._newcomers = newcomers
        self._rules = rules
        self._approval_limit = approval_limit

    # --- orders -----------------------------------------------------------------------------

    async def refund_order(
        self, actor: Actor, id: str, order: str, amount: int | None, to: RefundTo, reason: str
    ) -> Row:
        """Refund an order, named by its reference or id; None for all that is left.

        Moves money, or reserves it for a second person. ``id`` becomes the refund's.
        """
        require(actor, Word.REFUND_ORDER)
        found = await self.find_order(order)
        new = NewRefund(
            id=id,
            amount=amount,
            reason=reason,
            requested_by=actor.name,
            approval_limit=self._approval_limit,
        )
        told = {"order": found["reference"], "amount": amount, "to": str(to)}
        with self.acting(actor, Word.REFUND_ORDER, f"order:{found['id']}", reason, told):
            return await self._orders.refund_by_staff(found["id"], to, new)

    async def decide_refund(self, actor: Actor, refund_id: str, *, approve: bool) -> Row:
        """Let a refund go that waits for a second person, or reject it. Moves money."""
        told = {"approve": approve}
        with self.acting(actor, Word.DECIDE_REFUND, f"refund:{refund_id}", "", told):
            return await self._orders.decide_refund(refund_id, approver=actor.name, approve=approve)

    async def find_order(self, named: str) -> Row:
        """An order by its reference, or by its id. Raises ``NotFound``."""
        try:
            return await self._orders.find(named)
        except NotFound:
            return await self._orders.read(named)

    # --- wallets ----------------------------------------------------------------------------

    async def adjust_wallet(self, actor: Actor, id: str, wanted: Adjusting) -> Row:
        """Give to a wallet or take from it. Moves money, or waits for a second person."""
        told = {
            "direction": str(wanted.direction),
            "amount": wanted.money.amount,
            "currency": wanted.money.currency,
            "kind": str(wanted.kind),
            "note": wanted.note,
        }
        subject, why = f"customer:{wanted.customer_id}", str(wanted.reason_code)
        operation = Adjust(
            id=id,
            customer_id=wanted.customer_id,
            money=wanted.money,
            direction=wanted.direction,
            reason_code=wanted.reason_code,
            note=wanted.note,
            kind=wanted.kind,
            expires_at=wanted.expires_at,
            requested_by=actor.name,
            approval_limit=self._approval_limit,
            newcomers=self._newcomers,
            new_id=self._new_id,
            rules=self._rules,
        )
        with self.acting(actor, Word.ADJUST_WALLET, subject, why, told):
            return await self._engine.submit(operation)

    async def decide_adjustment(self, actor: Actor, adjustment_id: str, *, approve: bool) -> Row:
        """Let an adjustment happen that waits for a second person, or reject it."""
        require(actor, Word.DECIDE_ADJUSTMENT)
        known = await self._database.fetch_one(
            "select id from batua_adjustment where id = $1", adjustment_id
        )
        if known is None:
            raise NotFound("adjustment", adjustment_id)
        operation = DecideAdjustment(
            adjustment_id=adjustment_id,
            approver=actor.name,
            approve=approve,
            new_id=self._new_id,
            rules=self._rules,
        )
        subject = f"adjustment:{adjustment_id}"
        with self.acting(actor, Word.DECIDE_ADJUSTMENT, subject, "", {"approve": approve}):
            return await self._engine.submit(operation)

    # --- gateways ---------------------------------------------------------------------------

    async def set_gateway_state(self, actor: Actor, code: str, state: GatewayState) -> None:
        """Let a gateway take new payments, or no more. What is under way goes on."""
        told = {"state": str(state)}
        with self.acting(actor, Word.SET_GATEWAY_STATE, f"gateway:{code}", "", told):
            await self._switches.set_state(code, state, actor=actor.name)

    # --- the log ----------------------------------------------------------------------------

    @contextmanager
    def acting(
        self, actor: Actor, word: Word, subject: str, reason: str, told: Mapping[str, Any]
    ) -> Iterator[None]:
        """Whatever is written within the block is entered as this act. Raises ``Forbidden``."""
        require(actor, word)
        act = Act(id=self._new_id("aud"), actor=actor, word=word, subject=subject, reason=reason)
        with acting(act):
            asked(told)
            yield
