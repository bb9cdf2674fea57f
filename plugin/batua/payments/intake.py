"""The one way in for what a provider says of a payment, with what has to follow at the provider.

Money that a payer's bank has promised is taken while it is still wanted, and let go when it is not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batua.clock import NewId
from batua.contract import (
    Captures,
    ConfirmRequest,
    Confirms,
    FollowUpRequest,
    GatewayError,
    GatewayRejected,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    Voids,
)
from batua.database import Row
from batua.errors import Conflict, InvalidRequest, TryAgain
from batua.ledger import Book, Engine, Need
from batua.payments.capturing import Applied, ApplyPaymentResult
from batua.payments.purposes import Purposes
from batua.payments.states import PaymentStatus
from batua.payments.tables import Payment
from batua.registry import Registry

__all__ = ["Intake"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Whether what was authorized for a payment is wanted, and of how much: None is no."""

    gateway: str
    result: PaymentResult
    purposes: Purposes
    payment_id: str | None

    def needs(self, book: Book) -> Iterable[Need]:
        yield self._matching
        if not book.missing([self._matching]):
            for payment in book.find(*self._matching):
                subject = payment[f"{payment['purpose']}_id"]
                yield from self.purposes[payment["purpose"]].needs(subject, book)

    def decide(self, book: Book) -> tuple[str, bool] | None:
        found = book.find(*self._matching)
        payment = next((row for row in found if row["gateway"] == self.gateway), None)
        if payment is None or payment["mode"] != self.result.mode:
            return None
        asked = Money(payment["amount"], payment["currency"])
        is_open = payment["status"] == PaymentStatus.AUTHORIZED
        wanted = self.purposes[payment["purpose"]].wants(book, payment)
        return payment["id"], is_open and wanted and asked == self.result.amount

    @property
    def _matching(self) -> Need:
        if self.payment_id is not None:
            return Need(Payment, "id", self.payment_id)
        return Need(Payment, "provider_reference", self.result.provider_reference)


class Intake:
    """Hands a provider's word to the engine, and answers the provider where it waits for us."""

    def __init__(
        self, engine: Engine, registry: Registry, purposes: Purposes, *, new_id: NewId
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._purposes = purposes
        self._new_id = new_id

    async def take_in(
        self, gateway: str, result: PaymentResult, payment_id: str | None = None
    ) -> Applied:
        """Apply one attempt of a payer; capture or void it where it is only authorized.

        Moves money. May be repeated. ``payment_id`` is as ``ApplyPaymentResult`` has it. What the
        provider then does not answer, the poller asks about.
        """
        applied = await self._apply(gateway, result, payment_id)
        if (
            result.status is ProviderPaymentStatus.AUTHORIZED
            and applied in {Applied.APPLIED, Applied.NOTHING_NEW}
            and (follow := await self._wanted(gateway, result, payment_id)) is not None
        ):
            taken = await self._follow_up(gateway, result, *follow)
            if taken is not None:
                return await self._apply(gateway, taken, follow[0])
        return applied

    async def confirm(self, payment: Row, proof: Mapping[str, str]) -> None:
        """Check what a browser brought back for a payment, and take in the provider's own word.

        The proof alone moves nothing. Raises ``Conflict`` (``confirm_unsupported``),
        ``InvalidRequest`` (``proof_rejected``) and ``TryAgain``.
        """
        code = payment["front"] or payment["gateway"]
        gateway = self._registry.gateway(code)
        if not isinstance(gateway, Confirms):
            raise Conflict("confirm_unsupported", f"{code} needs no confirm: it tells us itself.")
        request = ConfirmRequest(
            payment_id=payment["id"],
            provider_reference=payment["provider_reference"] or "",
            amount=Money(payment["amount"], payment["currency"]),
            proof=proof,
        )
        try:
            result = await gateway.confirm(request)
        except GatewayRejected as error:
            raise InvalidRequest(
                f"The proof of payment was refused: {error}", code="proof_rejected"
            ) from error
        except GatewayError as error:
            raise TryAgain(
                "gateway_unavailable",
                f"{code} did not answer. A payment that was made will be credited.",
            ) from error
        await self.take_in(payment["gateway"], result)

    async def _apply(self, gateway: str, result: PaymentResult, payment_id: str | None) -> Applied:
        return await self._engine.submit(
            ApplyPaymentResult(gateway, result, self._purposes, self._new_id, payment_id)
        )

    async def _wanted(
        self, gateway: str, result: PaymentResult, payment_id: str | None
    ) -> tuple[str, bool] | None:
        return await self._engine.submit(_Wanted(gateway, result, self._purposes, payment_id))

    async def _follow_up(
        self,
        code: str,
        result: PaymentResult,
        payment_id: str,
        is_wanted: bool,  # noqa: FBT001 - the pair that _Wanted answers
    ) -> PaymentResult | None:
        request = FollowUpRequest(
            idempotency_key=payment_id,
            provider_payment_id=result.provider_payment_id,
            amount=result.amount,
        )
        try:
            gateway = self._registry.gateway(code)
            if is_wanted and isinstance(gateway, Captures):
                return await gateway.capture(request)
            if not is_wanted and isinstance(gateway, Voids):
                return await gateway.void(request)
        except (GatewayError, Conflict) as error:
            what = "captured" if is_wanted else "voided"
            log.warning("%s could not be %s: %s", result.provider_payment_id, what, error)
        return None
