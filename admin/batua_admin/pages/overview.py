"""Where staff come in: what waits for them."""

from __future__ import annotations

from starlette.responses import Response

from batua_admin.pages.shell import Visit

__all__ = ["show_overview"]

COUNTS = (
    ("refunds that wait for approval", "approvals/",
     "select count(*) as n from batua_refund where status = 'awaiting_approval'"),
    ("adjustments that wait for approval", "approvals/",
     "select count(*) as n from batua_adjustment where status = 'awaiting_approval'"),
    ("webhooks that were given up", "attention/",
     "select count(*) as n from batua_inbox where status = 'dead'"),
    ("messages that were given up", "attention/",
     "select count(*) as n from batua_outbox where status = 'dead'"),
    ("captures in suspense", "attention/",
     "select count(*) as n from batua_capture where destination = 'suspense'"
     " and refunded + refund_reserved + disputed < amount"),
    ("open disputes", "attention/",
     "select count(*) as n from batua_dispute where status = 'open'"),
)  # fmt: skip


async def show_overview(visit: Visit) -> Response:
    """How much waits, and where."""
    database = visit.batua.database
    counts = []
    for name, path, sql in COUNTS:
        row = await database.fetch_one(sql)
        counts.append((name, path, 0 if row is None else row["n"]))
    return visit.show("overview.html", title="Overview", counts=counts)
