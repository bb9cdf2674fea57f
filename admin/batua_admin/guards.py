"""Who may do what in the panel: lists ask for a role, forms and pages say who acts."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from batua.identity import Role

__all__ = ["require_role", "role_of"]


def role_of(request: Any) -> Role:
    """The role of whoever has signed in."""
    return Role(request.user.user.role)


def require_role(request: Any, role: Role) -> None:
    """Raises 403 for staff below ``role``."""
    own = role_of(request)
    if not own.reaches(role):
        raise HTTPException(403, f"This needs the role {role} or above; yours is {own}.")
