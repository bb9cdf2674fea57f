"""One payment intent per payment of ours: created once, found again by its metadata."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from batua.contract import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Money,
    PaymentRequest,
)

from batua_stripe.client import Crashed, Entity, Refused, StripeClient, checked_id, written
from batua_stripe.doubts import Doubts
from batua_stripe.requests import checked_payment_id, customer_fields, intent_fields
from batua_stripe.wire import PAYMENT_ID, metadata, money, required, text

__all__ = ["Intents", "refuse_another", "refuse_currency"]

_KEYS = ("{}:create", "{}:create:2")
_LOOKED_BACK = timedelta(hours=25)
_PROGRESS = ("succeeded", "requires_capture", "processing", "requires_action")


class Intents:
    """The idempotency key is the first guard. It is forgotten after 24 hours and repeats even a
    500 until then, so after a lost answer the lists are asked. An intent that was made and never
    answered for can't be paid: nobody has its client secret.
    """

    def __init__(
        self, client: StripeClient, *, capture_method: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._capture_method = capture_method
        self._now = now
        self._doubts = Doubts()

    async def create(self, request: PaymentRequest) -> Entity:
        """The payment's intent: one call in the good case. Moves no money."""
        intent = await self._known_or_new(request)
        written(lambda made: refuse_another(made, request.payment_id, request.amount), intent)
        return intent

    async def fetch(self, intent_id: str) -> Entity:
        """``GET /v1/payment_intents/:id`` with its latest charge."""
        path = f"payment_intents/{checked_id(intent_id)}"
        return await self._client.get(path, {"expand": ["latest_charge"]})

    async def find(self, payment_id: str) -> Entity | None:
        """The intent of our payment id, or None where Stripe shows none.

        The search knows all of time, but is late and not open to everybody. The list is up to
        date, but can be narrowed by time alone: it is read back for as long as a key may live.
        """
        checked_payment_id(payment_id)
        try:
            found = await self._client.search(
                "payment_intents", f"metadata['{PAYMENT_ID}']:'{payment_id}'"
            )
        except Refused as refusal:
            if refusal.status == 401:
                raise
            found = []
        own = [intent for intent in found if metadata(intent, PAYMENT_ID) == payment_id]
        if own:
            return min(own, key=_rank)
        since = int((self._now() - _LOOKED_BACK).timestamp())
        return await self._client.find_in(
            "payment_intents",
            {"created": {"gte": since}},
            lambda intent: metadata(intent, PAYMENT_ID) == payment_id,
        )

    async def _known_or_new(self, request: PaymentRequest) -> Entity:
        if request.payment_id in self._doubts:
            known = await self.find(request.payment_id)
            if known is not None:
                return known
        customer = await self._customer(request) if request.mandate is not None else ""
        fields = intent_fields(request, capture_method=self._capture_method, customer=customer)
        failure: GatewayError | None = None
        for key in _KEYS:
            try:
                return await self._client.post(
                    "payment_intents", fields, key=key.format(request.payment_id)
                )
            except Crashed as crash:
                failure = crash
            except Refused as refusal:
                if refusal.kind != "idempotency_error":
                    raise
                failure = refusal
            except GatewayOutcomeUnknown as silence:
                known = await self._after(request.payment_id, silence)
                if known is None:
                    # The create may still be on its way: no intent yet is not no intent.
                    raise
                return known
            # That run is over. Where it left an intent, the list shows it; where it left none,
            # only another key gets another run, and no money can move by it.
            known = await self._after(request.payment_id, failure)
            if known is not None:
                return known
        raise GatewayOutcomeUnknown(f"Stripe made no payment intent: {failure}") from failure

    async def _after(self, payment_id: str, failure: GatewayError) -> Entity | None:
        self._doubts.add(payment_id)
        try:
            return await self.find(payment_id)
        except GatewayError:
            raise GatewayOutcomeUnknown(str(failure)) from failure

    async def _customer(self, request: PaymentRequest) -> str:
        fields = customer_fields(request)
        try:
            customer = await self._client.post(
                "customers", fields, key=f"{request.payment_id}:customer"
            )
        except Crashed:
            # A customer that is there twice costs nothing; a crash that is kept costs a day.
            customer = await self._client.post(
                "customers", fields, key=f"{request.payment_id}:customer:2"
            )
        return written(lambda entity: required(entity, "id"), customer)


def refuse_another(intent: Entity, payment_id: str, amount: Money | None = None) -> None:
    """Raise ``GatewayRejected`` for an intent of another payment or of another amount.

    Raises ``Unreadable`` where an amount is asked for and can't be read.
    """
    if metadata(intent, PAYMENT_ID) != payment_id:
        raise GatewayRejected(
            f"{text(intent, 'id')} is not the payment intent of {payment_id}",
            failure_code="reference_mismatch",
        )
    if amount is not None and money(intent) != amount:
        raise GatewayRejected(
            f"Stripe has a payment intent of another amount for {payment_id}",
            failure_code="amount_mismatch",
        )


def refuse_currency(intent: Entity, amount: Money) -> None:
    """Raise ``GatewayRejected`` where ``amount`` is not in the intent's currency, or
    ``Unreadable``: captures and refunds name none, so 100 USD would be taken for 100 INR."""
    if (currency := money(intent).currency) != amount.currency:
        raise GatewayRejected(
            f"{text(intent, 'id')} is in {currency}, not in {amount.currency}",
            failure_code="currency_mismatch",
        )


def _rank(intent: Entity) -> tuple[int, int]:
    # The furthest one stands for the payment, and of equals the first.
    status, created = text(intent, "status"), intent.get("created")
    progress = _PROGRESS.index(status) if status in _PROGRESS else len(_PROGRESS)
    return progress, created if type(created) is int else 0
