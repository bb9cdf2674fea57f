"""Money in suspense: it is released to its customer's wallet, or refunded to its source. Pure.

Both are refunds of its capture, so that they are reserved, approved and counted as every refund is.
They count against nothing that the capture's order or top-up may be refunded: neither has got it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from batua.contract import Support
from batua.errors import Conflict, NotFound
from batua.events import EventType
from batua.ledger import AccountName, Book, Movement, Need, Record, account_needs
from batua.ledger.operations.lookup import mirrored
from batua.ledger.tables import Account, Transfer
from batua.outbox import Announcer
from batua.payments.new_refunds import (
    NewRefund,
    can_refund,
    insert_refund,
    known_refund,
    ledger_reason,
)
from batua.payments.purposes import Destination, Purposes, Refunding
from batua.payments.states import RefundStatus
from batua.payments.tables import Capture, Refund

__all__ = [
    "RequestSuspenseRefund",
    "SuspenseTo",
    "in_suspense",
    "refunding_needs",
    "refunding_of",
]


class SuspenseTo(StrEnum):
    """Where staff let money in suspense go."""

    WALLET = "wallet"  # released to its customer, as paid credit
    SOURCE = "source"  # refunded through its gateway


def in_suspense(capture: Record) -> int:
    """What is in suspense of a capture that went there, with what its refunds have reserved."""
    return max(0, int(capture["amount"] - capture["refunded"] - capture["disputed"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSuspenseRefund:
    """Reserve money in suspense, and release it at once unless it waits for a second person.

    What goes to the source is sent to the gateway later. Raises ``NotFound`` and ``Conflict``:
    ``not_in_suspense``, ``refund_exceeds_refundable``, ``refund_unsupported``,
    ``exists_with_different_amount``, ``exists_with_different_details``.
    """

    capture_id: str
    to: SuspenseTo
    new: NewRefund
    support: Mapping[str, Support]
    announcer: Announcer

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Capture, "id", self.capture_id)
        yield need
        yield Need(Refund, "id", self.new.id)
        if not book.missing([need]) and (capture := book.get(*need)) is not None:
            yield from _accounts(capture)

    def decide(self, book: Book) -> Record:
        capture = book.get(Capture, "id", self.capture_id)
        if capture is None:
            raise NotFound("capture", self.capture_id)
        if (known := self._known(book, capture)) is not None:
            return known
        amount = self._amount(capture)
        if self.to is SuspenseTo.SOURCE and not can_refund(self.support, capture, amount):
            raise Conflict(
                "refund_unsupported",
                f"The gateway {capture['gateway']!r} can't refund {amount} of this payment. "
                "Release it to the wallet instead.",
            )
        book.update(capture, refund_reserved=capture["refund_reserved"] + amount)
        to_wallet = amount if self.to is SuspenseTo.WALLET else 0
        refund = insert_refund(
            book,
            self.new,
            subject=capture,
            capture=capture,
            destination=str(self.to),
            amounts=(to_wallet, amount - to_wallet, amount),
        )
        if refund["status"] == RefundStatus.PENDING:
            SuspenseRefunds(self.announcer).approved(book, refund)
        return refund

    def _known(self, book: Book, capture: Record) -> Record | None:
        known = known_refund(book, self.new, capture["order_id"] or capture["top_up_id"])
        is_same = known is None or (
            (known["capture_id"], known["destination"]) == (self.capture_id, str(self.to))
        )
        if not is_same:
            raise Conflict(
                "exists_with_different_details",
                f"Refund {self.new.id!r} exists, of another payment or to another place.",
            )
        return known

    def _amount(self, capture: Record) -> int:
        if capture["destination"] != Destination.SUSPENSE:
            raise Conflict(
                "not_in_suspense",
                f"Payment {capture['id']!r} went to the {capture['destination']}: refund its "
                "order or its top-up.",
            )
        rest = in_suspense(capture) - capture["refund_reserved"]
        amount = rest if self.new.amount is None else self.new.amount
        if not 0 < amount <= rest:
            raise Conflict(
                "refund_exceeds_refundable",
                f"Payment {capture['id']!r} has {max(0, rest)} {capture['currency']} left in "
                f"suspense (minor units), not {amount}.",
            )
        return amount


@dataclass(frozen=True, slots=True)
class SuspenseRefunds:
    """How refunds of a capture in suspense are posted, and undone."""

    announcer: Announcer

    def approved(self, book: Book, refund: Record) -> None:
        if not refund["wallet_amount"]:
            return
        capture = book.need(Capture, "id", refund["capture_id"])
        wallet = AccountName.wallet_of(capture)
        self._post(book, refund, "wallet", "release", wallet, refund["wallet_amount"])
        _settle(book, capture, refund)
        book.update(refund, status=str(RefundStatus.SUCCEEDED), updated_at=book.now)
        self.announcer.refund_succeeded(book, refund, capture["provider_payment_id"])

    def rejected(self, book: Book, refund: Record) -> None:
        capture = book.need(Capture, "id", refund["capture_id"])
        book.update(capture, refund_reserved=capture["refund_reserved"] - refund["amount"])

    def source_refunded(self, book: Book, refund: Record) -> None:
        """What a dispute has taken meanwhile was paid twice: that is the shop's loss."""
        capture = book.need(Capture, "id", refund["capture_id"])
        gateway = AccountName.gateway(capture["gateway"], capture["currency"])
        there = min(refund["source_amount"], in_suspense(capture))
        if there:
            self._post(book, refund, "source", "refund", gateway, there)
        if there < refund["source_amount"]:
            lost = refund["source_amount"] - there
            self._post(book, refund, "loss", "refund_loss", gateway, lost)
        _settle(book, capture, refund)
        self.announcer.refund_succeeded(book, refund, capture["provider_payment_id"])

    def source_failed(self, book: Book, refund: Record, *, was_posted: bool) -> None:
        capture = book.need(Capture, "id", refund["capture_id"])
        column = "refunded" if was_posted else "refund_reserved"
        book.update(capture, **{column: capture[column] - refund["source_amount"]})
        for part in ("source", "loss") if was_posted else ():
            transfer = book.get(Transfer, "id", f"{refund['id']}.{part}")
            if transfer is not None:
                book.post(
                    mirrored(
                        book,
                        transfer,
                        id=f"{transfer['id']}.reversal",
                        kind=f"reversal_of_{transfer['kind']}",
                        reason="refund_failed_at_provider",
                        actor=f"gateway:{refund['gateway']}",
                    )
                )
        self.announcer.events.record(book, EventType.REFUND_FAILED, refund)

    def _post(
        self, book: Book, refund: Record, part: str, kind: str, to: AccountName, amount: int
    ) -> None:
        capture = book.need(Capture, "id", refund["capture_id"])
        suspense = AccountName.suspense(capture["gateway"], capture["currency"])
        loss = AccountName.dispute_loss(capture["currency"])
        book.post(
            Movement(
                id=f"{refund['id']}.{part}",
                kind=f"suspense_{kind}",
                debit=loss if part == "loss" else suspense,
                credit=to,
                amount=amount,
                reason=ledger_reason(refund["reason"]),
                actor=refund["requested_by"],
                approved_by=refund["approved_by"],
                order_id=capture["order_id"],
                top_up_id=capture["top_up_id"],
                payment_id=capture["payment_id"],
                refund_id=refund["id"],
            )
        )


def refunding_needs(book: Book, refund: Record, purposes: Purposes) -> Iterable[Need]:
    """All that posting a refund, or undoing it, reads and writes."""
    purpose = purposes["order" if refund["order_id"] else "top_up"]
    yield from purpose.needs(refund["order_id"] or refund["top_up_id"], book)
    if refund["capture_id"]:
        need = Need(Capture, "id", refund["capture_id"])
        yield need
        if not book.missing([need]) and _is_in_suspense(capture := book.need(*need)):
            yield from _accounts(capture)


def refunding_of(book: Book, refund: Record, purposes: Purposes) -> Refunding:
    """Who posts a refund: what it is of, or suspense where its money went there."""
    purpose = purposes["order" if refund["order_id"] else "top_up"]
    if refund["capture_id"] and _is_in_suspense(book.need(Capture, "id", refund["capture_id"])):
        return SuspenseRefunds(purpose.announcer)
    return purpose


def _is_in_suspense(capture: Record) -> bool:
    return bool(capture["destination"] == Destination.SUSPENSE)


def _accounts(capture: Record) -> Iterable[Need]:
    gateway, currency = capture["gateway"], capture["currency"]
    yield from account_needs(AccountName.wallet_of(capture))
    for name in (
        AccountName.suspense(gateway, currency),
        AccountName.gateway(gateway, currency),
        AccountName.dispute_loss(currency),
    ):
        yield Need(Account, "key", name.key)


def _settle(book: Book, capture: Record, refund: Record) -> None:
    book.update(
        capture,
        refunded=capture["refunded"] + refund["amount"],
        refund_reserved=capture["refund_reserved"] - refund["amount"],
    )
