"""Razorpay's API: HTTP in front of the books. Every success is 200 (MD:errors.md)."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath

from batua.testing.simulators.razorpay.asking import (
    AnyRequest,
    asked,
    books_of,
    collection,
    page_of,
    refusal,
)
from batua.testing.simulators.razorpay.entities import NOT_FOUND, Document, Refused, public
from batua.testing.simulators.razorpay.saved_routes import SAVED_ROUTES

__all__ = ["API_ROUTES", "unknown_url"]

_SINCE_MIN = 946_684_800


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
    return books_of(request).payments.create_order(await asked(request))


@get("/v1/orders")
async def list_orders(request: AnyRequest) -> Document:
    receipt = request.query_params.get("receipt")
    return page_of(request, books_of(request).payments.orders(receipt))


@get("/v1/orders/{order_id:str}")
async def fetch_order(request: AnyRequest, order_id: FromPath[str]) -> Document:
    return public(books_of(request).payments.order(order_id))


@get("/v1/orders/{order_id:str}/payments")
async def list_payments_of_order(request: AnyRequest, order_id: FromPath[str]) -> Document:
    books = books_of(request).payments
    found = books.payments(books.order(order_id)["id"])
    return collection([books.shown(payment) for payment in found])


@get("/v1/payments")
async def list_payments(request: AnyRequest) -> Document:
    books = books_of(request).payments
    return page_of(request, [books.shown(payment) for payment in books.payments()])


@get("/v1/payments/{payment_id:str}")
async def fetch_payment(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    books = books_of(request).payments
    return books.shown(books.payment(payment_id))


@post("/v1/payments/{payment_id:str}/capture", status_code=200)
async def capture_payment(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    return books_of(request).payments.capture(payment_id, await asked(request))


@post("/v1/payments/{payment_id:str}/refund", status_code=200)
async def create_refund(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    books = books_of(request).refunds
    body, key = await asked(request), request.headers.get("x-refund-idempotency")
    if key in request.app.state.keys_in_progress:
        raise Refused(
            "Another request with the same idempotency key is still in progress.",
            status=409,
            step="NA",
            reason="NA",
        )
    return books.create(payment_id, body, key=key)


@get("/v1/payments/{payment_id:str}/refunds")
async def list_refunds_of_payment(request: AnyRequest, payment_id: FromPath[str]) -> Document:
    books = books_of(request)
    return page_of(request, books.refunds.refunds(books.payments.payment(payment_id)["id"]))


@get("/v1/payments/{payment_id:str}/refunds/{refund_id:str}")
async def fetch_refund_of_payment(
    request: AnyRequest, payment_id: FromPath[str], refund_id: FromPath[str]
) -> Document:
    refund = books_of(request).refunds.refund(refund_id)
    if refund["payment_id"] != payment_id:
        raise Refused(NOT_FOUND)
    return public(refund)


@get("/v1/refunds")
async def list_refunds(request: AnyRequest) -> Document:
    return page_of(request, books_of(request).refunds.refunds())


@get("/v1/refunds/{refund_id:str}")
async def fetch_refund(request: AnyRequest, refund_id: FromPath[str]) -> Document:
    return public(books_of(request).refunds.refund(refund_id))


@get("/v1/disputes")
async def list_disputes(request: AnyRequest) -> Document:
    return page_of(request, books_of(request).disputes.disputes())


@get("/v1/disputes/{dispute_id:str}")
async def fetch_dispute(request: AnyRequest, dispute_id: FromPath[str]) -> Document:
    return public(books_of(request).disputes.dispute(dispute_id))


@get("/v1/settlements")
async def list_settlements(request: AnyRequest) -> Document:
    found = books_of(request).settlements.settlements()
    return page_of(request, found, since_min=_SINCE_MIN)


@get("/v1/settlements/{settlement_id:str}")
async def fetch_settlement(request: AnyRequest, settlement_id: FromPath[str]) -> Document:
    return public(books_of(request).settlements.settlement(settlement_id))


API_ROUTES = (
    create_order,
    list_orders,
    fetch_order,
    list_payments_of_order,
    list_payments,
    fetch_payment,
    capture_payment,
    create_refund,
    list_refunds_of_payment,
    fetch_refund_of_payment,
    list_refunds,
    fetch_refund,
    list_disputes,
    fetch_dispute,
    list_settlements,
    fetch_settlement,
    *SAVED_ROUTES,
)
