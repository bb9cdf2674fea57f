"""The one way in for what a provider says of a payment: webhook, confirm and poller alike.

Each genuine capture is posted once, at once.  What is credited is what was captured.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from batua.clock import NewId
from batua.contract import PaymentResult, ProviderPaymentStatus
from batua.ledger import AccountName, Book, Movement, Need, Record, account_needs
from batua.payments.purposes import Destination, Placement, Purpose, Purposes
from batua.payments.states import PaymentStatus, advance_payment
from batua.payments.tables import Capture, Payment
from batua.redaction import redact

__all__ = ["Applied", "ApplyPaymentResult"]

log = logging.getLogger(__name__)


class Applied(StrEnum):
    """What became of a provider's word."""

    APPLIED = "applied"
    NOTHING_NEW = "nothing_new"
    UNMATCHED = "unmatched"  # we know no such payment (yet)
    WRONG_MODE = "wrong_mode"  # test money at a live payment, or the other way round


@dataclass(frozen=True, slots=True)
class ApplyPaymentResult:
    """Take in one attempt of a payer. Moves money when the attempt was captured.

    ``payment_id`` is set where we asked the provider by it: then the attempt is that payment's,
    whatever reference the provider gives it (a lost answer may have left two at the provider).
    """

    gateway: str
    result: PaymentResult
    purposes: Purposes
    new_id: NewId
    payment_id: str | None = None

    def needs(self, book: Book) -> Iterable[Need]:
        yield self.matching
        yield Need(Capture, "provider_payment_id", self.result.provider_payment_id)
        if book.missing([self.matching]):
            return
        if (payment := self.payment(book)) is not None:
            yield from self._purpose(payment).needs(_subject_id(payment), book)
            for name in self._accounts(payment):
                yield from account_needs(name)

    def decide(self, book: Book) -> Applied:
        payment = self.payment(book)
        if payment is None:
            return Applied.UNMATCHED
        if payment["mode"] != self.result.mode:
            log.error("payment %s: a %s event is not posted", payment["id"], self.result.mode)
            return Applied.WRONG_MODE
        if self.result.status is ProviderPaymentStatus.CAPTURED:
            return self._capture(book, payment)
        return self._progress(book, payment)

    def _capture(self, book: Book, payment: Record) -> Applied:
        known = book.find(Capture, "provider_payment_id", self.result.provider_payment_id)
        if any(capture["gateway"] == self.gateway for capture in known):
            return Applied.NOTHING_NEW
        purpose = self._purpose(payment)
        placement = self._placement(book, payment, purpose)
        transfer = book.post(self._movement(payment, placement))
        capture = self._insert_capture(book, payment, placement, transfer)
        if placement.destination is not Destination.SUSPENSE:
            status = advance_payment(payment["status"], PaymentStatus.SUCCEEDED)
            book.update(payment, status=str(status), next_poll_at=None, updated_at=book.now)
        purpose.captured(book, capture)
        return Applied.APPLIED

    def _placement(self, book: Book, payment: Record, purpose: Purpose) -> Placement:
        paid = self.result.amount
        if paid.currency != payment["currency"]:
            return Placement(Destination.SUSPENSE, "currency_differs")
        if paid.amount != payment["amount"]:
            return Placement(Destination.SUSPENSE, "amount_differs")
        return purpose.place(book, payment)

    def _movement(self, payment: Record, placement: Placement) -> Movement:
        paid = self.result.amount
        credit = {
            Destination.WALLET: AccountName.wallet(payment["customer_id"], paid.currency),
            Destination.ORDER: AccountName.revenue(paid.currency),
            Destination.SUSPENSE: AccountName.suspense(self.gateway, paid.currency),
        }[placement.destination]
        kind = {
            Destination.WALLET: "top_up" if payment["top_up_id"] else "paid_credit",
            Destination.ORDER: "order_capture",
            Destination.SUSPENSE: "suspense",
        }[placement.destination]
        return Movement(
            id=f"capture.{self.gateway}.{self.result.provider_payment_id}",
            kind=kind,
            debit=AccountName.gateway(self.gateway, paid.currency),
            credit=credit,
            amount=paid.amount,
            reason=placement.reason,
            actor=f"gateway:{self.gateway}",
            occurred_at=self.result.occurred_at,
            order_id=payment["order_id"],
            top_up_id=payment["top_up_id"],
            payment_id=payment["id"],
        )

    def _insert_capture(
        self, book: Book, payment: Record, placement: Placement, transfer: Record
    ) -> Record:
        return book.insert(
            Capture,
            id=self.new_id("cap"),
            gateway=self.gateway,
            mode=str(self.result.mode),
            provider_payment_id=self.result.provider_payment_id,
            provider_reference=self.result.provider_reference,
            payment_id=payment["id"],
            top_up_id=payment["top_up_id"],
            order_id=payment["order_id"],
            customer_id=payment["customer_id"],
            amount=self.result.amount.amount,
            currency=self.result.amount.currency,
            destination=str(placement.destination),
            reason=placement.reason,
            transfer_seq=transfer["seq"],
            method=self.result.method,
            refunded=0,
            refund_reserved=0,
            clawed_back=0,
            disputed=0,
            captured_at=self.result.occurred_at or book.now,
            created_at=book.now,
        )

    def _progress(self, book: Book, payment: Record) -> Applied:
        to = _HEARD[self.result.status]
        status = advance_payment(payment["status"], to)
        if status == payment["status"]:
            return Applied.NOTHING_NEW
        failure = self.result.failure_message if status is PaymentStatus.FAILED else ""
        book.update(payment, status=str(status), failure=redact(failure), updated_at=book.now)
        if status in {PaymentStatus.FAILED, PaymentStatus.CANCELLED}:
            self._purpose(payment).not_paid(book, payment, expired=False)
        return Applied.APPLIED

    @property
    def matching(self) -> Need:
        """What finds the payment that the attempt is of."""
        if self.payment_id is not None:
            return Need(Payment, "id", self.payment_id)
        return Need(Payment, "provider_reference", self.result.provider_reference)

    def payment(self, book: Book) -> Record | None:
        """The payment that the attempt is of, if we know it."""
        found = book.find(*self.matching)
        return next((row for row in found if row["gateway"] == self.gateway), None)

    def _purpose(self, payment: Record) -> Purpose:
        return self.purposes[payment["purpose"]]

    def _accounts(self, payment: Record) -> Iterable[AccountName]:
        currency = self.result.amount.currency
        yield AccountName.gateway(self.gateway, currency)
        yield AccountName.suspense(self.gateway, currency)
        yield AccountName.revenue(currency)
        yield AccountName.wallet(payment["customer_id"], currency)


_HEARD = {
    ProviderPaymentStatus.PENDING: PaymentStatus.PENDING,
    ProviderPaymentStatus.AUTHORIZED: PaymentStatus.AUTHORIZED,
    ProviderPaymentStatus.FAILED: PaymentStatus.FAILED,
    ProviderPaymentStatus.VOIDED: PaymentStatus.CANCELLED,
}


def _subject_id(payment: Record) -> str:
    subject: str = payment[f"{payment['purpose']}_id"]
    return subject
