"""Who may come in: disabled customers, revoked tokens and API keys, known to every process."""

from batua.identity.changing import changing
from batua.identity.identity import Identity
from batua.identity.keys import KEY_PREFIX, ApiKeys, NewKey, split_key
from batua.identity.revocations import Revocations
from batua.identity.scopes import Permission, Role, Scope
from batua.identity.snapshot import KnownKey, Snapshot, StaffAccount
from batua.identity.tables import ApiKey, DisabledCustomer, IdentityChanges, Revocation
from batua.identity.watch import FRESH_S, Watch

__all__ = [
    "FRESH_S",
    "KEY_PREFIX",
    "ApiKey",
    "ApiKeys",
    "DisabledCustomer",
    "Identity",
    "IdentityChanges",
    "KnownKey",
    "NewKey",
    "Permission",
    "Revocation",
    "Revocations",
    "Role",
    "Scope",
    "Snapshot",
    "StaffAccount",
    "Watch",
    "changing",
    "split_key",
]
