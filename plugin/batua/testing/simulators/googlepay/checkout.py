"""The page where a person pays with Google Pay: plain forms, no script, and nothing is charged.

A shop's own page would open Google's sheet with Google's script. This one stands for both: it
takes the checkout's ``google_pay`` and sends the browser back with ``payment_data``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from batua.testing.simulators.googlepay.sheet import Refused, Wanted, read_request
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

__all__ = ["checkout_routes"]

_NAME = "Google Pay"

AnyRequest = Request[Any, Any, Any]
Asked = Annotated[str, QueryParameter(name="request")]
Query = Annotated[str, QueryParameter()]


def checkout_routes(pay: Callable[[str], str]) -> list[HTTPRouteHandler]:
    """``pay`` makes ``PaymentData`` of a request, or raises ``Refused``."""

    @get("/pay")
    async def show_sheet(google_pay: Asked = "") -> Response[str]:
        """The price and two buttons, or why Google would not open its sheet."""
        try:
            return _html(_choice(read_request(google_pay)))
        except Refused as refused:
            return _html(page(_NAME, "Nothing to pay", note(str(refused))), status=400)

    @post("/pay", status_code=200)
    async def leave_sheet(
        request: AnyRequest, google_pay: Asked = "", return_url: Query = ""
    ) -> Response[str]:
        """What Google's client would hand to the shop's page. The money has not moved yet."""
        form = await request.form()
        if form.get("outcome") != "pay":
            left = note("You left without paying.")
            return _html(page(_NAME, "Cancelled", left + _back(return_url, {})))
        try:
            payment_data = pay(google_pay)
        except Refused as refused:
            return _html(page(_NAME, "Nothing to pay", note(str(refused))), status=400)
        proof = {"payment_data": payment_data}
        told = note("Nothing is charged until the shop brings this to its processor.")
        shown = details(proof) + told + _back(return_url, proof)
        return _html(page(_NAME, "Token ready", shown, eyebrow="approved"))

    @get("/")
    async def show_start() -> Response[str]:
        """Where a visitor starts, and learns that there is nothing to see here by itself."""
        text = (
            "Google Pay opens from a shop's checkout. It charges nothing and sends no webhooks: "
            "both are done by the shop's processor."
        )
        return _html(page(_NAME, "Google Pay", note(text)))

    return [show_start, show_sheet, leave_sheet]


def _choice(wanted: Wanted) -> str:
    price = f"{wanted.currency} {wanted.price}"
    shown = details(
        {
            "Merchant": wanted.merchant_name or wanted.merchant_id or "a test merchant",
            "Card": f"{wanted.networks[0].title()} •••• 1111",
            "Token for": wanted.parameters.get("gateway", "the shop itself"),
        }
    )
    buttons = button("pay", f"Pay {price}", "main") + button("cancel", "Cancel")
    return page(_NAME, price, f"{shown}<form method='post'>{buttons}</form>", eyebrow="To pay")


def _back(return_url: str, proof: dict[str, str]) -> str:
    if not is_web(return_url):
        return ""
    return link(with_query(return_url, proof), "Back to the shop", "main")


def _html(text: str, *, status: int = 200) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=HEADERS)
