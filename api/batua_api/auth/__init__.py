"""Who is calling, and what they may do."""

from batua.identity import Permission, Role, Scope
from batua_api.auth.authenticator import Authenticator
from batua_api.auth.principals import (
    Principal,
    allow,
    require_allowed,
    require_permission,
    staff_at_least,
)
from batua_api.auth.tokens import issue_token, require_issuer, unauthorized

__all__ = [
    "Authenticator",
    "Permission",
    "Principal",
    "Role",
    "Scope",
    "allow",
    "issue_token",
    "require_allowed",
    "require_issuer",
    "require_permission",
    "staff_at_least",
    "unauthorized",
]
