"""Charges of a saved token: one debit for each payment of ours, whatever gets lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from batua.contract import (
    ChargeRequest,
    FetchedPayment,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
    PaymentResult,
    ProviderPaymentStatus,
)
from batua.gateways.razorpay.bodies import CLAIM_NOTE, charge_order_body, debit_body
from batua.gateways.razorpay.client import RazorpayClient, read, written
from batua.gateways.razorpay.doubts import Claims
from batua.gateways.razorpay.orders import Orders
from batua.gateways.razorpay.results import payment_result
from batua.gateways.razorpay.session import Refused
from batua.gateways.razorpay.wire import Entity, moment, note, required, text

__all__ = ["Debits"]

_SETTLED_AFTER_S = 900
"""After this, a debit that Razorpay does not list was never received: far longer than any call."""


class Debits:
    """Makes an order and debits it.

    A debit has no idempotency key (MD:api/payments/recurring-payments/upi/
    create-subsequent-payments.md), so the order stands in for one: it is unique by its receipt,
    and whoever made it has written a word on it. Only who finds no other word there debits, and
    only once; everybody else reads the order's payments, and where there are none is unsure until
    a debit that somebody may have sent must have been received, and then is refused. Where
    receipts are not unique after all, each has an order of their own, and all are looked at.
    """

    def __init__(
        self,
        client: RazorpayClient,
        orders: Orders,
        mode: Mode,
        *,
        payer_email: str,
        payer_phone: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._orders = orders
        self._mode = mode
        self._payer_email = payer_email
        self._payer_phone = payer_phone
        self._now = now
        self._claims = Claims()

    async def charge(self, request: ChargeRequest) -> FetchedPayment:
        """Charge once. Moves money; see ``RazorpayGateway.charge_token``."""
        claim = self._claims.take(request.payment_id)
        try:
            contact = await self._contact(request)
            body = charge_order_body(request, claim)
            order = await self._orders.create(request.payment_id, request.amount, body)
            orders = [order, *await self._orders.by_receipt(request.payment_id)]
            others = [each for each in orders if note(each, CLAIM_NOTE) != claim]
            if others:
                return await self._earlier(others, request)
        except GatewayError:
            # No debit was sent by this call.
            self._claims.give_back(request.payment_id, claim)
            raise
        return await self._debit(request, order, claim, contact)

    async def _earlier(self, orders: Iterable[Entity], request: ChargeRequest) -> FetchedPayment:
        """What an earlier call has done with one of these orders. Never debits."""
        is_settled = True
        for order in {each.get("id"): each for each in orders}.values():
            found = await self._payments(order)
            if found.attempts:
                return found
            is_settled = is_settled and self._is_settled(order)
        if is_settled:
            raise GatewayRejected(
                f"an earlier charge of {request.payment_id} never came to Razorpay",
                failure_code="charge_not_received",
            )
        raise GatewayOutcomeUnknown(
            f"an earlier charge of {request.payment_id} may still be on its way"
        )

    def _is_settled(self, order: Entity) -> bool:
        """Whether a debit of this order, which has no payment, can't be under way any more."""
        made_at = moment(order.get("created_at"))
        if made_at is None or text(order, "status") != "created":
            return False
        return (self._now() - made_at).total_seconds() >= _SETTLED_AFTER_S

    async def _debit(
        self, request: ChargeRequest, order: Entity, claim: str, contact: tuple[str, str]
    ) -> FetchedPayment:
        email, phone = contact
        order_id = written(lambda entity: required(entity, "id"), order)
        try:
            accepted = await self._client.charge_token(
                debit_body(request, order_id, email=email, contact=phone)
            )
        except GatewayUnavailable:
            self._claims.give_back(request.payment_id, claim)
            raise
        except Refused as refusal:
            return await self._after_refusal(request, order, claim, refusal)
        payment_id = written(lambda entity: required(entity, "razorpay_payment_id"), accepted)
        return FetchedPayment(
            provider_reference=order_id,
            attempts=(await self._begun(payment_id, order_id, request),),
        )

    async def _begun(self, payment_id: str, order_id: str, request: ChargeRequest) -> PaymentResult:
        try:
            payment = await self._client.fetch_payment(payment_id)
            return read(lambda entity: payment_result(entity, self._mode), payment)
        except GatewayError:
            # It was accepted, and that is enough: a webhook or the poller brings the end.
            return PaymentResult(
                provider_payment_id=payment_id,
                provider_reference=order_id,
                status=ProviderPaymentStatus.PENDING,
                amount=request.amount,
                mode=self._mode,
            )

    async def _after_refusal(
        self, request: ChargeRequest, order: Entity, claim: str, refusal: Refused
    ) -> FetchedPayment:
        try:
            found = await self._payments(order)
        except GatewayError as silence:
            raise GatewayOutcomeUnknown(
                f"Razorpay refused the charge of {request.payment_id}, and whether it was made "
                "before could not be asked"
            ) from silence
        if found.attempts:
            return found
        self._claims.give_back(request.payment_id, claim)
        raise refusal

    async def _payments(self, order: Entity) -> FetchedPayment:
        order_id = read(lambda entity: required(entity, "id"), order)
        payments = await self._client.payments_of_order(order_id)
        attempts = [
            read(lambda entity: payment_result(entity, self._mode), payment) for payment in payments
        ]
        return FetchedPayment(provider_reference=order_id, attempts=tuple(attempts))

    async def _contact(self, request: ChargeRequest) -> tuple[str, str]:
        """The payer's email and phone: as told, as Razorpay knows them, or the shop's own."""
        email, phone = request.email, request.phone
        if not email or not phone:
            customer = await self._client.fetch_customer(request.provider_customer)
            email = email or text(customer, "email") or self._payer_email
            phone = phone or text(customer, "contact") or self._payer_phone
        if not email or not phone:
            raise GatewayRejected(
                "Razorpay wants the payer's email and phone with a charge",
                failure_code="contact_missing",
            )
        return email, phone
