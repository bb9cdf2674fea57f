"""What staff do with payments by hand: authorizations, disputes, and money in suspense."""

from __future__ import annotations

from dataclasses import dataclass

from batua.clock import NewId
from batua.database import Database
from batua.ledger import Engine
from batua.outbox import Announcer
from batua.payments.by_hand.authorizations import Authorizations
from batua.payments.by_hand.resolving import Resolver
from batua.payments.by_hand.suspense import Suspense
from batua.payments.intake import Intake
from batua.payments.polling import Poller
from batua.payments.purposes import Purposes
from batua.payments.refunding import Refunder
from batua.registry import Registry

__all__ = ["Authorizations", "ByHand", "Resolver", "Suspense"]


@dataclass(frozen=True, slots=True)
class ByHand:
    """A service for each. None of them asks who may: the desk does."""

    authorizations: Authorizations
    disputes: Resolver
    suspense: Suspense

    @classmethod
    def of(
        cls,
        database: Database,
        engine: Engine,
        registry: Registry,
        purposes: Purposes,
        intake: Intake,
        poller: Poller,
        refunder: Refunder,
        *,
        new_id: NewId,
    ) -> ByHand:
        """All three, for one shop."""
        return cls(
            Authorizations(database, engine, registry, intake, poller),
            Resolver(database, engine, purposes, new_id=new_id),
            Suspense(engine, registry, refunder, Announcer(new_id)),
        )
