"""The Razorpay gateway: our requests to Razorpay's orders, payments and refunds, and back.

Source of every provider fact: Razorpay's markdown docs @ab3bda5f and its S2S pages, read
2026-11-22; codes.py and wire.py name the page of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from batua.contract import (
    Capabilities,
    ConfirmRequest,
    CreatedPayment,
    FetchedPayment,
    FollowUpRequest,
    Gateway,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Manifest,
    Mode,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    PluginSettings,
    ProviderPaymentStatus,
    RefundLookup,
    RefundRequest,
    RefundResult,
    Support,
    Transport,
    WebhookEvent,
    WebhookRejected,
    WebhookRequest,
)
from batua.gateways.razorpay.client import RazorpayClient, Refused, read, written
from batua.gateways.razorpay.codes import CURRENCIES, MINIMUMS, NOT_FOUND
from batua.gateways.razorpay.events import parse_event
from batua.gateways.razorpay.orders import Orders
from batua.gateways.razorpay.refunds import Refunds
from batua.gateways.razorpay.settings import RazorpaySettings, check_settings, mode_of
from batua.gateways.razorpay.wire import (
    Entity,
    created_payment,
    money,
    payment_result,
    refuse_odd_thousandths,
    refuse_uncollectable,
    signature_matches,
    webhook_secrets,
)

__all__ = ["RazorpayGateway"]


class RazorpayGateway(Gateway):
    """Collects by Razorpay. One payment of ours is one order there; each try is one payment.

    Razorpay has no void: an authorization that is not captured goes back by itself.
    """

    manifest: ClassVar[Manifest] = Manifest(
        code="razorpay",
        name="Razorpay",
        summary="UPI, cards, net banking and wallets in India.",
        version="1.0.0",
        author="The Batua authors",
        category="Payments",
        settings=RazorpaySettings,
        capabilities=Capabilities(
            currencies=CURRENCIES,
            minimums=MINIMUMS,
            confirm=True,
            capture=Support.FULL_ONLY,
            refund=Support.PARTIAL,
        ),
        depends=("razorpay",),
    )

    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        if not isinstance(settings, RazorpaySettings):
            raise TypeError(f"RazorpaySettings expected, got {type(settings).__name__}")
        check_settings(settings)
        self._settings = settings
        self._mode = mode_of(settings.key_id)
        self._webhook_secrets = webhook_secrets(settings.webhook_secret)
        self._client = RazorpayClient(
            key_id=settings.key_id,
            key_secret=settings.key_secret,
            base_url=settings.base_url,
            transport=transport,
        )
        self._orders = Orders(self._client)
        self._refunds = Refunds(self._client, self._mode)

    @property
    def mode(self) -> Mode:
        """Read from the prefix of the key id."""
        return self._mode

    async def create_payment(self, request: PaymentRequest) -> CreatedPayment:
        """Create the order, or find the one that an earlier call made. Moves no money.

        The receipt is our payment id; amounts are minor units. Where an account's receipts are
        not unique and this process died between two tries, a second order can exist: nobody
        knows its id, and ``fetch_payment`` reads both. Raises ``GatewayRejected``,
        ``GatewayUnavailable`` or, once a lost answer could not be mended,
        ``GatewayOutcomeUnknown``.
        """
        refuse_uncollectable(request.amount)
        order = await self._orders.create(request)
        if written(money, order) != request.amount:
            raise GatewayRejected(
                f"Razorpay has an order of another amount for {request.payment_id}",
                failure_code="amount_mismatch",
            )
        return self._created(order, request.description, request.return_url)

    async def fetch_payment(self, request: PaymentLookup) -> FetchedPayment:
        """Every attempt on every order of this payment. Moves no money; only reads.

        Raises ``GatewayRejected`` where ``provider_reference`` is an order of another payment,
        ``GatewayUnavailable`` for every kind of silence.
        """
        order, order_ids = await self._orders.of_payment(request)
        if order is None:
            return FetchedPayment(provider_reference="")
        attempts: list[PaymentResult] = []
        for order_id in order_ids:
            payments = await self._client.payments_of_order(order_id)
            attempts += [self._payment(payment) for payment in payments]
        created = self._created(order)
        return FetchedPayment(
            provider_reference=created.provider_reference, attempts=tuple(attempts), created=created
        )

    async def verify_webhook(self, request: WebhookRequest) -> tuple[WebhookEvent, ...]:
        """One event of a body that one of the webhook secrets signed, else ``WebhookRejected``.

        The HMAC binds the whole body, so nothing needs to be fetched; it does not bind the event
        id, which is a header. The payload does not tell its mode: the secret is this mode's.
        Source: MD:webhooks/validate-test.md, 2026-11-22.
        """
        signature = request.headers.get("x-razorpay-signature")
        # Every secret is tried, so that the time taken does not tell which one matched.
        matches = [
            signature_matches(secret, request.body, signature) for secret in self._webhook_secrets
        ]
        if not any(matches):
            raise WebhookRejected("Razorpay's webhook signature is missing or wrong")
        event_id = request.headers.get("x-razorpay-event-id", "")
        return (parse_event(request.body, event_id, self._mode),)

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Check the browser's proof against our stored order id, then fetch the payment.

        The signature covers neither amount nor status, so both are Razorpay's own answer. Raises
        ``GatewayRejected`` for a proof that is incomplete, wrong or of another order.
        Source: MD:payments/payment-gateway/web-integration/standard/integration-steps.md.
        """
        payment_id = _proven_payment_id(request, self._settings.key_secret.encode())
        result = self._payment(await self._client.fetch_payment(payment_id))
        found = (result.provider_payment_id, result.provider_reference)
        if found != (payment_id, request.provider_reference):
            raise GatewayRejected(
                "that payment belongs to another order", failure_code="reference_mismatch"
            )
        return result

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take the whole authorized amount. Moves money; Razorpay takes no part of it.

        Captured before, by us or automatically: the payment is returned as it is. Raises
        ``GatewayOutcomeUnknown`` for a lost answer, ``GatewayRejected`` for another amount.
        """
        amount = request.amount
        try:
            payment = await self._client.capture(
                request.provider_payment_id, amount.amount, amount.currency
            )
        except Refused as refusal:
            return await self._captured_before(request, refusal)
        return written(lambda entity: payment_result(entity, self._mode), payment)

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back, once per ``refund_id``. Moves money.

        A refusal counts only when Razorpay has no refund of this id: the first answer may have
        been lost, and "fully refunded already" may be our own doing. Raises
        ``GatewayOutcomeUnknown`` for a lost answer and while a first try is still running.
        """
        refuse_odd_thousandths(request.amount)
        return await self._refunds.make(request)

    async def fetch_refund(self, request: RefundLookup) -> RefundResult | None:
        """Razorpay's word on a refund, by its id or by ours. Moves no money; only reads."""
        return await self._refunds.fetch(request)

    async def _captured_before(self, request: FollowUpRequest, refusal: Refused) -> PaymentResult:
        if refusal.is_authentication or refusal.description == NOT_FOUND:
            raise refusal
        try:
            payment = self._payment(await self._client.fetch_payment(request.provider_payment_id))
        except GatewayError as silence:
            raise GatewayOutcomeUnknown(
                f"Razorpay refused the capture of {request.provider_payment_id}, and whether it "
                "was captured before could not be asked"
            ) from silence
        if payment.status is ProviderPaymentStatus.CAPTURED and payment.amount == request.amount:
            return payment
        raise refusal

    def _created(
        self, order: Entity, description: str = "", return_url: str = ""
    ) -> CreatedPayment:
        return read(
            lambda entity: created_payment(
                entity,
                key_id=self._settings.key_id,
                checkout_url=self._settings.checkout_url,
                description=description,
                return_url=return_url,
            ),
            order,
        )

    def _payment(self, payment: Entity) -> PaymentResult:
        return read(lambda entity: payment_result(entity, self._mode), payment)


def _proven_payment_id(request: ConfirmRequest, key_secret: bytes) -> str:
    proof: Mapping[str, object] = request.proof
    payment_id, order_id = proof.get("razorpay_payment_id"), request.provider_reference
    if not isinstance(payment_id, str) or not payment_id.isascii() or not payment_id:
        raise GatewayRejected("the proof names no payment", failure_code="proof_invalid")
    message = f"{order_id}|{payment_id}".encode()
    signature = proof.get("razorpay_signature")
    if not order_id or not signature_matches(key_secret, message, signature):
        raise GatewayRejected("the proof's signature is wrong", failure_code="proof_invalid")
    return payment_id
