"""The bodies of our requests to Stripe: pure functions, no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from batua.contract import (
    ChargeRequest,
    CreatedPayment,
    GatewayRejected,
    Money,
    PaymentRequest,
    RefundRequest,
)

from batua_stripe.client import Entity
from batua_stripe.codes import CURRENCIES, MINIMUMS, THREE_DECIMAL
from batua_stripe.form import Fields
from batua_stripe.settings import StripeSettings
from batua_stripe.wire import PAYMENT_ID, REFUND_ID, metadata, money, required, text

__all__ = [
    "card_token_fields",
    "charge_fields",
    "checked_payment_id",
    "created_payment",
    "customer_fields",
    "intent_fields",
    "refund_fields",
    "refuse_odd_thousandths",
    "refuse_uncollectable",
]

RETURN_URL = "batua_return_url"
"""Where the payer's browser goes afterwards: kept in the metadata, since a later confirmation from
our side must name it again."""

# DOC:api/metadata, 2026-11-22: 50 keys of 40 characters without square brackets, values of 500.
_KEYS_MAX = 50
_KEY_LENGTH_MAX = 40
_VALUE_LENGTH_MAX = 500
_PAYMENT_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_TOKEN = re.compile(r"tok_[A-Za-z0-9_]{1,250}")


def refuse_uncollectable(amount: Money) -> None:
    """Raise ``GatewayRejected`` for an amount that Stripe would refuse or we would misread."""
    if amount.currency not in CURRENCIES:
        raise GatewayRejected(
            f"{amount.currency} is not collected by Stripe here",
            failure_code="currency_unsupported",
        )
    if amount.amount < max(1, MINIMUMS.get(amount.currency, 1)):
        raise GatewayRejected(
            f"{amount} is below Stripe's minimum", failure_code="amount_too_small"
        )
    refuse_odd_thousandths(amount)


def refuse_odd_thousandths(amount: Money) -> None:
    if amount.currency in THREE_DECIMAL and amount.amount % 10:
        raise GatewayRejected(
            f"Stripe wants {amount.currency} in steps of 10 minor units, got {amount.amount}",
            failure_code="amount_not_representable",
        )


def checked_payment_id(payment_id: str) -> str:
    """``payment_id``, which stands inside a search query."""
    if not _PAYMENT_ID.fullmatch(payment_id):
        raise GatewayRejected("that is no payment id of ours", failure_code="invalid_id")
    return payment_id


def intent_fields(request: PaymentRequest, *, capture_method: str, customer: str) -> Fields:
    """The body of ``POST /v1/payment_intents``; the same request always gives the same body."""
    methods: dict[str, str | bool] = {"enabled": True}
    if not request.return_url:
        # Nobody could come back from another page.
        methods["allow_redirects"] = "never"
    kept = {PAYMENT_ID: checked_payment_id(request.payment_id)}
    if 0 < len(request.return_url) <= _VALUE_LENGTH_MAX:
        kept[RETURN_URL] = request.return_url
    fields: dict[str, Any] = {
        **_amount_fields(request.amount),
        "automatic_payment_methods": methods,
        "capture_method": capture_method,
        "metadata": _metadata({**kept, **request.metadata}),
    }
    if request.description:
        fields["description"] = request.description
    if customer:
        fields |= {"customer": customer, "setup_future_usage": "off_session"}
    return fields


def customer_fields(request: PaymentRequest) -> Fields:
    """The body of ``POST /v1/customers``: whose instrument is saved."""
    mandate = request.mandate
    known = {
        name: value
        for name in ("name", "email", "phone")
        if mandate is not None and (value := getattr(mandate, name))
    }
    return {**known, "metadata": _metadata({"batua_customer": request.customer or "unknown"})}


def charge_fields(request: ChargeRequest, *, capture_method: str) -> Fields:
    """The body of a payment intent that is made and confirmed in one call, without its payer.

    Source: DOC:payments/save-and-reuse, 2026-11-22.
    """
    fields: dict[str, Any] = {
        **_amount_fields(request.amount),
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "capture_method": capture_method,
        "confirm": True,
        "customer": request.provider_customer,
        "metadata": _metadata({PAYMENT_ID: checked_payment_id(request.payment_id)}),
        "off_session": True,
        "payment_method": request.provider_token,
    }
    if request.description:
        fields["description"] = request.description
    if request.email:
        fields["receipt_email"] = request.email
    return fields


def card_token_fields(intent: Entity, token: str) -> Fields:
    """The body that confirms ``intent`` with a wallet's token, which is Stripe's own JSON.

    Google Pay hands over the whole token as text, and its id is what is charged. Source:
    DOC:google-pay and DOC:api/payment_intents/confirm, 2026-11-22.
    """
    fields: dict[str, Any] = {
        "payment_method_data": {"type": "card", "card": {"token": _token_id(token)}}
    }
    if return_url := metadata(intent, RETURN_URL):
        fields["return_url"] = return_url
    return fields


def refund_fields(request: RefundRequest) -> Fields:
    """The body of ``POST /v1/refunds``; identical on every retry, as its key demands.

    Stripe's own ``reason`` has three words only, so ours goes into the metadata.
    """
    kept = {REFUND_ID: request.refund_id}
    if request.reason:
        kept["reason"] = request.reason
    return {
        "payment_intent": request.provider_payment_id,
        "amount": request.amount.amount,
        "metadata": _metadata(kept),
    }


def created_payment(intent: Entity, settings: StripeSettings) -> CreatedPayment:
    """What a browser needs to pay ``intent``. Raises ``Unreadable``.

    ``client_secret`` is made for the payer's browser: it pays this one intent, and nothing else.
    In the URL it stands behind the ``#``, which browsers keep to themselves, so that no server
    writes it into its log.
    """
    intent_id, amount = required(intent, "id"), money(intent)
    client_secret = required(intent, "client_secret")
    query = {"payment_intent": intent_id, "publishable_key": settings.publishable_key}
    if return_url := metadata(intent, RETURN_URL):
        query["return_url"] = return_url
    joint = "&" if "?" in settings.checkout_url else "?"
    fragment = urlencode({"client_secret": client_secret})
    page = f"{settings.checkout_url}{joint}{urlencode(query)}#{fragment}"
    checkout: dict[str, str | int] = {
        **query,
        "client_secret": client_secret,
        "amount": amount.amount,
        "currency": amount.currency,
    }
    if customer := text(intent, "customer"):
        checkout["customer"] = customer
    return CreatedPayment(
        provider_reference=intent_id,
        checkout=checkout,
        url=page if settings.checkout_url else None,
    )


def _amount_fields(amount: Money) -> dict[str, str | int]:
    return {"amount": amount.amount, "currency": amount.currency.lower()}


def _token_id(token: str) -> str:
    try:
        sealed = msgspec.json.decode(token)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        sealed = {"id": token}
    token_id = text(sealed, "id") if isinstance(sealed, dict) else ""
    if not _TOKEN.fullmatch(token_id):
        raise GatewayRejected("that is no token of Stripe's", failure_code="token_invalid")
    return token_id


def _metadata(pairs: Mapping[str, str]) -> dict[str, str]:
    kept = list(pairs.items())[:_KEYS_MAX]
    return {
        re.sub(r"[\[\]]", "_", key)[:_KEY_LENGTH_MAX]: value[:_VALUE_LENGTH_MAX]
        for key, value in kept
    }
