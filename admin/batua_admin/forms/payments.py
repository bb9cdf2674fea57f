"""Payments: authorizations taken or let go, money in suspense placed."""

from __future__ import annotations

from pydantic import BaseModel, Field

from batua.contract import format_money
from batua.database import Row
from batua.errors import NotFound
from batua.staff import Word
from batua_admin.forms.fields import OptionalAmount, Words, amount_of
from batua_admin.forms.filing import Filing, StaffForm

__all__ = ["FORMS"]


class PaymentForm(BaseModel):
    """A payment that is authorized."""

    id: Words = Field(title="Payment's id")


class SuspenseForm(BaseModel):
    """Money in suspense, and what is to become of it."""

    id: Words = Field(title="Capture's id")
    amount: OptionalAmount = Field(default="", title="Amount, such as 250.00; empty for all of it")
    reason: Words = Field(title="Reason")


async def _capture(filing: Filing, data: PaymentForm) -> str:
    payment = await filing.desk.payments.capture(filing.actor, data.id)
    return f"{_money(payment)} was captured."


async def _void(filing: Filing, data: PaymentForm) -> str:
    payment = await filing.desk.payments.void(filing.actor, data.id)
    return f"The authorization of {_money(payment)} was let go."


async def _release(filing: Filing, data: SuspenseForm) -> str:
    amount = await _amount(filing, data)
    refund = await filing.desk.payments.release(
        filing.actor, filing.id, data.id, amount, data.reason
    )
    if refund["status"] == "awaiting_approval":
        return f"{_money(refund)} waits for a second person: refund {refund['id']}."
    return f"{_money(refund)} was released to the wallet of {refund['customer_id']}."


async def _refund(filing: Filing, data: SuspenseForm) -> str:
    amount = await _amount(filing, data)
    refund = await filing.desk.payments.refund(
        filing.actor, filing.id, data.id, amount, data.reason
    )
    told = {
        "succeeded": f"{_money(refund)} was refunded to its source.",
        "awaiting_approval": f"{_money(refund)} waits for a second person: refund {refund['id']}.",
        "failed": f"The gateway refused to refund {_money(refund)}: {refund['failure']}",
    }
    return told.get(refund["status"], f"{_money(refund)} is on its way back to its source.")


async def _amount(filing: Filing, data: SuspenseForm) -> int | None:
    if not data.amount.strip():
        return None
    capture = await filing.batua.database.fetch_one(
        "select currency from batua_capture where id = $1", data.id
    )
    if capture is None:
        raise NotFound("capture", data.id)
    return amount_of(data.amount, capture["currency"])


def _money(row: Row) -> str:
    return format_money(row["amount"], row["currency"])


FORMS = (
    StaffForm(
        Word.CAPTURE_PAYMENT, "Payments", "Capture an authorization",
        "Take what the payer's bank has promised.",
        PaymentForm, _capture,
    ),
    StaffForm(
        Word.VOID_PAYMENT, "Payments", "Void an authorization",
        "Let go what the payer's bank has promised.",
        PaymentForm, _void,
    ),
    StaffForm(
        Word.RELEASE_SUSPENSE, "Payments", "Release from suspense",
        "Into the customer's wallet: what was paid is theirs, whatever was asked for.",
        SuspenseForm, _release, "ref",
    ),
    StaffForm(
        Word.REFUND_SUSPENSE, "Payments", "Refund from suspense",
        "Back through the gateway to whoever paid.",
        SuspenseForm, _refund, "ref",
    ),
)  # fmt: skip
