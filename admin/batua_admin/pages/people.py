"""The staff: who may sign in, as what, and what an owner can do about it."""

from __future__ import annotations

from starlette.responses import Response

from batua_admin.pages.shell import Visit
from batua_admin.staff import list_staff

__all__ = ["show_people"]


async def show_people(visit: Visit) -> Response:
    """Every account by name."""
    return visit.show("people.html", title="Staff", people=await list_staff(visit.batua))
