"""What a comparison found: sums, breaks, and whether there was one at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from batua.contract import Money, SettlementResult
from batua.reconciliation.comparing import HEALABLE, WHAT_TO_DO, BreakType
from batua.reconciliation.entries import Entry, Kind

__all__ = ["Break", "DayReport", "State", "Sums"]


class State(StrEnum):
    """How a gateway's day stands."""

    EQUAL = "equal"
    BROKEN = "broken"
    NOT_RECONCILABLE = "not_reconcilable"  # its provider lists nothing, or it takes no money itself
    UNAVAILABLE = "unavailable"  # it could not be asked, so nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing on which the two sides differ. A side that knows nothing of it has None.

    ``is_healed`` says that taking the provider's word in has made the sides equal; ``note`` is
    what came of trying.
    """

    type: BreakType
    kind: Kind
    provider_id: str
    provider_payment_id: str
    our_id: str
    ours: Money | None
    theirs: Money | None
    our_status: str
    their_status: str
    our_mode: str
    their_mode: str
    at: datetime | None
    is_healed: bool = False
    note: str = ""

    @classmethod
    def of(cls, type_: BreakType, ours: Entry | None, theirs: Entry | None) -> Break:
        """The break between two entries, of which one may be missing."""
        one = theirs or ours
        if one is None:
            raise ValueError("a break is of something")
        return cls(
            type=type_,
            kind=one.kind,
            provider_id=one.provider_id,
            provider_payment_id=one.provider_payment_id,
            our_id=ours.our_id if ours else one.our_id,
            ours=ours.money if ours else None,
            theirs=theirs.money if theirs else None,
            our_status=ours.status if ours else "",
            their_status=theirs.status if theirs else "",
            our_mode=ours.mode if ours else "",
            their_mode=theirs.mode if theirs else "",
            at=one.at,
        )

    @property
    def can_heal(self) -> bool:
        """Whether taking the provider's word in may help."""
        return self.type in HEALABLE

    @property
    def what_to_do(self) -> str:
        """What a person does about it."""
        return "nothing: it is healed" if self.is_healed else WHAT_TO_DO[self.type]

    def after_healing(self, *, is_healed: bool, note: str) -> Break:
        """The same break, after the provider's word was taken in."""
        return replace(self, is_healed=is_healed, note=note)


@dataclass(slots=True)
class Sums:
    """What both sides have of one kind and currency, in minor units."""

    ours: int = 0
    theirs: int = 0

    @property
    def difference(self) -> int:
        """How much more we have than they."""
        return self.ours - self.theirs


@dataclass(slots=True, kw_only=True)
class DayReport:
    """A gateway's day, in UTC. ``problem`` says why there is no comparison.

    ``sums`` are by currency and kind, of the day by the provider's time, as they were found:
    healing changes ours afterwards.
    """

    gateway: str
    day: date
    problem: str = ""
    is_reconcilable: bool = True
    sums: dict[tuple[str, Kind], Sums] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    settlements: tuple[SettlementResult, ...] = ()

    @property
    def state(self) -> State:
        """Equal is also what was made so."""
        if not self.is_reconcilable:
            return State.NOT_RECONCILABLE
        if self.problem:
            return State.UNAVAILABLE
        return State.BROKEN if self.open_breaks else State.EQUAL

    @property
    def open_breaks(self) -> list[Break]:
        """Those that are not healed."""
        return [each for each in self.breaks if not each.is_healed]

    def count(self, ours: Entry | None, theirs: Entry | None) -> None:
        """Add what either side has of one thing."""
        for entry, side in ((ours, "ours"), (theirs, "theirs")):
            if entry is not None and entry.has_moved:
                sums = self.sums.setdefault((entry.money.currency, entry.kind), Sums())
                setattr(sums, side, getattr(sums, side) + entry.money.amount)

    def sums_in_order(self) -> Iterable[tuple[str, Kind, Sums]]:
        """By currency, then kind; each kind of a currency that has any."""
        kinds = list(Kind)
        for currency in sorted({currency for currency, _ in self.sums}):
            for kind in kinds:
                yield currency, kind, self.sums.get((currency, kind), Sums())
