"""Stripe's objects and our types: pure functions, no I/O.

Strict where money is read: an amount must be an int, a status one that we know, and ``livemode``
a bool. An expandable field may be an id or the whole object, and both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from batua.contract import (
    DisputeResult,
    Mode,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    SettlementResult,
)

from batua_stripe.client import Entity, Unreadable
from batua_stripe.codes import (
    DISPUTE_STATUSES,
    INTENT_STATUSES,
    REFUND_STATUSES,
)

__all__ = [
    "PAYMENT_ID",
    "REFUND_ID",
    "attempt",
    "charge_result",
    "dispute_result",
    "id_of",
    "intent_result",
    "known",
    "metadata",
    "mode_in",
    "moment",
    "money",
    "part",
    "refund_result",
    "required",
    "settlement_result",
    "text",
]

T = TypeVar("T")

PAYMENT_ID = "batua_payment_id"
REFUND_ID = "batua_refund_id"
"""Where our ids lie in Stripe's metadata."""

_MESSAGE_LENGTH_MAX = 250


def attempt(intent: Entity, *, occurred_at: datetime | None = None) -> PaymentResult | None:
    """What became of the payer's tries on a payment intent, or None before the first.

    One intent is one attempt of ours: only one of its tries can ever take money, and the intent is
    what is captured, cancelled and refunded. Raises ``Unreadable``.
    """
    result = intent_result(intent, occurred_at=occurred_at)
    return None if _is_untried(intent) else result


def intent_result(intent: Entity, *, occurred_at: datetime | None = None) -> PaymentResult:
    """Stripe's word on a payment intent; one that nobody has tried to pay is ``PENDING``.

    ``occurred_at`` is when an event said so; else it is the expanded charge's time.
    """
    known_as = known(INTENT_STATUSES, intent)
    status = ProviderPaymentStatus.PENDING if _is_untried(intent) else known_as
    charge, intent_id = part(intent, "latest_charge"), required(intent, "id")
    error = part(intent, "last_payment_error")
    has_failed = status is ProviderPaymentStatus.FAILED
    return PaymentResult(
        provider_payment_id=intent_id,
        provider_reference=intent_id,
        status=status,
        amount=_intent_amount(intent, status),
        mode=mode_in(intent),
        occurred_at=occurred_at or moment(charge.get("created") or intent.get("created")),
        method=text(part(charge, "payment_method_details"), "type"),
        failure_code=_failure_code(error) if has_failed else "",
        failure_message=text(error, "message")[:_MESSAGE_LENGTH_MAX] if has_failed else "",
    )


def _is_untried(intent: Entity) -> bool:
    return (
        text(intent, "status") == "requires_payment_method"
        and not part(intent, "last_payment_error")
        and not intent.get("latest_charge")
    )


def _intent_amount(intent: Entity, status: ProviderPaymentStatus) -> Money:
    match status:
        case ProviderPaymentStatus.CAPTURED:
            return money(intent, "amount_received", least=1)
        case ProviderPaymentStatus.AUTHORIZED:
            return money(intent, "amount_capturable", least=1)
        case _:
            return money(intent)


def _failure_code(error: Entity) -> str:
    return text(error, "decline_code") or text(error, "code")


def charge_result(charge: Entity, *, occurred_at: datetime | None = None) -> PaymentResult:
    """Stripe's word on one try: what it says of its payment intent. Raises ``Unreadable``.

    A charge without an intent is not one of ours.
    """
    status = _charge_status(charge)
    is_captured = status is ProviderPaymentStatus.CAPTURED
    has_failed = status is ProviderPaymentStatus.FAILED
    intent_id = id_of(charge, "payment_intent")
    return PaymentResult(
        provider_payment_id=intent_id,
        provider_reference=intent_id,
        status=status,
        amount=money(charge, "amount_captured", least=1) if is_captured else money(charge),
        mode=mode_in(charge),
        occurred_at=occurred_at or moment(charge.get("created")),
        method=text(part(charge, "payment_method_details"), "type"),
        failure_code=text(charge, "failure_code") if has_failed else "",
        failure_message=text(charge, "failure_message")[:_MESSAGE_LENGTH_MAX] if has_failed else "",
    )


def _charge_status(charge: Entity) -> ProviderPaymentStatus:
    match text(charge, "status"), charge.get("captured"), charge.get("refunded"):
        case "pending", _, _:
            return ProviderPaymentStatus.PENDING
        case "failed", _, _:
            return ProviderPaymentStatus.FAILED
        case "succeeded", True, _:
            return ProviderPaymentStatus.CAPTURED
        # An authorization that expired or was cancelled is shown as refunded.
        case "succeeded", False, True:
            return ProviderPaymentStatus.VOIDED
        case "succeeded", False, False:
            return ProviderPaymentStatus.AUTHORIZED
    raise Unreadable("a charge's status that we don't know")


def refund_result(refund: Entity, mode: Mode) -> RefundResult:
    """Stripe's word on a refund, which does not tell its own mode. Raises ``Unreadable``."""
    status = known(REFUND_STATUSES, refund)
    is_final_no = status is REFUND_STATUSES["failed"]
    return RefundResult(
        provider_refund_id=required(refund, "id"),
        provider_payment_id=id_of(refund, "payment_intent"),
        status=status,
        amount=money(refund),
        mode=mode,
        refund_id=metadata(refund, REFUND_ID),
        occurred_at=moment(refund.get("created")),
        failure_code=(text(refund, "failure_reason") or text(refund, "status"))
        if is_final_no
        else "",
    )


def dispute_result(dispute: Entity) -> DisputeResult:
    """Stripe's word on a dispute. Raises ``Unreadable``."""
    return DisputeResult(
        provider_dispute_id=required(dispute, "id"),
        provider_payment_id=id_of(dispute, "payment_intent"),
        status=known(DISPUTE_STATUSES, dispute),
        amount=money(dispute),
        mode=mode_in(dispute),
        reason=text(dispute, "reason"),
        occurred_at=moment(dispute.get("created")),
    )


def settlement_result(payout: Entity) -> SettlementResult:
    """One payout. Its fees were taken from each payment before, so it has none of its own."""
    return SettlementResult(
        provider_settlement_id=required(payout, "id"),
        amount=money(payout, least=None),
        mode=mode_in(payout),
        status=required(payout, "status"),
        occurred_at=moment(payout.get("created")),
    )


def money(entity: Entity, name: str = "amount", *, least: int | None = 0) -> Money:
    """The amount in minor units with its currency, which Stripe writes in small letters.

    Raises ``Unreadable`` for anything but a plain int of at least ``least``.
    """
    amount, currency = entity.get(name), entity.get("currency")
    if type(amount) is not int or not isinstance(currency, str):
        raise Unreadable(f"{name} is not a plain integer with its currency")
    if least is not None and amount < least:
        raise Unreadable(f"{name} is {amount}")
    try:
        return Money(amount, currency.upper())
    except ValueError as error:
        raise Unreadable(str(error)) from error


def mode_in(entity: Entity) -> Mode:
    """The mode that ``livemode`` says; a thing without it belongs to nobody."""
    livemode = entity.get("livemode")
    if type(livemode) is not bool:
        raise Unreadable("livemode is missing")
    return Mode.LIVE if livemode else Mode.TEST


def metadata(entity: Entity, name: str) -> str:
    return text(part(entity, "metadata"), name)


def known(table: Mapping[str, T], entity: Entity) -> T:
    found = table.get(text(entity, "status"))
    if found is None:
        raise Unreadable("a status that we don't know")
    return found


def id_of(entity: Entity, name: str) -> str:
    """The id in an expandable field. Raises ``Unreadable`` where there is none."""
    return text(entity, name) or required(part(entity, name), "id")


def part(entity: Entity, name: str) -> Entity:
    """The object in a field, or an empty one."""
    value = entity.get(name)
    return value if isinstance(value, dict) else {}


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
