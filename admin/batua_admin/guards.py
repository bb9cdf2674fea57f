"""Who may do what in the panel. The money tables refuse every write; forms ask for a role."""

from __future__ import annotations

from typing import Any

from piccolo_api.crud.endpoints import PiccoloCRUD
from piccolo_api.crud.validators import Validators
from starlette.exceptions import HTTPException
from starlette.requests import Request

from batua.identity import Role

__all__ = ["OWNERS_ONLY", "READ_ONLY", "actor_of", "require_role"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def _role(request: Request) -> Role:
    return Role(request.user.user.role)


def refuse_writes(piccolo_crud: PiccoloCRUD, request: Request) -> None:
    """Nothing is created, edited or deleted here. Piccolo calls it by these argument names."""
    del piccolo_crud
    if request.method.upper() not in SAFE_METHODS:
        raise HTTPException(405, "This table is read-only. Use a form: it calls the service.")


def only_owners(piccolo_crud: PiccoloCRUD, request: Request) -> None:
    """Staff and their sessions are the owner's business."""
    del piccolo_crud
    if _role(request) is not Role.OWNER:
        raise HTTPException(403, "Only an owner may see this.")


READ_ONLY = Validators(every=[refuse_writes])
OWNERS_ONLY = Validators(every=[refuse_writes, only_owners])


def require_role(request: Any, role: Role) -> None:
    """Raises 403 for staff below ``role``."""
    if not _role(request).reaches(role):
        raise HTTPException(403, f"This needs the role {role} or above; yours is {_role(request)}.")


def actor_of(request: Any) -> str:
    """Who is acting, as written beside what they do."""
    return f"staff:{request.user.user.username}"
