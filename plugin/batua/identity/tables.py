"""The tables of who may come in, as Piccolo knows them."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

__all__ = ["ApiKey", "DisabledCustomer", "IdentityChanges", "Revocation"]


class IdentityChanges(Table, tablename="batua_identity"):
    """One row: how often the other tables of this room have changed.

    Whoever changes them counts first, which locks the row. So changes are committed one after
    another, and a process that has seen a count has seen all that belongs to it. What may be many
    rows has in ``changed_in`` the count with which it was written last: only newer ones are read.
    """

    id = BigInt(primary_key=True)
    version = BigInt()


class Revocation(Table, tablename="batua_revocation"):
    """One token by its ``jti``, or all of a subject and scope that were issued before a moment."""

    id = Text(primary_key=True)
    changed_in = BigInt()
    jti = Text(null=True)
    scope = Text(null=True)
    subject = Text(null=True)
    issued_before = Timestamptz(null=True)
    created_at = Timestamptz()
    created_by = Text()


class DisabledCustomer(Table, tablename="batua_disabled_customer"):
    """A time for which a customer may do nothing: it lasts until it has an ``enabled_at``."""

    id = Text(primary_key=True)
    changed_in = BigInt()
    customer_id = Text()
    disabled_at = Timestamptz()
    disabled_by = Text()
    enabled_at = Timestamptz(null=True)
    enabled_by = Text(null=True)


class ApiKey(Table, tablename="batua_api_key"):
    """A service's key. The secret itself is nowhere; ``permissions`` are words with spaces."""

    id = Text(primary_key=True)
    name = Text()
    secret_sha256 = Text(secret=True)
    permissions = Text()
    created_at = Timestamptz()
    created_by = Text()
    expires_at = Timestamptz(null=True)
    revoked_at = Timestamptz(null=True)
    last_used_at = Timestamptz(null=True)
