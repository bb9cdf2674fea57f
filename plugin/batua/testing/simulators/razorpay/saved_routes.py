"""Customers, saved instruments and what is charged or opened from our side."""

from __future__ import annotations

from litestar import get, post, put
from litestar.params import FromPath

from batua.testing.simulators.razorpay.asking import AnyRequest, asked, books_of, collection
from batua.testing.simulators.razorpay.entities import Document, public

__all__ = ["SAVED_ROUTES"]


@post("/v1/customers", status_code=200)
async def create_customer(request: AnyRequest) -> Document:
    return books_of(request).tokens.create_customer(await asked(request))


@get("/v1/customers/{customer_id:str}")
async def fetch_customer(request: AnyRequest, customer_id: FromPath[str]) -> Document:
    return public(books_of(request).tokens.customer(customer_id))


@get("/v1/customers/{customer_id:str}/tokens")
async def list_tokens(request: AnyRequest, customer_id: FromPath[str]) -> Document:
    return collection(books_of(request).tokens.tokens(customer_id))


@get("/v1/customers/{customer_id:str}/tokens/{token_id:str}")
async def fetch_token(
    request: AnyRequest, customer_id: FromPath[str], token_id: FromPath[str]
) -> Document:
    return public(books_of(request).tokens.token(customer_id, token_id))


@put("/v1/customers/{customer_id:str}/tokens/{token_id:str}/cancel", status_code=200)
async def cancel_token(
    request: AnyRequest, customer_id: FromPath[str], token_id: FromPath[str]
) -> Document:
    books = books_of(request).tokens
    books.move_token(books.token(customer_id, token_id)["id"], "cancelled")
    return {"status": "cancellation_initiated"}


@post("/v1/payments/create/recurring", status_code=200)
async def charge_token(request: AnyRequest) -> Document:
    return books_of(request).tokens.charge(await asked(request))


@post("/v1/payments/create/upi", status_code=200)
async def open_upi(request: AnyRequest) -> Document:
    return books_of(request).tokens.open_upi(await asked(request))


SAVED_ROUTES = (
    create_customer,
    fetch_customer,
    list_tokens,
    fetch_token,
    cancel_token,
    charge_token,
    open_upi,
)
