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
)
from batua.database import Database, Row
from batua.errors import Conflict, NotFound
from batua.ledger import Book, Engine, Need, Record, hold_needs
from batua.ledger.lots import lot_entry_needs
from batua.ledger.tables import Transfer
from batua.payments.approving import DecideRefund
from batua.payments.capturing import Applied
from batua.payments.new_refunds import bonus_hold
from batua.payments.purposes import Purposes
from batua.payments.rescheduling import FIRST_POLL_S, Postpone
from batua.payments.states import RefundStatus, advance_refund
from batua.payments.suspense import refunding_needs, refunding_of
from batua.payments.tables import Capture, Refund
from batua.redaction import redact
from batua.registry import Registry

__all__ = ["ApplyRefundResult", "Refunder"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApplyRefundResult:
    """Take in what a provider says of a refund. Moves money when it is done or undone.

    ``status`` None means that the call's outcome is not known. A word on another refund, payment
    or mode than ours changes nothing and raises ``Conflict`` (``refund_differs``).
    """

    refund_id: str
    status: ProviderRefundStatus | None
    provider_refund_id: str
    amount: Money | None
    failure: str
    purposes: Purposes
    provider_payment_id: str = ""
    mode: str = ""

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Refund, "id", self.refund_id)
        yield need
        yield from hold_needs(self.refund_id)
        yield from hold_needs(bonus_hold(self.refund_id))
        for part in ("source", "bonus", "loss"):
            yield Need(Transfer, "id", f"{self.refund_id}.{part}")
            yield from lot_entry_needs(book, f"{self.refund_id}.{part}")
        if book.missing([need]):
            return
        yield from refunding_needs(book, book.need(*need), self.purposes)

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
        self._require_ours(book, refund)
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

    def _require_ours(self, book: Book, refund: Record) -> None:
        capture = book.need(Capture, "id", refund["capture_id"]) if refund["capture_id"] else {}
        for what, said, ours in (
            ("refund", self.provider_refund_id, refund["provider_refund_id"]),
            ("payment", self.provider_payment_id, capture.get("provider_payment_id")),
            ("mode", self.mode, capture.get("mode")),
        ):
            if said and ours and said != ours:
                log.error("refund %s: the provider speaks of %s %s", refund["id"], what, said)
                raise Conflict(
                    "refund_differs",
                    f"The provider speaks of the {what} {said!r}, and refund {refund['id']!r} is "
                    f"of {ours!r}.",
                )

    def _settle(
        self,
        book: Book,
        refund: Record,
        before: RefundStatus,
        after: RefundStatus,
        learnt: dict[str, str],
    ) -> None:
        is_open = after in {RefundStatus.PENDING, RefundStatus.UNKNOWN}
        soon = book.clock + timedelta(seconds=FIRST_POLL_S)
        book.update(
            refund,
            status=str(after),
            failure=redact(self.failure) if after is RefundStatus.FAILED else "",
            # What was put off stays so: a call that never arrives is not made every few seconds.
            next_poll_at=(refund["next_poll_at"] or soon) if is_open else None,
            updated_at=book.now,
            **learnt,
        )
        if after is before:
            return
        if after is RefundStatus.SUCCEEDED:
            refunding_of(book, refund, self.purposes).source_refunded(book, refund)
        elif after is RefundStatus.FAILED:
            log.error("refund %s failed at the provider: %s", refund["id"], self.failure)
            was_posted = before is RefundStatus.SUCCEEDED
            refunding = refunding_of(book, refund, self.purposes)
            refunding.source_failed(book, refund, was_posted=was_posted)


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
        """Ask the gateway for a refund that is pending.

        May be repeated: what an earlier call may have sent is looked up before it is sent again.
        """
        refund = await self.read(refund_id)
        if refund["status"] != RefundStatus.PENDING or not refund["source_amount"]:
            return
        if refund["polls"]:
            await self.poll(refund_id)
            return
        # Counted before the call: whoever is killed in it leaves a refund that may have been sent.
        await self._engine.submit(Postpone(Refund, refund_id, 0))
        gateway = self._gateway(refund)
        if gateway is not None:
            await self._send(gateway, refund, is_first=True)

    async def decide(self, refund_id: str, *, approver: str, approve: bool) -> None:
        """A second person approves a refund, which is sent then, or rejects it.

        Raises ``Forbidden`` and ``Conflict``.
        """
        await self._engine.submit(
            DecideRefund(
                refund_id=refund_id, approver=approver, approve=approve, purposes=self._purposes
            )
        )
        await self.send(refund_id)

    async def _send(self, gateway: Refunds, refund: Row, *, is_first: bool) -> None:
        refund_id = refund["id"]
        request = RefundRequest(
            refund_id=refund_id,
            provider_payment_id=refund["provider_payment_id"],
            amount=Money(refund["source_amount"], refund["currency"]),
            reason=refund["reason"],
        )
        try:
            result = await gateway.refund(request)
        except GatewayRejected as error:
            # Wrong credentials, or a payment that they don't see, say nothing of an earlier call.
            code = error.failure_code
            is_word = code != "authentication_failed" and (is_first or code != "not_found")
            status = ProviderRefundStatus.FAILED if is_word else None
            if not is_word:
                log.error("refund %s stays reserved: %s", refund_id, error)  # noqa: TRY400
            await self._apply(refund_id, status, failure=str(error))
        except GatewayUnavailable as error:
            # Nothing was sent: it stays pending, and the poller sends it again.
            log.warning("refund %s was not sent: %s", refund_id, error)
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
                result.provider_payment_id,
                str(result.mode),
            )
        )

    async def find(self, gateway: str, result: RefundResult) -> str | None:
        """The id of our own refund that a provider's word is about, or None."""
        row = await self._database.fetch_one(
            "select id from batua_refund where gateway = $1"
            " and (provider_refund_id = $2 or id = $3) and requested_by not like 'gateway:%'",
            gateway,
            result.provider_refund_id,
            result.refund_id,
        )
        return None if row is None else row["id"]

    async def poll(self, refund_id: str) -> None:
        """Resolve a refund that is not final: ask by our id, and send what was never sent."""
        refund = await self.read(refund_id)
        await self._engine.submit(Postpone(Refund, refund_id, refund["polls"]))
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
        elif refund["status"] in {RefundStatus.PENDING, RefundStatus.UNKNOWN}:
            # The provider has never heard of it: sending it under the same key is safe.
            await self._apply(refund_id, ProviderRefundStatus.PENDING, failure="")
            await self._send(gateway, refund, is_first=False)

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

    async def read(self, refund_id: str) -> Row:
        """One refund, with the provider's id of its payment. Raises ``NotFound``."""
        row = await self._database.fetch_one(
            "select r.*, c.provider_payment_id from batua_refund r"
            " left join batua_capture c on c.id = r.capture_id where r.id = $1",
            refund_id,
        )
        if row is None:
            raise NotFound("refund", refund_id)
        return row
