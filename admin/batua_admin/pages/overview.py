"""Where staff come in: what waits for them."""

from __future__ import annotations

from starlette.responses import Response

from batua_admin.pages.shell import Visit

__all__ = ["show_overview"]

QUEUES = {
    "refunds_awaiting_approval": "approvals/",
    "adjustments_awaiting_approval": "approvals/",
    "webhooks_dead": "attention/",
    "messages_dead": "attention/",
}
"""Of the dashboard's queues those that wait for somebody, and the page for it."""

COUNTS = {
    "captures in suspense": "batua_capture where destination = 'suspense'"
    " and refunded + refund_reserved + disputed < amount",
    "open disputes": "batua_dispute where status = 'open'",
}


async def show_overview(visit: Visit) -> Response:
    """How much waits, and where."""
    counts = [
        (row.queue, QUEUES[row.queue], row.count)
        for row in await visit.batua.insight.queues()
        if row.queue in QUEUES
    ]
    for name, waiting in COUNTS.items():
        row = await visit.batua.database.fetch_one(f"select count(*) as n from {waiting}")
        counts.append((name, "attention/", 0 if row is None else row["n"]))
    return visit.show("overview.html", title="Overview", counts=counts)
