"""The rules of Stripe's states: what a request does to payment intents and their charges.

Every method is called inside a transaction. Sources: docs.stripe.com/payments/paymentintents/
lifecycle, api/payment_intents and testing, read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.stripe.entities import (
    Document,
    Refused,
    new_charge,
    new_customer,
    new_id,
    new_intent,
    new_method,
)

__all__ = ["Books", "Emit"]

Emit = Callable[[str, Document], None]

_PAYABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
_CANCELABLE = {*_PAYABLE, "requires_capture", "processing"}
_DECLINED = {"tok_chargeDeclined", "pm_card_chargeDeclined"}
_NEEDS_PAYER = {"tok_threeDSecureRequired", "pm_card_authenticationRequired"}
_REUSABLE = {*_DECLINED, *_NEEDS_PAYER, "tok_visa"}
_MADE_TOKEN = re.compile(r"tok_[A-Za-z0-9]{24}")
"""What wallets hand over, such as ``tok_1N3T00LkdIwHu7ixt44h1F8k``: used once."""


class Books:
    """Payment intents, charges, customers and saved methods."""

    def __init__(self, store: Store, *, emit: Emit, now: Callable[[], int], livemode: bool) -> None:
        self.store = store
        self.emit = emit
        self.now = now
        self.livemode = livemode

    def found(self, kind: str, document_id: str) -> Document:
        document = self.store.get(kind, document_id)
        if document is None:
            raise Refused(
                f"No such {kind}: '{document_id}'",
                status=404,
                code="resource_missing",
                param="id",
            )
        return document

    def create_customer(self, fields: Document) -> Document:
        customer = new_customer(fields, self.now(), livemode=self.livemode)
        self.store.put("customer", customer)
        self.emit("customer.created", customer)
        return customer

    def create_intent(self, fields: Document) -> Document:
        self._check_customer(fields)
        intent = new_intent(fields, self.now(), livemode=self.livemode)
        self.store.put("payment_intent", intent, parent=intent["customer"] or "")
        self.emit("payment_intent.created", intent)
        if fields.get("confirm"):
            return self._confirm(intent, fields)
        return intent

    def confirm(self, intent_id: str, fields: Document) -> Document:
        return self._confirm(self.found("payment_intent", intent_id), fields)

    def pay(
        self,
        intent: Document,
        outcome: str,
        *,
        amount: int | None = None,
        currency: str | None = None,
    ) -> Document:
        """One try of a payer: ``captured``, ``authorized`` or ``failed``. Returns the intent."""
        self._check_state(intent, _PAYABLE)
        paid: int = intent["amount"] if amount is None else amount
        charge = new_charge(intent, paid, currency or intent["currency"], self.now())
        intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
        if outcome == "failed":
            return self._declined(intent, charge, "card_declined", "generic_decline")
        intent["currency"] = charge["currency"]
        self._save_method(intent)
        charge["payment_method"] = intent["payment_method"]
        if outcome == "authorized":
            intent |= {"status": "requires_capture", "amount_capturable": paid}
            self._keep(intent, charge)
            self.emit("charge.succeeded", charge)
            self.emit("payment_intent.amount_capturable_updated", intent)
            return intent
        return self._captured(intent, charge, paid, "charge.succeeded")

    def capture(self, intent_id: str, fields: Document) -> Document:
        intent = self.found("payment_intent", intent_id)
        self._check_state(intent, {"requires_capture"})
        capturable: int = intent["amount_capturable"]
        amount: int = fields.get("amount_to_capture", capturable)
        if amount > capturable:
            raise Refused(
                "The requested capture amount is greater than the amount you can capture.",
                code="amount_too_large",
                param="amount_to_capture",
            )
        charge = self.found("charge", intent["latest_charge"])
        return self._captured(intent, charge, amount, "charge.captured")

    def cancel(self, intent_id: str, fields: Document) -> Document:
        intent = self.found("payment_intent", intent_id)
        self._check_state(intent, _CANCELABLE)
        was_authorized = intent["status"] == "requires_capture"
        intent |= {
            "status": "canceled",
            "amount_capturable": 0,
            "canceled_at": self.now(),
            "cancellation_reason": fields.get("cancellation_reason"),
        }
        self.store.put("payment_intent", intent)
        if was_authorized:
            charge = self.found("charge", intent["latest_charge"])
            charge |= {"refunded": True, "amount_refunded": charge["amount"]}
            self.store.put("charge", charge)
            self.emit("charge.refunded", charge)
        self.emit("payment_intent.canceled", intent)
        return intent

    def _confirm(self, intent: Document, fields: Document) -> Document:
        self._check_state(intent, _PAYABLE)
        self._check_way_back(intent, fields)
        method = self._method(intent, fields)
        if method in _DECLINED:
            self.pay(intent, "failed")
            raise _card_error(intent, "Your card was declined.", "card_declined", "generic_decline")
        if method in _NEEDS_PAYER:
            return self._payer_needed(intent, is_off_session=bool(fields.get("off_session")))
        is_manual = intent["capture_method"] == "manual"
        return self.pay(intent, "authorized" if is_manual else "captured")

    def _payer_needed(self, intent: Document, *, is_off_session: bool) -> Document:
        if is_off_session:
            charge = new_charge(intent, intent["amount"], intent["currency"], self.now())
            intent["latest_charge"] = charge["id"]
            self._declined(intent, charge, "authentication_required", "authentication_required")
            raise _card_error(
                intent,
                "Your card was declined. This transaction requires authentication.",
                "authentication_required",
                "authentication_required",
            )
        intent |= {"status": "requires_action", "next_action": {"type": "redirect_to_url"}}
        self.store.put("payment_intent", intent)
        self.emit("payment_intent.requires_action", intent)
        return intent

    def _declined(self, intent: Document, charge: Document, code: str, reason: str) -> Document:
        message = "Your card was declined."
        charge |= {"status": "failed", "paid": False, "failure_code": code}
        charge["failure_message"] = message
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": {
                "type": "card_error",
                "code": code,
                "decline_code": reason,
                "message": message,
            },
        }
        self._keep(intent, charge)
        self.emit("charge.failed", charge)
        self.emit("payment_intent.payment_failed", intent)
        return intent

    def _captured(self, intent: Document, charge: Document, amount: int, name: str) -> Document:
        charge |= {"captured": True, "amount_captured": amount}
        # What is not captured goes back, and is shown as refunded.
        charge["amount_refunded"] = charge["amount"] - amount
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        self._keep(intent, charge)
        self.emit(name, charge)
        self.emit("payment_intent.succeeded", intent)
        return intent

    def _keep(self, intent: Document, charge: Document) -> None:
        self.store.put("charge", charge, parent=intent["id"])
        self.store.put("payment_intent", intent)

    def _save_method(self, intent: Document) -> None:
        if intent["setup_future_usage"] is None or intent["customer"] is None:
            intent["payment_method"] = intent["payment_method"] or new_id("pm")
            return
        method = new_method(intent["customer"], self.now(), livemode=self.livemode)
        intent["payment_method"] = method["id"]
        self.store.put("payment_method", method, parent=intent["customer"])
        self.emit("payment_method.attached", method)

    def _method(self, intent: Document, fields: Document) -> str:
        card = fields.get("payment_method_data", {}).get("card", {})
        if "token" in card:
            return self._used_token(intent, str(card["token"]))
        method: str = fields.get("payment_method", "")
        if not method:
            raise Refused(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code="parameter_missing",
                param="payment_method",
            )
        if method not in {*_DECLINED, *_NEEDS_PAYER}:
            saved = self.store.get("payment_method", method)
            if saved is None or saved["customer"] != intent["customer"]:
                raise Refused(
                    f"No such PaymentMethod: '{method}'",
                    code="resource_missing",
                    param="payment_method",
                )
        intent["payment_method"] = method
        return method

    def _used_token(self, intent: Document, token: str) -> str:
        if token not in _REUSABLE and not _MADE_TOKEN.fullmatch(token):
            raise Refused(f"No such token: '{token}'", code="resource_missing", param="token")
        if token not in _REUSABLE:
            if self.store.get("token", token) is not None:
                raise Refused(
                    f"You cannot use a Stripe token more than once: {token}.",
                    code="token_already_used",
                )
            self.store.put("token", {"id": token, "payment_intent": intent["id"]})
        return token

    def _check_customer(self, fields: Document) -> None:
        customer = fields.get("customer")
        if customer is not None and self.store.get("customer", customer) is None:
            raise Refused(
                f"No such customer: '{customer}'", code="resource_missing", param="customer"
            )

    def _check_way_back(self, intent: Document, fields: Document) -> None:
        methods = intent["automatic_payment_methods"] or {}
        may_redirect = methods.get("allow_redirects", "always") != "never"
        if methods.get("enabled") == "true" and may_redirect and not fields.get("return_url"):
            raise Refused(
                "This PaymentIntent is configured to accept payment methods that may redirect "
                "your customer: you must provide a `return_url`.",
                param="return_url",
            )

    def _check_state(self, intent: Document, allowed: set[str]) -> None:
        if intent["status"] not in allowed:
            raise Refused(
                f"This PaymentIntent's status is {intent['status']}, which does not allow this.",
                code="payment_intent_unexpected_state",
                payment_intent=intent,
            )


def _card_error(intent: Document, message: str, code: str, decline_code: str) -> Refused:
    return Refused(
        message,
        status=402,
        kind="card_error",
        code=code,
        decline_code=decline_code,
        payment_intent=intent,
    )
