"""The checkout page: where a person pays, fails or gives up. Plain forms; no script needed."""

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
from batua.testing.simulators.razorpay.asking import AnyRequest
from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.entities import Document, Refused

__all__ = ["CHECKOUT_ROUTES"]

_NAME = "Razorpay"

Query = Annotated[str, QueryParameter()]


@get("/v1/checkout")
async def show_checkout(
    request: AnyRequest, order_id: Query = "", key_id: Query = "", return_url: Query = ""
) -> Response[str]:
    """The order's amount and three buttons, or why it can't be paid."""
    return _guarded(request, order_id, key_id, return_url, outcome=None)


@post("/v1/checkout", status_code=200)
async def leave_checkout(
    request: AnyRequest, order_id: Query = "", key_id: Query = "", return_url: Query = ""
) -> Response[str]:
    """What became of it. The form posts to the page's own address, wherever that is mounted."""
    form = await request.form()
    return _guarded(request, order_id, key_id, return_url, outcome=str(form.get("outcome", "")))


@get("/")
async def show_orders(request: AnyRequest) -> Response[str]:
    """The newest orders, each with the way to its checkout: where a visitor starts."""
    books: Books = request.app.state.books.payments
    key_id = request.app.state.key_id
    rows = [
        link(
            # Relative: the simulator does not know where it is mounted.
            f"v1/checkout?{urlencode({'order_id': order['id'], 'key_id': key_id})}",
            f"{format_money(order['amount'], order['currency'])}  {order['status']}  {order['id']}",
        )
        for order in reversed(books.orders(None)[-20:])
    ]
    empty = note("No order yet. Open a top-up, or pay an order by gateway.")
    return _html(page(_NAME, "Orders", "".join(rows) or empty, eyebrow="newest first"), status=200)


CHECKOUT_ROUTES = (show_orders, show_checkout, leave_checkout)


def _guarded(
    request: AnyRequest, order_id: str, key_id: str, return_url: str, *, outcome: str | None
) -> Response[str]:
    books: Books = request.app.state.books.payments
    back = return_url if is_web(return_url) else ""
    try:
        if key_id != request.app.state.key_id:
            raise Refused("The api key provided is invalid")
        order = books.order(order_id)
    except Refused as refused:
        return _html(page(_NAME, "Nothing to pay", note(str(refused))), status=400)
    if outcome == "cancel":
        shown = note("You left without paying.") + _again(order, key_id, back) + _back(back, {})
        return _html(page(_NAME, "Cancelled", shown))
    if not books.is_payable(order):
        return _html(page(_NAME, "Already paid", note("This order takes no more payments.")))
    if outcome in {"pay", "fail"}:
        if outcome == "fail":
            again = _again(order, key_id, back)
            return _html(_failed(books, order, again + _back(back, {})))
        return _html(_paid(books, order, back))
    return _html(_choice(order))


def _choice(order: Document) -> str:
    amount = format_money(order["amount"], order["currency"])
    buttons = (
        button("pay", f"Pay {amount}", "main")
        + button("fail", "Fail this payment")
        + button("cancel", "Cancel")
    )
    shown = details({"Order": order["id"], "Receipt": order["receipt"] or "none"})
    return page(_NAME, amount, f"{shown}<form method='post'>{buttons}</form>", eyebrow="To pay")


def _paid(books: Books, order: Document, back: str) -> str:
    payment = books.pay(order["id"], "captured" if order["_is_automatic"] else "authorized")
    amount = format_money(payment["amount"], payment["currency"])
    proof = {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": payment["order_id"],
        "razorpay_signature": books.signature(payment),
    }
    return page(
        _NAME, f"{amount} paid", details(proof) + _back(back, proof), eyebrow=payment["status"]
    )


def _failed(books: Books, order: Document, links: str) -> str:
    payment = books.pay(order["id"], "failed")
    # A failed try gets no signature: there is nothing for a shop to confirm.
    shown = {"razorpay_payment_id": payment["id"], "razorpay_order_id": payment["order_id"]}
    return page(_NAME, "Payment failed", details(shown) + links, eyebrow="failed")


def _again(order: Document, key_id: str, return_url: str) -> str:
    query = {"order_id": order["id"], "key_id": key_id, "return_url": return_url}
    # A query alone is relative to the page itself, so it works below any prefix.
    return link(f"?{urlencode(query)}", "Try again", "main")


def _back(return_url: str, proof: dict[str, str]) -> str:
    if not return_url:
        return ""
    return link(with_query(return_url, proof), "Back to the shop")


def _html(text: str, *, status: int = 200) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=HEADERS)
