"""Customers, orders and payments: what a shop's staff look at all day."""

from __future__ import annotations

from batua.contract import DisputeStatus, Mode
from batua.gateway_settings import GatewaySetting
from batua.inbox import InboxEvent
from batua.orders import Order, OrderStatus, RefundTo
from batua.payments import (
    Capture,
    Destination,
    Dispute,
    GatewayState,
    GatewaySwitch,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)
from batua.privacy import Erasure
from batua.wallets import Consent, Customer, TopUp, TopUpStatus
from batua_admin.lists.columns import Link, Listed, listed

__all__ = ["TRADE"]

WEBHOOK_PAYMENT = (
    "(select p.id from batua_payment p"
    " where p.gateway = t.gateway and p.provider_reference = t.provider_reference)"
)

MODES = tuple(Mode)

TRADE: tuple[Listed, ...] = (
    listed(
        "Customers", "customers", Customer, "id name phone language erased_at created_at",
        "name id", newest="created_at", is_searched=True,
    ),
    listed(
        "Customers", "consents", Consent,
        "id customer_id channel address source given_at revoked_at", "channel address",
    ),
    listed(
        "Customers", "erasures", Erasure, "id customer_id reason erased_by created_at",
        "customer_id",
    ),
    listed(
        "Orders", "orders", Order,
        "reference customer_id status amount paid_from_wallet paid_by_gateway refunded currency"
        " created_at id", "reference", words={"status": OrderStatus},
    ),
    listed(
        "Orders", "refunds", Refund,
        "id order_id top_up_id customer_id amount currency destination status requested_by"
        " approved_by created_at", "id", words={"status": RefundStatus, "destination": RefundTo},
    ),
    listed(
        "Payments", "top_ups", TopUp,
        "id customer_id status amount credited refunded bonus currency gateway created_at", "id",
        words={"status": TopUpStatus},
    ),
    listed(
        "Payments", "payments", Payment,
        "id customer_id order_id top_up_id status amount currency gateway mode provider_reference"
        " created_at", "id",
        words={"status": PaymentStatus, "mode": MODES, "purpose": "top_up order"},
    ),
    listed(
        "Payments", "captures", Capture,
        "id customer_id payment_id destination amount refunded disputed currency gateway"
        " provider_payment_id captured_at", "provider_payment_id",
        words={"destination": Destination, "mode": MODES},
    ),
    listed(
        "Payments", "disputes", Dispute,
        "id customer_id capture_id status amount currency reason gateway opened_at closed_at",
        "provider_dispute_id", words={"status": DisputeStatus, "mode": MODES},
    ),
    listed(
        "Payments", "gateways", GatewaySwitch, "code state updated_by updated_at", "code",
        newest="updated_at", words={"state": GatewayState},
    ),
    listed(
        "Payments", "gateway_settings", GatewaySetting, "gateway name updated_by updated_at",
        "gateway name", newest="updated_at",
    ),
    listed(
        "Payments", "webhook_events", InboxEvent,
        "id gateway event_type status payment_id note attempts received_at applied_at",
        "gateway event_type",
        words={"status": "received applied ignored unmatched quarantined dead"},
        links={"payment_id": Link(
            "payments", WEBHOOK_PAYMENT,
            "(t.gateway, t.provider_reference) in (select gateway, provider_reference"
            " from batua_payment where id = {value})",
        )},
    ),
)  # fmt: skip
