"""The one way in for what a provider says of a payment, with what has to follow at the provider.

Money that a payer's bank has promised is taken while it is still wanted, and let go when it is not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

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
from batua.redaction import redact
from batua.registry import Registry

__all__ = ["Intake"]

log = logging.getLogger(__name__)


class _FollowUp(NamedTuple):
    """What the provider waits for: that we take what was authorized, or let it go."""

    payment_id: str
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class _Authorized:
    """What is to follow on an authorization. None where it is of no payment of ours."""

    heard: ApplyPaymentResult

    def needs(self, book: Book) -> Iterable[Need]:
        return self.heard.needs(book)

    def decide(self, book: Book) -> _FollowUp | None:
        payment, result = self.heard.payment(book), self.heard.result
        if payment is None or payment["mode"] != result.mode:
            return None
        asked = Money(payment["amount"], payment["currency"])
        is_open = payment["status"] == PaymentStatus.AUTHORIZED
        wants = self.heard.purposes[payment["purpose"]].wants(book, payment)
        return _FollowUp(payment["id"], is_open and wants and asked == result.amount)


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
        heard = ApplyPaymentResult(gateway, result, self._purposes, self._new_id, payment_id)
        applied = await self._engine.submit(heard)
        if result.status is not ProviderPaymentStatus.AUTHORIZED:
            return applied
        wanted = await self._engine.submit(_Authorized(heard))
        taken = None if wanted is None else await self._follow(gateway, result, wanted)
        if wanted is None or taken is None:
            return applied
        return await self._engine.submit(replace(heard, result=taken, payment_id=wanted.payment_id))

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
                f"The proof of payment was refused: {redact(str(error))}", code="proof_rejected"
            ) from error
        except GatewayError as error:
            raise TryAgain(
                "gateway_unavailable",
                f"{code} did not answer. A payment that was made will be credited.",
            ) from error
        await self.take_in(payment["gateway"], result)

    async def _follow(
        self, code: str, result: PaymentResult, wanted: _FollowUp
    ) -> PaymentResult | None:
        request = FollowUpRequest(
            idempotency_key=wanted.payment_id,
            provider_payment_id=result.provider_payment_id,
            amount=result.amount,
        )
        try:
            gateway = self._registry.gateway(code)
            if wanted.is_wanted and isinstance(gateway, Captures):
                return await gateway.capture(request)
            if not wanted.is_wanted and isinstance(gateway, Voids):
                return await gateway.void(request)
        except (GatewayError, Conflict) as error:
            what = "captured" if wanted.is_wanted else "voided"
            log.warning("%s could not be %s: %s", result.provider_payment_id, what, error)
        return None
