"""Routes that the gatekeeper calls itself, past what Litestar does between router and handler."""

import asyncio
import inspect
from contextlib import asynccontextmanager

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler

from batua.certificates import trusted_certificates
from batua.limits import BODY_BYTES_MAX
from batua.testing.serving import serving
from batua_api.app import create_app
from batua_api.idempotency import _route
from batua_api.plugin import BatuaPlugin
from tests.support.api import CALLERS, token
from tests.support.clock import START, FakeClock
from tests.support.shop import JWT_SECRET

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEEDS_LITESTAR = {"adjust_wallet"}
"""Its path's parameter has rules."""


def raw_handlers():
    """The API's handlers that take a raw body and answer with bytes, by operation id."""
    app = create_app(BatuaPlugin(environ={"BATUA_JWT_SECRET": JWT_SECRET}))
    handlers = {
        handler.operation_id: handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler) and isinstance(handler.operation_id, str)
    }
    return {
        name: handler
        for name, handler in handlers.items()
        if "body" in inspect.signature(handler.fn).parameters
        and handler.parsed_fn_signature.return_type.annotation == Response[bytes]
    }


async def test_every_such_route_is_straight_and_takes_nothing_that_litestar_would_have_to_make():
    handlers = raw_handlers()
    straight = {name for name, each in handlers.items() if each.opt.get("is_straight")}
    assert straight == handlers.keys() - NEEDS_LITESTAR
    assert {"create_order", "pay_order", "refund_order", "receive_webhook"} <= straight
    for name in straight:
        parameters = handlers[name].parsed_fn_signature.parameters
        given = {each: parameters[each].annotation for each in parameters.keys() - {"body"}}
        assert issubclass(getattr(given["request"], "__origin__", given["request"]), Request)
        assert all(kind is str for each, kind in given.items() if each != "request"), name
        assert handlers[name].resolve_request_max_body_size() == BODY_BYTES_MAX


async def test_other_methods_of_the_same_address_are_litestars(api):
    assert (await api.http.delete("/orders", headers=api.headers("asha"))).status_code == 405
    listed = await api.http.get("/orders", headers=api.headers("asha"))
    assert listed.status_code == 200
    assert "items" in listed.json()


async def test_an_answer_has_its_type_and_length_and_says_when_it_is_a_replay(api):
    body = {"reference": api.reference(), "amount": 1_000, "currency": "INR"}
    first = await api.post("/orders", body, key="straight-1")
    again = await api.post("/orders", body, key="straight-1")
    other = await api.post("/orders", {**body, "amount": 7}, key="straight-1")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["content-length"] == str(len(first.content))
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.content == first.content
    assert other.headers["content-type"] == "application/problem+json"


async def test_a_body_in_pieces_is_one_body(api):
    whole = b'{"reference":"%s","amount":1000,"currency":"INR"}' % api.reference().encode()

    async def pieces():
        for place in range(0, len(whole), 7):
            yield whole[place : place + 7]
            await asyncio.sleep(0)

    answer = await api.http.post("/orders", content=pieces(), headers=api.headers("asha", "k-7"))
    assert answer.status_code == 201


async def test_whoever_goes_away_in_the_middle_of_a_body_has_asked_for_nothing(api):
    reference = api.reference()
    body = b'{"reference":"%s","amount":1000,"currency":"INR"}' % reference.encode()
    headers = {**api.headers("asha", "k-8"), "Content-Length": str(len(body)), "Host": "shop"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    url = api.http.base_url
    for sent in (0, len(body) // 2, len(body) - 1):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"POST /api/v1/orders HTTP/1.1\r\n{head}\r\n".encode() + body[:sent])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    found = await api.http.get(
        "/orders", headers=api.headers("asha"), params={"reference": reference}
    )
    assert found.json()["items"] == []


async def test_a_length_that_is_none_is_refused(api):
    for length in ("²", "-1", "1e3"):
        head = {**api.headers("asha", "k-9"), "Content-Length": length, "Host": "shop"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        url = api.http.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"POST /api/v1/orders HTTP/1.1\r\n{lines}\r\n{{}}".encode("latin-1"))
        answer = await asyncio.wait_for(reader.read(4096), 10)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 400 ")


# --- in a host's app ----------------------------------------------------------------------------


class ReadsBodies:
    """A host's middleware that logs what it is sent."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            await Request(scope, receive).body()
        await self.app(scope, receive, send)


def nobody_from_elsewhere(connection, _):
    if connection.headers.get("x-office") != "yes":
        raise PermissionDeniedException("Only from the office.")


async def seen(response):
    response.headers["x-seen"] = "yes"
    return response


@asynccontextmanager
async def hosted(url, **options):
    """A host's app with a shop in it, and asha who calls it."""
    clock = FakeClock(START)
    environ = {
        "BATUA_JWT_SECRET": JWT_SECRET,
        "BATUA_DATABASE_URL": url,
        "BATUA_CUSTOMER_ORDERS": "on",
    }
    app = Litestar(
        plugins=[BatuaPlugin(environ=environ, now=clock.now)],
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
        **options,
    )
    headers = {"Authorization": f"Bearer {token(clock, **CALLERS['asha'])}", "X-Office": "yes"}
    async with (
        serving(app) as base,
        httpx.AsyncClient(
            base_url=f"{base}/api/v1", headers=headers, timeout=10, verify=trusted_certificates()
        ) as client,
    ):
        yield client


ORDER = {"reference": "A-1", "amount": 1_000, "currency": "INR"}


async def test_a_hosts_middleware_may_read_the_body_first(sqlite_url):
    async with hosted(sqlite_url, middleware=[ReadsBodies]) as client:
        assert (await client.post("/orders", json=ORDER)).status_code == 201
        big = await client.post("/orders", content=b"{" + b" " * BODY_BYTES_MAX)
        assert big.status_code == 413


async def test_a_hosts_guards_stand_before_money_too(sqlite_url):
    async with hosted(sqlite_url, guards=[nobody_from_elsewhere]) as client:
        refused = await client.post("/orders", json=ORDER, headers={"X-Office": "no"})
        assert refused.status_code == 403
        assert (await client.post("/orders", json=ORDER)).status_code == 201


async def test_what_a_host_does_to_every_answer_it_does_to_these(sqlite_url):
    options = {"after_request": seen, "response_headers": {"x-shop": "ours"}}
    for name, option in options.items():
        async with hosted(sqlite_url, **{name: option}) as client:
            answer = await client.post("/orders", json=ORDER | {"reference": name})
        assert answer.status_code == 201
        assert answer.headers.get("x-seen" if name == "after_request" else "x-shop")


async def test_under_a_root_path_a_key_is_of_the_whole_address():
    routes = {
        _route({"method": "POST", "path": "/api/v1/orders", "root_path": root})
        for root in ("", "/shop")
    }
    assert routes == {"POST /api/v1/orders", "POST /shop/api/v1/orders"}


async def test_a_webhook_is_acknowledged_in_json(api):
    opened = await api.shop.open_top_up()
    await api.shop.provider.pay(opened["payment"]["provider_reference"])
    events = await api.shop.provider.new_events()
    assert events
    for _, body, headers in events:
        told = await api.http.post("/webhooks/razorpay", content=body, headers=headers)
        assert told.status_code == 200
        assert told.headers["content-type"] == "application/json"
        assert told.json() == {"status": "stored"}
