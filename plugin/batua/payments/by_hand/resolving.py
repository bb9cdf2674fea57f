"""Staff say how a dispute ended, where the provider's own word does not come."""

from __future__ import annotations

from batua.clock import NewId
from batua.contract import DisputeResult, DisputeStatus, Mode, Money
from batua.database import Database, Row
from batua.errors import InvalidRequest, NotFound
from batua.ledger import Engine
from batua.payments.disputes import ApplyDispute
from batua.payments.purposes import Purposes

__all__ = ["Resolver"]

REASON = "resolved_by_staff"


class Resolver:
    """Takes the word of staff on a dispute as it takes a provider's."""

    def __init__(
        self, database: Database, engine: Engine, purposes: Purposes, *, new_id: NewId
    ) -> None:
        self._database = database
        self._engine = engine
        self._purposes = purposes
        self._new_id = new_id

    async def resolve(self, dispute_id: str, status: DisputeStatus, *, actor: str) -> Row:
        """State that a dispute was won or lost. Moves money; said again it changes nothing.

        A provider that says otherwise later is heard as ever: what was lost may still be won, and
        what was won and is lost after all needs a person. Raises ``NotFound``, ``InvalidRequest``
        for ``open``, and ``Conflict`` (``dispute_was_won``).
        """
        if status is DisputeStatus.OPEN:
            raise InvalidRequest("A dispute is resolved as won or as lost.", pointer="/status")
        dispute = await self._read(dispute_id)
        result = DisputeResult(
            provider_dispute_id=dispute["provider_dispute_id"],
            provider_payment_id=dispute["provider_payment_id"],
            status=status,
            amount=Money(dispute["amount"], dispute["currency"]),
            mode=Mode(dispute["mode"]),
            reason=REASON,
        )
        await self._engine.submit(
            ApplyDispute(
                gateway=dispute["gateway"],
                result=result,
                purposes=self._purposes,
                new_id=self._new_id,
                actor=actor,
            )
        )
        return await self._read(dispute_id)

    async def _read(self, dispute_id: str) -> Row:
        row = await self._database.fetch_one(
            "select d.*, c.provider_payment_id from batua_dispute d"
            " join batua_capture c on c.id = d.capture_id where d.id = $1",
            dispute_id,
        )
        if row is None:
            raise NotFound("dispute", dispute_id)
        return row
