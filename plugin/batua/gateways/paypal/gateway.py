"""The PayPal gateway: our requests to PayPal's orders, payments, disputes and vault, and back.

Source of every provider fact: PayPal's API specifications @ec4d8f36 and developer pages, read
2026-11-22; codes.py and the module of each call name the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

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
    TransactionResult,
    Transport,
    WebhookEvent,
    WebhookRequest,
)
from batua.gateways.paypal.certificates import Certificates, load_authorities
from batua.gateways.paypal.client import PayPalClient, read, written
from batua.gateways.paypal.codes import CERT_NAMES, CURRENCIES, DIGITS, MINIMUMS
from batua.gateways.paypal.disputes import Disputes
from batua.gateways.paypal.events import parse_event
from batua.gateways.paypal.money import refuse_uncollectable
from batua.gateways.paypal.orders import Orders
from batua.gateways.paypal.refunds import Refunds
from batua.gateways.paypal.settings import (
    PayPalSettings,
    api_url,
    cert_prefixes,
    check_settings,
    mode_of,
)
from batua.gateways.paypal.signatures import check_signature, read_delivery
from batua.gateways.paypal.transactions import Transactions
from batua.gateways.paypal.wire import attempts_of, order_amount

__all__ = ["PayPalGateway"]


class PayPalGateway(Gateway):
    """Collects by PayPal. One payment of ours is one order there, and its money is one capture.

    PayPal has no void of an order: one that is approved and not captured lapses by itself.
    """

    manifest: ClassVar[Manifest] = Manifest(
        code="paypal",
        name="PayPal",
        summary="PayPal wallets in 24 currencies. No rupees.",
        version="1.0.0",
        author="The Batua authors",
        category="Payments",
        settings=PayPalSettings,
        capabilities=Capabilities(
            currencies=CURRENCIES,
            minimums=MINIMUMS,
            digits=DIGITS,
            confirm=True,
            capture=Support.FULL_ONLY,
            refund=Support.PARTIAL,
            recurring=True,
            disputes=True,
            transactions=True,
        ),
        depends=("httpx", "cryptography", "certifi"),
    )

    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        if not isinstance(settings, PayPalSettings):
            raise TypeError(f"PayPalSettings expected, got {type(settings).__name__}")
        check_settings(settings)
        self._mode = mode_of(settings)
        self._webhook_id = settings.webhook_id
        client = PayPalClient(
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            base_url=api_url(settings),
            transport=transport,
        )
        self._certificates = Certificates(
            transport,
            load_authorities(settings.ca_file),
            prefixes=cert_prefixes(settings),
            name=CERT_NAMES[settings.environment],
        )
        self._orders = Orders(client, self._mode, settings.client_id)
        self._disputes = Disputes(client, self._mode, transport.now)
        self._refunds = Refunds(client, self._disputes, self._mode)
        self._transactions = Transactions(client, self._disputes, self._mode)

    @property
    def mode(self) -> Mode:
        """That of the environment: sandbox credentials do not work in the live one."""
        return self._mode

    async def create_payment(self, request: PaymentRequest) -> CreatedPayment:
        """Create the order, or find the one that an earlier call made. Moves no money.

        Our payment id is the request id, which PayPal keeps for 6 hours: within them the same id
        gives the same order, and a lost answer is asked for once more at once. Later a second
        order can come to be; nobody was ever given the way to the first, and nothing is captured
        but at our wish. With a mandate the payer's wallet is saved once the payment succeeds.
        Raises ``GatewayRejected`` (also for INR), ``GatewayUnavailable``, or
        ``GatewayOutcomeUnknown`` for an answer that stays lost: ask again with the same id.
        """
        refuse_uncollectable(request.amount)
        order = await self._orders.create(request)
        return written(self._orders.created, order)

    async def fetch_payment(self, request: PaymentLookup) -> FetchedPayment:
        """The order, as its captures. Moves no money; only reads.

        An order that its payer has approved is ``AUTHORIZED`` under the order's id; once captured
        it is its capture, under the capture's id. PayPal can't find an order by our id: without a
        reference the answer is "never heard of", and ``create_payment`` or ``charge_token`` with
        the same id mends it. Raises ``GatewayRejected`` where the reference is an order of
        another payment, ``GatewayUnavailable`` for every kind of silence.
        """
        order = await self._orders.of_payment(request)
        if order is None:
            return FetchedPayment(provider_reference="")
        created = read(self._orders.created, order)
        return FetchedPayment(
            provider_reference=created.provider_reference,
            attempts=read(lambda entity: attempts_of(entity, self._mode), order),
            created=created,
        )

    async def verify_webhook(self, request: WebhookRequest) -> tuple[WebhookEvent, ...]:
        """One event of a body that PayPal signed for our webhook, else ``WebhookRejected``.

        Verified here, without asking PayPal: the certificate's URL is judged before it is
        fetched, its chain, dates and name before its key is used. A certificate that can't be had
        now rejects the delivery; PayPal repeats it for three days.
        """
        delivery = read_delivery(request.headers)
        key = await self._certificates.key(delivery.cert_url)
        check_signature(key, delivery, self._webhook_id, request.body)
        return (parse_event(request.body, self._mode),)

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Match the ``token`` of the browser's return, then fetch the order. Only reads.

        The token is the order's id and proves nothing: the answer is PayPal's. ``PENDING`` under
        the order's id says that its payer has not approved it. Raises ``GatewayRejected`` for a
        token that is missing or of another payment.
        """
        proof: Mapping[str, object] = request.proof
        if not request.provider_reference or proof.get("token") != request.provider_reference:
            raise GatewayRejected("the proof is of another payment", failure_code="proof_invalid")
        order = await self._orders.of_payment(
            PaymentLookup(
                payment_id=request.payment_id,
                provider_reference=request.provider_reference,
                amount=request.amount,
            )
        )
        if order is None:
            raise GatewayRejected("PayPal knows no such order", failure_code="not_found")
        attempts = read(lambda entity: attempts_of(entity, self._mode), order)
        if not attempts:
            return PaymentResult(
                provider_payment_id=request.provider_reference,
                provider_reference=request.provider_reference,
                status=ProviderPaymentStatus.PENDING,
                amount=read(order_amount, order),
                mode=self._mode,
            )
        return max(attempts, key=lambda attempt: _PROGRESS[attempt.status])

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take the whole of an approved order. Moves money, once however often asked.

        ``provider_payment_id`` is the order's id; the answer has the capture's own. The order is
        read first: captured before, it answers as it is, and another amount than its own is
        ``GatewayRejected`` (``amount_mismatch``). Raises ``GatewayRejected`` with PayPal's word,
        such as ``ORDER_NOT_APPROVED`` or ``INSTRUMENT_DECLINED`` (the payer may go back and
        choose another instrument), ``GatewayUnavailable`` where the order can't be read,
        ``GatewayOutcomeUnknown`` for a lost answer and while an earlier capture still runs.
        """
        return await self._orders.capture(request)

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Give money back, once per ``refund_id``. Moves money.

        The refund id is the request id, which PayPal keeps for 45 days. A refusal counts only
        when the capture's order has no refund of our id. Raises ``GatewayOutcomeUnknown`` for a
        lost answer and while a first try is still running.
        """
        return await self._refunds.make(request)

    async def fetch_refund(self, request: RefundLookup) -> RefundResult | None:
        """PayPal's word on a refund. Moves no money; only reads.

        Without PayPal's id it is looked for by ours among the refunds of the capture's order,
        which the capture names; a capture that names none can't be searched, and the answer is
        None: repeating ``refund`` is safe and tells. A refund that did not begin here and whose
        money a dispute took is ``FAILED`` with ``told_by_dispute``: ``fetch_dispute`` tells of
        it, once. While an open dispute leaves that undecided the answer is
        ``GatewayUnavailable``.
        """
        return await self._refunds.fetch(request)

    async def fetch_dispute(self, request: DisputeLookup) -> DisputeResult | None:
        """PayPal's word on a dispute. Moves no money; only reads."""
        return await self._disputes.fetch(request)

    async def charge_token(self, request: ChargeRequest) -> FetchedPayment:
        """Charge a saved PayPal wallet by an order that is captured at once. Moves money.

        Our payment id is the request id, which PayPal keeps for 6 hours; a lost answer is asked
        for once more at once. After that ``fetch_payment`` can't find the order: only the same
        call can, within the 6 hours. Raises ``GatewayRejected`` where the payer would have to
        approve, ``GatewayOutcomeUnknown`` for an answer that stays lost or an id that was paid.
        """
        refuse_uncollectable(request.amount)
        return await self._orders.charge(request)

    async def list_transactions(
        self, since: datetime, until: datetime
    ) -> tuple[TransactionResult, ...]:
        """Payments, refunds and reversals that began in that time, and disputes that changed.

        Moves no money; only reads. PayPal takes up to three hours to list a transaction, so ask
        for the last hours again later. Other takings of the same account are listed too.
        """
        return await self._transactions.between(since, until)


_PROGRESS = {
    ProviderPaymentStatus.FAILED: 0,
    ProviderPaymentStatus.VOIDED: 1,
    ProviderPaymentStatus.PENDING: 2,
    ProviderPaymentStatus.AUTHORIZED: 3,
    ProviderPaymentStatus.CAPTURED: 4,
}
