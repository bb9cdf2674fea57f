"""Who is behind an ``Authorization`` header: a token's bearer, or a service with its key.

A token's signature is checked once, and again when the issuer's keys have changed. Whether it was
revoked, and what its bearer may do, is judged anew for every request.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from batua.clock import Clock
from batua.errors import Forbidden, TryAgain
from batua.identity import KEY_PREFIX, Permission, Scope, Snapshot, Watch, split_key
from batua.settings import Settings
from batua_api.auth.issuer_keys import IssuerKeys
from batua_api.auth.principals import Principal
from batua_api.auth.tokens import (
    LEEWAY_S,
    Claims,
    TokenReader,
    require_issuer,
    unauthorized,
)

__all__ = ["Authenticator"]

REMEMBERED_MAX = 10_000
EVERYTHING = frozenset(Permission)


class Authenticator:
    """Lets nobody in before ``watching``. Raises ``ConfigurationError`` without secret and URL."""

    def __init__(self, settings: Settings, now: Clock) -> None:
        require_issuer(settings)
        self._now = now
        self._keys = (
            IssuerKeys(
                settings.jwt_jwks_url,
                refresh_s=settings.jwt_jwks_refresh_s,
                age_max_s=settings.jwt_jwks_age_max_s,
            )
            if settings.jwt_jwks_url
            else None
        )
        self._reader = TokenReader(settings, now, self._keys)
        self._watch: Watch | None = None
        self._verified: OrderedDict[str, Claims] = OrderedDict()

    @asynccontextmanager
    async def watching(self, watch: Watch) -> AsyncIterator[None]:
        """Keep what callers are judged by up to date until the block ends."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(watch.running())
            if self._keys is not None:
                await stack.enter_async_context(self._keys.running())
            self._watch = watch
            yield

    @property
    def wrong(self) -> str:
        """Why nobody can be judged in this process; empty where callers can.

        Issuer's keys that were known once don't count: when they are too old they are so in every
        process, and webhooks, which need no token, must still reach one.
        """
        if self._watch is None or not self._watch.is_fresh:
            return "which tokens were revoked is not known: see the log for why it can't be read"
        if self._keys is not None and not self._keys.were_fetched:
            return (
                "the keys of BATUA_JWT_JWKS_URL could not be fetched yet: see the log for why, and"
                " whether this machine reaches that address"
            )
        return ""

    async def authenticate(self, header: str) -> Principal:
        """Raises ``NotAuthorizedException``; ``TryAgain`` while nobody can be judged."""
        scheme, _, sent = header.partition(" ")
        if scheme.lower() != "bearer" or not sent:
            raise unauthorized("Send a token: Authorization: Bearer <JWT>.")
        if sent.startswith(KEY_PREFIX):
            return await self._by_key(sent)
        claims = self._read(sent)
        return judge(claims, await self._watching().current())

    async def require_enabled(self, principal: Principal) -> None:
        """Raises ``Forbidden`` (``customer_disabled``) for a customer who may do nothing."""
        snapshot = await self._watching().current()
        if snapshot.is_disabled(principal.scope, principal.id):
            raise Forbidden("customer_disabled", "This customer is disabled. Ask the shop why.")

    def _watching(self) -> Watch:
        if self._watch is None:
            raise TryAgain("not_ready", "The shop is not open yet. Try again.")
        return self._watch

    def _read(self, token: str) -> Claims:
        known = self._verified.get(token)
        if known is not None and self._still_holds(known):
            return known
        claims = self._reader.read(token)
        self._verified[token] = claims
        if len(self._verified) > REMEMBERED_MAX:
            self._verified.popitem(last=False)
        return claims

    def _still_holds(self, known: Claims) -> bool:
        if self._now().timestamp() >= known.expires_at:
            return False
        return self._keys is None or known.keys is None or known.keys is self._keys.usable()

    async def _by_key(self, sent: str) -> Principal:
        watch = self._watching()
        key_id, sha256 = split_key(sent)
        key = (await watch.current()).keys.get(key_id)
        if key is None and key_id:
            key = (await watch.refresh()).keys.get(key_id)  # it may be new, or made up
        if key is None or not hmac.compare_digest(key.secret_sha256, sha256):
            raise unauthorized("The API key is not known, or was revoked.")
        if key.expires_at is not None and key.expires_at <= self._now():
            raise unauthorized("The API key has expired. Rotate it.")
        watch.used(key_id)
        return Principal(key.name, Scope.SERVICE, permissions=key.permissions)


def judge(claims: Claims, snapshot: Snapshot) -> Principal:
    """Whom a good token stands for now. Raises ``NotAuthorizedException`` for a revoked one."""
    if claims.jti is not None and claims.jti in snapshot.revoked_tokens:
        raise unauthorized("The token was revoked. Get a new one.")
    before = snapshot.revoked_before.get((claims.scope, claims.subject))
    # Without a time of its own it may be older than any moment. An issuer's clock that is ahead
    # must not save a token from being revoked.
    if before is not None and (claims.issued_at is None or claims.issued_at < before + LEEWAY_S):
        raise unauthorized("The tokens of this subject were revoked. Get a new one.")
    role = claims.role
    if role is not None:
        account = snapshot.staff.get(claims.subject)
        if account is not None:
            if not account.is_active:
                raise unauthorized("This staff account is not active.")
            role = role.capped(account.role)
    permissions = EVERYTHING if claims.scope is Scope.SERVICE else frozenset[Permission]()
    return Principal(claims.subject, claims.scope, role, permissions)
