"""Who may do what in the panel: lists ask for a role, forms and pages say who acts."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from batua.identity import Role
from batua_admin.sessions import SignedIn

__all__ = ["require_role", "role_of", "signed_in"]


def signed_in(request: Any) -> SignedIn:
    """Who makes this request, with the role that they have at this moment."""
    user: SignedIn = request.user
    return user


def role_of(request: Any) -> Role:
    """What they may do at this moment: less than their account, where a password is not enough."""
    return signed_in(request).role


def require_role(request: Any, role: Role) -> None:
    """Raises 403 for staff who act below ``role``, and tells them what to do where they can."""
    who = signed_in(request)
    if not who.role.reaches(role):
        sentence = f"This needs the role {role} or above; yours is {who.account_role}."
        raise HTTPException(403, f"{sentence} {who.held_back}".rstrip())
