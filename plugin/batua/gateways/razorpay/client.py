"""The calls to Razorpay that the gateway makes, over its official SDK."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import razorpay

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Transport,
)
from batua.gateways.razorpay.session import FencedSession
from batua.gateways.razorpay.wire import Entity, Unreadable, items

__all__ = ["RazorpayClient", "read", "written"]

R = TypeVar("R")

_PAGE_MAX = 100
_PAGES_MAX = 50
_LIST_PAGES_MAX = 1000
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")


class RazorpayClient:
    """The calls that the gateway makes, each in the bounded thread pool of ``transport``.

    Calls that only read raise ``GatewayUnavailable`` for every kind of silence. Calls that write
    raise ``GatewayOutcomeUnknown`` once anything may have been sent. Both raise ``Refused``.
    """

    def __init__(
        self, *, key_id: str, key_secret: str, base_url: str, transport: Transport
    ) -> None:
        self._transport = transport
        self._sdk = razorpay.Client(
            session=FencedSession(transport.session, transport.timeout_s),
            auth=(key_id, key_secret),
            base_url=base_url.rstrip("/"),
        )

    async def create_order(self, body: Mapping[str, Any]) -> Entity:
        """``POST /v1/orders``. Moves no money."""
        return await self._call(lambda options: self._sdk.order.create(dict(body), **options))

    async def fetch_order(self, order_id: str) -> Entity:
        """``GET /v1/orders/:id``."""
        _check_id(order_id)
        return await self._call(lambda options: self._sdk.order.fetch(order_id, {}, **options))

    async def orders_by_receipt(self, receipt: str) -> list[Entity]:
        """Every order of ``receipt``: ``GET /v1/orders?receipt=`` (MD:api/orders/fetch-all.md)."""
        return await self._pages(
            lambda page, options: self._sdk.order.all({"receipt": receipt, **page}, **options)
        )

    async def payments_of_order(self, order_id: str) -> list[Entity]:
        """``GET /v1/orders/:id/payments``: every attempt on the order, in one answer."""
        _check_id(order_id)
        answer = await self._call(lambda options: self._sdk.order.payments(order_id, {}, **options))
        return _items(answer)

    async def fetch_payment(self, payment_id: str) -> Entity:
        """``GET /v1/payments/:id``."""
        _check_id(payment_id)
        return await self._call(lambda options: self._sdk.payment.fetch(payment_id, {}, **options))

    async def capture(self, payment_id: str, amount: int, currency: str) -> Entity:
        """``POST /v1/payments/:id/capture``. Moves money; ``amount`` is in minor units."""
        _check_id(payment_id)
        return await self._call(
            lambda options: self._sdk.payment.capture(
                payment_id, amount, {"currency": currency}, **options
            )
        )

    async def refund(
        self, payment_id: str, body: Mapping[str, Any], idempotency_key: str
    ) -> Entity:
        """``POST /v1/payments/:id/refund``. Moves money once per ``idempotency_key``.

        Source: MD:api/refunds/normal-refunds-idempotent.md, 2026-11-22.
        """
        _check_id(payment_id)
        headers = {"X-Refund-Idempotency": idempotency_key}
        return await self._call(
            lambda options: self._sdk.payment.refund(
                payment_id, dict(body), headers=headers, **options
            )
        )

    async def fetch_refund(self, refund_id: str) -> Entity:
        """``GET /v1/refunds/:id``."""
        _check_id(refund_id)
        return await self._call(lambda options: self._sdk.refund.fetch(refund_id, {}, **options))

    async def refunds_of_payment(self, payment_id: str) -> list[Entity]:
        """Every refund of a payment: ``GET /v1/payments/:id/refunds``, all pages."""
        _check_id(payment_id)
        return await self._pages(
            lambda page, options: self._sdk.payment.fetch_multiple_refund(
                payment_id, page, **options
            )
        )

    async def payments(self, since: int, until: int) -> list[Entity]:
        """``GET /v1/payments``: all that were made in unix seconds ``since`` to ``until``."""
        return await self._made(self._sdk.payment.all, since, until)

    async def refunds(self, since: int, until: int) -> list[Entity]:
        """``GET /v1/refunds``, as ``payments``."""
        return await self._made(self._sdk.refund.all, since, until)

    async def settlements(self, since: int, until: int) -> list[Entity]:
        """``GET /v1/settlements``, as ``payments``."""
        return await self._made(self._sdk.settlement.all, since, until)

    async def disputes(self) -> list[Entity]:
        """``GET /v1/disputes``: all there are. No window is published for this list."""
        return await self._pages(
            lambda page, options: self._sdk.dispute.all(page, **options), most=_LIST_PAGES_MAX
        )

    async def fetch_dispute(self, dispute_id: str) -> Entity:
        """``GET /v1/disputes/:id``."""
        _check_id(dispute_id)
        return await self._call(lambda options: self._sdk.dispute.fetch(dispute_id, {}, **options))

    async def create_customer(self, body: Mapping[str, Any]) -> Entity:
        """``POST /v1/customers``. Moves no money."""
        return await self._call(lambda options: self._sdk.customer.create(dict(body), **options))

    async def fetch_customer(self, customer_id: str) -> Entity:
        """``GET /v1/customers/:id``."""
        _check_id(customer_id)
        return await self._call(
            lambda options: self._sdk.customer.fetch(customer_id, {}, **options)
        )

    async def charge_token(self, body: Mapping[str, Any]) -> Entity:
        """``POST /v1/payments/create/recurring``. Moves money, and knows no idempotency key."""
        return await self._call(
            lambda options: self._sdk.payment.createRecurring(dict(body), **options)
        )

    async def open_upi(self, body: Mapping[str, Any]) -> Entity:
        """``POST /v1/payments/create/upi``. Moves no money: its payer does, in their app."""
        return await self._call(lambda options: self._sdk.payment.createUpi(dict(body), **options))

    async def _made(self, call: Callable[..., Any], since: int, until: int) -> list[Entity]:
        window = {"from": since, "to": until}
        return await self._pages(
            lambda page, options: call(window | page, **options), most=_LIST_PAGES_MAX
        )

    async def _call(self, call: Callable[[dict[str, Any]], Any]) -> Entity:
        options = {"timeout": self._transport.timeout_s}
        answer: Entity = await self._transport.run_blocking(lambda: call(options))
        return answer

    async def _pages(
        self, call: Callable[[dict[str, Any], dict[str, Any]], Any], *, most: int = _PAGES_MAX
    ) -> list[Entity]:
        """All pages. What is made meanwhile moves the rest on by a place, so none counts twice."""
        found: dict[object, Entity] = {}
        seen = 0
        for _ in range(most):
            page = {"count": _PAGE_MAX, "skip": seen}
            answer = await self._call(lambda options, page=page: call(page, options))  # type: ignore[misc]
            batch = _items(answer)
            seen += len(batch)
            found |= {entity.get("id"): entity for entity in batch}
            if len(batch) < _PAGE_MAX:
                return list(found.values())
        raise GatewayUnavailable(f"Razorpay's list has more than {seen} entries")


def read(parse: Callable[[Entity], R], entity: Entity) -> R:
    """``parse(entity)`` of an answer that changed nothing: unreadable is unavailable."""
    try:
        return parse(entity)
    except Unreadable as error:
        raise GatewayUnavailable(f"Razorpay's answer can't be read: {error}") from error


def written(parse: Callable[[Entity], R], entity: Entity) -> R:
    """``parse(entity)`` of an answer to a change: unreadable is an unknown outcome."""
    try:
        return parse(entity)
    except Unreadable as error:
        raise GatewayOutcomeUnknown(f"Razorpay's answer can't be read: {error}") from error


def _items(answer: Entity) -> list[Entity]:
    return read(items, answer)


def _check_id(value: str) -> None:
    # An id becomes a part of the path: anything else would call another address.
    if not _ID.fullmatch(value):
        raise GatewayRejected("that is no Razorpay id", failure_code="invalid_id")
