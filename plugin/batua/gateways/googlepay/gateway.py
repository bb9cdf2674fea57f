"""The Google Pay gateway: a button, and behind it the gateway that takes the money.

Google tells merchants nothing after a payment: no webhook, no status to ask for. Its client hands
a token (cards) or opens a UPI app (India); the money's story is the processor's.
Source: developers.google.com/pay, read 2026-11-22; codes.py names the page of each fact.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar, NoReturn
from urllib.parse import urlencode

from batua.contract import (
    Capabilities,
    ConfirmRequest,
    Confirms,
    CreatedPayment,
    FetchedPayment,
    Fronts,
    Gateway,
    GatewayError,
    GatewayRejected,
    GatewayUnavailable,
    Manifest,
    Mode,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    PluginSettings,
    ProviderPaymentStatus,
    Transport,
    WebhookEvent,
    WebhookRejected,
    WebhookRequest,
    active_currencies,
)
from batua.gateways.googlepay.codes import ENVIRONMENTS
from batua.gateways.googlepay.connecting import card_intake, upi_checkout
from batua.gateways.googlepay.intake import Intake
from batua.gateways.googlepay.payment_data import token_of
from batua.gateways.googlepay.request import payment_data_request
from batua.gateways.googlepay.seen import SeenInMemory, SeenMessages
from batua.gateways.googlepay.settings import GooglePaySettings, check_live, check_settings
from batua.gateways.googlepay.upi import UPI_CURRENCY
from batua.gateways.googlepay.upi_checkout import UpiCheckout

__all__ = ["GooglePayGateway"]

log = logging.getLogger(__name__)

_PROGRESS = {
    ProviderPaymentStatus.CAPTURED: 3,
    ProviderPaymentStatus.AUTHORIZED: 2,
    ProviderPaymentStatus.PENDING: 1,
    ProviderPaymentStatus.FAILED: 0,
    ProviderPaymentStatus.VOIDED: 0,
}


@dataclass(frozen=True, slots=True)
class _Connection:
    """The processor, and which of Google Pay's two ways it serves: at least one."""

    processor: Gateway
    cards: Intake | None
    upi: UpiCheckout | None


class GooglePayGateway(Gateway):
    """Fronts ``processor``: every payment here is a payment of that gateway.

    ``seen`` remembers opened tokens (``DIRECT`` only); several processes must share one.
    """

    manifest: ClassVar[Manifest] = Manifest(
        code="googlepay",
        name="Google Pay",
        summary="Google Pay's button, for cards and UPI, in front of another gateway.",
        version="1.0.0",
        author="The Batua authors",
        category="Payments",
        settings=GooglePaySettings,
        # The processor's own currencies and minimums narrow these.
        capabilities=Capabilities(currencies=active_currencies(), confirm=True),
        depends=("cryptography",),
    )

    def __init__(
        self, settings: PluginSettings, transport: Transport, *, seen: SeenMessages | None = None
    ) -> None:
        if not isinstance(settings, GooglePaySettings):
            raise TypeError(f"GooglePaySettings expected, got {type(settings).__name__}")
        check_settings(settings)
        if settings.processor == self.manifest.code:
            raise ValueError("processor must be a gateway that takes money, not googlepay itself")
        self._settings = settings
        self._transport = transport
        self._seen = seen if seen is not None else SeenInMemory()
        self._connection: _Connection | None = None

    @property
    def processor(self) -> str:
        """The code of the gateway that takes the money."""
        return self._settings.processor

    def connect(self, processor: Gateway) -> None:
        """Take the processor, once. Raises ``ValueError`` where it serves neither cards nor UPI."""
        code = processor.manifest.code
        if code != self.processor:
            raise ValueError(f"{code} can't be the processor: {self.processor} is set")
        if isinstance(processor, Fronts):
            raise ValueError(  # noqa: TRY004 - by the contract, and staff can mend it
                f"{code} can't be the processor: it takes no money itself"
            )
        if self._connection is not None:
            raise ValueError("Google Pay has its processor already")
        cards = card_intake(processor, self._settings, self._transport, seen=self._seen)
        upi = upi_checkout(processor, self._transport)
        if cards is None and upi is None:
            raise ValueError(
                f"{code} takes neither Google Pay's card tokens nor UPI payments: "
                "set processor to a gateway that does"
            )
        check_live(self._settings, processor.mode, cards=cards is not None)
        self._connection = _Connection(processor, cards, upi)

    @property
    def mode(self) -> Mode:
        """The processor's: Google's environment follows it, so the two never mix."""
        return self._connected.processor.mode

    async def create_payment(self, request: PaymentRequest) -> CreatedPayment:
        """Create the processor's payment, and add what Google Pay needs to open. Moves no money.

        The same ``payment_id`` again gives the same payment, as the processor promises. Raises
        what the processor raises, and ``GatewayRejected`` before it is asked for an amount or
        currency that Google Pay can't take.
        """
        connection, amount = self._connected, request.amount
        google_pay = self._card_request(request)
        upi = connection.upi if amount.currency == UPI_CURRENCY else None
        if not google_pay and upi is None:
            raise GatewayRejected(
                f"{self.processor} takes Google Pay by UPI only, and UPI takes rupees only",
                failure_code="unsupported_currency",
            )
        created = await connection.processor.create_payment(request)
        checkout = dict(created.checkout)
        if google_pay:
            checkout["google_pay"] = google_pay
            checkout["google_pay_environment"] = ENVIRONMENTS[self.mode]
        if upi is not None:
            checkout |= await self._upi(upi, request, created, is_needed=not google_pay)
        return CreatedPayment(
            provider_reference=created.provider_reference,
            checkout=checkout,
            url=self._page(google_pay, request.return_url) or created.url,
        )

    async def fetch_payment(self, request: PaymentLookup) -> FetchedPayment:
        """The processor's word. Google knows nothing of the payment."""
        return await self._connected.processor.fetch_payment(request)

    async def verify_webhook(
        self,
        request: WebhookRequest,  # noqa: ARG002 - nothing of it can be genuine
    ) -> tuple[WebhookEvent, ...]:
        """Always ``WebhookRejected``: whatever claims to be Google's webhook is forged."""
        raise WebhookRejected(
            "Google sends merchants no webhook. Point the webhooks of "
            f"{self.processor} at /api/v1/webhooks/{self.processor}"
        )

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Take in what the browser brought back; answer with the processor's word on it.

        ``payment_data`` (cards) charges its token for this payment: moves money, once per payment
        however often it is brought; a lost answer is ``GatewayOutcomeUnknown``. ``upi`` is what
        the UPI app told the browser: anybody can forge it, so it is not read, and the processor is
        asked. A proof of the processor's own page is the processor's to check. Raises
        ``GatewayRejected`` for a proof that is missing, wrong or used.
        """
        if not request.provider_reference:
            raise GatewayUnavailable(f"{self.processor} has not told its payment yet: try again")
        given = request.proof.keys() & {"payment_data", "upi"}
        if len(given) > 1:
            _refuse("the proof is of a card and of UPI at once")
        if "payment_data" in given:
            return await self._charged(request)
        if "upi" in given:
            return await self._asked(request)
        return await self._of_processor(request)

    async def _charged(self, request: ConfirmRequest) -> PaymentResult:
        cards = self._connected.cards
        if cards is None:
            _refuse(f"{self.processor} takes no Google Pay tokens")
        token = token_of(request.proof["payment_data"], cards.tokenization)
        return await cards.charge(request, token)

    async def _asked(self, request: ConfirmRequest) -> PaymentResult:
        connection = self._connected
        if connection.upi is None:
            _refuse(f"{self.processor} opens no UPI payments")
        fetched = await connection.processor.fetch_payment(
            PaymentLookup(
                payment_id=request.payment_id,
                provider_reference=request.provider_reference,
                amount=request.amount,
            )
        )
        if not fetched.attempts:
            raise GatewayUnavailable(f"{self.processor} has heard of no UPI payment yet: try again")
        return max(fetched.attempts, key=lambda attempt: _PROGRESS[attempt.status])

    async def _of_processor(self, request: ConfirmRequest) -> PaymentResult:
        processor = self._connected.processor
        if not isinstance(processor, Confirms):
            _refuse("the proof has neither payment_data nor upi")
        return await processor.confirm(request)

    def _card_request(self, request: PaymentRequest) -> str:
        cards = self._connected.cards
        if cards is None:
            return ""
        return payment_data_request(request.amount, cards.specification, self._settings)

    def _page(self, google_pay: str, return_url: str) -> str | None:
        if not google_pay or not self._settings.checkout_url:
            return None
        query = urlencode({"request": google_pay, "return_url": return_url})
        separator = "&" if "?" in self._settings.checkout_url else "?"
        return f"{self._settings.checkout_url}{separator}{query}"

    async def _upi(
        self, upi: UpiCheckout, request: PaymentRequest, created: CreatedPayment, *, is_needed: bool
    ) -> dict[str, str]:
        try:
            return await upi.open(request, created)
        except GatewayError as error:
            # The payment is made and moves nothing by itself. Where cards are left it can be paid.
            if is_needed:
                raise
            log.warning("%s: no UPI link for %s: %s", self.processor, request.payment_id, error)
            return {}

    @property
    def _connected(self) -> _Connection:
        if self._connection is None:
            raise RuntimeError("Google Pay was not given its processor")
        return self._connection


def _refuse(why: str) -> NoReturn:
    raise GatewayRejected(why, failure_code="proof_invalid")
