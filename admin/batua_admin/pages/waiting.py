"""What waits for somebody: approvals, and what can't go on by itself."""

from __future__ import annotations

from starlette.responses import Response

from batua_admin.pages.shell import Visit

__all__ = ["show_approvals", "show_attention"]

SHOWN = 50


async def show_approvals(visit: Visit) -> Response:
    """Refunds and adjustments over the limit, oldest first: never one's own to let go."""
    database = visit.batua.database
    waiting = f"where status = 'awaiting_approval' order by created_at limit {SHOWN}"
    return visit.show(
        "approvals.html",
        title="Approvals",
        refunds=await database.fetch(f"select * from batua_refund {waiting}"),
        adjustments=await database.fetch(f"select * from batua_adjustment {waiting}"),
    )


async def show_attention(visit: Visit) -> Response:
    """Dead webhooks and messages, money in suspense, open disputes, unknown outcomes."""
    database = visit.batua.database
    newest = f"order by id desc limit {SHOWN}"
    return visit.show(
        "attention.html",
        title="Needs attention",
        webhooks=await database.fetch(
            "select id, gateway, event_type, status, note, attempts, received_at from batua_inbox"
            f" where status in ('dead', 'quarantined') {newest}"
        ),
        messages=await database.fetch(f"select * from batua_outbox where status = 'dead' {newest}"),
        suspense=await database.fetch(
            "select * from batua_capture where destination = 'suspense'"
            f" and refunded + refund_reserved + disputed < amount {newest}"
        ),
        disputes=await database.fetch(
            f"select * from batua_dispute where status = 'open' {newest}"
        ),
        payments=await database.fetch(
            "select * from batua_payment where next_poll_at is not null"
            f" and status = 'authorized' {newest}"
        ),
        refunds=await database.fetch(
            "select * from batua_refund where next_poll_at is not null and status = 'unknown'"
            f" {newest}"
        ),
    )
