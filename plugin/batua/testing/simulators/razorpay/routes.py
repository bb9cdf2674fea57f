"""Razorpay's API: HTTP in front of the books. Every success is 200 (MD:errors.md)."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.entities import Document, Refused, public
from batua.testing.simulators.razorpay.faults import Faults

__all__ = ["API_ROUTES", "AnyRequest", "refusal", "unknown_url"]

AnyRequest = Request[Any, Any, Any]

_COUNT_MAX = 100


def refusal(_request: AnyRequest, error: Exception) -> Response[Document]:
    """The answer to a ``Refused``; anything else is Razorpay's 500."""
    if isinstance(error, Refused):
        return Response(error.body, status_code=error.status)
    failure = {"code": "SERVER_ERROR", "description": "We are facing some trouble"}
    return Response({"error": failure}, status_code=500)


def unknown_url(request: AnyRequest, _error: Exception) -> Response[Document]:
    """HTTP 400 and not 404: MD:api/payments/capture.md, 2026-11-22."""
    return refusal(
        request,
        Refused(
            "The requested URL was not found on the server.", step="NA", reason="NA", status=400
        ),
    )


@post("/v1/orders", status_code=200)
async def create_order(request: AnyRequest) -> Document:
    books = _books(request)
    return books.create_order(
        await _body(request), strict_receipts=_faults(request).strict_receipts
    )


@get("/v1/orders")
async def list_orders(request: AnyRequest) -> Document:
    return _page(request, _books(request).orders(request.query_params.get("receipt")))


@get("/v1/orders/{order_id:str}")
async def fetch_order(request: AnyRequest, order_id: FromPath[str]) -> Document:
    return public(_books(request).order(order_id))


@get("/v1/orders/{order_id:str}/payments")
async def list_payments_of_order(request: AnyRequest, order_id: FromPath[str]) -> Document:
    books = _books(request)
    return _collection(books.payments(books.order(order_id)["id"]))


@get("/v1/payments")
async def list_payments(request: AnyRequest) -> Document:
    return _page(request, _books(request).payments())


@get("/v1/payments/{payment_id:str}")
async def fetch_payment(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    return public(_books(request).payment(payment_id))


@post("/v1/payments/{payment_id:str}/capture", status_code=200)
async def capture_payment(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    books = _books(request)
    return books.capture(payment_id, await _body(request))


@post("/v1/payments/{payment_id:str}/refund", status_code=200)
async def create_refund(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    books, faults = _books(request), _faults(request)
    body, key = await _body(request), request.headers.get("x-refund-idempotency")
    if key in faults.keys_in_progress:
        raise Refused(
            "Another request with the same idempotency key is still in progress.",
            status=409,
            step="NA",
            reason="NA",
        )
    return books.create_refund(payment_id, body, key=key, outcome=faults.refund_outcome)


@get("/v1/payments/{payment_id:str}/refunds")
async def list_refunds(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    books = _books(request)
    return _page(request, books.refunds(books.payment(payment_id)["id"]))


@get("/v1/payments/{payment_id:str}/refunds/{refund_id:str}")
async def fetch_refund_of_payment(
    request: AnyRequest, payment_id: FromPath[str], refund_id: FromPath[str]
) -> Document:
    refund = _books(request).refund(refund_id)
    if refund["payment_id"] != payment_id:
        raise Refused("The id provided does not exist")
    return public(refund)


@get("/v1/refunds/{refund_id:str}")
async def fetch_refund(request: AnyRequest, refund_id: FromPath[str]) -> Document:
    return public(_books(request).refund(refund_id))


API_ROUTES = (
    create_order,
    list_orders,
    fetch_order,
    list_payments_of_order,
    list_payments,
    fetch_payment,
    capture_payment,
    create_refund,
    list_refunds,
    fetch_refund_of_payment,
    fetch_refund,
)


def _books(request: AnyRequest) -> Books:
    _authenticate(request)
    books: Books = request.app.state.books
    return books


def _faults(request: AnyRequest) -> Faults:
    faults: Faults = request.app.state.faults
    return faults


def _authenticate(request: AnyRequest) -> None:
    """The scheme must be spelled ``Basic`` to the letter (MD:api/authentication.md)."""
    header = request.headers.get("authorization", "")
    try:
        sent = base64.b64decode(header.removeprefix("Basic "), validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    expected: str = request.app.state.credentials
    if not header.startswith("Basic ") or not hmac.compare_digest(sent, expected.encode()):
        raise Refused("Authentication failed", status=401, step="NA", reason="NA")


async def _body(request: AnyRequest) -> Document:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Refused("The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Refused("The request body is not valid JSON.")
    return body


def _page(request: AnyRequest, documents: list[Document]) -> Document:
    """Newest first, ten unless told; at most a hundred (the maximum is not published)."""
    count = min(_number(request, "count", 10), _COUNT_MAX)
    skip, since = _number(request, "skip", 0), _number(request, "from", 0)
    until = _number(request, "to", 2**53)
    found = [
        document
        for document in reversed(documents)
        if since <= int(document["created_at"]) <= until
    ]
    return _collection(found[skip : skip + count])


def _collection(documents: list[Document]) -> Document:
    shown = [public(document) for document in documents]
    return {"entity": "collection", "count": len(shown), "items": shown}


def _number(request: AnyRequest, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise Refused(f"The {name} must be an integer.", field=name)
    return int(value)
