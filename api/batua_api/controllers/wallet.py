"""The caller's own wallet and its statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, Response, get
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType
from litestar.openapi.spec import Schema as OpenAPISchema
from litestar.params import FromQuery, HeaderParameter, QueryParameter

from batua.database import Row
from batua.errors import InvalidRequest
from batua.ledger import AccountName
from batua.ledger.statement import StatementFilter, read_statement
from batua.wallets import read_wallet
from batua_api.access import ApiRequest, currency_or_default, shop_of
from batua_api.auth import Scope, allow
from batua_api.csv_files import CSV, write_csv
from batua_api.documenting import Documented, answers
from batua_api.event_stream import EVENTS, LAST_EVENT_ID, WalletEvents
from batua_api.paging import LIMIT_MAX, page_of, read_cursor
from batua_api.schemas import Page, StatementItem, StatementPage, WalletView
from batua_api.views import statement_item, wallet_view

__all__ = ["WalletController"]

CSV_ROWS_MAX = 10_000


@dataclass
class Statement(Documented):
    """Drawn in both forms."""

    def __post_init__(self) -> None:
        super().__post_init__()
        response: Any = (self.responses or {})["200"]
        text = OpenAPISchema(type=OpenAPIType.STRING)
        response.content = {**response.content, CSV: OpenAPIMediaType(schema=text)}


class WalletController(Controller):
    """Balance and statement."""

    path = "/wallet"
    tags = ("Wallet",)
    opt = allow(Scope.CUSTOMER)

    @get(
        operation_id="get_wallet",
        summary="Get wallet",
        operation_class=Documented,
        responses=answers(WalletView),
    )
    async def read(self, request: ApiRequest, currency: FromQuery[str | None] = None) -> WalletView:
        """One's wallet: zeros before its first use."""
        shop = shop_of(request)
        code = currency_or_default(shop, currency)
        return wallet_view(await read_wallet(shop.database, request.user.id, code))

    @get(
        "/transactions",
        operation_id="list_transactions",
        summary="List transactions",
        operation_class=Statement,
        responses=answers(StatementPage),
    )
    async def statement(
        self,
        request: ApiRequest,
        since: Annotated[datetime | None, QueryParameter(name="from")] = None,
        until: Annotated[datetime | None, QueryParameter(name="to")] = None,
        kind: FromQuery[str | None] = None,
        currency: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = 50,
    ) -> Response[Page] | Response[bytes]:
        """The statement, newest first, with the balance after each entry. CSV by Accept."""
        shop = shop_of(request)
        account = AccountName.wallet(request.user.id, currency_or_default(shop, currency))
        wanted = StatementFilter(
            since=_utc(since, "/from"),
            until=_utc(until, "/to"),
            kind=kind,
            before_seq=_seq(cursor),
        )
        if CSV in request.headers.get("accept", ""):
            rows = await read_statement(shop.database, account, wanted, CSV_ROWS_MAX)
            return _as_csv(rows)
        rows = await read_statement(shop.database, account, wanted, limit + 1)
        return Response(page_of(rows, limit, statement_item, key="seq"))

    @get(
        "/events",
        operation_id="watch_wallet",
        summary="Watch wallet",
        operation_class=Documented,
        responses=answers(str, says="Server-sent events", media_type=EVENTS),
        media_type=EVENTS,
        opt={"is_stream": True},
    )
    async def events(
        self,
        request: ApiRequest,
        currency: FromQuery[str | None] = None,
        last_event_id: Annotated[str | None, HeaderParameter(name=LAST_EVENT_ID)] = None,
    ) -> WalletEvents:
        """The wallet as server-sent events: `event: balance` with a WalletView, on connect and on
        every change. Whoever comes back with the id of the last one is told what is new.
        """
        shop = shop_of(request)
        code = currency_or_default(shop, currency)
        return WalletEvents(shop.live_wallets, request.user.id, code, shown=last_event_id or "")


def _as_csv(rows: Sequence[Row]) -> Response[bytes]:
    return Response(
        write_csv([statement_item(row) for row in rows], StatementItem),
        media_type=CSV,
        headers={"Content-Disposition": 'attachment; filename="statement.csv"'},
    )


def _seq(cursor: str | None) -> int | None:
    text = read_cursor(cursor)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise InvalidRequest(
            "The cursor is not one of ours: take it from next_cursor.", pointer="/cursor"
        )
    return int(text)


def _utc(moment: datetime | None, pointer: str) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidRequest(
            "A time needs its zone, such as 2026-11-22T10:00:00Z.", pointer=pointer
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidRequest("The time is out of range.", pointer=pointer) from None
