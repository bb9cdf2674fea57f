"""The generated panel: every table, read-only where money is, and forms that call services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send
from piccolo.table import Table
from piccolo_admin.endpoints import TableConfig, create_admin
from piccolo_api.crud.endpoints import OrderBy

from batua.audit import AuditEntry, AuditHead
from batua.bootstrap import TABLES, Batua
from batua.events import Delivery, EventRow, Listener
from batua.identity import ApiKey, DisabledCustomer, IdentityChanges, Revocation
from batua.inbox import InboxEvent
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
from batua.limits import ClientAddresses
from batua.orders import Order
from batua.outbox import OutboxMessage
from batua.payments import Capture, Dispute, GatewaySwitch, Payment, Refund
from batua.privacy import Erasure
from batua.signs import Sign
from batua.wallets import Adjustment, Consent, Customer, TopUp
from batua_admin.entrance import Entrance, Unlimited
from batua_admin.forms import forms
from batua_admin.guards import OWNERS_ONLY, READ_ONLY
from batua_admin.tables import Session, Staff, bind, reading_from

__all__ = ["create_panel"]

# Group, table, the columns of its list, and the column that the list is ordered by (newest first).
LISTS: tuple[tuple[str, type[Table], str, str], ...] = (
    ("Customers", Customer, "id name phone language erased_at created_at", "created_at"),
    ("Customers", Consent, "customer_id channel address source given_at revoked_at", "given_at"),
    ("Customers", Erasure, "customer_id reason erased_by created_at id", "created_at"),
    ("Orders", Order, "reference customer_id status amount currency paid_from_wallet"
                      " paid_by_gateway refunded created_at id", "id"),
    ("Orders", Refund, "id order_id top_up_id amount currency destination status requested_by"
                       " approved_by created_at", "id"),
    ("Payments", TopUp, "id customer_id status amount currency credited refunded gateway"
                        " created_at", "id"),
    ("Payments", Payment, "id purpose status amount currency gateway mode provider_reference"
                          " order_id top_up_id created_at", "id"),
    ("Payments", Capture, "provider_payment_id destination reason amount currency customer_id"
                          " gateway mode refunded captured_at id", "id"),
    ("Payments", Dispute, "id provider_dispute_id status amount currency reason customer_id"
                          " order_id top_up_id gateway opened_at closed_at", "id"),
    ("Payments", GatewaySwitch, "code state updated_by updated_at", "updated_at"),
    ("Money", Account, "key posted held currency kind owner status", "id"),
    ("Money", Transfer, "seq kind amount currency debit_account credit_account order_id top_up_id"
                        " refund_id reason actor created_at", "seq"),
    ("Money", Entry, "id account_id transfer_seq amount balance_after", "id"),
    ("Money", Adjustment, "id customer_id direction amount currency reason_code status"
                          " requested_by approved_by created_at", "id"),
    ("Money", Hold, "id account_id amount captured currency status created_at", "created_at"),
    ("Money", Lot, "id account_key kind amount remaining held currency expires_at", "created_at"),
    ("Money", LotEntry, "id lot_id transfer_id amount remaining_after", "id"),
    ("Money", HoldLot, "hold_id lot_id amount", "id"),
    ("Money", LedgerHead, "ledger_id transfer_seq account_seq head_hash last_at", "id"),
    ("Messages", InboxEvent, "id gateway event_type status note provider_reference attempts"
                             " received_at applied_at", "id"),
    ("Messages", OutboxMessage, "id template customer_id status note attempts created_at sent_at",
     "id"),
    ("Messages", EventRow, "id type data created_at routed_at", "id"),
    ("Messages", Listener, "id kind url events status note failing_since created_at",
     "created_at"),
    ("Messages", Delivery, "id event_id listener_id status attempts note next_attempt_at"
                           " delivered_at created_at", "id"),
    ("Messages", IdempotencyKey, "principal route key status response_status created_at",
     "created_at"),
    ("Access", DisabledCustomer, "customer_id disabled_at disabled_by enabled_at enabled_by id",
     "disabled_at"),
    ("Access", Revocation, "jti scope subject issued_before created_at created_by id",
     "created_at"),
    ("Access", ApiKey, "name permissions created_at created_by expires_at revoked_at last_used_at"
                       " id", "created_at"),
    ("Access", IdentityChanges, "id version", "id"),
    ("Messages", Sign, "name kind verdict at", "at"),
    ("Access", AuditEntry, "seq created_at actor role act subject reason address before after",
     "seq"),
    ("Access", AuditHead, "seq hash", "id"),
)  # fmt: skip


def create_panel(
    batua: Batua, *, addresses: ClientAddresses, production: bool, allowed_hosts: Sequence[str]
) -> ASGIApp:
    """The panel of one shop, behind its entrance.

    ``production`` makes its cookies secure; ``allowed_hosts`` are those that a browser may send
    forms from over https.
    """
    bind([*TABLES, Staff, Session])
    engine = batua.database.piccolo_engine()
    with reading_from(engine):
        panel = _create(batua, production=production, allowed_hosts=allowed_hosts)
    entrance = Entrance(panel, batua.settings, batua.rate_limits, addresses)

    async def of_this_shop(scope: Scope, receive: Receive, send: Send) -> None:
        with reading_from(engine):
            await entrance(scope, receive, send)

    return of_this_shop


def _create(batua: Batua, *, production: bool, allowed_hosts: Sequence[str]) -> ASGIApp:
    panel: ASGIApp = create_admin(
        tables=[
            *(_list(*row) for row in LISTS),
            TableConfig(
                Staff,
                visible_columns=[Staff.username, Staff.role, Staff.active, Staff.last_login],
                validators=OWNERS_ONLY,
                menu_group="Staff",
            ),
        ],
        forms=forms(batua),
        auth_table=Staff,
        session_table=Session,
        auto_include_related=False,
        site_name="Batua",
        production=production,
        allowed_hosts=list(allowed_hosts),
        page_size=25,
        default_language_code="en",
        rate_limit_provider=Unlimited(),
    )
    return panel


def _list(group: str, table: type[Table], columns: str, order: str) -> TableConfig:
    visible: list[Any] = [table._meta.get_column_by_name(name) for name in columns.split()]
    filters = [column for column in visible if column._meta.name != "body"]
    return TableConfig(
        table,
        visible_columns=visible,
        visible_filters=filters,
        order_by=[OrderBy(table._meta.get_column_by_name(order), ascending=False)],
        validators=READ_ONLY,
        menu_group=group,
    )
