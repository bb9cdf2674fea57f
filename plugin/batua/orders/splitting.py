"""The split service: pay an order from wallet and gateway together, and let old shares go."""

from __future__ import annotations

from collections.abc import Sequence

from batua.clock import NewId
from batua.contract import Money
from batua.database import Database, Row
from batua.errors import NotFound
from batua.ledger import Claim, Engine, Operation, Record, StoredAnswer
from batua.orders.orders import require_pending_row
from batua.orders.service import OrderPayment, ReadOrderPayment
from batua.orders.split import ExpireShare, OpenSplit
from batua.outbox import Announcer
from batua.payments import NewPayment, PaymentStarter, minimum_of, run_flow

__all__ = ["Splits"]


class Splits:
    """Opens splits, and is one of the worker's duties: what is held too long goes back."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        starter: PaymentStarter,
        announcer: Announcer,
        *,
        new_id: NewId,
        expires_s: int,
    ) -> None:
        self._database = database
        self._engine = engine
        self._starter = starter
        self._announcer = announcer
        self._new_id = new_id
        self._expires_s = expires_s

    async def pay(
        self, order_id: str, gateway: str, return_url: str, claim: Claim[OrderPayment]
    ) -> StoredAnswer:
        """Pay a pending order: first from the wallet, the rest at a gateway. Holds money.

        Answers without a payment where the wallet has paid all of it.
        """
        payment_id = self._new_id("pmt")

        async def prepare() -> Operation[Record]:
            return await self.operation(order_id, gateway, payment_id)

        async def work(subject: str) -> Operation[OrderPayment]:
            # A wallet that had all of it has paid, and there is no payment to start.
            if await self._find("batua_payment", subject) is not None:
                await self._starter.start(subject, return_url=return_url)
            return ReadOrderPayment(order_id, subject)

        return await run_flow(self._engine, claim, payment_id, prepare, work)

    async def operation(self, order_id: str, gateway: str, payment_id: str) -> OpenSplit:
        """The operation behind a split. Raises ``NotFound`` and what ``open_for`` does."""
        order = await self._find("batua_order", order_id)
        if order is None:
            raise NotFound("order", order_id)
        require_pending_row(order)
        adapter = await self._starter.open_for(gateway, order["currency"])
        customer = order["customer_id"]
        return OpenSplit(
            order_id=order_id,
            payment=NewPayment(
                id=payment_id,
                gateway=gateway,
                mode=adapter.mode,
                purpose="order",
                subject_id=order_id,
                customer_id=customer,
                money=Money(order["amount"], order["currency"]),
                expires_s=self._expires_s,
            ),
            minimum=minimum_of(adapter, order["currency"]),
            actor=f"customer:{customer}",
            announcer=self._announcer,
        )

    async def due(self, limit: int) -> Sequence[str]:
        """Shares that have waited long enough for their payment."""
        rows = await self._database.fetch(
            "select id from batua_hold where status = 'held' and expires_at <= $1"
            f" and payment_id is not null order by expires_at limit {limit}",
            self._engine.now(),
        )
        return [row["id"] for row in rows]

    async def expire(self, hold_id: str) -> None:
        """Give one of them back, if it is still held."""
        await self._engine.submit(ExpireShare(hold_id))

    async def _find(self, table: str, id: str) -> Row | None:
        return await self._database.fetch_one(f"select * from {table} where id = $1", id)
