"""Gateways: whether they take new payments."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from batua.payments import GatewayState
from batua.staff import Word
from batua_admin.forms.fields import Words
from batua_admin.forms.filing import Filing, StaffForm

__all__ = ["FORMS"]


class GatewayForm(BaseModel):
    """Whether a gateway takes new payments."""

    gateway: Words = Field(title="Gateway")
    state: Literal["disabled", "test", "enabled"] = Field(title="State: disabled, test or enabled")


async def _set_state(filing: Filing, data: GatewayForm) -> str:
    await filing.desk.gateways.set_state(filing.actor, data.gateway, GatewayState(data.state))
    return f"{data.gateway} is {data.state} now."


FORMS = (
    StaffForm(
        Word.SET_GATEWAY_STATE, "Gateways", "Switch a gateway",
        "Disabling stops new payments only: webhooks and refunds go on.",
        GatewayForm, _set_state,
    ),
)  # fmt: skip
