"""All pages as one application, for the panel to mount."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from batua.bootstrap import Batua
from batua.errors import Forbidden, NotFound, Refusal
from batua_admin.doors import ChangeFirst
from batua_admin.guards import signed_in
from batua_admin.pages.routes import PAGES
from batua_admin.pages.shell import Page, Visit

__all__ = ["create_pages", "sign_in_first"]

STATIC = Path(__file__).parent / "static"


def create_pages(
    batua: Batua, more: Sequence[Route], authenticated: Callable[[ASGIApp], ASGIApp]
) -> ASGIApp:
    """The pages of one shop, and ``more``. ``authenticated`` lets nobody else in than the panel."""
    visit = partial(_visit, batua)
    routes = [Route(f"/{page.path}", visit(page), methods=list(page.methods)) for page in PAGES]
    pages = authenticated(Starlette(routes=[*routes, *more]))
    # The style is for those too who have still to sign in.
    return Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=STATIC)),
            Mount("/", pages),
        ]
    )


def sign_in_first(request: Any, error: Exception) -> Response:
    """Nobody is signed in: the panel's own page asks who they are."""
    if isinstance(error, ChangeFirst):
        return PlainTextResponse(str(error), status_code=403)
    root: str = request.scope["root_path"]
    return RedirectResponse(f"{root.removesuffix('/pages')}/", status_code=303)


def _visit(batua: Batua, page: Page) -> Any:
    async def endpoint(request: Request) -> Response:
        visit = Visit(request, batua, signed_in(request).actor, PAGES)
        if not visit.actor.role.reaches(page.role):
            needed = f"This page needs the role {page.role} or above; yours is {visit.actor.role}."
            return _refused(visit, Forbidden("forbidden", needed))
        try:
            return await page.endpoint(visit)
        except Refusal as refusal:
            return _refused(visit, refusal)

    return endpoint


def _refused(visit: Visit, refusal: Refusal) -> Response:
    status = (
        404 if isinstance(refusal, NotFound) else 403 if isinstance(refusal, Forbidden) else 409
    )
    return visit.show("refused.html", title="Not possible", status=status, sentence=str(refusal))
