"""The states of a payment, a refund and a dispute, and every step between them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from batua.contract import DisputeStatus

__all__ = [
    "PaymentStatus",
    "RefundStatus",
    "advance_dispute",
    "advance_payment",
    "advance_refund",
]


class PaymentStatus(StrEnum):
    """Where a payment of ours stands."""

    CREATED = "created"  # ours alone: the provider has not answered yet
    PENDING = "pending"  # at the provider, waiting for its payer
    AUTHORIZED = "authorized"  # promised by the payer's bank, not taken
    SUCCEEDED = "succeeded"  # taken
    FAILED = "failed"  # the newest attempt failed; another one may still succeed
    EXPIRED = "expired"  # nobody paid in time; money that arrives all the same is kept
    CANCELLED = "cancelled"  # we no longer want it; money that arrives all the same is kept


class RefundStatus(StrEnum):
    """Where a refund stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    PENDING = "pending"
    UNKNOWN = "unknown"  # sent, no answer: only the provider's own word resolves it
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"  # by the second person


_PAYMENT: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.CREATED: frozenset(PaymentStatus) - {PaymentStatus.CREATED},
    PaymentStatus.PENDING: frozenset(PaymentStatus)
    - {PaymentStatus.CREATED, PaymentStatus.PENDING},
    PaymentStatus.AUTHORIZED: frozenset(
        {PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.CANCELLED}
    ),
    PaymentStatus.FAILED: frozenset(
        {PaymentStatus.AUTHORIZED, PaymentStatus.SUCCEEDED, PaymentStatus.EXPIRED}
    ),
    PaymentStatus.EXPIRED: frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.SUCCEEDED}),
    PaymentStatus.CANCELLED: frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.SUCCEEDED}),
    PaymentStatus.SUCCEEDED: frozenset(),
}

_REFUND: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.AWAITING_APPROVAL: frozenset(
        {RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.REJECTED}
    ),
    RefundStatus.PENDING: frozenset(
        {RefundStatus.UNKNOWN, RefundStatus.SUCCEEDED, RefundStatus.FAILED}
    ),
    RefundStatus.UNKNOWN: frozenset(
        {RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED}
    ),
    # A provider may take back what it said: then the refund is reversed and the rest reopens.
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset(),
    RefundStatus.REJECTED: frozenset(),
}

_DISPUTE: Mapping[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.OPEN: frozenset({DisputeStatus.WON, DisputeStatus.LOST}),
    # An appeal may bring back what was lost.
    DisputeStatus.LOST: frozenset({DisputeStatus.WON}),
    DisputeStatus.WON: frozenset(),
}

S = TypeVar("S", PaymentStatus, RefundStatus, DisputeStatus)


def advance_payment(current: str, to: PaymentStatus) -> PaymentStatus:
    """The status after ``to`` was heard: an event out of order changes nothing."""
    return _advance(_PAYMENT, PaymentStatus(current), to)


def advance_refund(current: str, to: RefundStatus) -> RefundStatus:
    """The status after ``to`` was heard: an event out of order changes nothing."""
    return _advance(_REFUND, RefundStatus(current), to)


def advance_dispute(current: str, to: DisputeStatus) -> DisputeStatus:
    """The status after ``to`` was heard: an event out of order changes nothing."""
    return _advance(_DISPUTE, DisputeStatus(current), to)


def _advance(table: Mapping[S, frozenset[S]], current: S, to: S) -> S:
    return to if to in table[current] else current
