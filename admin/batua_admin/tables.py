"""Staff and their sessions: Piccolo's own tables under our names, with a role beside them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import Varchar
from piccolo.engine.base import Engine
from piccolo.table import Table
from piccolo_api.session_auth.tables import SessionsBase

__all__ = ["Session", "Staff", "StaffRole", "bind"]


class StaffRole(StrEnum):
    """How much a member of staff may do, from the least to the most."""

    VIEWER = "viewer"
    SUPPORT = "support"
    FINANCE = "finance"
    OWNER = "owner"

    def reaches(self, role: StaffRole) -> bool:
        """Whether this role may do what ``role`` may."""
        ranks = list(StaffRole)
        return ranks.index(self) >= ranks.index(role)


class Staff(BaseUser, tablename="batua_staff"):
    """Somebody who may use the panel."""

    role = Varchar(length=20, default=StaffRole.VIEWER.value)


class Session(SessionsBase, tablename="batua_session"):
    """A signed-in member of staff."""


def bind(tables: Iterable[type[Table]], engine: Engine[Any]) -> None:
    """Say which database these tables are read from: Piccolo would look for a global one."""
    for table in tables:
        table._meta.db = engine
