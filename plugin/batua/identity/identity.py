"""The room's services, as one thing to hand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from batua.clock import Clock, NewId
from batua.database import Database
from batua.identity.keys import ApiKeys
from batua.identity.revocations import Revocations
from batua.identity.watch import Watch

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """``watch`` says who may come in; the others change that."""

    watch: Watch
    revocations: Revocations
    keys: ApiKeys

    @classmethod
    def of(cls, database: Database, *, now: Clock, new_id: NewId) -> Self:
        watch = Watch(database, now=now)
        return cls(
            watch,
            Revocations(database, watch, now=now, new_id=new_id),
            ApiKeys(database, watch, now=now),
        )
