"""The page of a shop that pays by Stripe, as a person sees it. Plain forms; no script needed."""

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
from batua.testing.simulators.stripe.books import Books
from batua.testing.simulators.stripe.entities import Document, Refused
from batua.testing.simulators.stripe.routes import AnyRequest

__all__ = ["CHECKOUT_ROUTES", "brought_back"]

Query = Annotated[str, QueryParameter()]


@get("/checkout")
async def show_checkout(
    request: AnyRequest,
    payment_intent: Query = "",
    publishable_key: Query = "",
    return_url: Query = "",
) -> Response[str]:
    """The intent's amount and three buttons, or why it can't be paid."""
    return _guarded(request, payment_intent, publishable_key, return_url, outcome=None)


@post("/checkout", status_code=200)
async def leave_checkout(
    request: AnyRequest,
    payment_intent: Query = "",
    publishable_key: Query = "",
    return_url: Query = "",
) -> Response[str]:
    """What became of it. The form posts to the page's own address, wherever that is mounted."""
    outcome = str((await request.form()).get("outcome", ""))
    return _guarded(request, payment_intent, publishable_key, return_url, outcome=outcome)


@get("/")
async def show_intents(request: AnyRequest) -> Response[str]:
    """The newest payment intents, each with the way to its checkout."""
    books: Books = request.app.state.books
    key = request.app.state.publishable_key
    rows = [
        link(
            # Relative: the simulator does not know where it is mounted.
            f"checkout?{urlencode({'payment_intent': intent['id'], 'publishable_key': key})}",
            f"{_amount(intent)}  {intent['status']}  {intent['id']}",
        )
        for intent in reversed(books.store.all("payment_intent")[-20:])
    ]
    empty = note("No payment yet. Open a top-up, or pay an order by gateway.")
    return _html(_page("Payments", "".join(rows) or empty, eyebrow="newest first"))


CHECKOUT_ROUTES = (show_intents, show_checkout, leave_checkout)


def brought_back(intent: Document) -> dict[str, str]:
    """What Stripe adds to the return URL (docs.stripe.com/payments/accept-a-payment)."""
    is_paid = intent["status"] in {"succeeded", "requires_capture", "processing"}
    return {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if is_paid else "failed",
    }


def _guarded(
    request: AnyRequest, intent_id: str, key: str, return_url: str, *, outcome: str | None
) -> Response[str]:
    books: Books = request.app.state.books
    back = return_url if is_web(return_url) else ""
    try:
        if key != request.app.state.publishable_key:
            raise Refused("Invalid API Key provided.")
        intent = books.found("payment_intent", intent_id)
    except Refused as refused:
        return _html(_page("Nothing to pay", note(str(refused))), status=400)
    again = link(f"?{urlencode(dict(request.query_params))}", "Try again", "main")
    if outcome == "cancel":
        shown = note("You left without paying.") + again + _back(back, {})
        return _html(_page("Cancelled", shown))
    if not intent["status"].startswith("requires_") or intent["status"] == "requires_capture":
        return _html(_page("Already paid", note("This payment takes no more tries.")))
    if outcome in {"pay", "fail"}:
        return _html(_tried(books, intent, outcome, back, again))
    return _html(_choice(intent))


def _tried(books: Books, intent: Document, outcome: str, back: str, again: str) -> str:
    paid = "authorized" if intent["capture_method"] == "manual" else "captured"
    with books.store.transaction():
        books.pay(intent, paid if outcome == "pay" else "failed")
    proof = brought_back(intent)
    shown = details({"Payment": intent["id"]}) + _back(back, proof)
    if outcome == "fail":
        return _page("Payment failed", shown + again, eyebrow="failed")
    return _page(f"{_amount(intent)} paid", shown, eyebrow=paid)


def _choice(intent: Document) -> str:
    amount = _amount(intent)
    buttons = (
        button("pay", f"Pay {amount}", "main")
        + button("fail", "Fail this payment")
        + button("cancel", "Cancel")
    )
    shown = details({"Payment": intent["id"], "For": intent["description"] or "no description"})
    return _page(amount, f"{shown}<form method='post'>{buttons}</form>", eyebrow="To pay")


def _back(return_url: str, values: dict[str, str]) -> str:
    return link(with_query(return_url, values), "Back to the shop") if return_url else ""


def _amount(intent: Document) -> str:
    return format_money(intent["amount"], intent["currency"].upper())


def _page(title: str, content: str, *, eyebrow: str = "") -> str:
    return page("Stripe", title, content, eyebrow=eyebrow)


def _html(text: str, *, status: int = 200) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=HEADERS)
