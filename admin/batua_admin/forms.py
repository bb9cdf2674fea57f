"""The panel's forms: each calls a service, none writes a table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from piccolo_admin.endpoints import FormConfig
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field
from starlette.requests import Request

from batua.bootstrap import Batua
from batua.contract import AMOUNT_MAX, Money, format_money, is_currency
from batua.errors import InvalidRequest, NotFound, Refusal
from batua.identity import Role
from batua.orders import RefundTo
from batua.payments import GatewayState, NewRefund
from batua.redaction import has_card_number
from batua.wallets import Adjust, AdjustmentKind, AdjustmentReason, DecideAdjustment, Direction
from batua_admin.guards import actor_of, require_role
from batua_admin.recent import Recent

__all__ = ["forms"]


def _digits(value: object) -> object:
    # The panel sends a number field as text; pydantic would take "5.0" and true as well.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value


def _without_card(value: str) -> str:
    if has_card_number(value):
        raise ValueError(str(InvalidRequest.card_number("This")))
    return value


Amount = Annotated[int, Field(gt=0, le=AMOUNT_MAX, strict=True), BeforeValidator(_digits)]
WithoutCard = AfterValidator(_without_card)
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"), WithoutCard]


class RefundForm(BaseModel):
    """What staff say of a refund."""

    order: Words = Field(title="Order: its reference or its id")
    to: Literal["wallet", "source", "auto"] = Field(
        default="wallet", title="To: wallet, source or auto"
    )
    amount: Amount | None = Field(
        default=None, title="Amount in minor units (paise); empty for all that is left"
    )
    reason: Words


class DecisionForm(BaseModel):
    """A second person's word."""

    id: Words = Field(title="Id of what waits")
    decision: Literal["approve", "reject"] = Field(title="Decision: approve or reject")


class AdjustmentForm(BaseModel):
    """What staff give to a wallet or take from it."""

    customer: Words
    direction: Literal["credit", "debit"] = Field(
        default="credit", title="Direction: credit gives, debit takes"
    )
    amount: Amount = Field(title="Amount in minor units (paise)")
    currency: Words = "INR"
    reason_code: Words = Field(
        default=str(AdjustmentReason.GOODWILL),
        title=f"Reason code: {', '.join(AdjustmentReason)}",
    )
    kind: Literal["paid", "bonus"] = Field(default="paid", title="Kind: paid or bonus")
    expires_at: AwareDatetime | None = Field(
        default=None, title="A bonus is over at (with time zone); empty for never"
    )
    note: Annotated[str, WithoutCard] = Field(default="", max_length=2000)


class GatewayForm(BaseModel):
    """Whether a gateway takes new payments."""

    gateway: Words
    state: Literal["disabled", "test", "enabled"] = Field(title="State: disabled, test or enabled")


class _Desk:
    """The services behind the forms."""

    def __init__(self, batua: Batua) -> None:
        self._batua = batua
        self._recent = Recent(batua.now)

    async def refund(self, request: Request, data: RefundForm) -> str:
        batua, actor = self._batua, actor_of(request)
        require_role(request, Role.SUPPORT)
        order = await self._order(data.order)
        self._recent.refuse_repeat((actor, order["id"], data.amount, data.to))
        new = NewRefund(
            id=batua.new_id("ref"),
            amount=data.amount,
            reason=data.reason,
            requested_by=actor,
            approval_limit=batua.settings.approval_limit,
        )
        refund = await batua.orders.refund_by_staff(order["id"], RefundTo(data.to), new)
        amount = format_money(refund["amount"], refund["currency"])
        told = {
            "succeeded": f"{amount} of order {order['reference']} was refunded.",
            "awaiting_approval": f"{amount} waits for a second person: refund {refund['id']}.",
            "failed": f"The gateway refused to refund {amount}: {refund['failure']}",
        }
        on_its_way = f"{amount} of order {order['reference']} is on its way back to its source."
        return told.get(refund["status"], on_its_way)

    async def decide_refund(self, request: Request, data: DecisionForm) -> str:
        require_role(request, Role.FINANCE)
        refund = await self._batua.orders.decide_refund(
            data.id, approver=actor_of(request), approve=data.decision == "approve"
        )
        return f"Refund {refund['id']} is {refund['status'].replace('_', ' ')}."

    async def adjust(self, request: Request, data: AdjustmentForm) -> str:
        batua, actor = self._batua, actor_of(request)
        require_role(request, Role.FINANCE)
        if not is_currency(data.currency):
            raise ValueError(f"{data.currency!r} is not an ISO 4217 currency in use.")
        self._recent.refuse_repeat((actor, data.customer, data.amount, data.direction))
        adjustment = await batua.engine.submit(
            Adjust(
                id=batua.new_id("adj"),
                customer_id=data.customer,
                money=Money(data.amount, data.currency),
                direction=Direction(data.direction),
                reason_code=_reason_code(data.reason_code),
                note=data.note,
                kind=AdjustmentKind(data.kind),
                expires_at=data.expires_at,
                requested_by=actor,
                approval_limit=batua.settings.approval_limit,
                newcomers=batua.newcomers,
                new_id=batua.new_id,
                rules=batua.wallet_rules,
            )
        )
        amount = format_money(data.amount, data.currency)
        if adjustment["status"] == "awaiting_approval":
            return f"{amount} waits for a second person: adjustment {adjustment['id']}."
        verb = "given to" if data.direction == "credit" else "taken from"
        return f"{amount} was {verb} the wallet of {data.customer}."

    async def decide_adjustment(self, request: Request, data: DecisionForm) -> str:
        require_role(request, Role.FINANCE)
        await self._exists("batua_adjustment", data.id, "adjustment")
        adjustment = await self._batua.engine.submit(
            DecideAdjustment(
                adjustment_id=data.id,
                approver=actor_of(request),
                approve=data.decision == "approve",
                new_id=self._batua.new_id,
                rules=self._batua.wallet_rules,
            )
        )
        return f"Adjustment {adjustment['id']} is {adjustment['status']}."

    async def set_gateway(self, request: Request, data: GatewayForm) -> str:
        require_role(request, Role.OWNER)
        await self._batua.switches.set_state(
            data.gateway, GatewayState(data.state), actor=actor_of(request)
        )
        return f"{data.gateway} is {data.state} now."

    async def _order(self, named: str) -> Any:
        try:
            return await self._batua.orders.find(named)
        except NotFound:
            return await self._batua.orders.read(named)

    async def _exists(self, table: str, id: str, noun: str) -> None:
        if (
            await self._batua.database.fetch_one(f"select id from {table} where id = $1", id)
            is None
        ):
            raise NotFound(noun, id)


def _reason_code(word: str) -> AdjustmentReason:
    try:
        return AdjustmentReason(word)
    except ValueError:
        raise ValueError(
            f"{word!r} is not a reason code. Use one of: {', '.join(AdjustmentReason)}."
        ) from None


def _sentence(endpoint: Callable[[Request, Any], Awaitable[str]]) -> Any:
    # The panel shows a ValueError's text; a refusal's text is written for people.
    async def answering(request: Request, data: Any) -> str:
        try:
            return await endpoint(request, data)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal

    return answering


def forms(batua: Batua) -> list[FormConfig]:
    """All forms, in their groups."""
    desk = _Desk(batua)
    rows: list[tuple[str, str, type[BaseModel], Callable[[Request, Any], Awaitable[str]], str]] = [
        ("Refunds", "Refund an order", RefundForm, desk.refund,
         "Whole or in part. To the wallet at once, or back to the source."),
        ("Refunds", "Decide on a refund", DecisionForm, desk.decide_refund,
         "Refunds over the limit wait for somebody who is not the one who asked."),
        ("Wallets", "Adjust a wallet", AdjustmentForm, desk.adjust,
         "Give to a wallet or take from it, with a reason."),
        ("Wallets", "Decide on an adjustment", DecisionForm, desk.decide_adjustment,
         "Adjustments over the limit wait for somebody who is not the one who asked."),
        ("Gateways", "Switch a gateway", GatewayForm, desk.set_gateway,
         "Disabling stops new payments only: webhooks and refunds go on."),
    ]  # fmt: skip
    return [
        FormConfig(
            name=name,
            pydantic_model=model,
            endpoint=_sentence(endpoint),
            description=description,
            form_group=group,
        )
        for group, name, model, endpoint, description in rows
    ]
