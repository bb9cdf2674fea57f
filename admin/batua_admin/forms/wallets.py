"""Wallets: given to and taken from by hand."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from batua.contract import Money, format_money, is_currency
from batua.errors import InvalidRequest
from batua.staff import Adjusting, Word
from batua.wallets import AdjustmentKind, AdjustmentReason, Direction
from batua_admin.forms.fields import Amount, Note, Words, amount_of
from batua_admin.forms.filing import Filing, StaffForm
from batua_admin.forms.refunds import DecisionForm

__all__ = ["FORMS"]


class AdjustmentForm(BaseModel):
    """What staff give to a wallet or take from it."""

    customer: Words = Field(title="Customer's id")
    direction: Literal["credit", "debit"] = Field(
        default="credit", title="Direction: credit gives, debit takes"
    )
    amount: Amount = Field(title="Amount, such as 250.00")
    currency: Words = Field(default="INR", title="Currency")
    reason_code: AdjustmentReason = Field(
        default=AdjustmentReason.GOODWILL, title=f"Reason code: {', '.join(AdjustmentReason)}"
    )
    kind: Literal["paid", "bonus"] = Field(default="paid", title="Kind: paid or bonus")
    expires_at: AwareDatetime | None = Field(
        default=None, title="A bonus is over at (with time zone); empty for never"
    )
    note: Note = Field(default="", title="Note")


class FreezeForm(BaseModel):
    """A wallet that is to pay nothing, or may pay again."""

    customer: Words = Field(title="Customer's id")
    currency: Words = Field(default="INR", title="Currency")
    reason: Words = Field(title="Reason")


async def _adjust(filing: Filing, data: AdjustmentForm) -> str:
    if not is_currency(data.currency):
        raise InvalidRequest(
            f"{data.currency!r} is not an ISO 4217 currency in use.",
            pointer="/currency",
            code="unknown_currency",
        )
    money = Money(amount_of(data.amount, data.currency), data.currency)
    adjustment = await filing.desk.wallets.adjust(
        filing.actor,
        filing.id,
        Adjusting(
            customer_id=data.customer,
            money=money,
            direction=Direction(data.direction),
            reason_code=data.reason_code,
            note=data.note,
            kind=AdjustmentKind(data.kind),
            expires_at=data.expires_at,
        ),
    )
    said = format_money(money.amount, money.currency)
    if adjustment["status"] == "awaiting_approval":
        return f"{said} waits for a second person: adjustment {adjustment['id']}."
    verb = "given to" if data.direction == "credit" else "taken from"
    return f"{said} was {verb} the wallet of {data.customer}."


async def _decide(filing: Filing, data: DecisionForm) -> str:
    adjustment = await filing.desk.wallets.decide_adjustment(
        filing.actor, data.id, approve=data.decision == "approve"
    )
    return f"Adjustment {adjustment['id']} is {adjustment['status']}."


async def _freeze(filing: Filing, data: FreezeForm) -> str:
    await filing.desk.wallets.freeze(filing.actor, data.customer, data.currency, data.reason)
    return f"The wallet of {data.customer} is frozen: it pays nothing, and takes in what is paid."


async def _unfreeze(filing: Filing, data: FreezeForm) -> str:
    await filing.desk.wallets.unfreeze(filing.actor, data.customer, data.currency, data.reason)
    return f"The wallet of {data.customer} may pay again."


FORMS = (
    StaffForm(
        Word.ADJUST_WALLET, "Wallets", "Adjust a wallet",
        "Give to a wallet or take from it, with a reason.",
        AdjustmentForm, _adjust, "adj",
    ),
    StaffForm(
        Word.DECIDE_ADJUSTMENT, "Wallets", "Decide on an adjustment",
        "Adjustments over the limit wait for somebody who is not the one who asked.",
        DecisionForm, _decide,
    ),
    StaffForm(
        Word.FREEZE_WALLET, "Wallets", "Freeze a wallet",
        "It pays nothing from now on. What is paid in or refunded still comes in.",
        FreezeForm, _freeze,
    ),
    StaffForm(
        Word.UNFREEZE_WALLET, "Wallets", "Unfreeze a wallet",
        "It may pay again, also where a dispute had frozen it.",
        FreezeForm, _unfreeze,
    ),
)  # fmt: skip
