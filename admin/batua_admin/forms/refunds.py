"""Refunds: asked for by one person, and over the limit let go by another."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from batua.contract import format_money
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


class DecisionForm(BaseModel):
    """A second person's word."""

    id: Words = Field(title="Id of what waits")
    decision: Literal["approve", "reject"] = Field(title="Decision: approve or reject")


async def _refund(filing: Filing, data: RefundForm) -> str:
    order = await filing.desk.find_order(data.order)
    amount = amount_of(data.amount, order["currency"]) if data.amount.strip() else None
    refund = await filing.desk.refund_order(
        filing.actor, filing.id, order["id"], amount, RefundTo(data.to), data.reason
    )
    said = format_money(refund["amount"], refund["currency"])
    told = {
        "succeeded": f"{said} of order {order['reference']} was refunded.",
        "awaiting_approval": f"{said} waits for a second person: refund {refund['id']}.",
        "failed": f"The gateway refused to refund {said}: {refund['failure']}",
    }
    on_its_way = f"{said} of order {order['reference']} is on its way back to its source."
    return told.get(refund["status"], on_its_way)


async def _decide(filing: Filing, data: DecisionForm) -> str:
    refund = await filing.desk.decide_refund(
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
        Word.DECIDE_REFUND, "Refunds", "Decide on a refund",
        "Refunds over the limit wait for somebody who is not the one who asked.",
        DecisionForm, _decide,
    ),
)  # fmt: skip
