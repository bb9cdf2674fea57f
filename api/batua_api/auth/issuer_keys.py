"""The public keys of whoever issues tokens (JWKS): fetched beside the requests, never by one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import msgspec

from batua.errors import TryAgain

__all__ = ["ALGORITHMS", "IssuerKeys", "Keys", "UnknownKey", "read_keys"]

FETCH_S_MAX = 5.0
BYTES_MAX = 262_144
KEYS_MAX = 100
APART_S = 10.0
"""The time between two fetches at the least, however many tokens name keys that nobody has."""
RETRY_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
RSA_BITS_MIN = 2_048

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Each algorithm that is taken, with the ``kty`` and ``crv`` of its keys."""

log = logging.getLogger(__name__)


class UnknownKey(Exception):
    """A token names a key that the issuer has not published."""


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The issuer's keys of one time, by algorithm and ``kid``. ``published`` is what it sent."""

    by_kid: Mapping[tuple[str, str], jwt.PyJWK]
    published: object


class IssuerKeys:
    """Fetches the keys at start, every ``refresh_s`` seconds, and when a token names a new one."""

    def __init__(
        self,
        url: str,
        *,
        refresh_s: float,
        age_max_s: float,
        apart_s: float = APART_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._refresh_s = refresh_s
        self._age_max_s = age_max_s
        self._apart_s = apart_s
        self._monotonic = monotonic
        self._keys: Keys | None = None
        self._fetched_at = float("-inf")
        self._wanted = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Fetch again and again until the block ends. It begins without waiting for the first.

        The issuer may be the very app that this is a part of, which does not serve yet.
        """
        task = asyncio.create_task(self._repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def were_fetched(self) -> bool:
        """Whether there ever were any, however old they are by now."""
        return self._keys is not None

    def usable(self) -> Keys:
        """The keys, unless they are too old. Raises ``TryAgain``: ``issuer_unavailable``."""
        if self._keys is None or self._monotonic() - self._fetched_at > self._age_max_s:
            raise TryAgain(
                "issuer_unavailable",
                "The keys of whoever issues tokens can't be fetched, so that no token can be"
                " checked. Try again.",
                retry_after_s=5,
            )
        return self._keys

    def find(self, keys: Keys, algorithm: str, kid: object) -> jwt.PyJWK:
        """The key that a token names. Raises ``UnknownKey``, and has the keys fetched soon."""
        key = keys.by_kid.get((algorithm, kid)) if isinstance(kid, str) else None
        if key is None:
            self._wanted.set()
            raise UnknownKey("its issuer has no such key")
        return key

    async def fetch(self) -> bool:
        """Fetch once; whether that gave keys. What was known stays where it did not."""
        began_at = self._monotonic()
        try:
            async with asyncio.timeout(FETCH_S_MAX):
                published = msgspec.json.decode(await _download(self._url))
            found = read_keys(published)
            if not found:
                raise ValueError("there is no key in it that can be used")
        except Exception as error:
            # The issuer may send anything or nothing: what is known is used until it is too old.
            log.error("the issuer's keys can't be fetched: %r", error)  # noqa: TRY400 - no bug
            return False
        if self._keys is None or self._keys.published != published:
            log.info("the issuer has %d keys", len(found))
            self._keys = Keys(found, published)
        self._fetched_at = began_at
        return True

    async def _repeat(self) -> None:
        failures = 0
        while True:
            self._wanted.clear()
            if not await self.fetch():
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            await asyncio.sleep(min(self._apart_s, self._refresh_s))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._refresh_s - self._apart_s)):
                    await self._wanted.wait()


async def _download(url: str) -> bytes:
    """Raises ``httpx.HTTPError``, and ``ValueError`` for an answer that is not 200 or too long."""
    body = bytearray()
    async with (
        httpx.AsyncClient(timeout=FETCH_S_MAX, follow_redirects=False) as http,
        http.stream("GET", url, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError(f"it answered {answer.status_code}")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > BYTES_MAX:
                raise ValueError(f"it sent more than {BYTES_MAX} bytes")
    return bytes(body)


def read_keys(published: Any) -> dict[tuple[str, str], jwt.PyJWK]:
    """The keys of a JWK set that can check our tokens. The others are left out.

    Raises ``ValueError`` for what is no JWK set.
    """
    members = published.get("keys") if isinstance(published, dict) else None
    if not isinstance(members, list) or len(members) > KEYS_MAX:
        raise ValueError("it is no JWK set")
    keys: dict[tuple[str, str], jwt.PyJWK] = {}
    for member in members:
        algorithm = _algorithm(member) if isinstance(member, dict) else None
        if algorithm is None:
            continue
        try:
            key = jwt.PyJWK(member, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # one key that nobody can read must not take the others away
        if algorithm == "RS256" and key.key.key_size < RSA_BITS_MIN:
            continue
        # Of two with one name the first holds: a later one must not replace it unseen.
        keys.setdefault((algorithm, member["kid"]), key)
    return keys


def _algorithm(member: Mapping[str, Any]) -> str | None:
    """What this key may check, or None: its ``kty``, ``crv``, ``alg`` and ``use`` must all fit."""
    kind = member.get("kty"), member.get("crv")
    algorithm = next((name for name, wanted in ALGORITHMS.items() if wanted == kind), None)
    operations = member.get("key_ops", ["verify"])
    fits = (
        member.get("alg", algorithm) == algorithm
        and member.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(member.get("kid"), str)
        and "d" not in member  # who publishes a private key has lost it
    )
    return algorithm if fits else None
