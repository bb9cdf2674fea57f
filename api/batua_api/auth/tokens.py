"""Tokens: read, checked and issued. Nothing of a token is believed before its signature holds.

Which key a token is checked with follows from its algorithm, and each algorithm has one source of
keys: HS256 the shared secret, and the asymmetric ones the issuer's public keys. So a public key
is never taken for a secret, whatever a token says of itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from litestar.exceptions import NotAuthorizedException

from batua.clock import Clock
from batua.errors import ConfigurationError, InvalidRequest
from batua.identity import Role, Scope
from batua.settings import Settings
from batua.wallets import require_customer_id
from batua_api.auth.issuer_keys import ALGORITHMS, IssuerKeys, Keys, UnknownKey

__all__ = ["Claims", "TokenReader", "issue_token", "require_issuer", "unauthorized"]

SHARED = "HS256"
LEEWAY_S = 5
"""How far ahead of ours an issuer's clock may be."""
TOKEN_LENGTH_MAX = 8_192
ACCESS_TYPES = frozenset({None, "JWT", "at+jwt", "access"})


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. Times are Unix seconds; ``role`` is only set for staff.

    ``keys`` are the issuer's that it was checked with: once they have changed, it must be checked
    again. They are None for a token that the shared secret signed.
    """

    subject: str
    scope: Scope
    role: Role | None
    expires_at: float
    issued_at: float | None
    jti: str | None
    keys: Keys | None


class TokenReader:
    """Reads the tokens of one issuer for one audience."""

    def __init__(self, settings: Settings, now: Clock, keys: IssuerKeys | None) -> None:
        self._settings = settings
        self._now = now
        self._keys = keys

    def read(self, token: str) -> Claims:
        """Raises ``NotAuthorizedException``, and ``TryAgain`` where keys are not known yet."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise unauthorized(f"The token is longer than {TOKEN_LENGTH_MAX} characters.")
        try:
            header = jwt.get_unverified_header(token)
            if "crit" in header:
                raise unauthorized("The token needs an extension that is not understood here.")
            algorithm = str(header.get("alg"))
            (*others, last), keys = self._candidates(algorithm, header.get("kid"))
            for key in others:
                with suppress(jwt.InvalidSignatureError):
                    return self._checked(header, self._decode(token, algorithm, key), keys)
            claims = self._decode(token, algorithm, last)
        except (jwt.PyJWTError, UnknownKey, ValueError, TypeError) as error:
            raise unauthorized(f"The token is not valid: {error}.") from error
        return self._checked(header, claims, keys)

    def _candidates(self, algorithm: str, kid: object) -> tuple[Sequence[Any], Keys | None]:
        """The keys that may have signed it: one, or several secrets while they are rotated."""
        if algorithm == SHARED and self._settings.jwt_secret:
            return self._settings.jwt_secrets, None
        if algorithm in ALGORITHMS and self._keys is not None:
            keys = self._keys.usable()
            return [self._keys.find(keys, algorithm, kid)], keys
        raise unauthorized("The token is signed in a way that is not taken here.")

    def _decode(self, token: str, algorithm: str, key: Any) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self._settings.jwt_issuer,
            audience=self._settings.jwt_audience,
            options={
                "require": ["sub", "exp", "iss", "aud"],
                # By our own clock, below.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        return claims

    def _checked(
        self, header: Mapping[str, Any], claims: dict[str, Any], keys: Keys | None
    ) -> Claims:
        if header.get("typ") not in ACCESS_TYPES or claims.get("typ") not in ACCESS_TYPES:
            raise unauthorized("The token is not an access token.")
        now = self._now().timestamp()
        expires = claims["exp"]
        if type(expires) is not int or expires <= now:
            raise unauthorized("The token has expired. Get a new one.")
        issued, begins = _moment(claims, "iat"), _moment(claims, "nbf")
        if max(issued or 0, begins or 0) > now + LEEWAY_S:
            raise unauthorized("The token is not valid yet: is a clock wrong?")
        subject = claims["sub"]
        try:
            scope = Scope(claims.get("scope", Scope.CUSTOMER))
            role = Role(claims.get("role") or Role.VIEWER) if scope is Scope.STAFF else None
        except ValueError:
            raise unauthorized("The token has an unknown scope or role.") from None
        try:
            require_customer_id(subject)
        except InvalidRequest as refusal:
            raise unauthorized(f"The token's subject is not taken. {refusal}") from None
        return Claims(subject, scope, role, float(expires), issued, claims.get("jti"), keys)


def _moment(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise unauthorized(f"The token's {name} is no time.")
    return float(value)


def unauthorized(detail: str) -> NotAuthorizedException:
    """The one way to say 401."""
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": "Bearer"})


def require_issuer(settings: Settings) -> None:
    """Raises ``ConfigurationError`` where no token could ever be checked."""
    if not settings.jwt_secret and not settings.jwt_jwks_url:
        raise ConfigurationError(
            "BATUA_JWT_SECRET is not set, nor is BATUA_JWT_JWKS_URL: make a secret with "
            "python3 -c 'import secrets; print(secrets.token_hex(32))'"
        )


def issue_token(
    settings: Settings, subject: str, scope: Scope, role: Role | None, *, ttl: timedelta
) -> str:
    """A token for ``subject``, signed with the secret: for the command line and for tests."""
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
    return jwt.encode(claims, settings.jwt_secrets[0], algorithm=SHARED)
