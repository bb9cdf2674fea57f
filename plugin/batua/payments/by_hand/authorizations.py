"""Staff take money that a payer's bank has promised, or let it go."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from batua.audit import note_act
from batua.contract import (
    Captures,
    FollowUpRequest,
    GatewayError,
    GatewayRejected,
    PaymentResult,
    ProviderPaymentStatus,
    Voids,
)
from batua.database import Database, Row
from batua.errors import Conflict, GatewayFailed, NotFound, Refusal, TryAgain
from batua.ledger import Engine
from batua.payments.intake import Intake
from batua.payments.polling import Poller
from batua.payments.states import PaymentStatus
from batua.redaction import redact
from batua.registry import Registry

__all__ = ["Authorizations"]

log = logging.getLogger(__name__)

Attempts = Sequence[PaymentResult]
Call = Callable[[FollowUpRequest], Awaitable[PaymentResult]]


class Authorizations:
    """Each takes the provider's answer in as every other word of it, so that nothing is posted
    twice, and asks the provider where its answer is lost.

    Both raise ``NotFound``, ``Conflict`` (``not_authorized``, ``capture_unsupported``,
    ``void_unsupported``), ``GatewayFailed`` and ``TryAgain``: asked again later, whatever has
    happened meanwhile is found.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        registry: Registry,
        intake: Intake,
        poller: Poller,
    ) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._intake = intake
        self._poller = poller

    async def capture(self, payment_id: str) -> Row:
        """Take what was authorized; the payment. Moves money.

        It goes where any capture goes: what its order or top-up wants no more, to the wallet; what
        is of another amount, to suspense.
        """
        payment = await self._authorized(payment_id)
        gateway = self._registry.gateway(payment["gateway"])
        if not isinstance(gateway, Captures):
            raise Conflict(
                "capture_unsupported",
                f"{payment['gateway']} can't capture by hand: do it in its own dashboard.",
            )
        return await self._follow_up(payment, gateway.capture, ProviderPaymentStatus.CAPTURED)

    async def void(self, payment_id: str) -> Row:
        """Let go what was authorized; the payment. Moves no money."""
        payment = await self._authorized(payment_id)
        gateway = self._registry.gateway(payment["gateway"])
        if not isinstance(gateway, Voids):
            raise Conflict(
                "void_unsupported",
                f"{payment['gateway']} can't void an authorization: it ends there by itself.",
            )
        return await self._follow_up(payment, gateway.void, ProviderPaymentStatus.VOIDED)

    async def _follow_up(self, payment: Row, call: Call, wanted: ProviderPaymentStatus) -> Row:
        attempts = await self._ask(payment)
        promised = next(filter(_is_authorized, attempts), None)
        refused: GatewayError | None = None
        try:
            if promised is not None:
                attempts, refused = await self._call(payment, promised, call)
            await self._take_in(payment, attempts, wanted)
        finally:
            await note_act(self._engine)
        if all(attempt.status is not wanted for attempt in attempts):
            raise _refusal(payment, promised, refused) from refused
        return await self._read(payment["id"])

    async def _call(
        self, payment: Row, promised: PaymentResult, call: Call
    ) -> tuple[Attempts, GatewayError | None]:
        """The provider's answer; where it is no or lost, what it says of the payment by now."""
        request = FollowUpRequest(
            idempotency_key=payment["id"],
            provider_payment_id=promised.provider_payment_id,
            amount=promised.amount,
        )
        try:
            return (await call(request),), None
        except GatewayError as error:
            log.warning("%s: %s", payment["id"], error)
            return await self._ask(payment), error

    async def _take_in(
        self, payment: Row, attempts: Attempts, wanted: ProviderPaymentStatus
    ) -> None:
        """What we wanted, or else how it ended. What is still promised is nothing new."""
        heard = [attempt for attempt in attempts if attempt.status is wanted]
        if not heard and not any(map(_is_authorized, attempts)):
            heard = list(attempts)
        for attempt in heard:
            await self._intake.take_in(payment["gateway"], attempt, payment["id"])

    async def _ask(self, payment: Row) -> Attempts:
        fetched = await self._poller.fetch(payment)
        if fetched is None:
            raise _unavailable(payment)
        return fetched.attempts

    async def _authorized(self, payment_id: str) -> Row:
        payment = await self._read(payment_id)
        if payment["status"] != PaymentStatus.AUTHORIZED:
            raise _not_authorized(payment_id, payment["status"])
        return payment

    async def _read(self, payment_id: str) -> Row:
        row = await self._database.fetch_one(
            "select * from batua_payment where id = $1", payment_id
        )
        if row is None:
            raise NotFound("payment", payment_id)
        return row


def _is_authorized(attempt: PaymentResult) -> bool:
    return attempt.status is ProviderPaymentStatus.AUTHORIZED


def _refusal(payment: Row, promised: PaymentResult | None, refused: GatewayError | None) -> Refusal:
    if promised is None:
        return _not_authorized(payment["id"], "authorized no more, says the provider")
    if isinstance(refused, GatewayRejected):
        return GatewayFailed(payment["gateway"], redact(str(refused)))
    return _unavailable(payment)


def _not_authorized(payment_id: str, status: str) -> Conflict:
    return Conflict(
        "not_authorized",
        f"Payment {payment_id!r} is {status}: only what is authorized is captured or voided.",
    )


def _unavailable(payment: Row) -> TryAgain:
    return TryAgain(
        "gateway_unavailable",
        f"{payment['gateway']} did not say what became of payment {payment['id']!r}. It is asked "
        "until it does; look again in a minute.",
        retry_after_s=5,
    )
