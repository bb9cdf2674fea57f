"""The checkout page: where a person approves an order or gives up. Plain forms, no script.

PayPal takes no money here. It sends the browser back to the shop, whose turn it is to capture.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from litestar import MediaType, Response, get, post
from litestar.params import QueryParameter

from batua.contract import format_money
from batua.testing.simulators.kit.page import (
    HEADERS,
    button,
    details,
    is_web,
    link,
    note,
    page,
    with_query,
)
from batua.testing.simulators.paypal.documents import PAYER
from batua.testing.simulators.paypal.errors import Document, Refused
from batua.testing.simulators.paypal.money import minor
from batua.testing.simulators.paypal.provider import AnyRequest, Provider

__all__ = ["CHECKOUT_ROUTES"]

_NAME = "PayPal"

Query = Annotated[str, QueryParameter()]


@get("/checkoutnow")
async def show_checkout(request: AnyRequest, token: Query = "") -> Response[str]:
    """The order's amount and what the payer may do, or why it can't be paid."""
    return _guarded(request, token, outcome="")


@post("/checkoutnow", status_code=200)
async def leave_checkout(request: AnyRequest, token: Query = "") -> Response[str]:
    """What became of it, and back to the shop."""
    form = await request.form()
    return _guarded(request, token, outcome=str(form.get("outcome", "")))


@get("/")
async def show_orders(request: AnyRequest) -> Response[str]:
    """The newest orders, each with the way to its checkout: where a visitor starts."""
    provider: Provider = request.app.state.provider
    rows = [
        # Relative: the page may be mounted below any prefix.
        link(
            f"checkoutnow?{urlencode({'token': order['id']})}",
            f"{_amount(order)}  {order['status'].lower()}  {order['id']}",
        )
        for order in reversed(provider.books.store.all("order")[-20:])
    ]
    empty = note("No order yet. Open a top-up, or pay an order by gateway.")
    return _html(page(_NAME, "Orders", "".join(rows) or empty, eyebrow="newest first"))


CHECKOUT_ROUTES = (show_orders, show_checkout, leave_checkout)


def _guarded(request: AnyRequest, order_id: str, *, outcome: str) -> Response[str]:
    provider: Provider = request.app.state.provider
    try:
        order = provider.orders.order(order_id)
    except Refused:
        shown = note("PayPal knows no such order.")
        return _html(page(_NAME, "Nothing to pay", shown), status=400)
    if order["status"] == "COMPLETED":
        return _html(page(_NAME, "Already paid", note("This order takes no more payments.")))
    match outcome:
        case "approve":
            provider.orders.approve(order_id)
            proof = {"token": order_id, "PayerID": PAYER}
            return _back(order["_return_url"], proof, "Approved")
        case "fail":
            provider.orders.fail(order_id)
            again = link(f"?{urlencode({'token': order_id})}", "Try again", "main")
            return _html(page(_NAME, "Payment declined", again, eyebrow="failed"))
        case "cancel":
            return _back(order["_cancel_url"], {"token": order_id}, "Cancelled")
        case _:
            return _html(_choice(order))


def _choice(order: Document) -> str:
    amount = _amount(order)
    buttons = (
        button("approve", f"Pay {amount}", "main")
        + button("fail", "Fail this payment")
        + button("cancel", "Cancel and return to the shop")
    )
    unit = order["purchase_units"][0]
    shown = details({"Order": order["id"], "Invoice": unit.get("invoice_id", "none")})
    return page(_NAME, amount, f"{shown}<form method='post'>{buttons}</form>", eyebrow="To pay")


def _back(url: str, query: dict[str, str], title: str) -> Response[str]:
    if not is_web(url):
        return _html(page(_NAME, title, note("You may return to the shop.") + details(query)))
    headers = HEADERS | {"location": with_query(url, query)}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


def _amount(order: Document) -> str:
    amount = order["purchase_units"][0]["amount"]
    return format_money(minor(amount), amount["currency_code"])


def _html(text: str, *, status: int = 200) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=HEADERS)
