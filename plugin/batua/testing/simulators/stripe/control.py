"""Stripe's side of the control routes: what a script asks for, done in the books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

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
from batua.testing.simulators.stripe.aftermath import Aftermath
from batua.testing.simulators.stripe.books import Books
from batua.testing.simulators.stripe.checkout import brought_back
from batua.testing.simulators.stripe.entities import Document, Refused

__all__ = ["stripe_control_routes"]

A = TypeVar("A")

_REFUND_WORDS = {"requires_action": "pending", "canceled": "failed"}
_DISPUTE_WORDS = {"needs_response": "open"}


class _Payout(msgspec.Struct, forbid_unknown_fields=True):
    """A payout to the shop's bank, in minor units."""

    amount: Annotated[int, msgspec.Meta(ge=1)]
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


def stripe_control_routes(
    simulator: Simulator, books: Books, aftermath: Aftermath
) -> list[HTTPRouteHandler]:
    """The routes of every simulator, and ``POST /_control/payout``."""
    control = _Control(simulator, books, aftermath)
    return [
        *control_routes(
            simulator,
            pay=_at_once(books, control.pay),
            refund=_at_once(books, control.refund),
            settle=_at_once(books, control.settle),
            dispute=_at_once(books, control.dispute),
            payments=control.payments,
            ledger=control.ledger,
        ),
        acting("payout", _Payout, _at_once(books, control.pay_out)),
    ]


def _at_once(books: Books, act: Callable[[A], Document]) -> Callable[[A], Document]:
    def attempt(asked: A) -> Document:
        try:
            with books.store.transaction():
                return act(asked)
        except Refused as refused:
            raise Wrong(str(refused)) from refused

    return attempt


class _Control:
    def __init__(self, simulator: Simulator, books: Books, aftermath: Aftermath) -> None:
        self._faults = simulator.faults
        self._books = books
        self._aftermath = aftermath

    def pay(self, asked: Pay) -> Document:
        """One try of a payer. Unlike elsewhere, an intent that is paid takes no second one."""
        intent = self._books.found("payment_intent", asked.reference)
        currency = asked.currency.lower() if asked.currency else None
        self._books.pay(intent, asked.outcome, amount=asked.amount, currency=currency)
        return {**brought_back(intent), "status": intent["status"]}

    def refund(self, asked: Refund) -> Document:
        fields = {"payment_intent": asked.payment, "amount": asked.amount}
        return self._aftermath.create_refund(fields, outcome=self._faults["refund_outcome"])

    def settle(self, asked: Settle) -> Document:
        return self._aftermath.settle_refund(asked.refund, asked.status)

    def dispute(self, asked: Dispute) -> Document:
        return self._aftermath.dispute(asked.payment, asked.status, asked.amount)

    def pay_out(self, asked: _Payout) -> Document:
        return self._aftermath.pay_out(asked.amount, asked.currency)

    def payments(self) -> list[Document]:
        """Every payment intent with its charges, refunds and disputes, oldest first."""
        return [
            intent
            | {
                "charges": [
                    charge
                    | {
                        "refunds": self._books.store.all("refund", charge["id"]),
                        "disputes": self._books.store.all("dispute", charge["id"]),
                    }
                    for charge in self._books.store.all("charge", intent["id"])
                ]
            }
            for intent in self._books.store.all("payment_intent")
        ]

    def ledger(self) -> list[Document]:
        store = self._books.store
        return [
            {
                "id": charge["payment_intent"],
                "reference": charge["payment_intent"],
                "amount": charge["amount_captured"],
                "currency": charge["currency"].upper(),
                "refunds": _in_our_words(store.all("refund", charge["id"]), _REFUND_WORDS),
                "disputes": _in_our_words(store.all("dispute", charge["id"]), _DISPUTE_WORDS),
            }
            for charge in store.all("charge")
            if charge["captured"]
        ]


def _in_our_words(documents: list[Document], words: dict[str, str]) -> list[Document]:
    return [
        {
            "id": document["id"],
            "amount": document["amount"],
            "status": words.get(document["status"], document["status"]),
        }
        for document in documents
    ]
