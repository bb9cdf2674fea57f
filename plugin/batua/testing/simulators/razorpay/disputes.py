"""Razorpay's disputes and settlements.

Sources: MD:api/disputes/*.md, webhooks/disputes.md and api/settlements/*.md, @ab3bda5f.
"""

from __future__ import annotations

from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.entities import Document, new_dispute, new_settlement, public

__all__ = ["DisputeBooks", "SettlementBooks"]

_EVENTS = {"open": "created"}


class DisputeBooks:
    """A payer's bank wants a payment back."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store

    def dispute(self, dispute_id: str) -> Document:
        return self._books.found("dispute", dispute_id)

    def disputes(self, payment_id: str | None = None) -> list[Document]:
        return self._store.all("dispute", payment_id)

    def move(
        self, payment_id: str, status: str, *, amount: int | None, deducted: int | None
    ) -> Document:
        """Open a dispute of this payment, or bring the one that is not over yet to ``status``.

        ``deducted`` None is all of a lost dispute and nothing of any other.
        """
        with self._store.transaction():
            payment = self._books.payment(payment_id)
            running = [
                each
                for each in self.disputes(payment_id)
                if each["status"] in {"open", "under_review"}
            ]
            wanted = payment["amount"] if amount is None else amount
            dispute = running[-1] if running else new_dispute(payment, wanted, self._books.now())
            dispute["status"] = status
            all_of_it = dispute["amount"] if status == "lost" else 0
            dispute["amount_deducted"] = all_of_it if deducted is None else deducted
            self._store.put("dispute", dispute, parent=payment_id)
            self._books.emit(
                f"payment.dispute.{_EVENTS.get(status, status)}",
                {"payment": self._books.shown(payment), "dispute": public(dispute)},
            )
            return public(dispute)


class SettlementBooks:
    """What Razorpay pays out: captures less fees, refunds and lost disputes."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store

    def settlement(self, settlement_id: str) -> Document:
        return self._books.found("settlement", settlement_id)

    def settlements(self) -> list[Document]:
        return self._store.all("settlement")

    def settle(self, status: str) -> Document:
        """Pay out every captured payment that was not paid out before."""
        with self._store.transaction():
            due = [
                payment
                for payment in self._books.payments()
                if payment["captured"] and "_settlement" not in payment
            ]
            settlement = new_settlement(
                sum(payment["amount"] - payment["amount_refunded"] for payment in due),
                fees=sum(payment["fee"] for payment in due),
                tax=sum(payment["tax"] for payment in due),
                status=status,
                now=self._books.now(),
            )
            for payment in due:
                self._store.put("payment", payment | {"_settlement": settlement["id"]})
            self._store.put("settlement", settlement)
            if status == "processed":
                self._books.emit("settlement.processed", {"settlement": public(settlement)})
            return public(settlement)
