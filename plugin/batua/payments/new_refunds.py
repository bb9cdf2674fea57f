"""A refund's row, as whoever asks for one stages it: before any gateway hears of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from batua.contract import Support
from batua.errors import Conflict
from batua.ledger import Book, Record
from batua.payments.rescheduling import FIRST_POLL_S
from batua.payments.states import RefundStatus
from batua.payments.tables import Refund
from batua.registry import Registry

__all__ = [
    "NewRefund",
    "bonus_hold",
    "can_refund",
    "insert_refund",
    "known_refund",
    "ledger_reason",
    "refund_support",
]

_CODE = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """What staff ask for. Amounts are minor units; ``amount`` None is all that is left."""

    id: str
    amount: int | None
    reason: str
    requested_by: str
    approval_limit: int


def ledger_reason(reason: str) -> str:
    """What the ledger says of a refund's reason.

    A code stays. What somebody wrote for people stands in the refund's own row alone: a transfer
    is chained and never edited, so that a name in it could never be erased.
    """
    return reason if _CODE.fullmatch(reason) else "refund"


def bonus_hold(refund_id: str) -> str:
    """The id of the hold on what a top-up's refund takes of its bonus."""
    return f"{refund_id}.bonus"


def refund_support(registry: Registry) -> dict[str, Support]:
    """How far each working gateway can refund: what a pure decision may know of them."""
    return {
        code: plugin.manifest.capabilities.refund
        for code, plugin in registry.gateways.items()
        if plugin.instance is not None and plugin.manifest.capabilities is not None
    }


def can_refund(support: Mapping[str, Support], capture: Record, amount: int) -> bool:
    """Whether a capture's gateway can give this much of it back."""
    grade = support.get(capture["gateway"], Support.NONE)
    is_whole = amount == capture["amount"]
    return grade is Support.PARTIAL or (grade is Support.FULL_ONLY and is_whole)


def known_refund(book: Book, new: NewRefund, subject_id: str) -> Record | None:
    """The refund that an earlier run with this id has made, or None. Needs it loaded by its id.

    Raises ``Conflict`` (``exists_with_different_amount``) when that was another request.
    """
    known = book.get(Refund, "id", new.id)
    if known is None:
        return None
    is_same = subject_id in {known["order_id"], known["top_up_id"]}
    if not is_same or new.amount not in {None, known["amount"]}:
        raise Conflict(
            "exists_with_different_amount",
            f"Refund {new.id!r} exists, of another amount or of another order or top-up.",
        )
    return known


def insert_refund(
    book: Book,
    new: NewRefund,
    *,
    subject: Record,
    capture: Record | None,
    destination: str,
    amounts: tuple[int, int, int],
    bonus: int = 0,
) -> Record:
    """Stage a refund's row. ``amounts`` are to the wallet, to the source, from the capture.

    ``subject`` is the order or the top-up, or the capture itself where neither has got its money.
    ``bonus`` is what it takes of the top-up's bonus.
    """
    wallet_amount, source_amount, capture_amount = amounts
    amount = wallet_amount + source_amount
    waits = amount > new.approval_limit
    # Whoever is killed before the gateway was asked leaves a refund that the poller sends.
    sends = source_amount > 0 and not waits
    return book.insert(
        Refund,
        id=new.id,
        order_id=subject["id"] if capture is None else capture["order_id"],
        top_up_id=None if capture is None else capture["top_up_id"],
        capture_id=capture["id"] if capture is not None and capture_amount else None,
        gateway=capture["gateway"] if capture is not None and source_amount else None,
        customer_id=subject["customer_id"],
        amount=amount,
        currency=subject["currency"],
        destination=destination,
        wallet_amount=wallet_amount,
        source_amount=source_amount,
        capture_amount=capture_amount,
        bonus_amount=bonus,
        clawed_back=0,
        reason=new.reason,
        status=str(RefundStatus.AWAITING_APPROVAL if waits else RefundStatus.PENDING),
        requested_by=new.requested_by,
        approved_by=None,
        provider_refund_id=None,
        failure="",
        polls=0,
        next_poll_at=book.clock + timedelta(seconds=FIRST_POLL_S) if sends else None,
        created_at=book.now,
        updated_at=book.now,
    )
