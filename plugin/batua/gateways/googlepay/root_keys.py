"""Where Google's root keys come from: the settings, or Google, asked as seldom as it allows."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Protocol

import httpx

from batua.contract import GatewayUnavailable, Transport
from batua.gateways.googlepay.tokens.roots import (
    ROOT_KEYS_CHARS_MAX,
    RootKey,
    current,
    parse_root_keys,
)
from batua.gateways.googlepay.tokens.shape import TokenRefused, Version

__all__ = ["FetchedRootKeys", "GivenRootKeys", "RootKeys", "fresh_for_s"]

_FRESH_MAX_S = 7 * 24 * 3600
_MAX_AGE = re.compile(r"max-age=(\d{1,10})", re.ASCII)
_AGE = re.compile(r"\d{1,10}", re.ASCII)


class RootKeys(Protocol):
    """The root keys that count now."""

    async def current(self, now_ms: int) -> tuple[RootKey, ...]:
        """Never none of them. Raises ``GatewayUnavailable``: then no token can be verified."""


class GivenRootKeys:
    """Keys from the settings. Raises ``ValueError`` where they can't be read, or are none."""

    def __init__(self, text: str, version: Version) -> None:
        try:
            self._keys = parse_root_keys(text, version)
        except TokenRefused as refused:
            raise ValueError(f"root_keys: {refused}") from None
        if not self._keys:
            raise ValueError(f"root_keys has no key of {version}")

    async def current(self, now_ms: int) -> tuple[RootKey, ...]:
        return _some(current(self._keys, now_ms))


class FetchedRootKeys:
    """Google's keys by HTTP, kept for as long as the answer allows, a week at most.

    Once that is over they are asked for again, and without an answer no token is taken: an old
    key may have been withdrawn. Source: G payment-data-cryptography ("HTTP caching"), 2026-11-22.
    """

    def __init__(self, url: str, version: Version, transport: Transport) -> None:
        self._url = url
        self._version = version
        self._transport = transport
        self._asking = asyncio.Lock()
        self._keys: tuple[RootKey, ...] = ()
        self._fresh_until = transport.now()

    async def current(self, now_ms: int) -> tuple[RootKey, ...]:
        if self._transport.now() >= self._fresh_until:
            async with self._asking:
                # Somebody else may have asked while we waited.
                if self._transport.now() >= self._fresh_until:
                    await self._ask()
        return _some(current(self._keys, now_ms))

    async def _ask(self) -> None:
        try:
            answer = await self._transport.http.get(self._url)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise GatewayUnavailable("Google's root keys could not be fetched") from None
        if answer.status_code != 200 or len(answer.content) > ROOT_KEYS_CHARS_MAX:
            raise GatewayUnavailable(f"Google's root keys: HTTP {answer.status_code}")
        try:
            keys = parse_root_keys(answer.content.decode(), self._version)
        except (TokenRefused, UnicodeDecodeError):
            raise GatewayUnavailable("Google's root keys can't be read") from None
        self._keys = keys
        self._fresh_until = self._transport.now() + timedelta(seconds=fresh_for_s(answer.headers))


def fresh_for_s(headers: httpx.Headers) -> int:
    """For how many seconds an answer with these headers may be kept; 0 where they don't say."""
    control = headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(control)
    if found is None or "no-store" in control or "no-cache" in control:
        return 0
    age = headers.get("age", "0")
    spent = int(age) if _AGE.fullmatch(age) else 0
    return min(_FRESH_MAX_S, max(0, int(found.group(1)) - spent))


def _some(keys: tuple[RootKey, ...]) -> tuple[RootKey, ...]:
    if not keys:
        raise GatewayUnavailable("Google has no root key that still counts: no token is taken")
    return keys
