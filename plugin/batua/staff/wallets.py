"""Wallets: given to and taken from by hand, frozen and unfrozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from batua.audit import Actor
from batua.contract import Money
from batua.database import Database, Row
from batua.errors import NotFound
from batua.ledger import Engine
from batua.staff.acting import Clerk
from batua.staff.words import Word, require
from batua.wallets import (
    Adjust,
    AdjustmentKind,
    AdjustmentReason,
    DecideAdjustment,
    Direction,
    FreezeWallet,
    Newcomers,
    WalletRules,
)

__all__ = ["Adjusting", "WalletDesk"]


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


class WalletDesk:
    """Adjustments over the limit wait for a second person."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        clerk: Clerk,
        *,
        newcomers: Newcomers,
        rules: WalletRules,
    ) -> None:
        self._database = database
        self._engine = engine
        self._clerk = clerk
        self._newcomers = newcomers
        self._rules = rules

    async def adjust(self, actor: Actor, id: str, wanted: Adjusting) -> Row:
        """Give to a wallet or take from it. Moves money, or waits for a second person.

        ``id`` becomes the adjustment's.
        """
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
            approval_limit=self._clerk.approval_limit,
            newcomers=self._newcomers,
            new_id=self._clerk.new_id,
            rules=self._rules,
        )
        with self._clerk.acting(
            actor,
            Word.ADJUST_WALLET,
            f"customer:{wanted.customer_id}",
            str(wanted.reason_code),
            direction=str(wanted.direction),
            amount=wanted.money.amount,
            currency=wanted.money.currency,
            kind=str(wanted.kind),
            note=wanted.note,
        ):
            return await self._engine.submit(operation)

    async def decide_adjustment(self, actor: Actor, adjustment_id: str, *, approve: bool) -> Row:
        """Let an adjustment happen that waits for a second person, or reject it. Moves money."""
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
            new_id=self._clerk.new_id,
            rules=self._rules,
        )
        subject = f"adjustment:{adjustment_id}"
        with self._clerk.acting(actor, Word.DECIDE_ADJUSTMENT, subject, approve=approve):
            return await self._engine.submit(operation)

    async def freeze(self, actor: Actor, customer_id: str, currency: str, reason: str) -> Row:
        """From now on the wallet pays nothing. What genuinely comes in still does."""
        return await self._set(actor, Word.FREEZE_WALLET, customer_id, currency, reason)

    async def unfreeze(self, actor: Actor, customer_id: str, currency: str, reason: str) -> Row:
        """The wallet may pay again, also where a dispute had frozen it."""
        return await self._set(actor, Word.UNFREEZE_WALLET, customer_id, currency, reason)

    async def _set(
        self, actor: Actor, word: Word, customer_id: str, currency: str, reason: str
    ) -> Row:
        operation = FreezeWallet(
            customer_id=customer_id,
            currency=currency,
            freezes=word is Word.FREEZE_WALLET,
            new_id=self._clerk.new_id,
        )
        subject = f"customer:{customer_id}"
        with self._clerk.acting(actor, word, subject, reason, currency=currency):
            return await self._engine.submit(operation)
