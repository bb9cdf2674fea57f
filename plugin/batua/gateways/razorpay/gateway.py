"""The Razorpay gateway: our requests to Razorpay's orders, payments and refunds, and back.

Source of every provider fact: Razorpay's markdown docs @ab3bda5f and its S2S pages, read
2026-11-22; codes.py and wire.py name the page of each.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from batua.contract import (
    Capabilities,
    ChargeRequest,
    ConfirmRequest,
    CreatedPayment,
    DisputeLookup,
    DisputeResult,
    FetchedPayment,
    FollowUpRequest,
    Gateway,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mandate,
    Manifest,
    Mode,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    PluginSettings,
    RefundLookup,
    RefundRequest,
    RefundResult,
    SettlementResult,
    Support,
    TransactionResult,
    Transport,
    UpiIntent,
    UpiIntentRequest,
    WebhookEvent,
    WebhookRejected,
    WebhookRequest,
)
from batua.gateways.razorpay.bodies import (
    customer_body,
    mandate_body,
    order_body,
    refuse_odd_thousandths,
    refuse_uncollectable,
    upi_body,
)
from batua.gateways.razorpay.captures import Captures
from batua.gateways.razorpay.client import RazorpayClient, read
from batua.gateways.razorpay.codes import CURRENCIES, MINIMUMS
from batua.gateways.razorpay.debits import Debits
from batua.gateways.razorpay.events import parse_events
from batua.gateways.razorpay.listing import Listing
from batua.gateways.razorpay.orders import Orders
from batua.gateways.razorpay.refunds import Refunds
from batua.gateways.razorpay.results import created_payment, dispute_result, upi_intent
from batua.gateways.razorpay.session import Refused
from batua.gateways.razorpay.settings import RazorpaySettings, check_settings, mode_of
from batua.gateways.razorpay.wire import (
    Entity,
    required,
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
        version="1.1.0",
        author="The Batua authors",
        category="Payments",
        settings=RazorpaySettings,
        capabilities=Capabilities(
            currencies=CURRENCIES,
            minimums=MINIMUMS,
            confirm=True,
            capture=Support.FULL_ONLY,
            refund=Support.PARTIAL,
            recurring=True,
            disputes=True,
            transactions=True,
            settlements=True,
            upi_intent=True,
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
        self._captures = Captures(self._client, self._mode, key_secret=settings.key_secret)
        self._refunds = Refunds(self._client, self._mode, speed=settings.refund_speed)
        self._listing = Listing(self._client, self._mode)
        self._now = transport.now
        self._debits = Debits(
            self._client,
            self._orders,
            self._mode,
            payer_email=settings.payer_email,
            payer_phone=settings.payer_phone,
            now=transport.now,
        )

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
        body = await self._order_body(request)
        order = await self._orders.create(request.payment_id, request.amount, body)
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
            attempts += [self._captures.payment(payment) for payment in payments]
        created = self._created(order)
        return FetchedPayment(
            provider_reference=created.provider_reference, attempts=tuple(attempts), created=created
        )

    async def verify_webhook(self, request: WebhookRequest) -> tuple[WebhookEvent, ...]:
        """The events of a body that one of the webhook secrets signed, else ``WebhookRejected``.

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
        return parse_events(request.body, event_id, self._mode)

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Check the browser's proof against our stored order id, then fetch the payment.

        The signature covers neither amount nor status, so both are Razorpay's own answer. Raises
        ``GatewayRejected`` for a proof that is incomplete, wrong or of another order.
        Source: MD:payments/payment-gateway/web-integration/standard/integration-steps.md.
        """
        return await self._captures.confirm(request)

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take the whole authorized amount. Moves money; Razorpay takes no part of it.

        Captured before, by us or automatically: the payment is returned as it is. Raises
        ``GatewayOutcomeUnknown`` for a lost answer, ``GatewayRejected`` for another amount.
        """
        return await self._captures.capture(request)

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

    async def fetch_dispute(self, request: DisputeLookup) -> DisputeResult | None:
        """Razorpay's word on a dispute. Only reads: ``GET /v1/disputes/:id``."""
        try:
            dispute = await self._client.fetch_dispute(request.provider_dispute_id)
        except Refused as refusal:
            if not refusal.is_not_found:
                raise
            return None
        result = read(lambda entity: dispute_result(entity, self._mode), dispute)
        if result.provider_payment_id != request.provider_payment_id:
            raise GatewayRejected(
                "that dispute is of another payment", failure_code="reference_mismatch"
            )
        return result

    async def charge_token(self, request: ChargeRequest) -> FetchedPayment:
        """Debit a UPI mandate once per ``payment_id``. Moves money, a day later as a rule.

        Razorpay tells the payer first and debits about 25 hours after that, so the attempt is
        ``PENDING`` until a webhook or the poller brings its end. A debit that was sent and not
        answered, by us or by a process that died, is ``GatewayOutcomeUnknown`` until Razorpay
        lists it; after a quarter of an hour it is refused (``charge_not_received``), and never
        sent again under this id. Raises ``GatewayRejected`` for a token that can't be charged.
        """
        refuse_uncollectable(request.amount)
        return await self._debits.charge(request)

    async def open_upi(self, request: UpiIntentRequest) -> UpiIntent:
        """A link of Razorpay's that pays the order in a UPI app. Moves no money by itself.

        Each call begins a further attempt on the same order, of which one can be paid. A lost
        answer is ``GatewayUnavailable``: nobody has the link. Razorpay wants an email and a phone
        and is given those of the settings; without them ``GatewayRejected``. The account needs the
        feature (MD:payments/payment-gateway/s2s-integration/payment-methods/upi/intent.md).
        """
        email, phone = self._settings.payer_email, self._settings.payer_phone
        if not email or not phone:
            raise GatewayRejected(
                "payer_email and payer_phone must be set for UPI links",
                failure_code="contact_missing",
            )
        try:
            begun = await self._client.open_upi(upi_body(request, email=email, contact=phone))
        except GatewayOutcomeUnknown as silence:
            raise GatewayUnavailable(str(silence)) from silence
        return read(upi_intent, begun)

    async def list_transactions(
        self, since: datetime, until: datetime
    ) -> tuple[TransactionResult, ...]:
        """Every capture, refund and dispute of the time, as it stands now. All pages; only reads.

        Razorpay's lists select by when a thing began, so each is read from longer ago, and some
        that ended before ``since`` are among the answers. What Razorpay gives back because nobody
        captured it is left out: it was never ours.
        """
        return await self._listing.transactions(since, until)

    async def list_settlements(
        self, since: datetime, until: datetime
    ) -> tuple[SettlementResult, ...]:
        """Every settlement that Razorpay made in the time. All pages; only reads."""
        return await self._listing.settlements(since, until)

    async def _order_body(self, request: PaymentRequest) -> dict[str, Any]:
        is_automatic = self._settings.capture == "automatic"
        if request.mandate is None:
            return order_body(request, is_automatic=is_automatic)
        customer = await self._customer(request.mandate)
        return mandate_body(
            request, request.mandate, customer, self._now(), is_automatic=is_automatic
        )

    async def _customer(self, mandate: Mandate) -> str:
        try:
            customer = await self._client.create_customer(customer_body(mandate))
        except GatewayOutcomeUnknown as silence:
            # The same details are the same customer, and nothing else was sent yet.
            raise GatewayUnavailable(str(silence)) from silence
        return read(lambda entity: required(entity, "id"), customer)

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
