"""The gateway contract: what every adapter implements, and what it may implement.

An adapter is a translator.  It turns our requests into the provider's wire format and the
provider's answers into our results.  It never opens a database, never reads the environment,
never sees a framework's request and never changes a status: it returns what it learned, and the
core decides what that means for the ledger.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

from batua.contract.capabilities import Mode, Support
from batua.contract.manifest import Manifest, PluginSettings
from batua.contract.requests import (
    CardTokenRequest,
    ChargeRequest,
    ConfirmRequest,
    DisputeLookup,
    FollowUpRequest,
    NetworkTokenRequest,
    PaymentLookup,
    PaymentRequest,
    RefundLookup,
    RefundRequest,
    UpiIntentRequest,
)
from batua.contract.results import (
    CreatedPayment,
    DisputeResult,
    FetchedPayment,
    PaymentResult,
    RefundResult,
    SettlementResult,
    TransactionResult,
    UpiIntent,
)
from batua.contract.transport import Transport
from batua.contract.webhook import WebhookEvent, WebhookRequest

__all__ = [
    "Captures",
    "Charges",
    "Confirms",
    "Disputes",
    "Fronts",
    "Gateway",
    "OpensUpi",
    "Refunds",
    "Settles",
    "TakesCardTokens",
    "TakesNetworkTokens",
    "Transactions",
    "Voids",
    "check_gateway",
]


class Gateway(ABC):
    """What every adapter implements. One instance serves all requests of a process."""

    manifest: ClassVar[Manifest]

    @abstractmethod
    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        """Keep what is needed; open nothing. Raise ``ValueError`` where the settings can't work.

        The message is shown to staff and must not repeat a secret.
        """

    @property
    @abstractmethod
    def mode(self) -> Mode:
        """Whether these credentials move real money. Read from the credentials themselves."""

    @abstractmethod
    async def create_payment(self, request: PaymentRequest) -> CreatedPayment:
        """Create a payment and say how its payer gets to it. Moves no money by itself.

        Called again with the same ``payment_id`` after a lost answer: must then return the same
        payment, never a second one. Raises any ``GatewayError`` but ``WebhookRejected``.
        """

    @abstractmethod
    async def fetch_payment(self, request: PaymentLookup) -> FetchedPayment:
        """Ask the provider for the truth. Moves no money; may be repeated at will.

        This is how an unknown outcome is resolved and a lost webhook is made good.
        """

    @abstractmethod
    async def verify_webhook(self, request: WebhookRequest) -> tuple[WebhookEvent, ...]:
        """Verify the bytes first, then read them. Raises ``WebhookRejected``; never guesses.

        There is no default: an unsigned gateway would have to say so in its own code.
        """


@runtime_checkable
class Confirms(Protocol):
    """The browser brings back a proof. It is a hint: the adapter checks it, then fetches."""

    async def confirm(self, request: ConfirmRequest) -> PaymentResult:
        """Check the proof, then return what the provider itself says of that attempt.

        Raises ``GatewayRejected`` for a proof that is missing, wrong or of another payment.
        """


@runtime_checkable
class Captures(Protocol):
    """Takes authorized money: the core captures what is still wanted, and only that."""

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take the money of an ``AUTHORIZED`` attempt. Moves money, once however often asked.

        Captured before: answers as it is. A lost answer is ``GatewayOutcomeUnknown``. The result
        may have another ``provider_payment_id`` than was asked for, where the provider gives the
        capture an id of its own.
        """


@runtime_checkable
class Voids(Protocol):
    """Gives authorized money back before it is captured."""

    async def void(self, request: FollowUpRequest) -> PaymentResult: ...


@runtime_checkable
class Refunds(Protocol):
    """Gives captured money back to its payer. Moves money."""

    async def refund(self, request: RefundRequest) -> RefundResult:
        """Refund once. The same ``refund_id`` again must not refund again."""

    async def fetch_refund(self, request: RefundLookup) -> RefundResult | None:
        """The provider's word on a refund, or None when it has never heard of it."""


@runtime_checkable
class Disputes(Protocol):
    """Knows how a dispute stands: asked where a webhook binds too little of its body."""

    async def fetch_dispute(self, request: DisputeLookup) -> DisputeResult | None:
        """The provider's word on a dispute, or None when it has never heard of it. Only reads."""


@runtime_checkable
class Charges(Protocol):
    """Charges an instrument that its payer has saved, without them."""

    async def charge_token(self, request: ChargeRequest) -> FetchedPayment:
        """Charge once per ``payment_id``. Moves money.

        Answers with the payment that was made for it and the attempt, which may well be
        ``PENDING``: then a webhook or the poller brings the end. Raises ``GatewayRejected`` for
        an instrument that can't be charged, ``GatewayOutcomeUnknown`` for a lost answer.
        """


@runtime_checkable
class Transactions(Protocol):
    """Lists what moved: the other side of ``batua reconcile``, and of webhooks that were lost."""

    async def list_transactions(
        self, since: datetime, until: datetime
    ) -> tuple[TransactionResult, ...]:
        """Every capture, refund and dispute that began or changed from ``since`` (UTC) up to
        but not including ``until``, as it stands now, in any order. All pages. Only reads.

        Attempts that took no money may be left out.
        """


@runtime_checkable
class Settles(Protocol):
    """Lists what the provider has paid out."""

    async def list_settlements(
        self, since: datetime, until: datetime
    ) -> tuple[SettlementResult, ...]:
        """Every settlement made from ``since`` (UTC) up to but not including ``until``."""


@runtime_checkable
class TakesCardTokens(Protocol):
    """A card processor that charges the sealed token of a wallet such as Google Pay."""

    @property
    def card_token_parameters(self) -> Mapping[str, str]:
        """What the wallet needs to seal a token for this processor: public, no secret."""

    async def charge_card_token(self, request: CardTokenRequest) -> PaymentResult:
        """Charge once per ``payment_id``. Moves money. A lost answer is an unknown outcome."""


@runtime_checkable
class TakesNetworkTokens(Protocol):
    """A card processor that takes numbers which we have opened: PCI DSS applies to the shop."""

    async def charge_network_token(self, request: NetworkTokenRequest) -> PaymentResult:
        """Charge once per ``payment_id``. Moves money. A lost answer is an unknown outcome."""


@runtime_checkable
class OpensUpi(Protocol):
    """Opens a payment in the payer's UPI app."""

    async def open_upi(self, request: UpiIntentRequest) -> UpiIntent:
        """A link that pays exactly this payment. Moves no money by itself; may be repeated."""


@runtime_checkable
class Fronts(Protocol):
    """A gateway that takes no money itself: another one, its processor, does.

    Its customer chooses it and its ``create_payment`` and ``confirm`` are called; but the payment
    is the processor's, whose webhooks, poller, refunds and reconciliation look after it. So
    ``create_payment`` answers with the processor's own ``provider_reference``.
    """

    @property
    def processor(self) -> str:
        """The code of the gateway that takes the money."""

    def connect(self, processor: Gateway) -> None:
        """Given once, before anything else is called. Raises ``ValueError`` where it can't serve.

        The message is shown to staff and must not repeat a secret.
        """


_DECLARED: dict[str, type] = {
    "confirm": Confirms,
    "capture": Captures,
    "void": Voids,
    "refund": Refunds,
    "recurring": Charges,
    "disputes": Disputes,
    "transactions": Transactions,
    "settlements": Settles,
    "card_tokens": TakesCardTokens,
    "network_tokens": TakesNetworkTokens,
    "upi_intent": OpensUpi,
}


def check_gateway(gateway: type[Gateway]) -> None:
    """Declared equals implemented: called once when the registry loads the class.

    Raises ``TypeError`` with the first difference.
    """
    code, capabilities = gateway.manifest.code, gateway.manifest.capabilities
    if capabilities is None:
        raise TypeError(f"{code}: a gateway's manifest must have capabilities")
    for name, protocol in _DECLARED.items():
        declared = getattr(capabilities, name) not in (Support.NONE, False)
        implemented = all(hasattr(gateway, member) for member in _members(protocol))
        if declared and not implemented:
            raise TypeError(f"{code}: declares {name} but does not implement {protocol.__name__}")
        if implemented and not declared:
            raise TypeError(f"{code}: implements {protocol.__name__} but does not declare {name}")


def _members(protocol: type) -> list[str]:
    # issubclass refuses a protocol that has a property.
    return [name for name in vars(protocol) if not name.startswith("_")]
