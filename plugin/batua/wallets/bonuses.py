"""The bonus that a top-up brings, and what is left of it when the top-up goes back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from batua.ledger import AccountName, Book, Movement, Need, NewLot, Record
from batua.ledger.tables import Lot, LotEntry
from batua.settings import Settings

__all__ = [
    "BonusLeft",
    "BonusRule",
    "bonus_left",
    "bonus_needs",
    "bonus_rule",
    "grant_bonus",
    "share_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusRule:
    """What the shop gives on top of a top-up: ``percent`` of it, rounded down.

    Amounts are minor units of ``currency``, the only one in which there is a bonus. ``most`` 0 is
    no limit; ``days`` 0 is a bonus that never expires.
    """

    currency: str
    percent: int
    at_least: int = 0
    most: int = 0
    days: int = 0

    def bonus_of(self, amount: int, currency: str) -> int:
        """The bonus for a top-up of ``amount``."""
        if currency != self.currency or amount < self.at_least:
            return 0
        bonus = amount * self.percent // 100
        return min(bonus, self.most) if self.most else bonus


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusLeft:
    """Where a top-up's bonus is, that neither expired nor went back. Minor units.

    ``free`` is what can be taken of its lots; what they hold can't for now, and is not here.
    """

    free: int = 0
    spent: int = 0

    @property
    def outstanding(self) -> int:
        """What would have to go back with the whole top-up."""
        return self.free + self.spent


def bonus_rule(settings: Settings) -> BonusRule:
    """The shop's rule, as it is set."""
    return BonusRule(
        currency=settings.currency,
        percent=settings.top_up_bonus_percent,
        at_least=settings.top_up_bonus_from,
        most=settings.top_up_bonus_max,
        days=settings.top_up_bonus_days,
    )


def share_of(bonus: int, *, amount: int, of: int) -> int:
    """The part of a bonus for ``amount`` of a top-up: rounded up, all of it for the rest."""
    return bonus if amount >= of else -(-bonus * amount // of)


def grant_bonus(book: Book, rule: BonusRule, top_up: Record, capture: Record) -> int:
    """Post the bonus of a top-up that was just captured, and say how much it was."""
    bonus = rule.bonus_of(capture["amount"], capture["currency"])
    if bonus:
        expires_at = book.now + timedelta(days=rule.days) if rule.days else None
        book.post(
            Movement(
                id=f"{top_up['id']}.bonus",
                kind="top_up_bonus",
                debit=AccountName.promotion(capture["currency"]),
                credit=AccountName.wallet(top_up["customer_id"], capture["currency"]),
                amount=bonus,
                reason="top_up_bonus",
                actor="system",
                top_up_id=top_up["id"],
                payment_id=capture["payment_id"],
                opens=NewLot(kind="bonus", expires_at=expires_at, top_up_id=top_up["id"]),
            )
        )
    return bonus


def bonus_needs(book: Book, top_up: Record) -> Iterable[Need]:
    """The lots that a top-up's bonus is in, and what moved in and out of them."""
    if not top_up["bonus"]:
        return
    lots = Need(Lot, "top_up_id", top_up["id"])
    yield lots
    if book.is_loaded(lots):
        for lot in book.find(*lots):
            yield Need(LotEntry, "lot_id", lot["id"])


def bonus_left(book: Book, top_up: Record) -> BonusLeft:
    """Where the bonus is by now. What is due of the wallet must have expired before."""
    if not top_up["bonus"]:
        return BonusLeft()
    lots = book.find(Lot, "top_up_id", top_up["id"])
    expired = sum(_expired(book, lot) for lot in lots)
    remaining = sum(lot["remaining"] for lot in lots)
    held = sum(lot["held"] for lot in lots)
    left = top_up["bonus"] - top_up["bonus_returned"] - expired
    return BonusLeft(free=remaining - held, spent=max(0, left - remaining))


def _expired(book: Book, lot: Record) -> int:
    expiry = f"{lot['id']}.expiry."
    return sum(
        -entry["amount"]
        for entry in book.find(LotEntry, "lot_id", lot["id"])
        if entry["transfer_id"].startswith(expiry)
    )
