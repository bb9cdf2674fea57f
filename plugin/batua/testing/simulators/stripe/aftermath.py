"""What comes after a capture: refunds, disputes and payouts.

Every method is called inside a transaction. Sources: docs.stripe.com/refunds, disputes/
how-disputes-work and api/payouts, read 2026-11-22.
"""

from __future__ import annotations

from batua.testing.simulators.stripe.books import Books
from batua.testing.simulators.stripe.entities import (
    Document,
    Refused,
    new_dispute,
    new_payout,
    new_refund,
)

__all__ = ["Aftermath"]

_ENDED = {"failed", "canceled"}
_DISPUTE_WORDS = {"open": "needs_response", "won": "won", "lost": "lost"}


class Aftermath:
    """Refunds, disputes and payouts, on the same books as the payment intents."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store

    def create_refund(self, fields: Document, *, outcome: str) -> Document:
        """A refund of a captured charge, never of more than its rest."""
        charge = self._captured_charge(fields["payment_intent"])
        rest = charge["amount_captured"] - self._given_back(charge)
        if rest == 0:
            raise Refused(
                f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
            )
        amount = fields.get("amount", rest)
        if amount > rest:
            raise Refused(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})",
                param="amount",
            )
        refund = new_refund(charge, fields, amount, self._books.now())
        self._store.put("refund", refund, parent=charge["id"])
        created = {**refund}
        self._books.emit("refund.created", refund)
        self._settle(refund, outcome)
        return {**created, "status": refund["status"]}

    def settle_refund(self, refund_id: str, status: str) -> Document:
        """A refund reaches its end, or a succeeded one fails after all."""
        refund = self._books.found("refund", refund_id)
        self._settle(refund, status)
        return refund

    def dispute(self, intent_id: str, status: str, amount: int | None) -> Document:
        """A payer's bank opens a dispute on the charge, or the one that it has ends."""
        charge = self._captured_charge(intent_id)
        known = self._store.all("dispute", charge["id"])
        dispute = known[-1] if known else self._opened(charge, amount)
        if status == "open" or dispute["status"] == status:
            return dispute
        dispute["status"] = _DISPUTE_WORDS[status]
        self._store.put("dispute", dispute)
        self._books.emit("charge.dispute.closed", dispute)
        if status == "won":
            self._books.emit("charge.dispute.funds_reinstated", dispute)
        return dispute

    def pay_out(self, amount: int, currency: str) -> Document:
        payout = new_payout(
            amount, currency.lower(), self._books.now(), livemode=self._books.livemode
        )
        self._store.put("payout", payout)
        self._books.emit("payout.paid", payout)
        return payout

    def _captured_charge(self, intent_id: str) -> Document:
        intent = self._books.found("payment_intent", intent_id)
        if intent["status"] != "succeeded":
            raise Refused(
                f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
            )
        return self._books.found("charge", intent["latest_charge"])

    def _given_back(self, charge: Document) -> int:
        refunds = self._store.all("refund", charge["id"])
        return sum(refund["amount"] for refund in refunds if refund["status"] not in _ENDED)

    def _settle(self, refund: Document, status: str) -> None:
        if refund["status"] == status:
            return
        refund["status"] = status
        if status == "failed":
            refund["failure_reason"] = "declined"
        self._store.put("refund", refund)
        self._books.emit("refund.failed" if status == "failed" else "refund.updated", refund)
        charge = self._books.found("charge", refund["charge"])
        released = charge["amount"] - charge["amount_captured"]
        charge["amount_refunded"] = released + self._given_back(charge)
        charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
        self._store.put("charge", charge)
        if status == "succeeded":
            self._books.emit("charge.refunded", charge)

    def _opened(self, charge: Document, amount: int | None) -> Document:
        dispute = new_dispute(charge, amount or charge["amount_captured"], self._books.now())
        self._store.put("dispute", dispute, parent=charge["id"])
        charge["disputed"] = True
        self._store.put("charge", charge)
        self._books.emit("charge.dispute.created", dispute)
        self._books.emit("charge.dispute.funds_withdrawn", dispute)
        return dispute
