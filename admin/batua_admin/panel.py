"""The panel: Piccolo Admin's page, login and forms over lists of our own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from litestar.types import ASGIApp
from piccolo_admin.endpoints import AdminRouter, create_admin
from piccolo_admin.translations.data import TRANSLATIONS
from piccolo_admin.translations.models import Translation
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from batua.bootstrap import Batua
from batua.limits import ClientAddresses
from batua_admin.doors import SessionBackend, fit_doors
from batua_admin.entrance import Entrance
from batua_admin.forms import FORMS, panel_forms
from batua_admin.lists import list_routes
from batua_admin.pages import PAGES, create_pages
from batua_admin.pages.application import sign_in_first
from batua_admin.pages.security import SecurityPage
from batua_admin.signing_in import SigningIn
from batua_admin.tables import Staff

__all__ = ["create_panel"]

LOOK = Path(__file__).parent / "look"
STYLE = '<link rel="stylesheet" href="./look/panel.css">'

WORDS = {
    "Edit": "Look at",
    "Show referencing tables": "Show what belongs to it",
    "Hide referencing tables": "Hide what belongs to it",
    "with a matching": "by their",
}
"""Where Piccolo's page speaks of editing and of tables."""


def create_panel(
    batua: Batua, *, addresses: ClientAddresses, production: bool, allowed_hosts: Sequence[str]
) -> ASGIApp:
    """The panel of one shop, behind its entrance.

    ``production`` makes its cookies secure; ``allowed_hosts`` are those that a browser may send
    forms from over https.
    """
    signing_in = SigningIn(batua, addresses, is_secure=production)
    panel = _create(batua, signing_in, production=production, allowed_hosts=allowed_hosts)
    return Entrance(panel, is_secure=production)


def _create(
    batua: Batua, signing_in: SigningIn, *, production: bool, allowed_hosts: Sequence[str]
) -> ASGIApp:
    panel: Any = create_admin(
        tables=[],
        forms=panel_forms(batua, FORMS),
        auth_table=Staff,
        auto_include_related=False,
        site_name="Batua",
        production=production,
        allowed_hosts=list(allowed_hosts),
        page_size=25,
        default_language_code="en",
        translations=_translations(),
        sidebar_links={
            **{page.title: f"pages/{page.path}" for page in PAGES if page.title},
            "Security": "pages/security/",
        },
    )
    _behind_login(panel).routes.insert(0, Mount("/tables", app=list_routes(batua)))
    panel.mount("/look", StaticFiles(directory=LOOK))
    # Below the panel, so that its CSRF guard stands before them.
    pages = SecurityPage(batua, signing_in).routes()
    panel.mount("/pages", create_pages(batua, pages, partial(_signed_in, signing_in)))
    fit_doors(panel, signing_in)
    panel.template = panel.template.replace("</head>", f"  {STYLE}\n</head>")
    admin: ASGIApp = panel
    return admin


def _signed_in(signing_in: SigningIn, pages: Any) -> Any:
    """Whoever has a session of the panel's; everybody else is sent to sign in."""
    return AuthenticationMiddleware(pages, SessionBackend(signing_in), on_error=sign_in_first)


def _behind_login(panel: AdminRouter) -> Any:
    """The router that Piccolo lets in nobody to who has not signed in."""
    for route in panel.routes:
        inside: Any = getattr(route, "app", None)
        if getattr(route, "path", "") == "/api" and isinstance(inside, AuthenticationMiddleware):
            return inside.app.router  # type: ignore[attr-defined]  # a FastAPI, as Piccolo made it
    raise LookupError("Piccolo Admin's API is not behind its login any more")


def _translations() -> list[Translation]:
    """Piccolo's own, with English words that fit what can only be read."""
    return [
        Translation(
            language_name=each.language_name,
            language_code=each.language_code,
            translations={**each.translations, **WORDS} if each.language_code == "en"
            else each.translations,
        )
        for each in TRANSLATIONS
    ]  # fmt: skip
