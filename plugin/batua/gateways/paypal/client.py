"""The calls that the gateway makes of PayPal's API, and what each silence means.

PayPal's own server SDK is synchronous and verifies no webhook, so httpx is used as it is.
Source of every path: SPEC (see codes.py).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Transport,
)
from batua.gateways.paypal.codes import DUPLICATE_INVOICE, UNDECIDED_ISSUES
from batua.gateways.paypal.http import Answer, NotSent, Silence, exchange
from batua.gateways.paypal.reading import Entity, Unreadable, dictionary, text

__all__ = ["PayPalClient", "Refused", "checked_id", "read", "written"]

R = TypeVar("R")

_ANSWER_BYTES_MAX = 4 * 1024 * 1024
_TOKEN_BYTES_MAX = 64 * 1024
_REFRESH_EARLY_S = 300
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Refused(GatewayRejected):
    """PayPal's refusal. ``issue`` is the reason to branch on (``details[0].issue``)."""

    def __init__(self, status: int, error: Entity) -> None:
        details = error.get("details")
        first = dictionary(details[0]) if isinstance(details, list) and details else {}
        self.status = status
        # The token endpoint says ``error``, every other one ``name``.
        self.name = _word(text(error, "name") or text(error, "error"))
        self.issue = _word(text(first, "issue"))
        self.is_authentication = status == 401
        self.is_unknown_id = status == 404
        debug_id = _word(text(error, "debug_id"))
        about = f" (debug id {debug_id})" if debug_id else ""
        super().__init__(
            f"PayPal answered {status}: {self.issue or self.name or 'no reason'}{about}",
            failure_code=self._failure_code(),
        )

    def _failure_code(self) -> str:
        if self.is_authentication:
            return "authentication_failed"
        return "not_found" if self.is_unknown_id else self.issue or self.name

    @property
    def is_duplicate_invoice(self) -> bool:
        """Whether something of our id was paid before: it may be our own lost call."""
        return self.issue == DUPLICATE_INVOICE


class PayPalClient:
    """Calls that only read raise ``GatewayUnavailable`` for every kind of silence; calls that
    write raise ``GatewayOutcomeUnknown`` once anything may have been sent. Both raise ``Refused``.
    """

    def __init__(
        self, *, client_id: str, client_secret: str, base_url: str, transport: Transport
    ) -> None:
        self._base_url = base_url
        self._transport = transport
        self._token = _Token(f"{base_url}/v1/oauth2/token", (client_id, client_secret), transport)

    async def read(self, path: str, params: Mapping[str, str] | None = None) -> Entity:
        """``GET`` of ``path``. Moves nothing; may be repeated at will."""
        try:
            return _judged(await self._authorized("GET", path, {"params": params}))
        except (Silence, GatewayOutcomeUnknown) as silence:
            raise GatewayUnavailable(f"PayPal gave no usable answer: {silence}") from silence

    async def write(self, path: str, body: Mapping[str, Any], request_id: str) -> Entity:
        """``POST`` to ``path``. May move money, once per ``request_id`` while PayPal keeps it.

        That is 6 hours on orders and 45 days on payments (SPEC, ``PayPal-Request-Id``). The same
        id again answers with "the latest status of the previous request" (DOC
        reference/guidelines/idempotency), not with the same bytes.
        """
        headers = {"PayPal-Request-Id": request_id, "Prefer": "return=representation"}
        try:
            return _judged(await self._authorized("POST", path, {"json": body}, headers))
        except Silence as silence:
            raise GatewayOutcomeUnknown(f"PayPal's answer was lost: {silence}") from silence

    async def _authorized(
        self,
        method: str,
        path: str,
        options: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        token = await self._token.current()
        answer = await self._send(method, path, token, options, headers)
        if answer.status != 401:
            return answer
        # Revoked or expired early: nothing was done, so that it may be sent again, once.
        token = await self._token.after(token)
        return await self._send(method, path, token, options, headers)

    async def _send(
        self,
        method: str,
        path: str,
        token: str,
        options: Mapping[str, Any],
        headers: Mapping[str, str] | None,
    ) -> Answer:
        try:
            return await exchange(
                self._transport,
                method,
                self._base_url + path,
                bytes_max=_ANSWER_BYTES_MAX,
                headers={**(headers or {}), "Authorization": f"Bearer {token}"},
                **options,
            )
        except NotSent as error:
            raise GatewayUnavailable(f"PayPal can't be reached: {error}") from error


class _Token:
    """The access token of our credentials: fetched when needed, refreshed before it ends."""

    def __init__(self, url: str, credentials: tuple[str, str], transport: Transport) -> None:
        self._url = url
        self._credentials = credentials
        self._transport = transport
        self._lock = asyncio.Lock()
        self._value = ""
        self._refresh_at: datetime | None = None

    async def current(self) -> str:
        """A token that is good for a while. Raises ``GatewayUnavailable`` or ``Refused``."""
        async with self._lock:
            if self._refresh_at is None or self._transport.now() >= self._refresh_at:
                await self._fetch()
            return self._value

    async def after(self, refused: str) -> str:
        """A token other than the one that was ``refused``."""
        async with self._lock:
            if self._value == refused:
                await self._fetch()
            return self._value

    async def _fetch(self) -> None:
        asked_at = self._transport.now()
        try:
            answer = _judged(
                await exchange(
                    self._transport,
                    "POST",
                    self._url,
                    bytes_max=_TOKEN_BYTES_MAX,
                    auth=self._credentials,
                    data={"grant_type": "client_credentials"},
                )
            )
        except (NotSent, Silence, GatewayOutcomeUnknown) as silence:
            # Whatever it was for has not been sent yet.
            raise GatewayUnavailable(f"PayPal gave no access token: {silence}") from silence
        except Refused as refusal:
            # Whatever status it wears (400 is not ruled out): these are not PayPal's credentials.
            raise Refused(401, {"name": refusal.name}) from refusal
        token, lasts_s = text(answer, "access_token"), answer.get("expires_in")
        if not token.isascii() or not token.isprintable() or not token or type(lasts_s) is not int:
            raise GatewayUnavailable("PayPal's access token can't be read")
        early_s = min(_REFRESH_EARLY_S, lasts_s // 2)
        self._value = token
        self._refresh_at = asked_at + timedelta(seconds=min(max(lasts_s - early_s, 0), 86_400))


def read(parse: Callable[[Entity], R], entity: Entity) -> R:
    """``parse(entity)`` of an answer that changed nothing: unreadable is unavailable."""
    try:
        return parse(entity)
    except Unreadable as error:
        raise GatewayUnavailable(f"PayPal's answer can't be read: {error}") from error


def written(parse: Callable[[Entity], R], entity: Entity) -> R:
    """``parse(entity)`` of an answer to a change: unreadable is an unknown outcome."""
    try:
        return parse(entity)
    except Unreadable as error:
        raise GatewayOutcomeUnknown(f"PayPal's answer can't be read: {error}") from error


def checked_id(value: str) -> str:
    """``value``, which becomes a part of a path: anything odd would call another address."""
    if not _ID.fullmatch(value):
        raise GatewayRejected("that is no PayPal id", failure_code="invalid_id")
    return value


def _judged(answer: Answer) -> Entity:
    body, status = answer.json, answer.status
    if 200 <= status < 300 and body is not None:
        return body
    if status == 429:
        raise GatewayUnavailable("PayPal asks us to slow down (429)")
    if not 400 <= status < 500 or status in {408, 409} or body is None:
        raise GatewayOutcomeUnknown(f"HTTP {status}")
    refusal = Refused(status, body)
    if refusal.issue in UNDECIDED_ISSUES:
        raise GatewayOutcomeUnknown(f"PayPal has not decided: {refusal.issue}")
    raise refusal


def _word(value: str) -> str:
    # PayPal's own short codes; a whole sentence of a body has no place in an error.
    return value if _WORD.fullmatch(value) else ""
