"""Orders v2 and Payments v2: HTTP in front of the books (SPEC, read 2026-11-22)."""

from __future__ import annotations

from litestar import Response, get, post
from litestar.params import FromPath

from batua.testing.simulators.paypal.errors import Document
from batua.testing.simulators.paypal.provider import AnyRequest, answered, authorized, body_of

__all__ = ["PAYMENT_ROUTES"]

_REQUEST_ID = "paypal-request-id"


@post("/v2/checkout/orders")
async def create_order(request: AnyRequest) -> Response[Document]:
    provider = authorized(request)
    body = await body_of(request)
    order, is_new = provider.orders.create(body, request.headers.get(_REQUEST_ID))
    return answered(request, provider.books.views.order(order), is_new=is_new)


@get("/v2/checkout/orders/{order_id:str}")
async def fetch_order(request: AnyRequest, order_id: FromPath[str]) -> Document:
    provider = authorized(request)
    return provider.books.views.order(provider.orders.order(order_id))


@post("/v2/checkout/orders/{order_id:str}/capture")
async def capture_order(request: AnyRequest, order_id: FromPath[str]) -> Response[Document]:
    provider = authorized(request)
    await body_of(request)
    order, is_new = provider.orders.capture(order_id, request.headers.get(_REQUEST_ID))
    return answered(request, provider.books.views.order(order), is_new=is_new)


@post("/v2/checkout/orders/{order_id:str}/authorize")
async def authorize_order(request: AnyRequest, order_id: FromPath[str]) -> Response[Document]:
    provider = authorized(request)
    await body_of(request)
    order, is_new = provider.orders.authorize(order_id, request.headers.get(_REQUEST_ID))
    return answered(request, provider.books.views.order(order), is_new=is_new)


@get("/v2/payments/authorizations/{authorization_id:str}")
async def fetch_authorization(request: AnyRequest, authorization_id: FromPath[str]) -> Document:
    provider = authorized(request)
    found = provider.payments.authorization(authorization_id)
    return provider.books.views.authorization(found)


@post("/v2/payments/authorizations/{authorization_id:str}/capture")
async def capture_authorization(
    request: AnyRequest, authorization_id: FromPath[str]
) -> Response[Document]:
    provider = authorized(request)
    body = await body_of(request)
    capture, is_new = provider.payments.capture_authorization(
        authorization_id, body, request.headers.get(_REQUEST_ID)
    )
    return answered(request, provider.books.views.capture(capture), is_new=is_new)


@post("/v2/payments/authorizations/{authorization_id:str}/void")
async def void_authorization(
    request: AnyRequest, authorization_id: FromPath[str]
) -> Response[Document | None]:
    """204 without a body, or 200 with all of it where that is preferred (SPEC)."""
    provider = authorized(request)
    voided = provider.books.views.authorization(provider.payments.void(authorization_id))
    if "return=representation" in request.headers.get("prefer", ""):
        return Response(voided, status_code=200)
    return Response(None, status_code=204)


@get("/v2/payments/captures/{capture_id:str}")
async def fetch_capture(request: AnyRequest, capture_id: FromPath[str]) -> Document:
    provider = authorized(request)
    return provider.books.views.capture(provider.payments.capture(capture_id))


@post("/v2/payments/captures/{capture_id:str}/refund")
async def refund_capture(request: AnyRequest, capture_id: FromPath[str]) -> Response[Document]:
    provider = authorized(request)
    body = await body_of(request)
    refund, is_new = provider.payments.refund(capture_id, body, request.headers.get(_REQUEST_ID))
    return answered(request, provider.books.views.refund(refund), is_new=is_new)


@get("/v2/payments/refunds/{refund_id:str}")
async def fetch_refund(request: AnyRequest, refund_id: FromPath[str]) -> Document:
    provider = authorized(request)
    return provider.books.views.refund(provider.payments.refund_of(refund_id))


PAYMENT_ROUTES = (
    create_order,
    fetch_order,
    capture_order,
    authorize_order,
    fetch_authorization,
    capture_authorization,
    void_authorization,
    fetch_capture,
    refund_capture,
    fetch_refund,
)
