"""Razorpay's wire format and our types: pure functions, no I/O.

Tolerant where Razorpay is loose (``notes`` as ``[]``, ``""`` for null, fields missing), strict
where money is read: an amount must be an int, and a status must be one that we know.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from batua.contract import (
    CreatedPayment,
    GatewayRejected,
    Mode,
    Money,
    PaymentRequest,
    PaymentResult,
    ProviderPaymentStatus,
    RefundRequest,
    RefundResult,
    minor_digits,
)
from batua.gateways.razorpay.codes import (
    CURRENCIES,
    MINIMUMS,
    PAYMENT_STATUSES,
    REFUND_STATUSES,
)

__all__ = [
    "Entity",
    "Unreadable",
    "chosen_order",
    "created_payment",
    "items",
    "known",
    "moment",
    "money",
    "order_body",
    "payment_result",
    "refund_body",
    "refund_result",
    "refuse_odd_thousandths",
    "refuse_uncollectable",
    "required",
    "signature_matches",
    "text",
    "webhook_secrets",
]

T = TypeVar("T")

Entity = Mapping[str, Any]

_NOTES_MAX = 15
_NOTE_LENGTH_MAX = 256
_RECEIPT_LENGTH_MAX = 40
_MESSAGE_LENGTH_MAX = 250
_ORDER_PROGRESS = {"paid": 2, "attempted": 1}


class Unreadable(ValueError):
    """Razorpay's JSON lacks what we must know, or says it in a way that we don't trust."""


def webhook_secrets(setting: str) -> tuple[bytes, ...]:
    """The secrets of a comma separated setting. Empty parts are ignored: "" is no secret."""
    return tuple(part.strip().encode() for part in setting.split(",") if part.strip())


def signature_matches(secret: bytes, message: bytes, signature: object) -> bool:
    """Whether ``signature`` is the lower-case hex HMAC-SHA256 of ``message``; never raises.

    Source: MD:webhooks/validate-test.md and the SDK's utility, 2026-11-22.
    """
    if not isinstance(signature, str) or not signature.isascii():
        return False
    expected = hmac.new(secret, message, sha256).hexdigest().encode()
    return hmac.compare_digest(expected, signature.encode())


def refuse_uncollectable(amount: Money) -> None:
    """Raise ``GatewayRejected`` for an amount that Razorpay would refuse or misread."""
    if amount.currency not in CURRENCIES:
        raise GatewayRejected(
            f"Razorpay does not collect {amount.currency} here", failure_code="currency_unsupported"
        )
    if amount.amount < max(1, MINIMUMS.get(amount.currency, 1)):
        raise GatewayRejected(
            f"{amount} is below Razorpay's minimum", failure_code="amount_less_than_minimum_amount"
        )
    refuse_odd_thousandths(amount)


def refuse_odd_thousandths(amount: Money) -> None:
    # Razorpay keeps two decimals of KWD, BHD and OMR: the last digit of three must be 0.
    if minor_digits(amount.currency) == 3 and amount.amount % 10:
        raise GatewayRejected(
            f"Razorpay wants {amount.currency} in steps of 10 minor units, got {amount.amount}",
            failure_code="amount_not_representable",
        )


def order_body(request: PaymentRequest) -> dict[str, Any]:
    """The body of ``POST /v1/orders``; the same request always gives the same body."""
    if len(request.payment_id) > _RECEIPT_LENGTH_MAX:
        raise GatewayRejected(
            f"payment_id is longer than {_RECEIPT_LENGTH_MAX} characters: {request.payment_id}",
            failure_code="receipt_too_long",
        )
    return {
        "amount": request.amount.amount,
        "currency": request.amount.currency,
        "receipt": request.payment_id,
        "unique_receipt": True,
        "payment_capture": True,
        "notes": _notes({"batua_payment_id": request.payment_id, **request.metadata}),
    }


def refund_body(request: RefundRequest) -> dict[str, Any]:
    """The body of a refund; identical on every retry, as its idempotency key demands."""
    notes = {"batua_refund_id": request.refund_id}
    if request.reason:
        notes["reason"] = request.reason
    return {
        "amount": request.amount.amount,
        "speed": "normal",
        "receipt": request.refund_id,
        "notes": _notes(notes),
    }


def _notes(pairs: Mapping[str, str]) -> dict[str, str]:
    kept = list(pairs.items())[:_NOTES_MAX]
    return {key[:_NOTE_LENGTH_MAX]: value[:_NOTE_LENGTH_MAX] for key, value in kept}


def created_payment(
    order: Entity, *, key_id: str, checkout_url: str, description: str = "", return_url: str = ""
) -> CreatedPayment:
    """What a browser needs to pay ``order``. The key id is public; no secret is in it."""
    amount, order_id = money(order), text(order, "id")
    if not order_id:
        raise Unreadable("an order without an id")
    checkout: dict[str, str | int] = {
        "key_id": key_id,
        "order_id": order_id,
        "amount": amount.amount,
        "currency": amount.currency,
    }
    if description:
        checkout["description"] = description
    query = {"order_id": order_id, "key_id": key_id}
    if return_url:
        query["return_url"] = return_url
    joint = "&" if "?" in checkout_url else "?"
    url = f"{checkout_url}{joint}{urlencode(query)}" if checkout_url else None
    return CreatedPayment(provider_reference=order_id, checkout=checkout, url=url)


def chosen_order(orders: Sequence[Entity], receipt: str) -> Entity | None:
    """The order that stands for ``receipt``: the furthest one, and of equals the first created.

    Two orders of one receipt exist where the account's receipts are not unique and an answer to
    a create was lost.
    """
    own = [order for order in orders if order.get("receipt") == receipt]
    return min(own, key=_order_rank, default=None)


def _order_rank(order: Entity) -> tuple[int, int, str]:
    created_at = order.get("created_at")
    return (
        -_ORDER_PROGRESS.get(text(order, "status"), 0),
        created_at if type(created_at) is int else 0,
        text(order, "id"),
    )


def items(collection: Entity) -> list[Entity]:
    """The entities of a list answer. Raises ``Unreadable`` where there is no list of objects."""
    found = collection.get("items")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unreadable("a collection without items")
    return found


def money(entity: Entity) -> Money:
    """The entity's amount in minor units. Raises ``Unreadable`` for anything but a plain int."""
    amount, currency = entity.get("amount"), entity.get("currency")
    if type(amount) is not int or amount < 0 or not isinstance(currency, str):
        raise Unreadable("an amount that is not a plain integer with its currency")
    try:
        return Money(amount, currency)
    except ValueError as error:
        raise Unreadable(str(error)) from error


def payment_result(payment: Entity, mode: Mode) -> PaymentResult:
    """Razorpay's word on one attempt. Raises ``Unreadable``."""
    has_failed = _payment_status(payment) is ProviderPaymentStatus.FAILED
    return PaymentResult(
        provider_payment_id=required(payment, "id"),
        provider_reference=text(payment, "order_id"),
        status=_payment_status(payment),
        amount=money(payment),
        mode=mode,
        occurred_at=moment(payment.get("created_at")),
        method=text(payment, "method"),
        failure_code=_failure_code(payment) if has_failed else "",
        failure_message=_failure_message(payment) if has_failed else "",
    )


def _payment_status(payment: Entity) -> ProviderPaymentStatus:
    status = known(PAYMENT_STATUSES, payment)
    # An authorization that nobody captured is given back as a "refund": nothing was ever ours.
    # Only here does ``captured`` count: samples of other statuses have it wrong.
    if payment.get("status") == "refunded" and payment.get("captured") is False:
        return ProviderPaymentStatus.VOIDED
    return status


def _failure_code(payment: Entity) -> str:
    return text(payment, "error_reason") or text(payment, "error_code")


def _failure_message(payment: Entity) -> str:
    return text(payment, "error_description")[:_MESSAGE_LENGTH_MAX]


def refund_result(refund: Entity, mode: Mode) -> RefundResult:
    """Razorpay's word on one refund. Raises ``Unreadable``."""
    status = known(REFUND_STATUSES, refund)
    return RefundResult(
        provider_refund_id=required(refund, "id"),
        provider_payment_id=required(refund, "payment_id"),
        status=status,
        amount=money(refund),
        mode=mode,
        refund_id=_refund_id(refund),
        occurred_at=moment(refund.get("created_at")),
        # A refund has no error fields (MD:api/refunds/entity.md): the status is all there is.
        failure_code="refund_failed" if status is REFUND_STATUSES["failed"] else "",
    )


def _refund_id(refund: Entity) -> str:
    notes = refund.get("notes")
    noted = text(notes, "batua_refund_id") if isinstance(notes, dict) else ""
    return noted or text(refund, "receipt")


def known(table: Mapping[str, T], entity: Entity) -> T:
    found = table.get(text(entity, "status"))
    if found is None:
        raise Unreadable("a status that we don't know")
    return found


def required(entity: Entity, name: str) -> str:
    value = text(entity, name)
    if not value:
        raise Unreadable(f"{name} is missing")
    return value


def text(entity: Entity, name: str) -> str:
    value = entity.get(name)
    return value if isinstance(value, str) else ""


def moment(seconds: object) -> datetime | None:
    if type(seconds) is not int:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
