"""The order service: create, pay, cancel and refund, each under its idempotency key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from batua.clock import NewId
from batua.contract import Money, Support
from batua.database import Database, Row
from batua.errors import NotFound
from batua.ledger import (
    Book,
    Claim,
    Claimed,
    Engine,
    Need,
    Operation,
    Record,
    StoredAnswer,
)
from batua.orders.orders import (
    CancelOrder,
    CreateOrder,
    NewOrder,
    OpenOrderPayment,
    PayFromWallet,
    require_pending_row,
)
from batua.orders.refunds import RefundTo, RequestOrderRefund
from batua.orders.splits import OpenSplit
from batua.orders.tables import Order
from batua.outbox import Announcer
from batua.payments import (
    Intake,
    NewPayment,
    NewRefund,
    Payment,
    PaymentStarter,
    Refunder,
    refund_support,
    require_minimum,
    run_flow,
)
from batua.registry import Registry
from batua.wallets import Newcomers, ReadRefund, WalletRules

__all__ = ["OrderPayment", "Orders"]


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """An order with the payment that was just made or opened for it; None from the wallet."""

    order: Row
    payment: Row | None


@dataclass(frozen=True, slots=True)
class _ReadOrderPayment:
    order_id: str
    payment_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Order, "id", self.order_id)
        yield Need(Payment, "id", self.payment_id)

    def decide(self, book: Book) -> OrderPayment:
        return OrderPayment(
            book.need(Order, "id", self.order_id), book.get(Payment, "id", self.payment_id)
        )


@dataclass(frozen=True, slots=True)
class _AsPayment:
    """Pay from the wallet, and answer as every payment of an order does."""

    operation: PayFromWallet

    def needs(self, book: Book) -> Iterable[Need]:
        return self.operation.needs(book)

    def decide(self, book: Book) -> OrderPayment:
        return OrderPayment(self.operation.decide(book), None)


class Orders:
    """What customers, services and staff do with orders."""

    def __init__(  # noqa: PLR0913 - an order meets most rooms of the house
        self,
        database: Database,
        engine: Engine,
        registry: Registry,
        starter: PaymentStarter,
        refunder: Refunder,
        intake: Intake,
        announcer: Announcer,
        *,
        newcomers: Newcomers,
        new_id: NewId,
        expires_s: int,
        rules: WalletRules,
    ) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._starter = starter
        self._refunder = refunder
        self._intake = intake
        self._announcer = announcer
        self._newcomers = newcomers
        self._new_id = new_id
        self._expires_s = expires_s
        self._rules = rules

    async def create(self, new: NewOrder, claim: Claim[Record], *, pay: bool) -> StoredAnswer:
        """Create an order; with ``pay`` it is created and paid from the wallet, or neither."""
        operation = CreateOrder(
            new=new,
            pay=pay,
            announcer=self._announcer,
            newcomers=self._newcomers,
            new_id=self._new_id,
            rules=self._rules,
        )
        return await self._engine.submit(Claimed(operation, claim))

    async def pay_from_wallet(
        self, order_id: str, claim: Claim[OrderPayment], *, actor: str
    ) -> StoredAnswer:
        """Pay a pending order with one tap. Moves money."""
        await self.read(order_id)
        operation = PayFromWallet(
            order_id=order_id, actor=actor, announcer=self._announcer, rules=self._rules
        )
        return await self._engine.submit(Claimed(_AsPayment(operation), claim))

    async def pay_by_gateway(
        self, order_id: str, gateway: str, return_url: str, claim: Claim[OrderPayment]
    ) -> StoredAnswer:
        """Open a payment for a pending order at a gateway. Moves no money by itself."""
        payment_id = self._new_id("pmt")

        async def prepare() -> Operation[Record]:
            payment, minimum = await self._payment(order_id, payment_id, gateway)
            require_minimum(gateway, payment.money, minimum)
            return OpenOrderPayment(order_id=order_id, payment=payment)

        async def work(subject: str) -> Operation[OrderPayment]:
            await self._starter.start(subject, return_url=return_url)
            return _ReadOrderPayment(order_id, subject)

        return await run_flow(self._engine, claim, payment_id, prepare, work)

    async def pay_split(
        self,
        order_id: str,
        gateway: str,
        return_url: str,
        claim: Claim[OrderPayment],
        *,
        actor: str,
    ) -> StoredAnswer:
        """Hold what the wallet has, and open a payment of the rest at a gateway.

        Moves money only when the wallet has it all: then the order is paid at once.
        """
        payment_id = self._new_id("pmt")

        async def prepare() -> Operation[Record]:
            payment, minimum = await self._payment(order_id, payment_id, gateway)
            return OpenSplit(
                order_id=order_id,
                payment=payment,
                minimum=minimum,
                actor=actor,
                announcer=self._announcer,
                rules=self._rules,
            )

        async def work(subject: str) -> Operation[OrderPayment]:
            opened = await self._database.fetch_one(
                "select id from batua_payment where id = $1", subject
            )
            if opened is not None:
                await self._starter.start(subject, return_url=return_url)
            return _ReadOrderPayment(order_id, subject)

        return await run_flow(self._engine, claim, payment_id, prepare, work)

    async def confirm(
        self, order_id: str, payment_id: str, proof: Mapping[str, str]
    ) -> OrderPayment:
        """Take in what the browser brought back for a payment of the order.

        Raises ``NotFound`` and what ``Intake.confirm`` does.
        """
        payment = await self._database.fetch_one(
            "select * from batua_payment where id = $1 and order_id = $2", payment_id, order_id
        )
        if payment is None:
            raise NotFound("payment", payment_id)
        await self._intake.confirm(payment, proof)
        return await self._engine.submit(_ReadOrderPayment(order_id, payment_id))

    async def _payment(
        self, order_id: str, payment_id: str, gateway: str
    ) -> tuple[NewPayment, int]:
        """A payment of the whole order to be, and what its gateway takes at least."""
        order = await self.read(order_id)
        require_pending_row(order)
        money = Money(order["amount"], order["currency"])
        adapter = await self._starter.open_for(gateway, money.currency)
        payment = NewPayment(
            id=payment_id,
            gateway=self._registry.processor_of(gateway),
            front=self._registry.front_of(gateway),
            mode=adapter.mode,
            purpose="order",
            subject_id=order_id,
            customer_id=order["customer_id"],
            money=money,
            expires_s=self._expires_s,
        )
        return payment, self._starter.minimum(gateway, money.currency)

    async def cancel(self, order_id: str, claim: Claim[Record]) -> StoredAnswer:
        """Cancel a pending order."""
        await self.read(order_id)
        cancel = CancelOrder(order_id=order_id, announcer=self._announcer)
        return await self._engine.submit(Claimed(cancel, claim))

    async def cancel_by_staff(self, order_id: str) -> Row:
        """The same for a form that has no idempotency key: cancelled once, it stays so."""
        await self.read(order_id)
        return await self._engine.submit(CancelOrder(order_id=order_id, announcer=self._announcer))

    async def refund(
        self, order_id: str, to: RefundTo, new: NewRefund, claim: Claim[Record]
    ) -> StoredAnswer:
        """Refund an order, whole or in part. Moves money, or reserves it for approval."""

        async def prepare() -> Operation[Record]:
            await self.read(order_id)
            return self.refund_operation(order_id, to, new)

        async def work(subject: str) -> Operation[Record]:
            await self._refunder.send(subject)
            return ReadRefund(subject)

        return await run_flow(self._engine, claim, new.id, prepare, work)

    async def refund_by_staff(self, order_id: str, to: RefundTo, new: NewRefund) -> Row:
        """The same for a form that has no idempotency key: ``new.id`` is its key."""
        await self.read(order_id)
        await self._engine.submit(self.refund_operation(order_id, to, new))
        await self._refunder.send(new.id)
        return await self.read_refund(new.id)

    def refund_operation(self, order_id: str, to: RefundTo, new: NewRefund) -> RequestOrderRefund:
        """The operation behind a refund, for what the installed gateways can do now."""
        support: dict[str, Support] = refund_support(self._registry)
        return RequestOrderRefund(
            order_id=order_id, to=to, new=new, support=support, announcer=self._announcer
        )

    async def decide_refund(self, refund_id: str, *, approver: str, approve: bool) -> Row:
        """A second person approves or rejects a refund. Raises ``Forbidden``, ``Conflict``."""
        await self.read_refund(refund_id)
        await self._refunder.decide(refund_id, approver=approver, approve=approve)
        return await self.read_refund(refund_id)

    async def read(self, order_id: str) -> Row:
        """One order. Raises ``NotFound``."""
        row = await self._database.fetch_one("select * from batua_order where id = $1", order_id)
        if row is None:
            raise NotFound("order", order_id)
        return row

    async def find(self, reference: str) -> Row:
        """One order by the shop's own number. Raises ``NotFound``."""
        row = await self._database.fetch_one(
            "select * from batua_order where reference = $1", reference
        )
        if row is None:
            raise NotFound("order", reference)
        return row

    async def page(
        self,
        customer_id: str | None,
        status: str | None,
        reference: str | None,
        *,
        before: str | None,
        limit: int,
    ) -> Sequence[Row]:
        """At most ``limit`` orders, newest first; of one customer unless None."""
        where, args = ["1 = 1"], list[object]()
        for condition, value in (
            ("customer_id = {}", customer_id),
            ("status = {}", status),
            ("reference = {}", reference),
            ("id < {}", before),
        ):
            if value is not None:
                args.append(value)
                where.append(condition.format(f"${len(args)}"))
        return await self._database.fetch(
            f"select * from batua_order where {' and '.join(where)}"
            f" order by id desc limit {int(limit)}",
            *args,
        )

    async def read_refund(self, refund_id: str) -> Row:
        """One refund, of an order or of a top-up. Raises ``NotFound``."""
        row = await self._database.fetch_one("select * from batua_refund where id = $1", refund_id)
        if row is None:
            raise NotFound("refund", refund_id)
        return row
