"""One HTTP exchange with a bound on its time and on its size."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from batua.contract import Transport

__all__ = ["Answer", "NotSent", "Silence", "exchange"]

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class NotSent(Exception):
    """The other side was not reached: nothing of the request was sent."""


class Silence(Exception):
    """The request, or a part of it, was sent, and no whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. ``json`` is its object, or None where it has none."""

    status: int
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any] | None:
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


async def exchange(
    transport: Transport,
    method: str,
    url: str,
    *,
    bytes_max: int,
    auth: tuple[str, str] | None = None,
    **options: Any,
) -> Answer:
    """Send one request and read its answer. Follows no redirect.

    ``transport.timeout_s`` bounds the whole exchange, so that an answer that drips does not hold
    us. Raises ``NotSent`` or ``Silence``; their text is the name of what happened, no secret.
    """
    try:
        request = transport.http.build_request(method, url, **_without_none(options))
        async with asyncio.timeout(transport.timeout_s):
            response = await transport.http.send(
                request, stream=True, auth=auth, follow_redirects=False
            )
            try:
                return Answer(response.status_code, await _read(response, bytes_max))
            finally:
                await response.aclose()
    except _NEVER_SENT as error:
        raise NotSent(type(error).__name__) from error
    except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
        raise Silence(type(error).__name__) from error


async def _read(response: httpx.Response, bytes_max: int) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > bytes_max:
            raise Silence("the answer is too long")
    return bytes(read)


def _without_none(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
