"""Refunds that begin at the provider: somebody pressed a button in its dashboard. A fact.

It is posted whatever our own rules would have said. Only a refund of ours that is under way can
make it wait: the provider will refuse one of the two, and says so soon.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from batua.clock import NewId
from batua.contract import ProviderRefundStatus, RefundResult
from batua.errors import Conflict, TryAgain
from batua.events import EventType
from batua.ledger import AccountName, Book, Need, Record
from batua.outbox import Announcer
from batua.payments.capturing import Applied
from batua.payments.clawbacks import Clawback, Clawed
from batua.payments.purposes import Purposes
from batua.payments.states import RefundStatus
from batua.payments.tables import Refund
from batua.payments.taking_back import Told, give_back, refunds_of, take_back

__all__ = ["ApplyProviderRefund"]

log = logging.getLogger(__name__)

REASON = "refunded_at_provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyProviderRefund:
    """Take in a provider's word on a refund that is none of ours. Moves money.

    One that is not done yet is left alone. Raises ``TryAgain`` while a refund of ours is in its
    way, and ``Conflict`` (``refund_differs``) for more than was ever captured.
    """

    gateway: str
    result: RefundResult
    purposes: Purposes
    announcer: Announcer
    new_id: NewId

    def needs(self, book: Book) -> Iterable[Need]:
        return self._told.needs(book)

    def decide(self, book: Book) -> Applied:
        capture = self._told.capture(book)
        if capture is None:
            return Applied.UNMATCHED
        if capture["mode"] != self.result.mode:
            return Applied.WRONG_MODE
        known = self._told.row(book)
        if self.result.status is ProviderRefundStatus.FAILED:
            return self._failed(book, capture, known)
        if known is not None or self.result.status is not ProviderRefundStatus.SUCCEEDED:
            return Applied.NOTHING_NEW
        self._require_possible(book, capture)
        return self._succeeded(book, capture)

    def _require_possible(self, book: Book, capture: Record) -> None:
        amount = self.result.amount
        # What wallets were refunded doesn't count: the payer got it from us, not from the provider.
        rest = capture["amount"] - _at_source(book, capture)
        if amount.currency != capture["currency"] or amount.amount > rest:
            raise Conflict(
                "refund_differs",
                f"The provider says that {amount} of {capture['provider_payment_id']!r} went "
                f"back, of which no more than {rest} {capture['currency']} could.",
            )
        if amount.amount > rest - capture["refund_reserved"] or self._may_be_ours(book, capture):
            raise TryAgain(
                "refund_under_way",
                f"A refund of ours of {capture['provider_payment_id']!r} is not decided yet.",
            )

    def _may_be_ours(self, book: Book, capture: Record) -> bool:
        """Whether a refund of ours waits for the provider's id: this may be it."""
        return any(
            refund["capture_id"] == capture["id"]
            and refund["status"] in {RefundStatus.PENDING, RefundStatus.UNKNOWN}
            and refund["source_amount"] == self.result.amount.amount
            and refund["provider_refund_id"] is None
            for refund in book.find(*refunds_of(capture))
        )

    def _succeeded(self, book: Book, capture: Record) -> Applied:
        refund_id = self.new_id("ref")
        log.warning(
            "%s was refunded at %s by somebody else", capture["provider_payment_id"], self.gateway
        )
        clawback = self._clawback(refund_id, capture)
        refund = self._insert(book, refund_id, capture)
        clawed = take_back(book, clawback, self._told.purpose(capture))
        book.update(refund, bonus_amount=clawed.bonus, clawed_back=clawed.refunds)
        self.announcer.refund_succeeded(book, refund, capture["provider_payment_id"])
        return Applied.APPLIED

    def _failed(self, book: Book, capture: Record, refund: Record | None) -> Applied:
        if refund is None or refund["status"] == RefundStatus.FAILED:
            return Applied.NOTHING_NEW
        log.error("refund %s failed at the provider after all", refund["id"])
        clawback = replace(
            self._clawback(refund["id"], capture),
            amount=refund["amount"],
            reason="refund_failed_at_provider",
        )
        clawed = Clawed(bonus=refund["bonus_amount"], refunds=refund["clawed_back"])
        give_back(book, clawback, clawed, self._told.purpose(capture))
        book.update(refund, status=str(RefundStatus.FAILED), updated_at=book.now)
        self.announcer.events.record(book, EventType.REFUND_FAILED, refund)
        return Applied.APPLIED

    def _clawback(self, refund_id: str, capture: Record) -> Clawback:
        return Clawback(
            id=refund_id,
            kind="provider_refund",
            capture=capture,
            into=AccountName.gateway(self.gateway, capture["currency"]),
            amount=self.result.amount.amount,
            reason=REASON,
            actor=f"gateway:{self.gateway}",
            occurred_at=self.result.occurred_at,
            refund_id=refund_id,
        )

    def _insert(self, book: Book, refund_id: str, capture: Record) -> Record:
        amount = self.result.amount.amount
        return book.insert(
            Refund,
            id=refund_id,
            order_id=capture["order_id"],
            top_up_id=capture["top_up_id"],
            capture_id=capture["id"],
            gateway=self.gateway,
            customer_id=capture["customer_id"],
            amount=amount,
            currency=capture["currency"],
            destination="source",
            wallet_amount=0,
            source_amount=amount,
            capture_amount=amount,
            bonus_amount=0,
            clawed_back=0,
            reason=REASON,
            status=str(RefundStatus.SUCCEEDED),
            requested_by=f"gateway:{self.gateway}",
            provider_refund_id=self.result.provider_refund_id,
            failure="",
            polls=0,
        )

    @property
    def _told(self) -> Told:
        known = Need(Refund, "provider_refund_id", self.result.provider_refund_id)
        return Told(self.gateway, self.result.provider_payment_id, known, self.purposes)


def _at_source(book: Book, capture: Record) -> int:
    """What the provider has given back of a capture, as far as we know."""
    return sum(
        refund["source_amount"]
        for refund in book.find(*refunds_of(capture))
        if refund["capture_id"] == capture["id"] and refund["status"] == RefundStatus.SUCCEEDED
    )
