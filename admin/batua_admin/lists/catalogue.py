"""Every list of the panel, in one place: what is shown of each table, and what leads where."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from piccolo.table import Table

from batua.audit import AuditEntry, AuditHead
from batua.contract import DisputeStatus, Mode, Template
from batua.events import Delivery, EventRow, EventType, Listener
from batua.identity import (
    ApiKey,
    DisabledCustomer,
    IdentityChanges,
    Revocation,
    Role,
)
from batua.inbox import InboxEvent
from batua.insight import CohortFigure, Counted, CustomerFigure, CustomerMonth, DayFigure
from batua.ledger import AccountKind
from batua.ledger.tables import (
    Account,
    Entry,
    Hold,
    HoldLot,
    IdempotencyKey,
    LedgerHead,
    Lot,
    LotEntry,
    Transfer,
)
from batua.orders import Order, OrderStatus, RefundTo
from batua.outbox import OutboxMessage
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
from batua.signs import Sign
from batua.wallets import (
    Adjustment,
    AdjustmentKind,
    AdjustmentReason,
    Consent,
    Customer,
    Direction,
    TopUp,
    TopUpStatus,
)
from batua_admin.lists.columns import Link, Listed
from batua_admin.tables import Staff

__all__ = ["LISTS", "find"]

LEADS_TO = {
    "account_id": "accounts", "capture_id": "captures", "customer_id": "customers",
    "hold_id": "holds", "listener_id": "listeners", "lot_id": "lots", "order_id": "orders",
    "payment_id": "payments", "refund_id": "refunds", "top_up_id": "top_ups",
    "transfer_seq": "transfers",
}  # fmt: skip
"""Where a column of this name leads, in whatever table."""

MESSAGE_OF = (
    "t.customer_id = (select customer_id from batua_order where id = {value})"
    " and t.order_id = {value}"
)
"""The messages of an order, among those of its customer: an index of their own would have to be
kept with every payment."""

WEBHOOK_PAYMENT = (
    "(select p.id from batua_payment p"
    " where p.gateway = t.gateway and p.provider_reference = t.provider_reference)"
)

OWN = "t.kind in ('wallet', 'debt')"
"""Accounts whose owner is a customer."""

MODES = tuple(Mode)
NEWEST_ANSWERS = "Those whose answer is kept, for 30 days; all are found by their id."


def _list(group: str, name: str, table: type[Table], shown: str, label: str, **rest: Any) -> Listed:
    names = {column._meta.name for column in table._meta.columns}
    links = {name: Link(to) for name, to in LEADS_TO.items() if name in names}
    links |= rest.pop("links", {})
    words = {name: _words(values) for name, values in rest.pop("words", {}).items()}
    return Listed(
        group=group, name=name, table=table, shown=shown, label=label, links=links, words=words,
        **rest,
    )  # fmt: skip


def _words(values: type[StrEnum] | Iterable[str] | str) -> tuple[str, ...]:
    return tuple(values.split() if isinstance(values, str) else map(str, values))


LISTS: tuple[Listed, ...] = (
    _list(
        "Customers", "customers", Customer, "id name phone language erased_at created_at",
        "name id", newest="created_at", is_searched=True,
    ),
    _list(
        "Customers", "consents", Consent,
        "id customer_id channel address source given_at revoked_at", "channel address",
    ),
    _list(
        "Customers", "erasures", Erasure, "id customer_id reason erased_by created_at",
        "customer_id",
    ),
    _list(
        "Orders", "orders", Order,
        "reference customer_id status amount paid_from_wallet paid_by_gateway refunded currency"
        " created_at id", "reference", words={"status": OrderStatus},
    ),
    _list(
        "Orders", "refunds", Refund,
        "id order_id top_up_id customer_id amount currency destination status requested_by"
        " approved_by created_at", "id", words={"status": RefundStatus, "destination": RefundTo},
    ),
    _list(
        "Payments", "top_ups", TopUp,
        "id customer_id status amount credited refunded bonus currency gateway created_at", "id",
        words={"status": TopUpStatus},
    ),
    _list(
        "Payments", "payments", Payment,
        "id customer_id order_id top_up_id status amount currency gateway mode provider_reference"
        " created_at", "id",
        words={"status": PaymentStatus, "mode": MODES, "purpose": "top_up order"},
    ),
    _list(
        "Payments", "captures", Capture,
        "id customer_id payment_id destination amount refunded disputed currency gateway"
        " provider_payment_id captured_at", "provider_payment_id",
        words={"destination": Destination, "mode": MODES},
    ),
    _list(
        "Payments", "disputes", Dispute,
        "id customer_id capture_id status amount currency reason gateway opened_at closed_at",
        "provider_dispute_id", words={"status": DisputeStatus, "mode": MODES},
    ),
    _list(
        "Payments", "gateways", GatewaySwitch, "code state updated_by updated_at", "code",
        newest="updated_at", words={"state": GatewayState},
    ),
    _list(
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
    _list(
        "Money", "accounts", Account, "key customer_id posted held currency kind status id", "key",
        words={"kind": AccountKind, "status": "active frozen"}, is_searched=True,
        links={"customer_id": Link(
            "customers", f"(case when {OWN} then t.owner end)", f"t.owner = {{value}} and {OWN}",
        )},
    ),
    _list(
        "Money", "transfers", Transfer,
        "seq kind amount currency debit_account credit_account order_id top_up_id payment_id"
        " refund_id reason actor created_at", "seq kind", newest="seq",
        fast="seq id order_id top_up_id payment_id refund_id reverses created_at",
        sorted_with={"created_at": "created_at"},
        links={
            "debit_account": Link("accounts", is_findable=False),
            "credit_account": Link("accounts", is_findable=False),
            "reverses": Link("transfers"),
        },
    ),
    _list(
        "Money", "entries", Entry,
        "id account_id transfer_seq amount balance_after currency", "id",
        currency="(select a.currency from batua_account a where a.id = t.account_id)",
        more={"currency": "(select a.currency from batua_account a where a.id = t.account_id)"},
        fast="id account_id transfer_seq", sorted_with={"account_id": "transfer_seq"},
        links={"transfer_seq": Link(
            "transfers", found="t.id in (2 * {value} - 1, 2 * {value})",
        )},
    ),
    _list(
        "Money", "adjustments", Adjustment,
        "id customer_id direction amount currency kind reason_code status requested_by approved_by"
        " created_at", "id",
        words={
            "status": "awaiting_approval posted rejected", "direction": Direction,
            "kind": AdjustmentKind, "reason_code": AdjustmentReason,
        },
    ),
    _list(
        "Money", "holds", Hold,
        "id account_id order_id refund_id amount captured currency status expires_at created_at",
        "id", words={"status": "held captured voided expired"},
    ),
    _list(
        "Money", "lots", Lot,
        "id account_id kind amount remaining held currency top_up_id expires_at created_at", "id",
        words={"kind": "bonus refund"},
        links={"account_id": Link(
            "accounts", "(select a.id from batua_account a where a.key = t.account_key)",
            "t.account_key = (select key from batua_account where id = {value})",
        )},
    ),
    _list(
        "Money", "lot_entries", LotEntry,
        "id lot_id transfer_seq amount remaining_after currency", "id",
        fast="id lot_id transfer_seq",
        currency="(select l.currency from batua_lot l where l.id = t.lot_id)",
        more={"currency": "(select l.currency from batua_lot l where l.id = t.lot_id)"},
        links={"transfer_seq": Link(
            "transfers", "(select x.seq from batua_transfer x where x.id = t.transfer_id)",
            "t.transfer_id = (select id from batua_transfer where seq = {value})",
        )},
    ),
    _list(
        "Money", "holds_of_lots", HoldLot, "id hold_id lot_id amount currency", "id",
        fast="id hold_id lot_id",
        currency="(select l.currency from batua_lot l where l.id = t.lot_id)",
        more={"currency": "(select l.currency from batua_lot l where l.id = t.lot_id)"},
    ),
    _list(
        "Money", "ledger", LedgerHead, "id ledger_id transfer_seq account_seq head_hash last_at",
        "ledger_id",
    ),
    _list(
        "Messages", "notifications", OutboxMessage,
        "id template customer_id order_id top_up_id refund_id status note attempts created_at"
        " sent_at", "template id",
        words={
            "template": Template, "status": "pending sent delivered read failed skipped dead",
        },
        fast="id customer_id order_id top_up_id refund_id provider_reference status",
        links={"order_id": Link("orders", found=MESSAGE_OF)},
    ),
    _list(
        "Messages", "events", EventRow, "id type data created_at routed_at", "type id",
        words={"type": EventType}, fast="id created_at", sorted_with={"created_at": "created_at"},
    ),
    _list(
        "Messages", "listeners", Listener,
        "id kind url events status note failing_since created_at", "url id",
        words={"kind": "webhook hook", "status": "enabled disabled"},
    ),
    _list(
        "Messages", "deliveries", Delivery,
        "id event_id listener_id status attempts note next_attempt_at delivered_at created_at",
        "id", words={"status": "pending delivered dead"}, fast="id event_id listener_id status",
        links={"event_id": Link("events")},
    ),
    _list(
        "Messages", "idempotency_keys", IdempotencyKey,
        "id principal route key status subject response_status finished_at", "key",
        newest="finished_at", only="t.response_body is not null", fast="id finished_at",
        words={"status": "in_progress finished"}, help=NEWEST_ANSWERS,
    ),
    _list(
        "Access", "disabled_customers", DisabledCustomer,
        "id customer_id disabled_at disabled_by enabled_at enabled_by", "customer_id",
    ),
    _list(
        "Access", "revocations", Revocation,
        "id jti scope subject issued_before created_at created_by", "id", newest="created_at",
    ),
    _list(
        "Access", "api_keys", ApiKey,
        "id name permissions created_at created_by expires_at revoked_at last_used_at", "name",
        newest="created_at",
    ),
    _list(
        "Access", "audit_log", AuditEntry,
        "seq created_at actor role act subject reason address before after", "seq act",
        newest="seq", words={"role": Role},
        links={"transfer_seq": Link("transfers", is_findable=False)},
    ),
    _list("Access", "audit_head", AuditHead, "id seq hash", "id"),
    _list("Access", "identity_changes", IdentityChanges, "id version", "id"),
    _list("Insight", "day_figures", DayFigure, "id day currency figure number total", "id"),
    _list(
        "Insight", "customer_months", CustomerMonth,
        "id customer_id currency month orders spent refunded", "id", fast="id",
    ),
    _list(
        "Insight", "customer_figures", CustomerFigure,
        "id customer_id currency cohort waiting waiting_since spent_month", "id", fast="id",
    ),
    _list(
        "Insight", "cohort_figures", CohortFigure,
        "id cohort currency month joined spenders orders spent", "id",
    ),
    _list("Insight", "counted", Counted, "id seq at", "id"),
    _list("Access", "signs_of_life", Sign, "name kind verdict at", "name", newest="at"),
    _list(
        "Access", "staff", Staff, "id username role active last_login", "username", role=Role.OWNER,
        words={"role": Role}, fast="id username role active",
    ),
)  # fmt: skip

_NAMED = {each.name: each for each in LISTS} | {each.tablename: each for each in LISTS}


def find(name: str) -> Listed | None:
    """The list of this name, or of the table of this name."""
    return _NAMED.get(name)
