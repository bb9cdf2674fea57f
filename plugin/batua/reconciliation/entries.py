"""An entry: one capture, refund or dispute, in the same words whoever speaks of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from batua.contract import DisputeResult, Money, PaymentResult, RefundResult, TransactionResult

__all__ = ["RESULTS", "Entry", "Kind", "told"]


class Kind(StrEnum):
    """What an entry is of, in the order in which one can lead to the next."""

    CAPTURE = "capture"
    REFUND = "refund"
    DISPUTE = "dispute"


RESULTS: Mapping[Kind, type[TransactionResult]] = {
    Kind.CAPTURE: PaymentResult,
    Kind.REFUND: RefundResult,
    Kind.DISPUTE: DisputeResult,
}
"""What an adapter lists of each kind."""

_MOVED = {
    Kind.CAPTURE: frozenset({"captured"}),
    Kind.REFUND: frozenset({"succeeded"}),
    Kind.DISPUTE: frozenset({"open", "lost"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``status`` is the contract's word; ours may also be one that only we have, as ``unknown``.

    ``our_id`` of a provider's entry is what it echoes of ours, or empty. ``at`` is the provider's
    time where it is known. ``payment_id`` and ``provider_reference`` are of our capture alone.
    """

    kind: Kind
    provider_id: str
    provider_payment_id: str
    our_id: str
    money: Money
    status: str
    mode: str
    at: datetime | None
    payment_id: str = ""
    provider_reference: str = ""

    @property
    def key(self) -> str:
        """Names it among all that a gateway has."""
        return f"{self.kind}:{self.provider_id}"

    @property
    def has_moved(self) -> bool:
        """Whether its amount is gone from, or came to, whoever speaks."""
        return self.status in _MOVED[self.kind]


def told(result: TransactionResult) -> Entry:
    """The provider's word as an entry."""
    if isinstance(result, PaymentResult):
        kind, provider_id, our_id = Kind.CAPTURE, result.provider_payment_id, ""
    elif isinstance(result, RefundResult):
        kind, provider_id, our_id = Kind.REFUND, result.provider_refund_id, result.refund_id
    else:
        kind, provider_id, our_id = Kind.DISPUTE, result.provider_dispute_id, ""
    return Entry(
        kind=kind,
        provider_id=provider_id,
        provider_payment_id=result.provider_payment_id,
        our_id=our_id,
        money=result.amount,
        status=str(result.status),
        mode=str(result.mode),
        at=result.occurred_at,
    )
