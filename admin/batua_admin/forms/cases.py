"""What can't go on by itself: disputes, webhooks and messages that were given up."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from batua.contract import DisputeStatus, format_money
from batua.staff import Word
from batua_admin.forms.fields import Words
from batua_admin.forms.filing import Filing, StaffForm

__all__ = ["FORMS"]


class DisputeForm(BaseModel):
    """How a dispute ended."""

    id: Words = Field(title="Dispute's id")
    status: Literal["won", "lost"] = Field(title="How it ended: won or lost")
    reason: Words = Field(title="How you know")


class WebhookForm(BaseModel):
    """A stored webhook."""

    id: Words = Field(title="Webhook's id")


class MessageForm(BaseModel):
    """A message to a customer."""

    id: Words = Field(title="Message's id")


async def _resolve(filing: Filing, data: DisputeForm) -> str:
    dispute = await filing.desk.cases.resolve_dispute(
        filing.actor, data.id, DisputeStatus(data.status), data.reason
    )
    said = format_money(dispute["amount"], dispute["currency"])
    return f"The dispute of {said} is {dispute['status']}."


async def _replay(filing: Filing, data: WebhookForm) -> str:
    row = await filing.desk.cases.replay_webhook(filing.actor, data.id)
    note = f": {row['note']}" if row["note"] else ""
    return f"The webhook is {row['status']} now{note}."


async def _retry(filing: Filing, data: MessageForm) -> str:
    row = await filing.desk.cases.retry_message(filing.actor, data.id)
    return f"The message is {row['status']}, and goes out with the next ones."


FORMS = (
    StaffForm(
        Word.RESOLVE_DISPUTE, "Disputes", "Resolve a dispute",
        "Where the provider's word does not come. Won gives all of it back; lost keeps it gone.",
        DisputeForm, _resolve,
    ),
    StaffForm(
        Word.REPLAY_WEBHOOK, "Messages", "Replay a webhook",
        "What it tells of is done at most once, however often it is replayed.",
        WebhookForm, _replay,
    ),
    StaffForm(
        Word.RETRY_NOTIFICATION, "Messages", "Send a message again",
        "One that was given up, once what stopped it is put right.",
        MessageForm, _retry,
    ),
)  # fmt: skip
