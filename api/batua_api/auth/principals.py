"""A verified caller, and which routes let whom in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batua.errors import Forbidden
from batua.identity import Permission, Role, Scope

__all__ = ["Principal", "allow", "require_allowed", "require_permission", "staff_at_least"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. ``role`` is only set for staff, ``permissions`` only for services."""

    id: str
    scope: Scope
    role: Role | None = None
    permissions: frozenset[Permission] = frozenset()

    @property
    def actor(self) -> str:
        """The caller as written beside what they did: ``staff:meera``."""
        return f"{self.scope}:{self.id}"

    def may(self, role: Role) -> bool:
        """Whether this is staff of at least ``role``."""
        return self.role is not None and self.role.reaches(role)


def allow(*scopes: Scope, permission: Permission | None = None) -> dict[str, Any]:
    """A route's ``opt``: only these scopes may use it, and of services those with ``permission``.

    Raises ``TypeError`` for a route that lets services in and names none.
    """
    if (Scope.SERVICE in scopes) is (permission is None):
        raise TypeError("a route for services names the permission it needs, and no other does")
    return {"scopes": frozenset(scopes), "role": None, "permission": permission}


def staff_at_least(role: Role) -> dict[str, Any]:
    """A route's ``opt``: only staff of this role or above may use it."""
    return {"scopes": frozenset({Scope.STAFF}), "role": role, "permission": None}


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
    if principal.scope is Scope.SERVICE:
        require_permission(principal, options.get("permission"))


def require_permission(principal: Principal, permission: Permission | None) -> None:
    """Raises ``Forbidden`` for a service whose key was not given ``permission``."""
    if permission not in principal.permissions:
        raise Forbidden("forbidden", f"This needs an API key that may {permission}.")
