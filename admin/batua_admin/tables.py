"""Staff and their sessions: Piccolo's own tables under our names, with a role beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import Varchar
from piccolo.engine.base import Engine
from piccolo.table import Table
from piccolo_api.session_auth.tables import SessionsBase

from batua.identity import Role

__all__ = ["Session", "Staff", "bind", "reading_from"]


class Staff(BaseUser, tablename="batua_staff"):
    """Somebody who may use the panel."""

    role = Varchar(length=20, default=Role.VIEWER.value)


class Session(SessionsBase, tablename="batua_session"):
    """A signed-in member of staff."""


_asked: ContextVar[Engine[Any]] = ContextVar("batua_engine")


class _AskedEngine:
    """Stands in a table for the engine of the shop that is asked at the moment.

    A table has one engine for the whole process, and a process may have several shops. Outside
    ``reading_from`` there is none: a query fails, and reads nobody else's database.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(_asked.get(), name)


def bind(tables: Iterable[type[Table]]) -> None:
    """Let these tables be read inside ``reading_from``: Piccolo would look for a global engine."""
    engine: Any = _AskedEngine()
    for table in tables:
        table._meta.db = engine


@contextmanager
def reading_from(engine: Engine[Any]) -> Iterator[None]:
    """Whatever is asked of bound tables inside the block is asked of this shop's database."""
    token = _asked.set(engine)
    try:
        yield
    finally:
        _asked.reset(token)
