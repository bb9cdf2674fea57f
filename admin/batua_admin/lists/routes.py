"""The lists over HTTP, as the panel's page asks for them. They stand where Piccolo's own would.

Nothing here writes, and no route of Piccolo's that could is mounted. Whoever gets here has signed
in: these routes are put behind Piccolo's own login.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from batua.bootstrap import Batua
from batua.errors import DatabaseUnavailable
from batua_admin.guards import require_role, role_of
from batua_admin.lists.catalogue import LISTS, find
from batua_admin.lists.columns import Column, Listed
from batua_admin.lists.finding import Found, Refused, find_rows, key_of
from batua_admin.lists.presenting import exported, shown
from batua_admin.lists.reading import SECONDS_MAX, Reading
from batua_admin.lists.schema import describe, references
from batua_admin.lists.typed import Unreadable

__all__ = ["list_routes"]

PAGE_SIZE = 25
PAGE_MAX = 100
"""The most that a person can choose. Whoever asks for more is the page's CSV export."""
EXPORT_MAX = 1000
WRITES = ["POST", "PUT", "PATCH", "DELETE"]

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


def list_routes(batua: Batua) -> Router:
    """What is answered below ``/tables``."""
    pages = _Pages(batua)
    return Router(
        routes=[
            Route("/{path:path}", _refuse_writes, methods=WRITES),
            Route("/", _names, methods=["GET"]),
            Route("/grouped/", _grouped, methods=["GET"]),
            Route("/{name}/", _answered(pages.rows), methods=["GET"]),
            Route("/{name}/schema/", _answered(pages.schema), methods=["GET"]),
            Route("/{name}/count/", _answered(pages.count), methods=["GET"]),
            Route("/{name}/ids/", _answered(pages.ids), methods=["GET"]),
            Route("/{name}/references/", _answered(pages.references), methods=["GET"]),
            Route("/{name}/{key:path}/", _answered(pages.row), methods=["GET"]),
        ]
    )


async def _refuse_writes(request: Request) -> JSONResponse:
    del request
    raise HTTPException(405, "This list is read-only. Use a form: it calls the service.")


async def _names(request: Request) -> JSONResponse:
    return JSONResponse([each.name for each in _may_see(request)])


async def _grouped(request: Request) -> JSONResponse:
    grouped: dict[str, list[str]] = {}
    for each in _may_see(request):
        grouped.setdefault(each.group, []).append(each.name)
    return JSONResponse({"grouped": grouped, "ungrouped": []})


def _may_see(request: Request) -> list[Listed]:
    return [each for each in LISTS if role_of(request).reaches(each.role)]


def _answered(endpoint: Endpoint) -> Endpoint:
    """What can't be asked for is 400; what takes too long, or forever, 503."""

    async def answered(request: Request) -> JSONResponse:
        try:
            return await endpoint(request)
        except Refused as refused:
            raise HTTPException(400, str(refused)) from None
        except DatabaseUnavailable as error:
            raise HTTPException(
                503,
                f"The database did not answer within {SECONDS_MAX} seconds: look for less.",
            ) from error

    return answered


class _Pages:
    def __init__(self, batua: Batua) -> None:
        self._reading = Reading(batua.database)
        self._dialect = batua.database.dialect
        self._currency = batua.settings.currency

    async def schema(self, request: Request) -> JSONResponse:
        return JSONResponse(describe(_listed(request)))

    async def references(self, request: Request) -> JSONResponse:
        return JSONResponse({"references": references(_listed(request))})

    async def count(self, request: Request) -> JSONResponse:
        """How many. The page would wait forever for an error: it hears of that with the rows."""
        listed, told = _listed(request), {"page_size": PAGE_SIZE}
        try:
            count = await self._reading.count(listed, self._found(listed, request))
        except (Unreadable, DatabaseUnavailable) as error:
            return JSONResponse({"count": 0, **told, "detail": str(error)})
        return JSONResponse({"count": count, **told})

    async def rows(self, request: Request) -> JSONResponse:
        """A page. What means nothing finds nothing: the page would show the old rows as found."""
        listed, query = _listed(request), request.query_params
        size = _number(query.get("__page_size"), PAGE_SIZE, EXPORT_MAX)
        page = _number(query.get("__page"), 1, 10**9)
        columns = _columns(listed, query.get("__visible_fields"), is_export=size > PAGE_MAX)
        try:
            rows, labels = await self._reading.rows(
                listed, self._found(listed, request), columns,
                query.get("__order") or f"-{listed.newest}",
                limit=size, offset=max(page - 1, 0) * size,
            )  # fmt: skip
        except Unreadable as unreadable:
            return JSONResponse({"rows": [], "detail": str(unreadable)})
        present = exported if size > PAGE_MAX else shown
        return JSONResponse({"rows": [present(row, columns, labels) for row in rows]})

    async def row(self, request: Request) -> JSONResponse:
        listed = _listed(request)
        try:
            found = await self._reading.row(listed, key_of(listed, request.path_params["key"]))
        except Unreadable:
            found = None
        if found is None:
            raise HTTPException(404, f"There is no such row in {listed.name}.")
        rows, labels = found
        return JSONResponse(shown(rows[0], listed.columns.values(), labels))

    async def ids(self, request: Request) -> JSONResponse:
        """What can be chosen where a list is found by another's row."""
        listed, query = _listed(request), request.query_params
        names = await self._reading.names(
            listed, query.get("search", "").strip(),
            limit=_number(query.get("limit"), PAGE_SIZE, PAGE_MAX),
            offset=_number(query.get("offset"), 0, EXPORT_MAX),
        )  # fmt: skip
        return JSONResponse({str(key): name for key, name in names.items()})

    def _found(self, listed: Listed, request: Request) -> Found:
        return find_rows(
            listed, request.query_params.multi_items(),
            dialect=self._dialect, shop_currency=self._currency,
        )  # fmt: skip


def _listed(request: Request) -> Listed:
    listed = find(request.path_params["name"])
    if listed is None:
        raise HTTPException(404, "There is no such list.")
    require_role(request, listed.role)
    return listed


def _columns(listed: Listed, named: str | None, *, is_export: bool) -> list[Column]:
    """The columns that are asked for, in the order of the table, and always the key."""
    columns = listed.columns
    names = named.split(",") if named else [*columns] if is_export else listed.shown.split()
    if unknown := set(names) - set(columns):
        raise Refused(f"{listed.name} has no column {min(unknown)!r}.")
    return [columns[name] for name in dict.fromkeys([*names, listed.key])]


def _number(text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise Refused(f"{text!r} is no number up to {most:,}.")
    return max(int(text), 0)
