"""The customer page: all that support needs on the phone, on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from batua.database import Database, Row
from batua.errors import NotFound
from batua.ledger import AccountKind, AccountName
from batua.ledger.statement import StatementFilter, read_statement
from batua_admin.pages.shell import Visit

__all__ = ["show_customer"]

FEW = 10
STATEMENT = 15


async def show_customer(visit: Visit) -> Response:
    """One customer. What is long ends with a link to all of it."""
    database, customer_id = visit.batua.database, visit.request.path_params["id"]
    customer = await database.fetch_one("select * from batua_customer where id = $1", customer_id)
    if customer is None:
        raise NotFound("customer", customer_id)
    accounts = await database.fetch(
        "select key, kind, owner, currency, posted, held, status from batua_account"
        " where owner = $1 and kind in ('wallet', 'debt') order by currency, kind desc",
        customer_id,
    )
    wallets = [row for row in accounts if row["kind"] == AccountKind.WALLET]
    currency = _currency(visit, wallets)
    return visit.show(
        "customer.html",
        title=customer["name"] or customer_id,
        customer=customer,
        wallets=wallets,
        debts=[row for row in accounts if row["kind"] == AccountKind.DEBT and row["posted"]],
        currency=currency,
        statement=await _statement(database, customer_id, currency, visit.number("before")),
        is_disabled=await _is_disabled(database, customer_id),
        found=await _belongings(database, customer_id, [row["key"] for row in wallets]),
    )


def _currency(visit: Visit, wallets: Sequence[Mapping[str, Any]]) -> str:
    """Whose statement is shown: the one that was asked for, or that of the fullest wallet."""
    wanted = visit.asked("currency")
    has = [row["currency"] for row in wallets]
    if wanted in has:
        return wanted
    shop: str = visit.batua.settings.currency
    return shop if shop in has or not has else str(has[0])


async def _statement(
    database: Database, customer: str, currency: str, before: int | None
) -> Sequence[Row]:
    return await read_statement(
        database,
        AccountName.wallet(customer, currency),
        StatementFilter(before_seq=before),
        STATEMENT + 1,
    )


async def _is_disabled(database: Database, customer: str) -> bool:
    row = await database.fetch_one(
        "select id from batua_disabled_customer where customer_id = $1 and enabled_at is null",
        customer,
    )
    return row is not None


async def _belongings(
    database: Database, customer: str, wallets: Sequence[str]
) -> dict[str, Sequence[Row]]:
    """The newest few of everything that is theirs, by the name that the page has for it."""
    newest = "where customer_id = $1 order by id desc"
    found = {
        name: await database.fetch(f"select {columns} from {table} {newest} limit {FEW}", customer)
        for name, table, columns in (
            ("orders", "batua_order", "*"),
            ("top_ups", "batua_top_up", "*"),
            ("payments", "batua_payment", "*"),
            ("refunds", "batua_refund", "*"),
            ("adjustments", "batua_adjustment", "*"),
            ("disputes", "batua_dispute", "*"),
            ("messages", "batua_outbox", "*"),
        )
    }
    found["consents"] = await database.fetch(
        "select * from batua_consent where customer_id = $1 and revoked_at is null"
        f" order by channel limit {FEW}",
        customer,
    )
    found["holds"] = await database.fetch(
        "select h.* from batua_hold h join batua_account a on a.id = h.account_id"
        " where a.owner = $1 and a.kind = 'wallet' and h.status = 'held'"
        f" order by h.created_at limit {FEW}",
        customer,
    )
    found["lots"] = [
        lot
        for key in wallets
        for lot in await database.fetch(
            "select * from batua_lot where account_key = $1 and remaining > 0"
            f" order by expires_at limit {FEW}",
            key,
        )
    ]
    found["acts"] = await database.fetch(
        f"select * from batua_audit where subject = $1 order by seq desc limit {FEW}",
        f"customer:{customer}",
    )
    return found
