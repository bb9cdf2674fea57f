"""The bodies of the API, as they stand on the wire. Amounts are minor units, times UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from batua.contract import AMOUNT_MAX
from batua.orders import OrderStatus, RefundTo
from batua.payments import GatewayState, PaymentStatus, RefundStatus
from batua.wallets import AdjustmentKind, AdjustmentReason, Direction, TopUpStatus

__all__ = [
    "Acknowledged",
    "AdjustmentView",
    "Checkout",
    "CreateAdjustment",
    "CreateOrder",
    "CreateTopUp",
    "CustomerView",
    "GatewayView",
    "LotView",
    "Nothing",
    "OrderPage",
    "OrderPaymentView",
    "OrderView",
    "Page",
    "PayOrder",
    "PaymentProof",
    "PaymentView",
    "PutCustomer",
    "RefundOrder",
    "RefundTopUp",
    "RefundView",
    "StaffWalletView",
    "StatementItem",
    "StatementPage",
    "TopUpView",
    "WalletView",
]

Amount = Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_MAX)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
# No control characters: PostgreSQL can't store NUL, and a line is one line.
Line = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Text = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00]*\Z")]
CustomerId = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f/]+\Z")]
GatewayCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]{1,40}\Z")]
ReturnUrl = Annotated[str, msgspec.Meta(max_length=2000, extra_json_schema={"format": "uri"})]
Phone = Annotated[str, msgspec.Meta(pattern=r"^(\+[1-9][0-9]{6,14})?\Z")]


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request's body: a field that is not known is refused, never ignored."""


class Nothing(Body):
    """A request that needs no body."""


class CreateTopUp(Body):
    """Add money to one's wallet."""

    amount: Amount
    currency: Currency
    gateway: GatewayCode
    return_url: ReturnUrl | None = None


class PaymentProof(msgspec.Struct):
    """What the provider's page gave to the browser: its names are the provider's own."""


class RefundTopUp(Body):
    """Give a top-up back to its source; without an amount all that is left."""

    amount: Amount | None = None
    reason: Line = "requested_by_customer"


class CreateOrder(Body):
    """Create an order; with ``pay_with`` it is created and paid at once, or not at all."""

    reference: Line
    amount: Amount
    currency: Currency
    customer: CustomerId | None = None
    description: Text = ""
    items: list[dict[str, Any]] | None = None
    pay_with: Literal["wallet"] | None = None


class PayOrder(Body):
    """Pay a pending order. ``gateway`` says where; the method ``wallet`` needs none."""

    method: Literal["wallet", "gateway", "split"]
    gateway: GatewayCode | None = None
    return_url: ReturnUrl | None = None


class RefundOrder(Body):
    """Refund an order; without an amount all that is left."""

    to: RefundTo
    reason: Line
    amount: Amount | None = None


class PutCustomer(Body):
    """What notifications need. A field that is left out stays as it is."""

    name: Line | None = None
    phone: Phone | None = None
    consents: dict[Literal["whatsapp"], bool] = {}
    enabled: bool | None = None


class CreateAdjustment(Body):
    """Give to a wallet or take from it by hand."""

    amount: Amount
    reason_code: AdjustmentReason
    direction: Direction = Direction.CREDIT
    kind: AdjustmentKind = AdjustmentKind.PAID
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    currency: Currency | None = None
    note: Text = ""


Checkout = dict[str, str | int | None]


class GatewayView(msgspec.Struct, kw_only=True):
    """A gateway that takes payments, and what the browser needs to know of it."""

    code: str
    name: str
    summary: str
    category: str
    state: GatewayState
    currencies: list[str]
    minimums: dict[str, int]
    capabilities: dict[str, str | bool]


class WalletView(msgspec.Struct, kw_only=True):
    """``balance`` is posted; ``available`` is what can be spent now."""

    id: str
    customer: str
    currency: str
    balance: int
    held: int
    available: int
    status: Literal["active", "frozen"]


class LotView(msgspec.Struct, kw_only=True):
    """Credit of kind ``bonus``, ``refund`` or ``paid``. Of ``remaining``, ``held`` is set aside."""

    kind: Literal["paid", "bonus", "refund"]
    amount: int
    remaining: int
    held: int
    expires_at: datetime | None


class StaffWalletView(WalletView, kw_only=True):
    """A wallet with what it is made of: what is spent first stands first."""

    lots: list[LotView]


class StatementItem(msgspec.Struct, kw_only=True):
    """One entry: ``amount`` is negative for money out; ``balance_after`` is the running balance."""

    id: str
    kind: str
    amount: int
    balance_after: int
    currency: str
    order: str | None
    top_up: str | None
    refund: str | None
    reason: str
    occurred_at: datetime
    created_at: datetime


class TopUpView(msgspec.Struct, kw_only=True):
    """``credited`` is what was captured, never what was asked; ``bonus`` came on top of it."""

    id: str
    status: TopUpStatus
    amount: int
    currency: str
    gateway: str
    credited: int
    refunded: int
    bonus: int
    failure: str
    checkout: Checkout | None
    customer: str
    expires_at: datetime
    created_at: datetime


class OrderView(msgspec.Struct, kw_only=True):
    """An order and who paid how much of it."""

    id: str
    reference: str
    status: OrderStatus
    amount: int
    currency: str
    customer: str
    description: str
    items: msgspec.Raw
    paid_from_wallet: int
    paid_by_gateway: int
    refunded: int
    refund_reserved: int
    created_at: datetime
    paid_at: datetime | None


class PaymentView(msgspec.Struct, kw_only=True):
    """One payment of an order."""

    id: str
    method: Literal["wallet", "gateway"]
    gateway: str | None
    status: PaymentStatus
    amount: int
    currency: str


class OrderPaymentView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An order with the payment that was just made; ``checkout`` says where to pay it."""

    order: OrderView
    payment: PaymentView
    checkout: Checkout | None = None


class RefundView(msgspec.Struct, kw_only=True):
    """``to_wallet`` and ``to_source`` add up to ``amount``."""

    id: str
    order: str | None
    top_up: str | None
    amount: int
    currency: str
    to: RefundTo
    to_wallet: int
    to_source: int
    status: RefundStatus
    reason: str
    failure: str
    created_at: datetime


class CustomerView(msgspec.Struct, kw_only=True):
    """A customer as notifications see them."""

    id: str
    name: str
    phone: str
    consents: dict[str, bool]
    enabled: bool


class AdjustmentView(msgspec.Struct, kw_only=True):
    """What staff gave or took by hand."""

    id: str
    customer: str
    amount: int
    currency: str
    direction: Direction
    kind: AdjustmentKind
    expires_at: datetime | None
    reason_code: AdjustmentReason
    note: str
    status: Literal["awaiting_approval", "posted", "rejected"]
    created_at: datetime


class Acknowledged(msgspec.Struct, kw_only=True):
    """A webhook is ``stored``, or was ``known`` already."""

    status: Literal["stored", "known"]


class Page(msgspec.Struct, kw_only=True):
    """A page of a list; ``next_cursor`` is null on the last one."""

    items: list[Any]
    next_cursor: str | None


class OrderPage(Page, kw_only=True):
    """A page of orders."""

    items: list[OrderView]


class StatementPage(Page, kw_only=True):
    """A page of a statement."""

    items: list[StatementItem]
