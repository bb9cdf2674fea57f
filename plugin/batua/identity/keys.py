"""API keys of services: made, rotated and revoked here; looked at in ``watch``'s memory.

A key reads ``batua_sk_<id>_<secret>``. Of the secret's 256 random bits only the SHA-256 is kept.
A slow hash such as bcrypt is for secrets that people think up: it makes guessing dear. Nobody
guesses 256 bits, and a slow hash on every request would only make it easy to keep us busy.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from batua.clock import Clock
from batua.database import Database, Row, Transaction
from batua.errors import Conflict, InvalidRequest, NotFound
from batua.identity.changing import changing
from batua.identity.scopes import Permission
from batua.identity.snapshot import read_permissions
from batua.identity.watch import Watch

__all__ = ["KEY_PREFIX", "ApiKeys", "NewKey", "split_key"]

KEY_PREFIX = "batua_sk_"
ID_BYTES = 8
SECRET_BYTES = 32
NAME_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. ``plain`` is shown once, and kept nowhere."""

    id: str
    plain: str = field(repr=False)


class ApiKeys:
    """The keys of this shop's services. A service's name is the same under each of its keys."""

    def __init__(self, database: Database, watch: Watch, *, now: Clock) -> None:
        self._database = database
        self._watch = watch
        self._now = now

    async def create(
        self,
        name: str,
        permissions: Iterable[Permission],
        *,
        expires_in: timedelta | None,
        by: str,
    ) -> NewKey:
        """A service's first key. Raises ``Conflict`` (``key_exists``) where it has one."""
        _require_name(name)
        async with changing(self._database, self._watch) as transaction:
            if await self._usable(transaction, name):
                raise Conflict("key_exists", f"{name!r} has a key already: rotate or revoke it.")
            expires_at = None if expires_in is None else self._now() + expires_in
            return await self._insert(transaction, name, frozenset(permissions), expires_at, by)

    async def rotate(self, name: str, *, overlap: timedelta, by: str) -> NewKey:
        """A new key beside the old ones, which end after ``overlap``.

        It may do what the newest of them may, and lives as long as that was made to. Raises
        ``NotFound``.
        """
        async with changing(self._database, self._watch) as transaction:
            usable = await self._usable(transaction, name)
            if not usable:
                raise NotFound("usable API key of", name)
            newest = usable[0]
            expires_at = None
            if newest["expires_at"] is not None:
                expires_at = self._now() + (newest["expires_at"] - newest["created_at"])
            end = self._now() + overlap
            await transaction.execute(
                "update batua_api_key set expires_at = $2 where name = $1"
                " and revoked_at is null and (expires_at is null or expires_at > $2)",
                name,
                end,
            )
            permissions = read_permissions(newest["permissions"])
            return await self._insert(transaction, name, permissions, expires_at, by)

    async def revoke(self, name: str) -> int:
        """End all keys of a service within five seconds; returns how many. Raises ``NotFound``."""
        async with changing(self._database, self._watch) as transaction:
            count = await transaction.execute(
                "update batua_api_key set revoked_at = $2 where name = $1 and revoked_at is null",
                name,
                self._now(),
            )
            if not count:
                raise NotFound("API key of", name)
            return count

    async def all(self) -> Sequence[Row]:
        """Every key there was, newest first, without its hash."""
        return await self._database.fetch(
            "select id, name, permissions, created_at, created_by, expires_at, revoked_at,"
            " last_used_at from batua_api_key order by created_at desc, id"
        )

    async def _usable(self, transaction: Transaction, name: str) -> Sequence[Row]:
        return await transaction.fetch(
            "select * from batua_api_key where name = $1 and revoked_at is null"
            " and (expires_at is null or expires_at > $2) order by created_at desc, id",
            name,
            self._now(),
        )

    async def _insert(
        self,
        transaction: Transaction,
        name: str,
        permissions: frozenset[Permission],
        expires_at: datetime | None,
        by: str,
    ) -> NewKey:
        key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
        await transaction.execute(
            "insert into batua_api_key"
            " (id, name, secret_sha256, permissions, created_at, created_by, expires_at)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            key_id,
            name,
            hash_secret(secret),
            " ".join(sorted(permissions)),
            self._now(),
            by,
            expires_at,
        )
        return NewKey(key_id, f"{KEY_PREFIX}{key_id}_{secret}")


def _require_name(name: str) -> str:
    """The rule for the names of services that have keys. Raises ``InvalidRequest``."""
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable() or "/" in name:
        raise InvalidRequest(
            f"A service's name is 1 to {NAME_LENGTH_MAX} printable characters without a slash (/)."
        )
    return name


def split_key(plain: str) -> tuple[str, str]:
    """A key's id, and the SHA-256 of its secret; two empty strings for what is no key."""
    key_id, _, secret = plain.removeprefix(KEY_PREFIX).partition("_")
    if not plain.startswith(KEY_PREFIX) or not key_id or not secret:
        return "", ""
    return key_id, hash_secret(secret)


def hash_secret(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
