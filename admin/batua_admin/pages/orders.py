"""The order page: what was paid, with what, and what went back."""

from __future__ import annotations

from starlette.responses import Response

from batua_admin.pages.shell import Visit

__all__ = ["show_order"]


async def show_order(visit: Visit) -> Response:
    """One order with its payments, refunds, transfers, messages, and what staff did to it."""
    database, order_id = visit.batua.database, visit.request.path_params["id"]
    order = await visit.batua.orders.read(order_id)
    customer = await database.fetch_one(
        "select id, name from batua_customer where id = $1", order["customer_id"]
    )
    found = {
        name: await database.fetch(
            f"select * from {table} where order_id = $1 order by {by}", order_id
        )
        for name, table, by in (
            ("payments", "batua_payment", "id"),
            ("captures", "batua_capture", "id"),
            ("refunds", "batua_refund", "id"),
            ("transfers", "batua_transfer", "seq"),
        )
    }
    acts = await database.fetch(
        "select * from batua_audit where subject = $1 order by seq desc limit 20",
        f"order:{order_id}",
    )
    reserved = sum(
        row["amount"]
        for row in found["refunds"]
        if row["status"] in {"awaiting_approval", "pending", "unknown"}
    )
    return visit.show(
        "order.html",
        title=f"Order {order['reference']}",
        order=order,
        customer=customer,
        left=order["paid_from_wallet"] + order["paid_by_gateway"] - order["refunded"] - reserved,
        acts=acts,
        found=found,
    )
