"""The top-up service: open at a gateway, confirm what a browser brought back, refund."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from batua.clock import NewId
from batua.contract import Money
from batua.database import Database, Row
from batua.errors import NotFound
from batua.ledger import Book, Claim, Engine, Need, Operation, Record, StoredAnswer
from batua.payments import (
    Intake,
    NewPayment,
    NewRefund,
    Payment,
    PaymentStarter,
    Refund,
    Refunder,
    refund_support,
    run_flow,
)
from batua.registry import Registry
from batua.wallets.customers import Newcomers
from batua.wallets.rules import WalletRules
from batua.wallets.tables import TopUp
from batua.wallets.top_up_refunds import RequestTopUpRefund
from batua.wallets.top_ups import OpenTopUp

__all__ = ["OpenedTopUp", "ReadRefund", "TopUps"]


@dataclass(frozen=True, slots=True)
class OpenedTopUp:
    """A top-up with the payment whose checkout its customer goes to."""

    top_up: Row
    payment: Row


@dataclass(frozen=True, slots=True)
class _ReadTopUp:
    """How the answer to an opened top-up is read, under the head lock."""

    top_up_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(TopUp, "id", self.top_up_id)
        yield Need(Payment, "top_up_id", self.top_up_id)

    def decide(self, book: Book) -> OpenedTopUp:
        top_up = book.need(TopUp, "id", self.top_up_id)
        return OpenedTopUp(top_up, book.find(Payment, "top_up_id", self.top_up_id)[0])


@dataclass(frozen=True, slots=True)
class ReadRefund:
    """How the answer to a refund is read, after its gateway was asked."""

    refund_id: str

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Refund, "id", self.refund_id)

    def decide(self, book: Book) -> Record:
        return book.need(Refund, "id", self.refund_id)


class TopUps:
    """What customers and staff do with top-ups."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        registry: Registry,
        starter: PaymentStarter,
        refunder: Refunder,
        intake: Intake,
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
        self._newcomers = newcomers
        self._new_id = new_id
        self._expires_s = expires_s
        self._rules = rules

    async def open(
        self,
        customer_id: str,
        money: Money,
        gateway: str,
        return_url: str,
        claim: Claim[OpenedTopUp],
    ) -> StoredAnswer:
        """Open a top-up and create its payment at the gateway. Moves no money by itself.

        Raises what ``PaymentStarter.usable`` raises, and ``TryAgain`` when the gateway did not
        answer: the same key then goes on with the same top-up.
        """
        top_up_id = self._new_id("top")

        async def prepare() -> Operation[Record]:
            adapter = await self._starter.usable(gateway, money)
            payment = NewPayment(
                id=self._new_id("pmt"),
                gateway=self._registry.processor_of(gateway),
                front=self._registry.front_of(gateway),
                mode=adapter.mode,
                purpose="top_up",
                subject_id=top_up_id,
                customer_id=customer_id,
                money=money,
                expires_s=self._expires_s,
            )
            return OpenTopUp(
                id=top_up_id,
                customer_id=customer_id,
                money=money,
                payment=payment,
                return_url=return_url,
                newcomers=self._newcomers,
                new_id=self._new_id,
                rules=self._rules,
            )

        async def work(subject: str) -> Operation[OpenedTopUp]:
            payment = await self._payment(subject)
            await self._starter.start(payment["id"], return_url=return_url)
            return _ReadTopUp(subject)

        return await run_flow(self._engine, claim, top_up_id, prepare, work)

    async def confirm(self, top_up_id: str, proof: Mapping[str, str]) -> Row:
        """Take in what the browser brought back. Raises what ``Intake.confirm`` does."""
        await self._intake.confirm(await self._payment(top_up_id), proof)
        return await self.read(top_up_id)

    async def refund(self, top_up_id: str, new: NewRefund, claim: Claim[Record]) -> StoredAnswer:
        """Give a top-up back to its source. The wallet's money is held before the gateway is asked.

        Raises ``NotFound``, ``Conflict`` and ``InsufficientFunds``.
        """

        async def prepare() -> Operation[Record]:
            await self.read(top_up_id)
            return RequestTopUpRefund(top_up_id, new, refund_support(self._registry))

        async def work(subject: str) -> Operation[Record]:
            await self._refunder.send(subject)
            return ReadRefund(subject)

        return await run_flow(self._engine, claim, new.id, prepare, work)

    async def refund_by_staff(self, top_up_id: str, new: NewRefund) -> Row:
        """The same for a form that has no idempotency key: ``new.id`` is its key."""
        await self.read(top_up_id)
        operation = RequestTopUpRefund(top_up_id, new, refund_support(self._registry))
        await self._engine.submit(operation)
        await self._refunder.send(new.id)
        return await self._engine.submit(ReadRefund(new.id))

    async def read(self, top_up_id: str) -> Row:
        """One top-up. Raises ``NotFound``."""
        row = await self._database.fetch_one("select * from batua_top_up where id = $1", top_up_id)
        if row is None:
            raise NotFound("top-up", top_up_id)
        return row

    async def captures(self, top_up_id: str) -> Sequence[Row]:
        """The captures that this top-up's payments have brought, in order."""
        return await self._database.fetch(
            "select * from batua_capture where top_up_id = $1 order by transfer_seq", top_up_id
        )

    async def opened(self, top_up_id: str) -> OpenedTopUp:
        """A top-up with its payment. Raises ``NotFound``."""
        return OpenedTopUp(await self.read(top_up_id), await self._payment(top_up_id))

    async def _payment(self, top_up_id: str) -> Row:
        row = await self._database.fetch_one(
            "select * from batua_payment where top_up_id = $1", top_up_id
        )
        if row is None:
            raise NotFound("top-up", top_up_id)
        return row
