"""Find a customer, an order, a payment or a refund by whatever somebody reads out on the phone."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from batua.database import Database, Dialect, Row
from batua_admin.pages.shell import Visit

__all__ = ["find"]

FOUND_MAX = 25
LENGTH_MAX = 200

EXACT = (
    ("batua_order", "reference", "orders/{id}/"),
    ("batua_order", "id", "orders/{id}/"),
    ("batua_customer", "id", "customers/{id}/"),
    ("batua_refund", "id", "customers/{customer_id}/"),
    ("batua_top_up", "id", "customers/{customer_id}/"),
    ("batua_payment", "id", "customers/{customer_id}/"),
    ("batua_payment", "provider_reference", "customers/{customer_id}/"),
    ("batua_capture", "provider_payment_id", "customers/{customer_id}/"),
    ("batua_refund", "provider_refund_id", "customers/{customer_id}/"),
    ("batua_dispute", "provider_dispute_id", "customers/{customer_id}/"),
    ("batua_outbox", "id", "customers/{customer_id}/"),
)
"""Where an id may be from, and the page of whose it is: all of them are indexed."""


async def find(visit: Visit) -> Response:
    """Go to the one thing that is meant, or show the customers that may be."""
    wanted = visit.asked("q")[:LENGTH_MAX]
    customers: Sequence[Row] = ()
    if wanted:
        database = visit.batua.database
        for table, column, path in EXACT:
            row = await database.fetch_one(f"select * from {table} where {column} = $1", wanted)
            if row is not None:
                named = {name: row[name] for name in ("id", "customer_id") if f"{{{name}}}" in path}
                return RedirectResponse(visit.link(path.format(**named)), status_code=303)
        customers = await _like(database, wanted)
    return visit.show("find.html", title="Find", wanted=wanted, customers=customers)


async def _like(database: Database, wanted: str) -> Sequence[Row]:
    """Customers whose phone it is, or whose id or name begins with it."""
    end = f"{wanted}\U0010ffff"
    phone = "".join(letter for letter in wanted if letter.isdigit() or letter == "+")
    collate = ' collate "C"' if database.dialect is Dialect.POSTGRES else ""
    lower, lower_end = wanted.lower(), f"{wanted.lower()}\U0010ffff"
    return await database.fetch(
        "select id, name, phone, created_at from batua_customer where id in ("
        "select id from (select id from batua_customer where phone <> '' and phone = $1 limit 25) a"
        f" union select id from (select id from batua_customer where id{collate} >= $2"
        f" and id{collate} < $3 limit 25) b"
        f" union select id from (select id from batua_customer where lower(name){collate} >= $4"
        f" and lower(name){collate} < $5 limit 25) c"
        f") order by name, id limit {FOUND_MAX}",
        phone, wanted, end, lower, lower_end,
    )  # fmt: skip
