"""Stripe's API: HTTP in front of the books. Every success is 200."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get, post
from litestar.params import FromPath

from batua.testing.simulators.stripe.aftermath import Aftermath
from batua.testing.simulators.stripe.books import Books
from batua.testing.simulators.stripe.entities import Document, Refused
from batua.testing.simulators.stripe.forms import checked, decoded
from batua.testing.simulators.stripe.keys import CRASH, Keys
from batua.testing.simulators.stripe.lists import found_in, listed, page_of

__all__ = ["API_ROUTES", "AnyRequest", "refusal", "unknown_url"]

AnyRequest = Request[Any, Any, Any]

_KINDS = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "payouts": "payout",
    "customers": "customer",
    "payment_methods": "payment_method",
}
_INTENT_ACTS = {"confirm", "capture", "cancel"}


def refusal(_request: AnyRequest, error: Exception) -> Response[Document]:
    """The answer to a ``Refused``; anything else is Stripe's 500."""
    if isinstance(error, Refused):
        return Response(error.body, status_code=error.status)
    return Response(CRASH, status_code=500)


def unknown_url(request: AnyRequest, _error: Exception) -> Response[Document]:
    url = f"{request.method}: {request.url.path}"
    return refusal(request, Refused(f"Unrecognized request URL ({url}).", status=404))


@post("/v1/payment_intents", status_code=200)
async def create_intent(request: AnyRequest) -> Response[Document]:
    return await _keyed(request, "create_intent", _books(request).create_intent)


@post("/v1/payment_intents/{intent_id:str}/{act:str}", status_code=200)
async def act_on_intent(
    request: AnyRequest, intent_id: FromPath[str], act: FromPath[str]
) -> Response[Document]:
    books = _books(request)
    if act not in _INTENT_ACTS:
        return unknown_url(request, Exception())
    run: Callable[[str, Document], Document] = getattr(books, act)
    return await _keyed(request, act, lambda fields: run(intent_id, fields))


@post("/v1/refunds", status_code=200)
async def create_refund(request: AnyRequest) -> Response[Document]:
    aftermath: Aftermath = request.app.state.aftermath
    _books(request)
    outcome = request.app.state.faults["refund_outcome"]
    return await _keyed(
        request, "create_refund", lambda fields: aftermath.create_refund(fields, outcome=outcome)
    )


@post("/v1/customers", status_code=200)
async def create_customer(request: AnyRequest) -> Response[Document]:
    return await _keyed(request, "create_customer", _books(request).create_customer)


@get("/v1/payment_intents/search")
async def search_intents(request: AnyRequest) -> Document:
    books, asked = _books(request), _query(request, "search")
    match request.app.state.faults["search"]:
        case "off":
            # The wording is our own: that it is refused is documented, how is not.
            raise Refused("Search is not available to this account.")
        case "late":
            found: list[Document] = []
        case _:
            found = found_in(books.store.newest("payment_intent"), asked["query"])
    return {"object": "search_result", "data": found, "has_more": False, "next_page": None}


@get("/v1/events")
async def list_events(request: AnyRequest) -> Document:
    books = _books(request)
    asked = _query(request, "list")
    events = (json.loads(event["body"]) for event in listed(books.store, "event", asked))
    return page_of("/v1/events", events, asked)


@get([f"/v1/{kinds}" for kinds in _KINDS])
async def list_objects(request: AnyRequest) -> Document:
    books, asked = _books(request), _query(request, "list")
    kinds = request.url.path.rsplit("/", 1)[1]
    if "payment_intent" in asked:
        books.found("payment_intent", asked["payment_intent"])
    return page_of(f"/v1/{kinds}", listed(books.store, _KINDS[kinds], asked), asked)


@get([f"/v1/{kinds}/{{object_id:str}}" for kinds in _KINDS])
async def fetch_object(request: AnyRequest, object_id: FromPath[str]) -> Document:
    books, asked = _books(request), _query(request, "fetch")
    document = books.found(_KINDS[request.url.path.rsplit("/", 2)[1]], object_id)
    for name in asked.get("expand", []):
        if isinstance(document.get(name), str) and name == "latest_charge":
            document[name] = books.found("charge", document[name])
    return document


API_ROUTES = (
    create_intent,
    act_on_intent,
    create_refund,
    create_customer,
    search_intents,
    list_events,
    list_objects,
    fetch_object,
)


def _books(request: AnyRequest) -> Books:
    _authenticate(request)
    books: Books = request.app.state.books
    return books


def _authenticate(request: AnyRequest) -> None:
    """Bearer, or Basic with the secret key as its user (docs.stripe.com/api/authentication)."""
    header = request.headers.get("authorization", "")
    scheme, _, sent = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            sent = base64.b64decode(sent, validate=True).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            sent = ""
    secret_key: str = request.app.state.secret_key
    if not hmac.compare_digest(sent.encode(), secret_key.encode()):
        raise Refused("Invalid API Key provided.", status=401, is_run=False)


async def _keyed(
    request: AnyRequest, endpoint: str, run: Callable[[Document], Document]
) -> Response[Document]:
    """``run`` on the request's form, once per idempotency key."""
    keys: Keys = request.app.state.idempotency
    pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    fields = checked(endpoint, decoded(pairs))
    key = request.headers.get("idempotency-key", "")
    answer = keys.answer(key, request.url.path, fields, lambda: run(fields))
    headers = {"idempotent-replayed": "true"} if answer.is_repeated else {}
    return Response(answer.body, status_code=answer.status, headers=headers)


def _query(request: AnyRequest, endpoint: str) -> Document:
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    return checked(endpoint, decoded(pairs))
