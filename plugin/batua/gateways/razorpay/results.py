"""Razorpay's entities as our results: pure functions, no I/O. All raise ``Unreadable``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from batua.contract import (
    CreatedPayment,
    DisputeResult,
    DisputeStatus,
    Mode,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    SettlementResult,
    UpiIntent,
)
from batua.gateways.razorpay.codes import (
    DISPUTE_STATUSES,
    PAYMENT_STATUSES,
    REFUND_STATUSES,
    SETTLEMENT_CURRENCY,
)
from batua.gateways.razorpay.wire import (
    Entity,
    Unreadable,
    known,
    moment,
    money,
    note,
    required,
    text,
)

__all__ = [
    "CUSTOMER_NOTE",
    "REFUND_NOTE",
    "chosen_order",
    "created_payment",
    "dispute_result",
    "payment_result",
    "refund_result",
    "settlement_result",
    "upi_intent",
]

CUSTOMER_NOTE = "batua_provider_customer"
"""The note on an order that asks for a mandate: Razorpay's customer, which Checkout must know."""

REFUND_NOTE = "batua_refund_id"

_MESSAGE_LENGTH_MAX = 250
_ORDER_PROGRESS = {"paid": 2, "attempted": 1}
_OUR_REFUND = re.compile(r"ref_[0-9a-hjkmnp-tv-z]{26}")


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
    if customer := note(order, CUSTOMER_NOTE):
        # MD:api/payments/recurring-payments/upi/create-authorization-transaction.md
        checkout |= {"customer_id": customer, "recurring": "1"}
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
    # Whoever begins a refund elsewhere writes what they like: only the shape of ours is ours.
    told = (note(refund, REFUND_NOTE), text(refund, "receipt"))
    return next((each for each in told if _OUR_REFUND.fullmatch(each)), "")


def dispute_result(dispute: Entity, mode: Mode) -> DisputeResult:
    """Razorpay's word on a dispute.

    ``amount_deducted`` is what Razorpay has taken. The docs say that it is 0 unless the dispute is
    lost, and publish one that is won with a part of it deducted, because less than all of it was
    contested (MD:api/disputes/fetch.md). So what is deducted once it is over is lost, whatever
    the status says; and where that is a part, the result is of the part.
    """
    status, amount = known(DISPUTE_STATUSES, dispute), money(dispute)
    deducted = dispute.get("amount_deducted")
    if status is not DisputeStatus.OPEN and type(deducted) is int and deducted > 0:
        status, amount = DisputeStatus.LOST, Money(deducted, amount.currency)
    return DisputeResult(
        provider_dispute_id=required(dispute, "id"),
        provider_payment_id=required(dispute, "payment_id"),
        status=status,
        amount=amount,
        mode=mode,
        reason=text(dispute, "reason_code"),
        occurred_at=moment(dispute.get("created_at")),
    )


def settlement_result(settlement: Entity, mode: Mode) -> SettlementResult:
    """A payout to the shop's bank. Its currency is not told; see ``SETTLEMENT_CURRENCY``."""
    return SettlementResult(
        provider_settlement_id=required(settlement, "id"),
        amount=money({"currency": SETTLEMENT_CURRENCY, **settlement}),
        mode=mode,
        status=required(settlement, "status"),
        fees=_part(settlement, "fees"),
        tax=_part(settlement, "tax"),
        occurred_at=moment(settlement.get("created_at")),
    )


def upi_intent(begun: Entity) -> UpiIntent:
    """The link to a UPI app, which must be handed on unchanged."""
    link = required(begun, "link")
    if not link.startswith("upi://"):
        raise Unreadable("a UPI link that is none")
    return UpiIntent(link=link, provider_payment_id=text(begun, "razorpay_payment_id"))


def _part(settlement: Entity, name: str) -> int:
    part = settlement.get(name)
    if part is None:
        return 0
    if type(part) is not int:
        raise Unreadable(f"{name} that are no plain integer")
    return part
