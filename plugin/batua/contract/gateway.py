"""The gateway contract: what every adapter implements, and what it may implement.

An adapter is a translator.  It turns our requests into the provider's wire format and the
provider's answers into our results.  It never opens a database, never reads the environment,
never sees a framework's request and never changes a status: it returns what it learned, and the
core decides what that means for the ledger.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, runtime_checkable

from batua.contract.capabilities import Mode, Support
from batua.contract.manifest import Manifest, PluginSettings
from batua.contract.requests import (
    ConfirmRequest,
    FollowUpRequest,
    PaymentLookup,
    PaymentRequest,
    RefundLookup,
    RefundRequest,
)
from batua.contract.results import CreatedPayment, FetchedPayment, PaymentResult, RefundResult
from batua.contract.transport import Transport
from batua.contract.webhook import WebhookEvent, WebhookRequest

__all__ = ["Captures", "Confirms", "Gateway", "Refunds", "Voids", "check_gateway"]


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
    """Takes authorized money. Moves money; a lost answer is ``GatewayOutcomeUnknown``."""

    async def capture(self, request: FollowUpRequest) -> PaymentResult: ...


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


_DECLARED: dict[str, type] = {
    "confirm": Confirms,
    "capture": Captures,
    "void": Voids,
    "refund": Refunds,
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
        implemented = issubclass(gateway, protocol)
        if declared and not implemented:
            raise TypeError(f"{code}: declares {name} but does not implement {protocol.__name__}")
        if implemented and not declared:
            raise TypeError(f"{code}: implements {protocol.__name__} but does not declare {name}")
