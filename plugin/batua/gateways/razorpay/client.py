"""Razorpay's official SDK, fenced in: what it leaves open or throws away is put right here.

The SDK has no default timeout, shares mutable default arguments, prints to stdout, and keeps only
the description of an error (razorpay 2.0.1, read 2026-11-22). So it gets a session of ours that
always has a timeout, follows no redirect, and judges every answer before the SDK sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import Any, TypeVar

import razorpay
import requests
import urllib3

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Transport,
)
from batua.gateways.razorpay.codes import (
    ALREADY_IN_PROGRESS,
    AUTHENTICATION_FAILED,
    AUTHENTICATION_TEXTS,
    NOT_FOUND,
    UNDECIDED_CODES,
)
from batua.gateways.razorpay.wire import Entity, Unreadable, items

__all__ = ["RazorpayClient", "Refused", "read", "written"]

R = TypeVar("R")

_PAGE_MAX = 100
_PAGES_MAX = 50
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")


class Refused(GatewayRejected):
    """Razorpay's refusal with everything that it said, which the SDK would have dropped."""

    def __init__(self, status: int, error: Entity) -> None:
        self.status = status
        self.code = str(error.get("code") or "")
        self.description = str(error.get("description") or "")[:250]
        self.field = str(error.get("field") or "")
        # "NA" is what Razorpay writes where it has no reason (MD:errors.md).
        self.reason = str(error.get("reason") or "").removeprefix("NA")
        self.is_authentication = status == requests.codes.unauthorized or any(
            text in self.description.lower() for text in AUTHENTICATION_TEXTS
        )
        about = f" (field {self.field})" if self.field else ""
        super().__init__(
            f"Razorpay answered {status}: {self.description}{about}",
            failure_code=self._failure_code(),
        )

    def _failure_code(self) -> str:
        if self.is_authentication:
            return AUTHENTICATION_FAILED
        return "not_found" if self.description == NOT_FOUND else self.reason or self.code


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
            session=_FencedSession(transport.session, transport.timeout_s),
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

    async def _call(self, call: Callable[[dict[str, Any]], Any]) -> Entity:
        options = {"timeout": self._transport.timeout_s}
        answer: Entity = await self._transport.run_blocking(lambda: call(options))
        return answer

    async def _pages(self, call: Callable[[dict[str, Any], dict[str, Any]], Any]) -> list[Entity]:
        found: list[Entity] = []
        for _ in range(_PAGES_MAX):
            page = {"count": _PAGE_MAX, "skip": len(found)}
            answer = await self._call(lambda options, page=page: call(page, options))  # type: ignore[misc]
            batch = _items(answer)
            found.extend(batch)
            if len(batch) < _PAGE_MAX:
                return found
        raise GatewayUnavailable(f"Razorpay's list has more than {len(found)} entries")


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


@dataclass(frozen=True, slots=True)
class _Answer:
    """The part of a response that the SDK reads, already judged."""

    entity: Entity
    status_code: int = 200

    def json(self) -> Entity:
        return self.entity


class _FencedSession:
    """Stands where the SDK expects a session. Never raises what the SDK would print or retry."""

    def __init__(self, session: requests.Session, timeout_s: float) -> None:
        self._session = session
        self._timeout_s = timeout_s

    def get(self, url: str, **options: Any) -> _Answer:
        try:
            return _judged(self._send("GET", url, options))
        except GatewayOutcomeUnknown as silence:
            # Reading changes nothing, so a lost answer costs only the asking again.
            raise GatewayUnavailable(str(silence)) from silence

    def post(self, url: str, **options: Any) -> _Answer:
        return _judged(self._send("POST", url, options))

    def _send(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        # The SDK's own certificate bundle is as old as its release: the session's is kept up.
        options.pop("verify", None)
        options.setdefault("timeout", self._timeout_s)
        try:
            return self._session.request(method, url, allow_redirects=False, **options)
        except requests.RequestException as error:
            name = type(error).__name__
            if _nothing_was_sent(error):
                raise GatewayUnavailable(f"Razorpay can't be reached: {name}") from error
            raise GatewayOutcomeUnknown(f"Razorpay's answer was lost: {name}") from error


_NEVER_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    SSLCertVerificationError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


def _nothing_was_sent(error: BaseException) -> bool:
    # requests wraps urllib3's reason, which wraps the socket's: the answer lies at any depth.
    waiting: list[object] = [error]
    for _ in range(10):
        if not waiting:
            break
        cause = waiting.pop()
        if isinstance(cause, _NEVER_SENT):
            return True
        if isinstance(cause, BaseException):
            waiting += [*cause.args, getattr(cause, "reason", None)]
    return False


def _judged(response: requests.Response) -> _Answer:
    body, status = _json(response), response.status_code
    if 200 <= status < 300 and body is not None and "error" not in body:
        return _Answer(body)
    if status == requests.codes.too_many_requests:
        raise GatewayUnavailable("Razorpay asks us to slow down (429)")
    error = (body or {}).get("error")
    if not 400 <= status < 500 or not isinstance(error, dict):
        raise GatewayOutcomeUnknown(f"Razorpay gave no usable answer (HTTP {status})")
    if error.get("code") in UNDECIDED_CODES or error.get("description") == ALREADY_IN_PROGRESS:
        raise GatewayOutcomeUnknown(f"Razorpay has not decided: {error.get('code')}")
    raise Refused(status, error)


def _json(response: requests.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _items(answer: Entity) -> list[Entity]:
    return read(items, answer)


def _check_id(value: str) -> None:
    # An id becomes a part of the path: anything else would call another address.
    if not _ID.fullmatch(value):
        raise GatewayRejected("that is no Razorpay id", failure_code="invalid_id")
