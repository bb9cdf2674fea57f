"""What a script may do as PayPal or as a payer: the acts behind the control routes."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar.handlers import HTTPRouteHandler

from batua.testing.simulators.kit.control import (
    Dispute,
    Pay,
    Refund,
    Settle,
    acting,
    control_routes,
)
from batua.testing.simulators.kit.simulator import Simulator
from batua.testing.simulators.paypal.documents import PAYER
from batua.testing.simulators.paypal.errors import Document
from batua.testing.simulators.paypal.money import minor, money
from batua.testing.simulators.paypal.payments import TAKEN
from batua.testing.simulators.paypal.provider import Provider

__all__ = ["paypal_control_routes"]

_REFUND_STATUS = {"COMPLETED": "succeeded", "PENDING": "pending", "FAILED": "failed"}


class SettleCapture(msgspec.Struct, forbid_unknown_fields=True):
    """Bring a pending capture to its end."""

    capture: str
    status: Literal["completed", "declined"]


def paypal_control_routes(simulator: Simulator, provider: Provider) -> list[HTTPRouteHandler]:
    """The kit's routes, and ``POST /_control/settle_capture``."""
    acts = _Acts(provider)
    return [
        *control_routes(
            simulator,
            pay=acts.pay,
            refund=acts.refund,
            settle=acts.settle,
            dispute=acts.dispute,
            payments=acts.payments,
            ledger=acts.ledger,
        ),
        acting("settle_capture", SettleCapture, acts.settle_capture),
    ]


class _Acts:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._views = provider.books.views

    def pay(self, asked: Pay) -> Document:
        """``authorized``: the payer approves. ``captured``: and the money is captured, as if the
        shop had done so elsewhere; how that ends the switch ``capture_outcome`` says. ``failed``:
        a try that is declined. Answers with what the browser brings back, and the capture.
        """
        orders, capture = self._provider.orders, None
        if asked.outcome == "captured":
            capture = orders.pay_elsewhere(asked.reference, asked.amount, asked.currency)
        elif asked.outcome == "failed":
            capture = orders.fail(asked.reference)
        else:
            orders.approve(asked.reference)
        order = orders.order(asked.reference)
        return {
            "token": order["id"],
            "PayerID": PAYER,
            "status": order["status"],
            "capture": capture["id"] if capture else "",
            "capture_status": capture["status"] if capture else "",
        }

    def refund(self, asked: Refund) -> Document:
        """In the dashboard: no request id, and no id of the shop."""
        currency = self._provider.payments.capture(asked.payment)["amount"]["currency_code"]
        body = {"amount": money(asked.amount, currency)}
        refund, _ = self._provider.payments.refund(asked.payment, body, None)
        return self._views.refund(refund)

    def settle(self, asked: Settle) -> Document:
        status = "failed" if asked.status == "failed" else "completed"
        return self._views.refund(self._provider.payments.settle_refund(asked.refund, status))

    def settle_capture(self, asked: SettleCapture) -> Document:
        settled = self._provider.payments.settle_capture(asked.capture, asked.status)
        return self._views.capture(settled)

    def dispute(self, asked: Dispute) -> Document:
        moved = self._provider.disputes.move(asked.payment, asked.status, asked.amount)
        return self._views.dispute(moved)

    def payments(self) -> list[Document]:
        """Every order with its captures and refunds, oldest first."""
        return [self._views.order(order) for order in self._provider.books.store.all("order")]

    def ledger(self) -> list[Document]:
        captures = self._provider.books.store.all("capture")
        return [self._entry(capture) for capture in captures if capture["status"] in TAKEN]

    def _entry(self, capture: Document) -> Document:
        disputes = self._provider.disputes
        return {
            "id": capture["id"],
            "reference": capture["_order"],
            "amount": minor(capture["amount"]),
            "currency": capture["amount"]["currency_code"],
            "refunds": [
                {
                    "id": refund["id"],
                    "amount": minor(refund["amount"]),
                    "status": _REFUND_STATUS[refund["status"]],
                }
                for refund in self._provider.books.store.all("refund", capture["id"])
            ],
            "disputes": [
                {
                    "id": dispute["id"],
                    "amount": minor(dispute["dispute_amount"]),
                    "status": disputes.status_of(dispute),
                }
                for dispute in disputes.disputes(capture["id"])
            ],
        }
