"""The page on which staff set up their second factor, and turn it off with a code of it.

Everything on it asks for the password again: who finds a browser open gets no further by it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from batua.bootstrap import Batua
from batua.errors import ConfigurationError, Refusal
from batua.staff import Word
from batua_admin.guards import signed_in
from batua_admin.pages.routes import PAGES
from batua_admin.pages.shell import Visit
from batua_admin.second_factor import Offer, drop_second_factor
from batua_admin.sessions import SignedIn, end_sessions
from batua_admin.signing_in import SigningIn

__all__ = ["SecurityPage"]

Fields = dict[str, str]


class SecurityPage:
    """Serves it, to whoever has signed in. Moves no money."""

    def __init__(self, batua: Batua, signing_in: SigningIn) -> None:
        self._batua = batua
        self._signing_in = signing_in
        self._factors = signing_in.second_factors
        self._actions: dict[str, Callable[[Request, Fields], Awaitable[Response]]] = {
            "offer": self._offer,
            "enrol": self._enrol,
            "drop": self._drop,
        }

    def routes(self) -> list[Route]:
        """Where it is, below the pages' own address."""
        return [
            Route("/security/", self.show, methods=["GET"]),
            Route("/security/", self.act, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What somebody has, and what they can do about it."""
        return await self._state(request)

    async def act(self, request: Request) -> Response:
        """Do what one of the page's buttons says. What can't be done is said on the page."""
        form = request.scope.get("form") or await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        action = self._actions.get(fields.get("action", ""))
        if action is None:
            raise HTTPException(400, "Say what to do by one of the page's buttons.")
        try:
            return await action(request, fields)
        except Refusal as refusal:
            return await self._state(request, refused=str(refusal))
        except ConfigurationError as error:
            return await self._state(request, refused=f"Tell who runs this server: {error}")

    async def _offer(self, request: Request, fields: Fields) -> Response:
        del fields
        me = signed_in(request)
        return self._offered(request, self._factors.offer(me.staff_id, me.username))

    async def _enrol(self, request: Request, fields: Fields) -> Response:
        me, sealed = signed_in(request), fields.get("sealed", "")
        offer = self._factors.offer_again(sealed, me.staff_id, me.username)
        try:
            await self._require_password(me, fields)
            codes = await self._factors.enrol(me.staff_id, sealed, fields.get("code", ""))
        except Refusal as refusal:
            return self._offered(request, offer, refused=str(refusal))
        async with self._batua.database.transaction() as transaction:
            await end_sessions(transaction, me.staff_id)
        await self._signing_in.enter(me.actor, Word.ENROL_MFA)
        return self._draw(request, codes=codes)

    async def _drop(self, request: Request, fields: Fields) -> Response:
        me = signed_in(request)
        await self._require_password(me, fields)
        if not await self._factors.accept(me.staff_id, fields.get("code", "")):
            return await self._state(request, refused="That code is not right.")
        await self._signing_in.enter(me.actor, Word.REMOVE_MFA)
        async with self._batua.database.transaction() as transaction:
            await drop_second_factor(transaction, me.staff_id)
            await end_sessions(transaction, me.staff_id)
        return self._draw(request, is_dropped=True)

    async def _require_password(self, me: SignedIn, fields: Fields) -> None:
        """Counted, and the code that is shown with it. Raises 429, and ``Refusal``."""
        attempts = self._signing_in.attempts
        await attempts.count_password(me.username, me.address)
        await attempts.count_code(me.username)
        if not await self._signing_in.is_password_of(me.username, fields.get("password", "")):
            raise Refusal("wrong_password", "That password is not right.")

    async def _state(self, request: Request, *, refused: str = "") -> Response:
        has_factor = await self._factors.has(signed_in(request).staff_id)
        return self._draw(request, has_factor=has_factor, refused=refused)

    def _offered(self, request: Request, offer: Offer, *, refused: str = "") -> Response:
        picture = segno.make(offer.uri, error="m").svg_inline(scale=5, border=2)
        return self._draw(request, offer=offer, picture=picture, refused=refused)

    def _draw(self, request: Request, **values: Any) -> Response:
        visit = Visit(request, self._batua, signed_in(request).actor, PAGES)
        known = {"refused": "", "codes": (), "is_dropped": False, "offer": None, "picture": "",
                 "has_factor": False} | values  # fmt: skip
        status = 422 if known["refused"] else 200
        return visit.show("security.html", title="Security", status=status, **known)
