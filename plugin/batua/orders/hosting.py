"""Orders of a host that lives in the same process: it sets the price, and the wallet pays."""

from __future__ import annotations

from batua.clock import NewId
from batua.contract import Money
from batua.database import Database, Row
from batua.errors import Conflict, Forbidden, InvalidRequest
from batua.identity import Revocations
from batua.ledger import Engine
from batua.orders.orders import CreateOrder, NewOrder, OrderStatus
from batua.outbox import Announcer
from batua.redaction import has_card_number
from batua.wallets import Newcomers, WalletRules, require_customer_id

__all__ = ["HostOrders"]

CREATED_BY = "service:host"


class HostOrders:
    """What a host's own routes call, ``app.state.batua.host_orders``. Moves money."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        announcer: Announcer,
        *,
        newcomers: Newcomers,
        new_id: NewId,
        rules: WalletRules,
        revocations: Revocations,
    ) -> None:
        self._database = database
        self._engine = engine
        self._announcer = announcer
        self._newcomers = newcomers
        self._new_id = new_id
        self._rules = rules
        self._revocations = revocations

    async def pay(
        self, reference: str, customer: str, money: Money, *, description: str = ""
    ) -> Row:
        """Create the order ``reference`` and pay it from the customer's wallet, or do neither.

        ``reference`` is the host's own number, and its key: called again, after a crash say, it
        pays nothing more and answers the same order. Raises ``InsufficientFunds``, ``Forbidden``
        (``customer_disabled``), ``InvalidRequest`` (``card_number_refused``) and ``Conflict``
        (``wallet_frozen``, what a rule of wallets refuses; ``order_reference_exists`` for another
        customer or amount, or an order that is not paid).
        """
        for name, text in (("reference", reference), ("description", description)):
            if has_card_number(text):
                raise InvalidRequest.card_number(name)
        new = NewOrder(
            id=self._new_id("ord"),
            reference=reference,
            customer_id=require_customer_id(customer),
            money=money,
            description=description,
            items="[]",
            created_by=CREATED_BY,
        )
        operation = CreateOrder(
            new=new,
            pay=True,
            announcer=self._announcer,
            newcomers=self._newcomers,
            new_id=self._new_id,
            rules=self._rules,
        )
        try:
            await self._revocations.require_enabled(customer)
            return await self._engine.submit(operation)
        except (Conflict, Forbidden) as refusal:
            # It may have been paid before: that is the answer, whoever was disabled since.
            may_be_known = refusal.code in {"order_reference_exists", "customer_disabled"}
            known = await self._known(new) if may_be_known else None
            if known is None:
                raise
            return known

    async def _known(self, new: NewOrder) -> Row | None:
        """The order of an earlier call, if that asked for the same and was paid."""
        order = await self._database.fetch_one(
            "select * from batua_order where reference = $1", new.reference
        )
        if order is None or order["status"] in {OrderStatus.PENDING, OrderStatus.CANCELLED}:
            return None
        wanted = (new.customer_id, new.money.amount, new.money.currency)
        is_same = (order["customer_id"], order["amount"], order["currency"]) == wanted
        return order if is_same else None
