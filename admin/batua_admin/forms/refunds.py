"""Refunds: asked for by one person, and over the limit let go by another."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from batua.contract import format_money
from batua.database import Row
from batua.orders import RefundTo
from batua.staff import Word
from batua_admin.forms.fields import OptionalAmount, Words, amount_of
from batua_admin.forms.filing import Filing, StaffForm

__all__ = ["FORMS", "DecisionForm"]


class RefundForm(BaseModel):
    """What staff say of a refund."""

    order: Words = Field(title="Order: its reference or its id")
    amount: OptionalAmount = Field(
        default="", title="Amount, such as 250.00; empty for all that is left"
    )
    to: Literal["wallet", "source", "auto"] = Field(
        default="wallet", title="To: wallet, source or auto"
    )
    reason: Words = Field(title="Reason")


class TopUpRefundForm(BaseModel):
    """What staff say of a refund of a top-up."""

    top_up: Words = Field(title="Top-up's id")
    amount: OptionalAmount = Field(
        default="", title="Amount, such as 250.00; empty for all that is left"
    )
    reason: Words = Field(title="Reason")


class CancelForm(BaseModel):
    """An order that is not to be paid any more."""

    order: Words = Field(title="Order: its reference or its id")
    reason: Words = Field(title="Reason")


class DecisionForm(BaseModel):
    """A second person's word."""

    id: Words = Field(title="Id of what waits")
    decision: Literal["approve", "reject"] = Field(title="Decision: approve or reject")


async def _refund(filing: Filing, data: RefundForm) -> str:
    order = await filing.desk.orders.find(data.order)
    amount = _amount(data.amount, order["currency"])
    refund = await filing.desk.orders.refund(
        filing.actor, filing.id, order["id"], amount, RefundTo(data.to), data.reason
    )
    return _said(refund, f"order {order['reference']}")


async def _refund_top_up(filing: Filing, data: TopUpRefundForm) -> str:
    top_up = await filing.batua.top_ups.read(data.top_up)
    amount = _amount(data.amount, top_up["currency"])
    refund = await filing.desk.orders.refund_top_up(
        filing.actor, filing.id, data.top_up, amount, data.reason
    )
    return _said(refund, f"top-up {data.top_up}")


async def _cancel(filing: Filing, data: CancelForm) -> str:
    order = await filing.desk.orders.cancel(filing.actor, data.order, data.reason)
    return f"Order {order['reference']} is {order['status']}."


def _amount(text: str, currency: str) -> int | None:
    return amount_of(text, currency) if text.strip() else None


def _said(refund: Row, of: str) -> str:
    amount = format_money(refund["amount"], refund["currency"])
    told = {
        "succeeded": f"{amount} of {of} was refunded.",
        "awaiting_approval": f"{amount} waits for a second person: refund {refund['id']}.",
        "failed": f"The gateway refused to refund {amount}: {refund['failure']}",
    }
    return told.get(refund["status"], f"{amount} of {of} is on its way back to its source.")


async def _decide(filing: Filing, data: DecisionForm) -> str:
    refund = await filing.desk.orders.decide_refund(
        filing.actor, data.id, approve=data.decision == "approve"
    )
    return f"Refund {refund['id']} is {refund['status'].replace('_', ' ')}."


FORMS = (
    StaffForm(
        Word.REFUND_ORDER, "Refunds", "Refund an order",
        "Whole or in part. To the wallet at once, or back to the source.",
        RefundForm, _refund, "ref",
    ),
    StaffForm(
        Word.REFUND_TOP_UP, "Refunds", "Refund a top-up",
        "Back to its source; what came with it as a bonus is taken back.",
        TopUpRefundForm, _refund_top_up, "ref",
    ),
    StaffForm(
        Word.CANCEL_ORDER, "Orders", "Cancel an order",
        "One that is not paid yet: what was held for it is released.",
        CancelForm, _cancel,
    ),
    StaffForm(
        Word.DECIDE_REFUND, "Refunds", "Decide on a refund",
        "Refunds over the limit wait for somebody who is not the one who asked.",
        DecisionForm, _decide,
    ),
)  # fmt: skip
