"""Refunds: the refundable rest is reserved before the gateway is called.

Only a definite failure releases it.  A refund whose outcome is unknown stays reserved until the
provider's own word resolves it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from batua.contract import (
    GatewayError,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    ProviderRefundStatus,
    RefundLookup,
    RefundRequest,
    RefundResult,
    Refunds,
    Support,
)
from batua.database import Database, Row
from batua.errors import Conflict, NotFound
from batua.ledger import Book, Engine, Need, Record, hold_needs
from batua.ledger.tables import Transfer
from batua.payments.capturing import Applied
from batua.payments.purposes import Purpose, Purposes
from batua.payments.rescheduling import FIRST_POLL_S, Postpone
from batua.payments.states import RefundStatus, advance_refund
from batua.payments.tables import Capture, Refund
from batua.registry import Registry

__all__ = ["ApplyRefundResult", "NewRefund", "Refunder", "insert_refund", "refund_support"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """What staff ask for. Amounts are minor units; ``amount`` None is all that is left."""

    id: str
    amount: int | None
    reason: str
    requested_by: str
    approval_limit: int


def refund_support(registry: Registry) -> dict[str, Support]:
    """How far each working gateway can refund: what a pure decision may know of them."""
    return {
        code: plugin.manifest.capabilities.refund
        for code, plugin in registry.gateways.items()
        if plugin.instance is not None and plugin.manifest.capabilities is not None
    }


def insert_refund(
    book: Book,
    new: NewRefund,
    *,
    subject: Record,
    capture: Record | None,
    destination: str,
    amounts: tuple[int, int, int],
) -> Record:
    """Stage a refund's row. ``amounts`` are to the wallet, to the source, from the capture."""
    wallet_amount, source_amount, capture_amount = amounts
    amount = wallet_amount + source_amount
    is_order = "reference" in subject
    waits = amount > new.approval_limit
    # Whoever is killed before the gateway was asked leaves a refund that the poller sends.
    sends = source_amount > 0 and not waits
    return book.insert(
        Refund,
        id=new.id,
        order_id=subject["id"] if is_order else None,
        top_up_id=None if is_order else subject["id"],
        capture_id=capture["id"] if capture is not None and capture_amount else None,
        gateway=capture["gateway"] if capture is not None and source_amount else None,
        customer_id=subject["customer_id"],
        amount=amount,
        currency=subject["currency"],
        destination=destination,
        wallet_amount=wallet_amount,
        source_amount=source_amount,
        capture_amount=capture_amount,
        reason=new.reason,
        status=str(RefundStatus.AWAITING_APPROVAL if waits else RefundStatus.PENDING),
        requested_by=new.requested_by,
        approved_by=None,
        provider_refund_id=None,
        failure="",
        polls=0,
        next_poll_at=book.now + timedelta(seconds=FIRST_POLL_S) if sends else None,
        created_at=book.now,
        updated_at=book.now,
    )


@dataclass(frozen=True, slots=True)
class ApplyRefundResult:
    """Take in what a provider says of a refund. Moves money when it is done or undone.

    ``status`` None means that the call's outcome is not known.
    """

    refund_id: str
    status: ProviderRefundStatus | None
    provider_refund_id: str
    amount: Money | None
    failure: str
    purposes: Purposes

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Refund, "id", self.refund_id)
        yield need
        yield from hold_needs(self.refund_id)
        yield Need(Transfer, "id", f"{self.refund_id}.source")
        if book.missing([need]):
            return
        refund = book.need(Refund, "id", self.refund_id)
        yield from self._purpose(refund).needs(refund["order_id"] or refund["top_up_id"], book)
        if refund["capture_id"]:
            yield Need(Capture, "id", refund["capture_id"])

    def decide(self, book: Book) -> Applied:
        refund = book.need(Refund, "id", self.refund_id)
        if self.amount is not None and self.amount != Money(
            refund["source_amount"], refund["currency"]
        ):
            log.error("refund %s: the provider speaks of %s", self.refund_id, self.amount)
            raise Conflict(
                "refund_amount_differs",
                f"The provider says {self.amount} of refund {self.refund_id!r}, which is of "
                f"{Money(refund['source_amount'], refund['currency'])}.",
            )
        before = RefundStatus(refund["status"])
        if before in _SETTLED and self.status is ProviderRefundStatus.SUCCEEDED:
            # Its reservation is gone: only a person can say what this money was.
            raise Conflict(
                "refund_not_open",
                f"The provider made refund {self.refund_id!r}, which is {before} here.",
            )
        is_refusal = self.status is ProviderRefundStatus.FAILED and self.amount is None
        if is_refusal and before is not RefundStatus.PENDING:
            # A refusal speaks of one call of ours, not of what an earlier call has done.
            return Applied.NOTHING_NEW
        after = advance_refund(before, _HEARD[self.status])
        learnt = {"provider_refund_id": self.provider_refund_id} if self.provider_refund_id else {}
        if after is before and refund["provider_refund_id"] == (self.provider_refund_id or None):
            return Applied.NOTHING_NEW
        self._settle(book, refund, before, after, learnt)
        return Applied.APPLIED

    def _settle(
        self,
        book: Book,
        refund: Record,
        before: RefundStatus,
        after: RefundStatus,
        learnt: dict[str, str],
    ) -> None:
        is_open = after in {RefundStatus.PENDING, RefundStatus.UNKNOWN}
        book.update(
            refund,
            status=str(after),
            failure=self.failure if after is RefundStatus.FAILED else "",
            next_poll_at=book.now + timedelta(seconds=FIRST_POLL_S) if is_open else None,
            updated_at=book.now,
            **learnt,
        )
        if after is before:
            return
        if after is RefundStatus.SUCCEEDED:
            self._purpose(refund).source_refunded(book, refund)
        elif after is RefundStatus.FAILED:
            log.error("refund %s failed at the provider: %s", refund["id"], self.failure)
            was_posted = before is RefundStatus.SUCCEEDED
            self._purpose(refund).source_failed(book, refund, was_posted=was_posted)

    def _purpose(self, refund: Record) -> Purpose:
        return self.purposes["order" if refund["order_id"] else "top_up"]


_SETTLED = frozenset({RefundStatus.FAILED, RefundStatus.REJECTED, RefundStatus.AWAITING_APPROVAL})

_HEARD = {
    ProviderRefundStatus.PENDING: RefundStatus.PENDING,
    ProviderRefundStatus.SUCCEEDED: RefundStatus.SUCCEEDED,
    ProviderRefundStatus.FAILED: RefundStatus.FAILED,
    None: RefundStatus.UNKNOWN,
}


class Refunder:
    """Talks to gateways about refunds, and hands what they say to the engine."""

    def __init__(
        self, database: Database, engine: Engine, registry: Registry, purposes: Purposes
    ) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._purposes = purposes

    async def send(self, refund_id: str) -> None:
        """Ask the gateway for a refund that is pending. May be repeated: its id is the key."""
        refund = await self._read(refund_id)
        if refund["status"] != RefundStatus.PENDING or not refund["source_amount"]:
            return
        gateway = self._gateway(refund)
        if gateway is None:
            await self._engine.submit(Postpone(Refund, refund_id))
            return
        request = RefundRequest(
            refund_id=refund_id,
            provider_payment_id=refund["provider_payment_id"],
            amount=Money(refund["source_amount"], refund["currency"]),
            reason=refund["reason"],
        )
        try:
            result = await gateway.refund(request)
        except GatewayRejected as error:
            # Wrong credentials say nothing of the refund: an earlier call may have made it.
            is_word = error.failure_code != "authentication_failed"
            status = ProviderRefundStatus.FAILED if is_word else None
            await self._apply(refund_id, status, failure=str(error))
        except GatewayUnavailable as error:
            # Nothing was sent: it stays pending, and the poller sends it again.
            log.warning("refund %s was not sent: %s", refund_id, error)
            await self._engine.submit(Postpone(Refund, refund_id))
        except GatewayError as error:
            await self._apply(refund_id, None, failure=str(error))
        else:
            await self._take_in(result, refund_id)

    async def apply(self, result: RefundResult, refund_id: str) -> Applied:
        """Take in a provider's word on a refund of ours."""
        return await self._engine.submit(
            ApplyRefundResult(
                refund_id,
                result.status,
                result.provider_refund_id,
                result.amount,
                result.failure_message,
                self._purposes,
            )
        )

    async def find(self, gateway: str, result: RefundResult) -> str | None:
        """The id of our refund that a provider's word is about, or None."""
        row = await self._database.fetch_one(
            "select id from batua_refund"
            " where (gateway = $1 and provider_refund_id = $2) or (gateway = $1 and id = $3)",
            gateway,
            result.provider_refund_id,
            result.refund_id,
        )
        return None if row is None else row["id"]

    async def poll(self, refund_id: str) -> None:
        """Resolve a refund that is not final: ask by our id, and send what was never sent."""
        refund = await self._read(refund_id)
        await self._engine.submit(Postpone(Refund, refund_id))
        gateway = self._gateway(refund)
        if gateway is None:
            return
        lookup = RefundLookup(
            refund_id=refund_id,
            provider_refund_id=refund["provider_refund_id"] or "",
            provider_payment_id=refund["provider_payment_id"],
            amount=Money(refund["source_amount"], refund["currency"]),
        )
        try:
            result = await gateway.fetch_refund(lookup)
        except GatewayError as error:
            log.warning("refund %s could not be looked up: %s", refund_id, error)
            return
        if result is not None:
            await self._take_in(result, refund_id)
        elif refund["status"] == RefundStatus.PENDING:
            await self.send(refund_id)
        else:
            # The provider has never heard of it: sending it under the same key is safe.
            await self._apply(refund_id, ProviderRefundStatus.PENDING, failure="")
            await self.send(refund_id)

    async def due(self, limit: int) -> list[str]:
        """Refunds that it is time to ask about."""
        rows = await self._database.fetch(
            "select id from batua_refund where next_poll_at <= $1"
            f" order by next_poll_at limit {limit}",
            self._engine.now(),
        )
        return [row["id"] for row in rows]

    def _gateway(self, refund: Row) -> Refunds | None:
        plugin = self._registry.gateways.get(refund["gateway"])
        gateway: object = plugin.instance if plugin is not None else None
        if isinstance(gateway, Refunds):
            return gateway
        # It is reserved, and stays so: a gateway whose secrets are back goes on with it.
        log.error("refund %s waits: %s is off or can't refund", refund["id"], refund["gateway"])
        return None

    async def _take_in(self, result: RefundResult, refund_id: str) -> None:
        try:
            await self.apply(result, refund_id)
        except Conflict as conflict:
            # The provider made something else than we asked for: it stays reserved.
            log.error("refund %s needs a person: %s", refund_id, conflict)  # noqa: TRY400

    async def _apply(
        self, refund_id: str, status: ProviderRefundStatus | None, *, failure: str
    ) -> None:
        await self._engine.submit(
            ApplyRefundResult(refund_id, status, "", None, failure, self._purposes)
        )

    async def _read(self, refund_id: str) -> Row:
        row = await self._database.fetch_one(
            "select r.*, c.provider_payment_id from batua_refund r"
            " left join batua_capture c on c.id = r.capture_id where r.id = $1",
            refund_id,
        )
        if row is None:
            raise NotFound("refund", refund_id)
        return row
