"""Who is calling: a bearer token, verified, and what its bearer may do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt
from litestar.exceptions import NotAuthorizedException

from batua.clock import Clock
from batua.errors import ConfigurationError, Forbidden, InvalidRequest
from batua.settings import Settings
from batua.wallets import require_customer_id

__all__ = [
    "Authenticator",
    "Principal",
    "Role",
    "Scope",
    "allow",
    "issue_token",
    "require_allowed",
    "staff_at_least",
]

ALGORITHM = "HS256"
CACHED_MAX = 10_000
ACCESS_TYPES = frozenset({None, "JWT", "at+jwt", "access"})


class Scope(StrEnum):
    """What kind of caller a token is for."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SERVICE = "service"


class Role(StrEnum):
    """How much a member of staff may do, from the least to the most."""

    VIEWER = "viewer"
    SUPPORT = "support"
    FINANCE = "finance"
    OWNER = "owner"


RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. ``role`` is only set for staff."""

    id: str
    scope: Scope
    role: Role | None

    @property
    def actor(self) -> str:
        """The caller as written beside what they did: ``staff:meera``."""
        return f"{self.scope}:{self.id}"

    def may(self, role: Role) -> bool:
        """Whether this is staff of at least ``role``."""
        return self.role is not None and RANKS[self.role] >= RANKS[role]


class Authenticator:
    """Verifies tokens, and remembers the ones that it has verified until they expire."""

    def __init__(self, settings: Settings, now: Clock) -> None:
        if not settings.jwt_secret:
            raise ConfigurationError(
                "BATUA_JWT_SECRET is not set: make one with "
                "python3 -c 'import secrets; print(secrets.token_hex(32))'"
            )
        self._settings = settings
        self._now = now
        self._verified: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def authenticate(self, header: str | None) -> Principal:
        """The bearer of an ``Authorization`` header. Raises ``NotAuthorizedException``."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("Send a token: Authorization: Bearer <JWT>.")
        known = self._verified.get(token)
        if known is not None and self._now().timestamp() < known[1]:
            return known[0]
        return self._remember(token, self._decode(token))

    def _remember(self, token: str, claims: dict[str, Any]) -> Principal:
        principal = _principal(claims)
        self._verified[token] = (principal, float(claims["exp"]))
        if len(self._verified) > CACHED_MAX:
            self._verified.popitem(last=False)
        return principal

    def _decode(self, token: str) -> dict[str, Any]:
        settings = self._settings
        try:
            header = jwt.get_unverified_header(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                settings.jwt_secret,
                algorithms=[ALGORITHM],
                issuer=settings.jwt_issuer,
                audience=settings.jwt_audience,
                options={"require": ["sub", "exp", "iss", "aud"], "verify_exp": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _unauthorized(f"The token is not valid: {error}.") from error
        if header.get("typ") not in ACCESS_TYPES or claims.get("typ") not in ACCESS_TYPES:
            raise _unauthorized("The token is not an access token.")
        expires = claims["exp"]
        if type(expires) is not int or expires <= self._now().timestamp():
            raise _unauthorized("The token has expired. Get a new one.")
        return claims


def _principal(claims: dict[str, Any]) -> Principal:
    subject, scope, role = claims["sub"], claims.get("scope", "customer"), claims.get("role")
    try:
        known = Scope(scope)
        rank = Role(role or Role.VIEWER) if known is Scope.STAFF else None
    except ValueError:
        raise _unauthorized("The token has an unknown scope or role.") from None
    try:
        require_customer_id(subject if isinstance(subject, str) else "")
    except InvalidRequest:
        raise _unauthorized(
            "The token's subject must be 1 to 128 printable characters without a slash (/)."
        ) from None
    return Principal(subject, known, rank)


def _unauthorized(detail: str) -> NotAuthorizedException:
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": "Bearer"})


def issue_token(
    settings: Settings, subject: str, scope: Scope, role: Role | None, *, ttl: timedelta
) -> str:
    """A signed token for ``subject``, for the command line and for tests."""
    issued = datetime.now(UTC)
    claims: dict[str, Any] = {
        "sub": subject,
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "iat": int(issued.timestamp()),
        "exp": int((issued + ttl).timestamp()),
        "scope": str(scope),
    }
    if role is not None:
        claims["role"] = str(role)
    return jwt.encode(claims, settings.jwt_secret, algorithm=ALGORITHM)


def allow(*scopes: Scope) -> dict[str, Any]:
    """A route's ``opt``: only these scopes may use it."""
    return {"scopes": frozenset(scopes), "role": None}


def staff_at_least(role: Role) -> dict[str, Any]:
    """A route's ``opt``: only staff of this role or above may use it."""
    return {"scopes": frozenset({Scope.STAFF}), "role": role}


def require_allowed(principal: Principal, options: Mapping[str, Any]) -> None:
    """Raises ``Forbidden`` unless the route's ``opt`` lets this caller use it.

    A route that says nothing about who may use it lets nobody in. (Litestar's guards would do the
    same; they copy the route for every request.)
    """
    scopes, role = options.get("scopes", frozenset()), options.get("role")
    if role is not None and not principal.may(role):
        raise Forbidden("forbidden", f"This needs a staff token with role {role} or above.")
    if principal.scope not in scopes:
        wanted = " or ".join(sorted(scopes)) or "different kind of"
        raise Forbidden("forbidden", f"This needs a {wanted} token, not {principal.scope}.")
