"""Disputes: a payer's bank or PayPal itself takes a capture's money back, or does not.

Source: SPEC customer_disputes_v1, read 2026-11-22.
"""

from __future__ import annotations

from batua.testing.simulators.paypal.books import Books
from batua.testing.simulators.paypal.documents import new_dispute, new_id, new_refund
from batua.testing.simulators.paypal.errors import Document, unprocessable
from batua.testing.simulators.paypal.money import minor, money
from batua.testing.simulators.paypal.payments import TAKEN, Payments, is_lost

__all__ = ["Disputes"]

_OUTCOMES = {"won": "RESOLVED_SELLER_FAVOUR", "lost": "RESOLVED_BUYER_FAVOUR"}


class Disputes:
    """One dispute for each capture; it may be opened again after it was decided."""

    def __init__(self, books: Books, payments: Payments) -> None:
        self._books = books
        self._store = books.store
        self._payments = payments

    def dispute(self, dispute_id: str) -> Document:
        return self._books.found("dispute", dispute_id)

    def disputes(self, capture_id: str | None = None) -> list[Document]:
        return self._store.all("dispute", capture_id)

    def status_of(self, dispute: Document) -> str:
        """``open``, ``won`` or ``lost``."""
        code = dispute.get("dispute_outcome", {}).get("outcome_code")
        return next((status for status, name in _OUTCOMES.items() if name == code), "open")

    def move(self, capture_id: str, status: str, amount: int | None) -> Document:
        """Open, decide, or open again. What was lost is taken, what is then won comes back."""
        with self._store.transaction():
            capture = self._payments.capture(capture_id)
            dispute = next(iter(self.disputes(capture_id)), None)
            if dispute is None:
                dispute = self._open(capture, amount)
            elif status == "open":
                self._reopen(dispute)
            if status != "open" and self.status_of(dispute) != status:
                self._decide(dispute, capture, status)
            return dispute

    def _open(self, capture: Document, amount: int | None) -> Document:
        if capture["status"] not in TAKEN:
            raise unprocessable("TRANSACTION_REFUSED")
        all_of_it = capture["amount"]
        disputed = minor(all_of_it) if amount is None else amount
        dispute = new_dispute(capture, money(disputed, all_of_it["currency_code"]), self._books.now)
        self._store.put("dispute", dispute, parent=capture["id"])
        self._tell("CREATED", "A new dispute opened with Case #", dispute)
        return dispute

    def _reopen(self, dispute: Document) -> None:
        if is_lost(dispute):
            self._give_back(dispute)
        dispute.pop("dispute_outcome", None)
        dispute |= {"status": "UNDER_REVIEW", "dispute_state": "UNDER_PAYPAL_REVIEW"}
        self._books.changed("dispute", dispute)
        self._tell("UPDATED", "Dispute updated with Case #", dispute)

    def _decide(self, dispute: Document, capture: Document, status: str) -> None:
        if status == "lost":
            self._take_back(dispute, capture)
        elif is_lost(dispute):
            self._give_back(dispute)
        taken = dispute["dispute_amount"] if status == "lost" else None
        dispute |= {
            "status": "RESOLVED",
            "dispute_state": "RESOLVED",
            "dispute_outcome": {
                "outcome_code": _OUTCOMES[status],
                **({"amount_refunded": taken} if taken else {}),
            },
        }
        self._books.changed("dispute", dispute)
        self._tell("RESOLVED", "A dispute was resolved with Case #", dispute)

    def _take_back(self, dispute: Document, capture: Document) -> None:
        """The money goes, as a transaction of its own that looks like a refund."""
        reversal = new_refund(
            capture,
            {},
            dispute["dispute_amount"],
            refunded=self._payments.refunded(capture),
            status="COMPLETED",
            now=self._books.now,
        )
        self._store.put("reversal", reversal | {"_dispute": dispute["id"]}, parent=capture["id"])
        self._move_money(dispute, "DEBIT")
        if self._books.faults["reversed_event"]:
            self._books.tell(
                "PAYMENT.CAPTURE.REVERSED",
                "refund",
                "A capture payment was reversed",
                self._books.views.refund(reversal),
            )

    def _give_back(self, dispute: Document) -> None:
        now = self._books.now
        given = {
            "id": new_id(),
            "status": "COMPLETED",
            "amount": dispute["dispute_amount"],
            "create_time": now,
            "update_time": now,
            "_capture": dispute["_capture"],
        }
        self._store.put("given_back", given, parent=dispute["_capture"])
        self._move_money(dispute, "CREDIT")

    def _move_money(self, dispute: Document, kind: str) -> None:
        movement = {
            "affected_party": "SELLER",
            "amount": dispute["dispute_amount"],
            "initiated_time": self._books.now,
            "type": kind,
            "reason": "DISPUTE_SETTLEMENT",
        }
        dispute["money_movements"] = [*dispute["money_movements"], movement]

    def _tell(self, what: str, words: str, dispute: Document) -> None:
        shown = self._books.views.dispute(dispute)
        summary = f"{words} {dispute['id']}"
        self._books.tell(f"CUSTOMER.DISPUTE.{what}", "dispute", summary, shown)
