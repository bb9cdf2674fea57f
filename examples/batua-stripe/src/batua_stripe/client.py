"""Stripe's API over the transport's HTTP client: one call, and what its answer promises."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Transport,
)

from batua_stripe.form import Fields, encoded

__all__ = [
    "Crashed",
    "Entity",
    "Refused",
    "StripeClient",
    "Unreadable",
    "checked_id",
    "read",
    "written",
]

R = TypeVar("R")

Entity = Mapping[str, Any]

_KEY_IN_USE = "idempotency_key_in_use"
_PAGE_MAX = 100
_PAGES_MAX = 200
_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Unreadable(ValueError):
    """Stripe's JSON lacks what we must know, or says it in a way that we don't trust."""


class Crashed(GatewayOutcomeUnknown):
    """Stripe answered 5xx: this run is over, and what it has done is not known.

    With an idempotency key the same answer may come again for 24 hours (DOC:idempotent_requests):
    it says nothing of what happened since, so it is never a refusal.
    """


class Refused(GatewayRejected):
    """Stripe's refusal: ``kind`` is the error's type, ``code`` the best reason that it gave."""

    def __init__(self, status: int, error: Entity) -> None:
        self.status = status
        self.kind = _text(error, "type")
        self.code = _text(error, "decline_code") or _text(error, "code")
        self.is_authentication = status in {401, 403}
        self.is_not_found = status == httpx.codes.NOT_FOUND
        about = f" ({_text(error, 'param')})" if error.get("param") else ""
        super().__init__(
            f"Stripe answered {status}: {_text(error, 'message')[:250]}{about}",
            failure_code=self._failure_code(),
        )

    def _failure_code(self) -> str:
        if self.is_authentication:
            return "authentication_failed"
        return "not_found" if self.is_not_found else self.code or self.kind


class StripeClient:
    """Calls that only read raise ``GatewayUnavailable`` for every kind of silence. Calls that
    write raise ``GatewayOutcomeUnknown`` once anything may have been sent. Both raise ``Refused``.
    """

    def __init__(
        self, *, secret_key: str, base_url: str, api_version: str, transport: Transport
    ) -> None:
        self._transport = transport
        self._base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {secret_key}", "stripe-version": api_version}

    async def get(self, path: str, query: Fields | None = None) -> Entity:
        """``GET /v1/{path}``. Moves nothing."""
        url = f"{path}?{encoded(query)}" if query else path
        try:
            return await self._call("GET", url, b"", {})
        except GatewayOutcomeUnknown as silence:
            # Reading changes nothing, so a lost answer costs only the asking again.
            raise GatewayUnavailable(str(silence)) from silence

    async def post(self, path: str, fields: Fields, *, key: str = "") -> Entity:
        """``POST /v1/{path}``. May move money; once per ``key`` for at least 24 hours.

        Where the object's own state already allows the act only once, no key is sent: it would
        pin the answer of a crash for a day.
        """
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if key:
            headers["idempotency-key"] = key
        return await self._call("POST", path, encoded(fields).encode(), headers)

    async def list_all(self, path: str, query: Fields) -> list[Entity]:
        """Every object of ``GET /v1/{path}``, newest first, over all pages."""
        found: list[Entity] = []

        def keep(entity: Entity) -> bool:
            found.append(entity)
            return False

        await self.find_in(path, query, keep)
        return found

    async def find_in(
        self, path: str, query: Fields, is_wanted: Callable[[Entity], bool]
    ) -> Entity | None:
        """The newest object of the list that is wanted; pages beyond it are not asked for."""
        after: dict[str, str] = {}
        for _ in range(_PAGES_MAX):
            answer = await self.get(path, {**query, "limit": _PAGE_MAX, **after})
            page = read(_items, answer)
            for entity in page:
                if is_wanted(entity):
                    return entity
            if answer.get("has_more") is not True or not page:
                return None
            after = {"starting_after": _text(page[-1], "id")}
        raise GatewayUnavailable(f"Stripe's list of {path} has more than {_PAGES_MAX} pages")

    async def search(self, path: str, query: str) -> list[Entity]:
        """The first page of ``GET /v1/{path}/search``: late by a minute or more, and refused to
        merchants in India (DOC:api/payment_intents/search, 2026-11-22)."""
        return read(_items, await self.get(f"{path}/search", {"query": query, "limit": _PAGE_MAX}))

    async def _call(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> Entity:
        try:
            # httpx limits the wait for each byte, this the whole of it.
            async with asyncio.timeout(self._transport.timeout_s):
                response = await self._transport.http.request(
                    method,
                    f"{self._base_url}/v1/{path}",
                    content=content or None,
                    headers={**self._headers, **headers},
                    timeout=self._transport.timeout_s,
                    follow_redirects=False,
                )
        except _NEVER_SENT as error:
            raise GatewayUnavailable(f"Stripe can't be reached: {type(error).__name__}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayOutcomeUnknown(
                f"Stripe's answer was lost: {type(error).__name__}"
            ) from error
        return _judged(response)


def checked_id(value: str) -> str:
    """``value``, which becomes a part of the path: anything else would call another address."""
    if not _ID.fullmatch(value):
        raise GatewayRejected("that is no Stripe id", failure_code="invalid_id")
    return value


def read(parse: Callable[[Entity], R], entity: Entity) -> R:
    """``parse(entity)`` of an answer that changed nothing: unreadable is unavailable."""
    try:
        return parse(entity)
    except Unreadable as error:
        raise GatewayUnavailable(f"Stripe's answer can't be read: {error}") from error


def written(parse: Callable[[Entity], R], entity: Entity) -> R:
    """``parse(entity)`` of an answer to a change: unreadable is an unknown outcome."""
    try:
        return parse(entity)
    except Unreadable as error:
        raise GatewayOutcomeUnknown(f"Stripe's answer can't be read: {error}") from error


def _judged(response: httpx.Response) -> Entity:
    body, status = _json(response), response.status_code
    if 200 <= status < 300 and body is not None and "error" not in body:
        return body
    if status == httpx.codes.TOO_MANY_REQUESTS:
        # The limiter stands before everything else: nothing was begun (DOC:error-low-level).
        raise GatewayUnavailable("Stripe asks us to slow down (429)")
    if status >= 500:
        raise Crashed(f"Stripe gave no usable answer (HTTP {status})")
    error = (body or {}).get("error")
    if not 400 <= status < 500 or not isinstance(error, dict):
        raise GatewayOutcomeUnknown(f"Stripe gave no usable answer (HTTP {status})")
    is_busy = _text(error, "type") != "idempotency_error" or _text(error, "code") == _KEY_IN_USE
    if status == httpx.codes.CONFLICT and is_busy:
        raise GatewayOutcomeUnknown("Stripe is still busy with an earlier try (409)")
    raise Refused(status, error)


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _items(answer: Entity) -> list[Entity]:
    found = answer.get("data")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unreadable("a list without its objects")
    return found


def _text(entity: Entity, name: str) -> str:
    value = entity.get(name)
    return value if isinstance(value, str) else ""
