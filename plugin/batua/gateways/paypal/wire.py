"""PayPal's wire format and our types: pure functions, no I/O.

Tolerant where PayPal is loose (minimal answers, missing fields, impossible dates), strict where
money is read: a value must be a plain decimal string, and a status one that we know.
"""

from __future__ import annotations

import re

from batua.contract import (
    CreatedPayment,
    Mode,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    ProviderRefundStatus,
    RefundResult,
)
from batua.gateways.paypal.codes import CAPTURE_STATUSES, OPEN_ORDERS, REFUND_STATUSES
from batua.gateways.paypal.money import money
from batua.gateways.paypal.reading import (
    Entity,
    Unreadable,
    dictionary,
    entities,
    known,
    moment,
    required,
    text,
)

__all__ = [
    "attempts_of",
    "created_payment",
    "linked_id",
    "order_amount",
    "order_id_of",
    "our_payment_id",
    "refund_id_of",
    "refund_mark",
    "refund_result",
    "refunds_of",
]

_LINK_END = re.compile(r"/(?P<kind>[a-z]+)/(?P<id>[A-Za-z0-9-]{1,64})\Z")
_REFUND_MARK = "refund."


def created_payment(order: Entity, *, client_id: str) -> CreatedPayment:
    """How a payer gets to ``order``. The client id is public; no secret is in it."""
    order_id = required(order, "id")
    links = {text(link, "rel"): text(link, "href") for link in entities(order, "links")}
    # ``payer-action`` where the order names PayPal as its source, ``approve`` where it does not.
    url = links.get("payer-action") or links.get("approve")
    return CreatedPayment(
        provider_reference=order_id,
        checkout={"order_id": order_id, "client_id": client_id},
        url=url or None,
    )


def our_payment_id(order: Entity) -> str:
    """Our id in the order, or empty where a minimal answer does not repeat it."""
    return text(_unit(order), "custom_id")


def order_amount(order: Entity) -> Money:
    """What the order asks for. Raises ``Unreadable``."""
    return money(_unit(order).get("amount"))


def attempts_of(order: Entity, mode: Mode) -> tuple[PaymentResult, ...]:
    """What an order says of its money: its captures, and itself while it is approved or voided.

    An order that is approved is an attempt of its own, under the order's id: its money can be
    captured now. Raises ``Unreadable``.
    """
    captures = tuple(
        _capture_result(capture, order, mode) for capture in entities(_payments(order), "captures")
    )
    status = text(order, "status")
    if status == "APPROVED" and all(_has_failed(capture) for capture in captures):
        return (*captures, _order_result(order, ProviderPaymentStatus.AUTHORIZED, mode))
    if status == "VOIDED":
        return (*captures, _order_result(order, ProviderPaymentStatus.VOIDED, mode))
    if status not in OPEN_ORDERS | {"APPROVED", "COMPLETED"}:
        raise Unreadable("an order's status that we don't know")
    return captures


def _has_failed(result: PaymentResult) -> bool:
    return result.status is ProviderPaymentStatus.FAILED


def _order_result(order: Entity, status: ProviderPaymentStatus, mode: Mode) -> PaymentResult:
    order_id = required(order, "id")
    return PaymentResult(
        provider_payment_id=order_id,
        provider_reference=order_id,
        status=status,
        amount=order_amount(order),
        mode=mode,
        occurred_at=moment(order.get("update_time")) or moment(order.get("create_time")),
        method=_method(order),
    )


def _capture_result(capture: Entity, order: Entity, mode: Mode) -> PaymentResult:
    status = known(CAPTURE_STATUSES, text(capture, "status"))
    reason = text(dictionary(capture.get("status_details")), "reason")
    has_failed = status is ProviderPaymentStatus.FAILED
    return PaymentResult(
        provider_payment_id=required(capture, "id"),
        provider_reference=required(order, "id"),
        status=status,
        amount=money(capture.get("amount")),
        mode=mode,
        occurred_at=moment(capture.get("create_time")),
        method=_method(order),
        failure_code=(reason or text(capture, "status")) if has_failed else "",
    )


def _method(order: Entity) -> str:
    return next(iter(dictionary(order.get("payment_source"))), "paypal")


def refund_mark(refund_id: str) -> str:
    """Our refund id as ``custom_id``. Marked, for PayPal may repeat the payment's own there."""
    return _REFUND_MARK + refund_id


def refund_id_of(mark: str) -> str:
    """Our refund id, or empty for a refund that did not begin here."""
    return mark.removeprefix(_REFUND_MARK) if mark.startswith(_REFUND_MARK) else ""


def refund_result(refund: Entity, mode: Mode, capture_id: str = "") -> RefundResult:
    """PayPal's word on one refund. Raises ``Unreadable``.

    The capture is only in the link ``up``; ``capture_id`` stands in where an answer has no links.
    """
    status = known(REFUND_STATUSES, text(refund, "status"))
    provider_payment_id = linked_id(refund, "captures") or capture_id
    if not provider_payment_id:
        raise Unreadable("a refund of no capture")
    reason = text(dictionary(refund.get("status_details")), "reason")
    has_failed = status is ProviderRefundStatus.FAILED
    return RefundResult(
        provider_refund_id=required(refund, "id"),
        provider_payment_id=provider_payment_id,
        status=status,
        amount=money(refund.get("amount")),
        mode=mode,
        refund_id=refund_id_of(text(refund, "custom_id")),
        occurred_at=moment(refund.get("create_time")),
        failure_code=(reason or text(refund, "status")) if has_failed else "",
    )


def refunds_of(order: Entity) -> list[Entity]:
    """Every refund of the order's captures."""
    return entities(_payments(order), "refunds")


def order_id_of(capture: Entity) -> str:
    """The order that a capture belongs to, or empty where the capture does not tell."""
    related = dictionary(dictionary(capture.get("supplementary_data")).get("related_ids"))
    return text(related, "order_id") or linked_id(capture, "orders")


def linked_id(entity: Entity, kind: str) -> str:
    """The id at the end of the link ``up``, where it leads to a thing of ``kind``, else empty."""
    for link in entities(entity, "links"):
        found = _LINK_END.search(text(link, "href"))
        if text(link, "rel") == "up" and found is not None and found["kind"] == kind:
            return found["id"]
    return ""


def _unit(order: Entity) -> Entity:
    # Our orders have one purchase unit each.
    return next(iter(entities(order, "purchase_units")), {})


def _payments(order: Entity) -> Entity:
    return dictionary(_unit(order).get("payments"))
