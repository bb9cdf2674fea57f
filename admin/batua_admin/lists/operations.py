"""Messages, figures, who may come in, and what they did."""

from __future__ import annotations

from batua.audit import AuditEntry, AuditHead
from batua.contract import Template
from batua.events import Delivery, EventRow, EventType, Listener
from batua.identity import ApiKey, DisabledCustomer, IdentityChanges, Revocation, Role
from batua.insight import CohortFigure, Counted, CustomerFigure, CustomerMonth, DayFigure
from batua.ledger.tables import IdempotencyKey
from batua.outbox import OutboxMessage
from batua.signs import Sign
from batua_admin.lists.columns import Link, Listed, listed
from batua_admin.tables import RecoveryCode, SecondFactor, Session, Staff

__all__ = ["OPERATIONS"]

MESSAGE_OF = (
    "t.customer_id = (select customer_id from batua_order where id = {value})"
    " and t.order_id = {value}"
)
"""The messages of an order, among those of its customer: an index of their own would have to be
kept with every payment."""

NEWEST_ANSWERS = "Those whose answer is kept, for 30 days; all are found by their id."

OPERATIONS: tuple[Listed, ...] = (
    listed(
        "Messages", "notifications", OutboxMessage,
        "id template customer_id order_id top_up_id refund_id status note attempts created_at"
        " sent_at", "template id",
        words={
            "template": Template, "status": "pending sent delivered read failed skipped dead",
        },
        fast="id customer_id order_id top_up_id refund_id provider_reference status",
        links={"order_id": Link("orders", found=MESSAGE_OF)},
    ),
    listed(
        "Messages", "events", EventRow, "id type data created_at routed_at", "type id",
        words={"type": EventType}, fast="id created_at", sorted_with={"created_at": "created_at"},
    ),
    listed(
        "Messages", "listeners", Listener,
        "id kind url events status note failing_since created_at", "url id",
        words={"kind": "webhook hook", "status": "enabled disabled"},
    ),
    listed(
        "Messages", "deliveries", Delivery,
        "id event_id listener_id status attempts note next_attempt_at delivered_at created_at",
        "id", words={"status": "pending delivered dead"}, fast="id event_id listener_id status",
        links={"event_id": Link("events")},
    ),
    listed(
        "Messages", "idempotency_keys", IdempotencyKey,
        "id principal route key status subject response_status finished_at", "key",
        newest="finished_at", only="t.response_body is not null", fast="id finished_at",
        words={"status": "in_progress finished"}, help=NEWEST_ANSWERS,
    ),
    listed("Insight", "day_figures", DayFigure, "id day currency figure number total", "id"),
    listed(
        "Insight", "customer_months", CustomerMonth,
        "id customer_id currency month orders spent refunded", "id", fast="id",
    ),
    listed(
        "Insight", "customer_figures", CustomerFigure,
        "id customer_id currency cohort waiting waiting_since spent_month", "id", fast="id",
    ),
    listed(
        "Insight", "cohort_figures", CohortFigure,
        "id cohort currency month joined spenders orders spent", "id",
    ),
    listed("Insight", "counted", Counted, "id seq at", "id"),
    listed(
        "Access", "disabled_customers", DisabledCustomer,
        "id customer_id disabled_at disabled_by enabled_at enabled_by", "customer_id",
    ),
    listed(
        "Access", "revocations", Revocation,
        "id jti scope subject issued_before created_at created_by", "id", newest="created_at",
    ),
    listed(
        "Access", "api_keys", ApiKey,
        "id name permissions created_at created_by expires_at revoked_at last_used_at", "name",
        newest="created_at",
    ),
    listed(
        "Access", "audit_log", AuditEntry,
        "seq created_at actor role act subject reason address before after", "seq act",
        newest="seq", words={"role": Role}, role=Role.FINANCE,
        links={"transfer_seq": Link("transfers", is_findable=False)},
    ),
    listed("Access", "audit_head", AuditHead, "id seq hash", "id", role=Role.FINANCE),
    listed("Access", "identity_changes", IdentityChanges, "id version", "id"),
    listed("Access", "signs_of_life", Sign, "name kind verdict at", "name", newest="at"),
    listed(
        "Access", "staff", Staff,
        "id username role active has_one_time_password last_login", "username",
        role=Role.OWNER, words={"role": Role}, fast="id username role active",
    ),
    listed(
        "Access", "staff_sessions", Session,
        "staff_id address has_second_factor created_at expires_at ends_at id", "id",
        role=Role.OWNER, fast="staff_id id",
    ),
    listed(
        "Access", "second_factors", SecondFactor, "staff_id created_at", "staff_id",
        newest="staff_id", role=Role.OWNER,
    ),
    listed("Access", "recovery_codes", RecoveryCode, "staff_id id", "id", role=Role.OWNER),
)  # fmt: skip
