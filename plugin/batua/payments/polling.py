"""The poller: asks the provider about every payment that is not final, ever more rarely.

It makes good a webhook that was lost and an answer that never came.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from batua.contract import FetchedPayment, GatewayError, Money, PaymentLookup
from batua.database import Database, Row
from batua.errors import Conflict
from batua.ledger import Book, Engine, Need
from batua.payments.intake import Intake
from batua.payments.purposes import Purposes
from batua.payments.rescheduling import Postpone
from batua.payments.starting import RecordReference
from batua.payments.states import PaymentStatus, advance_payment
from batua.payments.tables import Payment
from batua.registry import Registry

__all__ = ["Poller"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _ExpirePayment:
    """Nobody paid in time. Money that arrives later is still kept."""

    payment_id: str
    purposes: Purposes

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Payment, "id", self.payment_id)
        yield need
        if not book.missing([need]):
            payment = book.need(Payment, "id", self.payment_id)
            subject = payment[f"{payment['purpose']}_id"]
            yield from self.purposes[payment["purpose"]].needs(subject, book)

    def decide(self, book: Book) -> None:
        payment = book.need(Payment, "id", self.payment_id)
        status = advance_payment(payment["status"], PaymentStatus.EXPIRED)
        if status != payment["status"] and payment["expires_at"] <= book.clock:
            book.update(payment, status=str(status), updated_at=book.now)
            self.purposes[payment["purpose"]].not_paid(book, payment, expired=True)


class Poller:
    """Asks, and hands what it hears to the one path that webhooks use too."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        registry: Registry,
        purposes: Purposes,
        intake: Intake,
        *,
        on_reference: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._purposes = purposes
        self._intake = intake
        self._on_reference = on_reference

    async def poll(self, payment_id: str) -> None:
        """Ask about one payment. Moves money when the provider says that it was captured."""
        payment = await self._database.fetch_one(
            "select * from batua_payment where id = $1", payment_id
        )
        if payment is None or payment["next_poll_at"] is None:
            return
        await self._engine.submit(Postpone(Payment, payment_id, payment["polls"], gives_up=True))
        fetched = await self.fetch(payment)
        if fetched is None:
            return
        for attempt in fetched.attempts:
            await self._intake.take_in(payment["gateway"], attempt, payment["id"])
        if payment["expires_at"] <= self._engine.now():
            await self._engine.submit(_ExpirePayment(payment_id, self._purposes))

    async def fetch(self, payment: Row) -> FetchedPayment | None:
        """The provider's truth, or None while it can't be had."""
        try:
            gateway = self._registry.gateway(payment["gateway"])
            fetched = await gateway.fetch_payment(
                PaymentLookup(
                    payment_id=payment["id"],
                    provider_reference=payment["provider_reference"] or "",
                    amount=Money(payment["amount"], payment["currency"]),
                )
            )
        except (GatewayError, Conflict) as error:
            log.warning("payment %s could not be looked up: %s", payment["id"], error)
            return None
        if payment["provider_reference"] is None and fetched.created is not None:
            await self._engine.submit(RecordReference(payment["id"], fetched.created))
            await self._on_reference(payment["gateway"], fetched.created.provider_reference)
        return fetched
