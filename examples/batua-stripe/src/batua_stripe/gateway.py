"""The Stripe gateway: our requests to Stripe's payment intents, refunds and lists, and back.

Source of every provider fact: docs.stripe.com, the SDK stripe 16.1.0 and stripe/openapi @f6c2a48f,
read 2026-11-22; the modules name the place of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from batua.contract import (
    Capabilities,
    CardTokenRequest,
    ChargeRequest,
    ConfirmRequest,
    CreatedPayment,
    DisputeLookup,
    DisputeResult,
    FetchedPayment,
    FollowUpRequest,
    Gateway,
    GatewayRejected,
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
    WebhookEvent,
    WebhookRequest,
)

from batua_stripe.client import Refused, StripeClient, checked_id, read, written
from batua_stripe.codes import CURRENCIES, MINIMUMS
from batua_stripe.events import parse_event
from batua_stripe.intents import Intents, refuse_another
from batua_stripe.listing import Listing
from batua_stripe.refunds import Refunds
from batua_stripe.requests import created_payment, refuse_uncollectable
from batua_stripe.saved import SavedInstruments
from batua_stripe.settings import StripeSettings, check_settings, mode_of
from batua_stripe.signature import check_signature, webhook_secrets
from batua_stripe.tries import Tries
from batua_stripe.wire import attempt, dispute_result, intent_result

__all__ = ["StripeGateway"]


class StripeGateway(Gateway):
    """Collects by Stripe. One payment of ours is one payment intent there, whose id is both our
    reference and the attempt: every event names it, and only one of its tries can take money.
    """

    manifest: ClassVar[Manifest] = Manifest(
        code="stripe",
        name="Stripe",
        summary="Cards, wallets and bank debits in many currencies.",
        version="1.0.0",
        author="The Batua authors",
        category="Payments",
        settings=StripeSettings,
        capabilities=Capabilities(
            currencies=CURRENCIES,
            minimums=MINIMUMS,
            confirm=True,
            capture=Support.PARTIAL,
            void=Support.FULL_ONLY,
            refund=Support.PARTIAL,
            recurring=True,
            disputes=True,
            transactions=True,
            settlements=True,
            card_tokens=True,
        ),
        depends=("httpx",),
    )

    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        if not isinstance(settings, StripeSettings):
            raise TypeError(f"StripeSettings expected, got {type(settings).__name__}")
        check_settings(settings)
        self._settings = settings
        self._mode = mode_of(settings.secret_key)
        self._webhook_secrets = webhook_secrets(settings.webhook_secret)
        client = StripeClient(
            secret_key=settings.secret_key,
            base_url=settings.base_url,
            api_version=settings.api_version,
            transport=transport,
        )
        capture_method = settings.capture_method
        self._client = client
        self._intents = Intents(client, capture_method=capture_method, now=transport.now)
        self._tries = Tries(client, self._intents)
        self._saved = SavedInstruments(client, self._tries, capture_method=capture_method)
        self._refunds = Refunds(client, self._intents, self._mode)
        self._listing = Listing(client, self._intents, self._mode)

    @property
    def mode(self) -> Mode:
        """Read from the prefix of the secret key."""
        return self._mode

    @property
    def card_token_parameters(self) -> Mapping[str, str]:
        """What Google Pay needs to seal a token for Stripe (DOC:google-pay, 2026-11-22)."""
        return {
            "gateway": "stripe",
            "stripe:version": self._settings.api_version,
            "stripe:publishableKey": self._settings.publishable_key,
        }

    async def create_payment(self, request: PaymentRequest) -> CreatedPayment:
        """Create the payment intent, or find the one that an earlier call made. Moves no money.

        The idempotency key comes from our payment id. Once Stripe has forgotten it, after 24
        hours, and this process has died as well, a second intent can be made; the first can't be
        paid, since nobody learnt its client secret. Raises ``GatewayRejected``,
        ``GatewayUnavailable`` or, once a lost answer could not be mended,
        ``GatewayOutcomeUnknown``.
        """
        refuse_uncollectable(request.amount)
        intent = await self._intents.create(request)
        return written(lambda made: created_payment(made, self._settings), intent)

    async def fetch_payment(self, request: PaymentLookup) -> FetchedPayment:
        """What Stripe says of the payment's intent. Moves no money; only reads.

        Raises ``GatewayRejected`` where ``provider_reference`` is the intent of another payment,
        ``GatewayUnavailable`` for every kind of silence.
        """
        intent_id = request.provider_reference
        if not intent_id:
            found = await self._intents.find(request.payment_id)
            if found is None:
                return FetchedPayment(provider_reference="")
            intent_id = str(found.get("id"))
        intent = await self._intents.fetch(intent_id)
        # An event may be about a payment that did not begin here: then there is no id of ours.
        if request.payment_id:
            refuse_another(intent, request.payment_id)
        tried = read(attempt, intent)
        return FetchedPayment(
            provider_reference=intent_id,
            attempts=(tried,) if tried is not None else (),
            created=read(lambda made: created_payment(made, self._settings), intent),
        )

    async def verify_webhook(self, request: WebhookRequest) -> tuple[WebhookEvent, ...]:
        """One event of a body that one of the webhook secrets signed, else ``WebhookRejected``.

        The HMAC binds the whole body and its time. The payload keeps the mode that Stripe gave it,
        so that an event of the other mode is seen as that.
        """
        header = request.headers.get("stripe-signature", "")
        check_signature(self._webhook_secrets, request.body, header, request.received_at)
        return (parse_event(request.body),)

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Take the payment intent's id from the return URL, then fetch it: only that is believed.

        Stripe adds ``payment_intent`` to it (DOC:payments/accept-a-payment, 2026-11-22). Raises
        ``GatewayRejected`` where it is missing or another one than we stored.
        """
        proven = request.proof.get("payment_intent")
        if not proven or not request.provider_reference:
            raise GatewayRejected("the proof names no payment", failure_code="proof_invalid")
        if proven != request.provider_reference:
            raise GatewayRejected(
                "that payment belongs to another reference", failure_code="reference_mismatch"
            )
        intent = await self._intents.fetch(proven)
        refuse_another(intent, request.payment_id)
        return read(intent_result, intent)

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take all or a part of an authorization, once; what is left goes back. Moves money.

        Captured before: the payment is returned as it is. Raises ``GatewayOutcomeUnknown`` for a
        lost answer.
        """
        return await self._tries.capture(request)

    async def void(self, request: FollowUpRequest) -> PaymentResult:
        """Cancel the intent, which gives its authorization back. Voided before: as it is."""
        return await self._tries.void(request)

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back, once per ``refund_id``. Moves money.

        Looks first whether it was made before. Raises ``GatewayOutcomeUnknown`` for a lost answer
        and for a crash at Stripe's, however often that is repeated.
        """
        return await self._refunds.make(request)

    async def fetch_refund(self, request: RefundLookup) -> RefundResult | None:
        """Stripe's word on a refund, by its id or by ours. Moves no money; only reads."""
        return await self._refunds.fetch(request)

    async def fetch_dispute(self, request: DisputeLookup) -> DisputeResult | None:
        """Stripe's word on a dispute. Raises ``GatewayRejected`` for one of another payment."""
        try:
            found = await self._client.get(f"disputes/{checked_id(request.provider_dispute_id)}")
        except Refused as refusal:
            if not refusal.is_not_found:
                raise
            return None
        dispute = read(dispute_result, found)
        if dispute.provider_payment_id != request.provider_payment_id:
            raise GatewayRejected(
                "that dispute belongs to another payment", failure_code="reference_mismatch"
            )
        return dispute

    async def charge_token(self, request: ChargeRequest) -> FetchedPayment:
        """Charge a saved payment method without its payer, once per ``payment_id``. Moves money.

        Raises ``GatewayRejected`` where it was declined or its payer is needed,
        ``GatewayOutcomeUnknown`` for a lost answer.
        """
        return await self._saved.charge(request)

    async def charge_card_token(self, request: CardTokenRequest) -> PaymentResult:
        """Pay the payment intent by a wallet's token. Moves money, once per intent.

        A decline is a ``FAILED`` attempt, and another token may follow. Raises
        ``GatewayOutcomeUnknown`` for a lost answer.
        """
        return await self._tries.pay_by_token(request)

    async def list_transactions(
        self, since: datetime, until: datetime
    ) -> tuple[TransactionResult, ...]:
        """Captures, refunds and disputes that began or changed in the time. Only reads.

        Changes older than 30 days can't be seen any more: Stripe has forgotten the events.
        """
        return await self._listing.transactions(since, until)

    async def list_settlements(
        self, since: datetime, until: datetime
    ) -> tuple[SettlementResult, ...]:
        """Every payout that was created in the time. Only reads."""
        return await self._listing.settlements(since, until)
