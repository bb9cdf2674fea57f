"""Our doors in Piccolo's panel: it has its own, and no option for others.

Where Piccolo moves one of them, making the panel fails: none is left open unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    BaseUser,
)
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from batua_admin.signing_in import SigningIn

__all__ = ["ChangeFirst", "SessionBackend", "fit_doors"]

CHANGE_FIRST = "Your password was for once: choose your own first, under Change Password."
OPEN_WITH_ONE_TIME_PASSWORD = frozenset({
    "/user/", "/change-password/", "/links/", "/tables/", "/tables/grouped/", "/forms/",
    "/forms/grouped/",
})  # fmt: skip
"""What the page itself needs, below the panel's API. None of it tells anything of the shop."""


class ChangeFirst(AuthenticationError):
    """They have a password for once, and have not chosen their own."""


class SessionBackend(AuthenticationBackend):
    """Lets nobody in without a session of ours."""

    def __init__(self, signing_in: SigningIn) -> None:
        self._signing_in = signing_in

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser]:
        signed_in = await self._signing_in.find(conn)
        if signed_in is None:
            raise AuthenticationError("sign in first")
        path = conn.scope["path"].removeprefix(conn.scope.get("root_path", ""))
        if signed_in.has_one_time_password and path not in OPEN_WITH_ONE_TIME_PASSWORD:
            raise ChangeFirst(CHANGE_FIRST)
        return AuthCredentials(["authenticated"]), signed_in


def _refuse(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """What Piccolo's page goes to its login by, or says."""
    del conn
    if isinstance(error, ChangeFirst):
        return JSONResponse({"detail": str(error)}, status_code=403)
    return JSONResponse({"error": "Auth failed"}, status_code=401)


def fit_doors(panel: Any, signing_in: SigningIn) -> None:
    """Take Piccolo's doors out of ``panel`` and put ours in. Raises ``LookupError``."""
    guard: AuthenticationMiddleware = _mounted(panel, "/api")
    guard.backend, guard.on_error = SessionBackend(signing_in), _refuse
    private: Any = guard.app
    public = _mounted(panel, "/public")
    # Their pages of documentation load scripts from elsewhere; media are files, and we take none.
    _drop(panel, "/openapi.json")
    _drop(private, "/openapi.json", "/docs", "/media/", "/media/generate-file-url/")
    _drop(public, "/openapi.json", "/docs", "/login", "/logout/")
    _drop(private, "/change-password/")
    public.routes.extend(
        [
            Route("/login/", signing_in.sign_in, methods=["POST"]),
            Route("/logout/", signing_in.sign_out, methods=["POST"]),
        ]
    )
    private.routes.extend(
        [
            Route("/change-password/", signing_in.change_password, methods=["POST"]),
            Route("/mfa-setup/", _to_security, methods=["GET"]),
        ]
    )


async def _to_security(request: Request) -> Response:
    """Where the menu of Piccolo's page leads."""
    return RedirectResponse(f"{request.scope.get('app_root_path', '')}/pages/security/", 303)


def _mounted(app: Any, path: str) -> Any:
    return _find(app.routes, path).app


def _drop(app: Any, *paths: str) -> None:
    for path in paths:
        app.routes.remove(_find(app.routes, path))


def _find(routes: Iterable[BaseRoute], path: str) -> Any:
    for route in routes:
        if getattr(route, "path", None) == path:
            return route
    raise LookupError(f"Piccolo's panel has no {path} any more: look at what it has instead")
