"""What all of Razorpay's API routes share: credentials, bodies, pages and refusals."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response

from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.disputes import DisputeBooks, SettlementBooks
from batua.testing.simulators.razorpay.entities import Document, Refused, public
from batua.testing.simulators.razorpay.refunds import RefundBooks
from batua.testing.simulators.razorpay.tokens import TokenBooks

__all__ = ["AllBooks", "AnyRequest", "asked", "books_of", "collection", "page_of", "refusal"]

AnyRequest = Request[Any, Any, Any]

_COUNT_MAX = 100


@dataclass(frozen=True, slots=True)
class AllBooks:
    """Everything that Razorpay keeps."""

    payments: Books
    refunds: RefundBooks
    disputes: DisputeBooks
    settlements: SettlementBooks
    tokens: TokenBooks

    @property
    def store(self) -> Store:
        """The file below all of them."""
        return self.payments.store

    def refund(self, refund_id: str) -> Document:
        return self.refunds.refund(refund_id)


def refusal(_request: AnyRequest, error: Exception) -> Response[Document]:
    """The answer to a ``Refused``; anything else is Razorpay's 500."""
    if isinstance(error, Refused):
        return Response(error.body, status_code=error.status)
    failure = {"code": "SERVER_ERROR", "description": "We are facing some trouble"}
    return Response({"error": failure}, status_code=500)


def books_of(request: AnyRequest) -> AllBooks:
    """The books, for whoever has the key."""
    _authenticate(request)
    books: AllBooks = request.app.state.books
    return books


async def asked(request: AnyRequest) -> Document:
    """The request's body."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Refused("The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Refused("The request body is not valid JSON.")
    return body


def page_of(request: AnyRequest, documents: list[Document], *, since_min: int = 0) -> Document:
    """Newest first, ten unless told; at most a hundred."""
    count = min(_number(request, "count", 10), _COUNT_MAX)
    if count < 1:
        raise Refused("The count must be at least 1.", field="count")
    skip, since = _number(request, "skip", 0), _number(request, "from", since_min)
    until = _number(request, "to", 2**53)
    if since < since_min:
        raise Refused(f"from must be between {since_min} and 4765046400.", field="from")
    found = [
        document
        for document in reversed(documents)
        if since <= int(document["created_at"]) <= until
    ]
    return collection(found[skip : skip + count])


def collection(documents: list[Document]) -> Document:
    shown = [public(document) for document in documents]
    return {"entity": "collection", "count": len(shown), "items": shown}


def _authenticate(request: AnyRequest) -> None:
    """The scheme must be spelled ``Basic`` to the letter (MD:api/authentication.md)."""
    header = request.headers.get("authorization", "")
    try:
        sent = base64.b64decode(header.removeprefix("Basic "), validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    expected: str = request.app.state.credentials
    if not header.startswith("Basic ") or not hmac.compare_digest(sent, expected.encode()):
        status = request.app.state.faults["refused_key_status"]
        raise Refused("Authentication failed", status=status, step="NA", reason="NA")


def _number(request: AnyRequest, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise Refused(f"The {name} must be an integer.", field=name)
    return int(value)
