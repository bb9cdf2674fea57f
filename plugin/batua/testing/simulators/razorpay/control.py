"""Razorpay's side of the control routes: what a script asks for, done in the books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

import msgspec
from litestar.handlers import HTTPRouteHandler

from batua.testing.simulators.kit.control import (
    Dispute,
    Pay,
    Refund,
    Settle,
    Wrong,
    acting,
    control_routes,
)
from batua.testing.simulators.kit.simulator import Simulator
from batua.testing.simulators.razorpay.asking import AllBooks
from batua.testing.simulators.razorpay.entities import Document, Refused, public

__all__ = ["razorpay_control_routes"]

A = TypeVar("A")
S = TypeVar("S", bound=msgspec.Struct)

_REFUND_WORDS = {"pending": "pending", "processed": "succeeded", "failed": "failed"}
_DISPUTE_WORDS = {"under_review": "open", "closed": "won"}


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """A payment that is created or failed goes on after all: a late authorization, a debit."""

    payment: str
    outcome: Literal["authorized", "captured", "failed"]


class MoveDispute(Dispute, forbid_unknown_fields=True):
    """As ``Dispute``; ``deducted`` is what Razorpay takes, and ``word`` its own status."""

    deducted: Annotated[int, msgspec.Meta(ge=0)] | None = None
    word: Literal["under_review", "closed"] | None = None


class MoveToken(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of a mandate."""

    token: str
    status: Literal["confirmed", "rejected", "cancelled", "paused"]


class PayOut(msgspec.Struct, forbid_unknown_fields=True):
    """Razorpay settles what it has captured."""

    status: Literal["created", "processed", "failed"] = "processed"


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A body without a word in it."""


def razorpay_control_routes(simulator: Simulator, books: AllBooks) -> list[HTTPRouteHandler]:
    """The kit's, and those of what only Razorpay has."""
    control = _Control(books)
    shared = control_routes(
        simulator,
        pay=_or_wrong(control.pay),
        refund=_or_wrong(control.refund),
        settle=_or_wrong(control.settle),
        dispute=_or_wrong(control.dispute),
        payments=control.payments,
        ledger=control.ledger,
    )
    return [
        *shared,
        _route("advance", Advance, control.advance),
        _route("move_dispute", MoveDispute, control.dispute),
        _route("move_token", MoveToken, control.move_token),
        _route("return_authorizations", Nothing, control.return_authorizations),
        _route("pay_out", PayOut, control.pay_out),
    ]


def _route(name: str, shape: type[S], act: Callable[[S], Document]) -> HTTPRouteHandler:
    return acting(name, shape, _or_wrong(act))


def _or_wrong(act: Callable[[A], Document]) -> Callable[[A], Document]:
    def attempt(asked: A) -> Document:
        try:
            return act(asked)
        except Refused as refused:
            raise Wrong(str(refused)) from refused

    return attempt


class _Control:
    def __init__(self, books: AllBooks) -> None:
        self._books = books

    def pay(self, asked: Pay) -> Document:
        """One try of a payer, also on an order that is paid."""
        books = self._books.payments
        payment = books.pay(
            asked.reference, asked.outcome, amount=asked.amount, currency=asked.currency
        )
        return {
            "razorpay_payment_id": payment["id"],
            "razorpay_order_id": payment["order_id"],
            "razorpay_signature": books.signature(payment),
            "status": payment["status"],
        }

    def advance(self, asked: Advance) -> Document:
        return self._books.payments.advance_by_id(asked.payment, asked.outcome)

    def refund(self, asked: Refund) -> Document:
        return self._books.refunds.create(asked.payment, {"amount": asked.amount}, key=None)

    def settle(self, asked: Settle) -> Document:
        status = "failed" if asked.status == "failed" else "processed"
        return self._books.refunds.settle(asked.refund, status)

    def return_authorizations(self, _asked: Nothing) -> Document:
        return {"refunds": self._books.refunds.return_authorizations()}

    def dispute(self, asked: Dispute) -> Document:
        moved = asked if isinstance(asked, MoveDispute) else None
        return self._books.disputes.move(
            asked.payment,
            (moved and moved.word) or asked.status,
            amount=asked.amount,
            deducted=moved.deducted if moved else None,
        )

    def move_token(self, asked: MoveToken) -> Document:
        return self._books.tokens.move_token(asked.token, asked.status)

    def pay_out(self, asked: PayOut) -> Document:
        return self._books.settlements.settle(asked.status)

    def payments(self) -> list[Document]:
        """Every payment with its order, refunds and disputes, oldest first."""
        return [
            public(payment)
            | {
                "order": public(self._books.payments.order(payment["order_id"])),
                "refunds": [public(each) for each in self._books.refunds.refunds(payment["id"])],
                "disputes": [public(each) for each in self._books.disputes.disputes(payment["id"])],
            }
            for payment in self._books.payments.payments()
        ]

    def ledger(self) -> list[Document]:
        """Every capture with what went back of it, in the contract's words."""
        return [
            {
                "id": payment["id"],
                "reference": payment["order_id"],
                "amount": payment["amount"],
                "currency": payment["currency"],
                "refunds": [
                    _line(refund, _REFUND_WORDS)
                    for refund in self._books.refunds.refunds(payment["id"])
                ],
                "disputes": [
                    _line(dispute, _DISPUTE_WORDS)
                    for dispute in self._books.disputes.disputes(payment["id"])
                ],
            }
            for payment in self._books.payments.payments()
            if payment["captured"]
        ]


def _line(document: Document, words: dict[str, str]) -> Document:
    status = document["status"]
    return {
        "id": document["id"],
        "amount": document["amount"],
        "status": words.get(status, status),
    }
