"""Staff decide on money in suspense."""

from __future__ import annotations

from batua.database import Row
from batua.ledger import Engine
from batua.outbox import Announcer
from batua.payments.new_refunds import NewRefund, refund_support
from batua.payments.refunding import Refunder
from batua.payments.suspense import RequestSuspenseRefund, SuspenseTo
from batua.registry import Registry

__all__ = ["Suspense"]


class Suspense:
    """Lets money in suspense go: to its customer's wallet, or back to its source."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        refunder: Refunder,
        announcer: Announcer,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._refunder = refunder
        self._announcer = announcer

    async def let_go(self, capture_id: str, to: SuspenseTo, new: NewRefund) -> Row:
        """Release or refund what is in suspense of a capture, or ``new.amount`` of it.

        Moves money, or reserves it for a second person, who decides as on every refund. ``new.id``
        is its key: run again it has one effect. Returns the refund. Raises what
        ``RequestSuspenseRefund`` does.
        """
        await self._engine.submit(
            RequestSuspenseRefund(
                capture_id=capture_id,
                to=to,
                new=new,
                support=refund_support(self._registry),
                announcer=self._announcer,
            )
        )
        await self._refunder.send(new.id)
        return await self._refunder.read(new.id)
