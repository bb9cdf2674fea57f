"""What one process knows of who may come in, read from the database at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from batua.database import Database
from batua.identity.scopes import Permission, Role, Scope

__all__ = ["EMPTY", "KnownKey", "Snapshot", "StaffAccount", "read_permissions", "read_snapshot"]


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """A staff account of the panel. Tokens for its name can't do more than it may."""

    role: Role
    is_active: bool


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An API key that was not revoked. It may have expired."""

    name: str
    secret_sha256: str = field(repr=False)
    permissions: frozenset[Permission]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Never changed: whoever remembers something by it sees by ``is`` whether that still holds.

    ``revoked_before`` has, by scope and subject, the Unix time (seconds) before which tokens that
    were issued are revoked.
    """

    version: int
    revoked_tokens: frozenset[str]
    revoked_before: Mapping[tuple[str, str], float]
    disabled_customers: frozenset[str]
    keys: Mapping[str, KnownKey]
    staff: Mapping[str, StaffAccount]

    def is_disabled(self, scope: Scope, subject: str) -> bool:
        """Whether this is a customer who may do nothing."""
        return scope is Scope.CUSTOMER and subject in self.disabled_customers


_NONE: Mapping[Any, Any] = MappingProxyType({})
EMPTY = Snapshot(-1, frozenset(), _NONE, frozenset(), _NONE, _NONE)


async def read_snapshot(database: Database, known: Snapshot) -> Snapshot:
    """What holds now: ``known`` itself where nothing has changed, after two small reads.

    The count is read first: what is read after it may be newer, and is then read once more.
    """
    row = await database.fetch_one("select version from batua_identity")
    if row is None:
        raise LookupError("batua_identity has lost its only row: insert (1, 0) again")
    staff = await _read_staff(database)
    if row["version"] < known.version:  # an older copy of the database was restored
        known = EMPTY
    if row["version"] != known.version:
        return await _read_newer(database, row["version"], known, staff)
    if staff != known.staff:
        return Snapshot(
            known.version, known.revoked_tokens, known.revoked_before, known.disabled_customers,
            known.keys, staff,
        )  # fmt: skip
    return known


async def _read_staff(database: Database) -> dict[str, StaffAccount]:
    # The panel writes this table without counting: it is small, and read whole each time.
    rows = await database.fetch("select username, role, active, admin from batua_staff")
    return {
        row["username"]: StaffAccount(Role(row["role"]), bool(row["active"] and row["admin"]))
        for row in rows
    }


async def _read_newer(
    database: Database, version: int, known: Snapshot, staff: Mapping[str, StaffAccount]
) -> Snapshot:
    revoked = await database.fetch(
        "select jti, scope, subject, issued_before from batua_revocation where changed_in > $1",
        known.version,
    )
    customers = await database.fetch(
        "select customer_id, enabled_at from batua_disabled_customer where changed_in > $1"
        " order by changed_in",
        known.version,
    )
    keys = await database.fetch("select * from batua_api_key where revoked_at is null")
    revoked_before = dict(known.revoked_before)
    for row in revoked:
        if row["jti"] is None:
            of, before = (row["scope"], row["subject"]), row["issued_before"].timestamp()
            revoked_before[of] = max(before, revoked_before.get(of, before))
    disabled = set(known.disabled_customers)
    for row in customers:
        # What became of a customer last comes last.
        change = disabled.add if row["enabled_at"] is None else disabled.discard
        change(row["customer_id"])
    return Snapshot(
        version=version,
        revoked_tokens=known.revoked_tokens | {row["jti"] for row in revoked if row["jti"]},
        revoked_before=revoked_before,
        disabled_customers=frozenset(disabled),
        keys={
            row["id"]: KnownKey(
                row["name"],
                row["secret_sha256"],
                read_permissions(row["permissions"]),
                row["expires_at"],
            )
            for row in keys
        },
        staff=staff,
    )


def read_permissions(words: str) -> frozenset[Permission]:
    """Permissions as they are stored. A word of a newer release gives nothing here."""
    known = {str(each): each for each in Permission}
    return frozenset(known[word] for word in words.split() if word in known)
