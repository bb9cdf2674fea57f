"""Control routes: a script pays, breaks and asks here. For loopback only; they have no password."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Response, get, post

from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.entities import Document, Refused, public
from batua.testing.simulators.razorpay.faults import FaultChange, Faults
from batua.testing.simulators.razorpay.routes import AnyRequest
from batua.testing.simulators.razorpay.webhooks import Webhooks

__all__ = ["CONTROL_ROUTES"]

S = TypeVar("S", bound=msgspec.Struct)


class _Pay(msgspec.Struct, forbid_unknown_fields=True):
    reference: str
    outcome: Literal["captured", "authorized", "failed"]
    amount: Annotated[int, msgspec.Meta(ge=1)] | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] | None = None


class _Settle(msgspec.Struct, forbid_unknown_fields=True):
    refund: str
    status: Literal["processed", "failed"]


class _Refund(msgspec.Struct, forbid_unknown_fields=True):
    payment: str
    amount: int


@post("/_control/pay", status_code=200)
async def pay(request: AnyRequest) -> Response[Document]:
    """One try of a payer, also on an order that is paid; another amount makes it differ."""
    return await _controlled(request, _Pay, _pay)


@post("/_control/faults", status_code=200)
async def set_faults(request: AnyRequest) -> Response[Document]:
    """Set the given parts and leave the others; an empty object resets all."""
    return await _controlled(request, FaultChange, _change_faults)


@get("/_control/payments")
async def list_payments(request: AnyRequest) -> Document:
    """Every payment with its order and its refunds, oldest first."""
    books = _books(request)
    return {
        "payments": [
            public(payment)
            | {
                "order": public(books.order(payment["order_id"])),
                "refunds": [public(refund) for refund in books.refunds(payment["id"])],
            }
            for payment in books.payments()
        ]
    }


@get("/_control/webhooks")
async def list_webhooks(request: AnyRequest) -> Document:
    """Every event with its state, attempts and body, oldest first."""
    return {"webhooks": _webhooks(request).events()}


@post("/_control/send_webhooks", status_code=200)
async def send_webhooks(request: AnyRequest) -> Document:
    """Send every event again."""
    return {"events": _webhooks(request).replay()}


@post("/_control/settle_refund", status_code=200)
async def settle_refund(request: AnyRequest) -> Response[Document]:
    """Bring a refund to an end."""
    return await _controlled(request, _Settle, _settle)


@post("/_control/refund", status_code=200)
async def begin_refund(request: AnyRequest) -> Response[Document]:
    """A refund that someone begins in Razorpay's dashboard: nothing of ours is in it."""
    return await _controlled(request, _Refund, _begin_refund)


CONTROL_ROUTES = (
    pay,
    set_faults,
    list_payments,
    list_webhooks,
    send_webhooks,
    settle_refund,
    begin_refund,
)


async def _controlled(request: AnyRequest, shape: type[S], act: Any) -> Response[Document]:
    try:
        asked = msgspec.json.decode(await request.body() or b"{}", type=shape, strict=True)
        return Response(act(request, asked), status_code=200)
    except (msgspec.MsgspecError, ValueError) as error:
        return Response({"error": f"the body can't be used: {error}"}, status_code=400)
    except Refused as refused:
        return Response({"error": str(refused)}, status_code=400)


def _pay(request: AnyRequest, asked: _Pay) -> Document:
    books = _books(request)
    payment = books.pay(
        asked.reference, asked.outcome, amount=asked.amount, currency=asked.currency
    )
    return {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": payment["order_id"],
        "razorpay_signature": books.signature(payment),
        "status": payment["status"],
    }


def _change_faults(request: AnyRequest, change: FaultChange) -> Document:
    faults: Faults = request.app.state.faults
    faults.change(change)
    return faults.shown()


def _settle(request: AnyRequest, asked: _Settle) -> Document:
    return _books(request).settle_refund(asked.refund, asked.status)


def _begin_refund(request: AnyRequest, asked: _Refund) -> Document:
    outcome = request.app.state.faults.refund_outcome
    body = {"amount": asked.amount}
    return _books(request).create_refund(asked.payment, body, key=None, outcome=outcome)


def _books(request: AnyRequest) -> Books:
    books: Books = request.app.state.books
    return books


def _webhooks(request: AnyRequest) -> Webhooks:
    webhooks: Webhooks = request.app.state.webhooks
    return webhooks
