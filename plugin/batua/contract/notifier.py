"""The notifier contract: how a person is told that money moved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from batua.contract.manifest import Manifest, PluginSettings
from batua.contract.transport import Transport
from batua.contract.webhook import WebhookRequest

__all__ = [
    "Delivery",
    "DeliveryStatus",
    "Notification",
    "Notifier",
    "ReportsDelivery",
    "Sent",
    "Template",
]


class Template(StrEnum):
    """The messages that we send. Each notifier maps them to its own templates."""

    TOP_UP_SUCCEEDED = "top_up_succeeded"
    ORDER_PAID = "order_paid"
    REFUND_SUCCEEDED = "refund_succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one person.

    ``parameters`` are texts ready to be read, in the order of the template's placeholders:
    ``top_up_succeeded``: name, amount, balance. ``order_paid``: name, reference, amount, balance.
    ``refund_succeeded``: name, amount, reference, balance. ``phone`` is E.164 with its plus.
    """

    id: str
    template: Template
    phone: str
    language: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The provider took the message. Taken is not delivered."""

    provider_reference: str


class DeliveryStatus(StrEnum):
    """How far a message got, in order of progress; ``failed`` ranks below ``delivered``."""

    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the provider later said of a message.

    ``notification_id`` is ours where the provider echoes it, else empty.
    """

    provider_reference: str
    notification_id: str
    status: DeliveryStatus
    occurred_at: datetime | None = None
    failure_code: str = ""
    failure_message: str = ""
    opted_out: bool = False


class Notifier(ABC):
    """Sends messages. Never moves money, and no money may depend on it.

    ``needs_consent`` says whether a person must have opted in on ``channel`` first.
    """

    manifest: ClassVar[Manifest]
    channel: ClassVar[str]
    needs_consent: ClassVar[bool]

    @abstractmethod
    def __init__(self, settings: PluginSettings, transport: Transport) -> None:
        """Keep what is needed; open nothing. Raise ``ValueError`` where the settings can't work."""

    @abstractmethod
    async def send(self, notification: Notification) -> Sent:
        """Send one message. Raises ``NotifierRejected`` or ``NotifierUnavailable``.

        Called at least once for each notification: a lost answer may send it twice.
        """


@runtime_checkable
class ReportsDelivery(Protocol):
    """The provider tells us by webhook how far a message got."""

    def answer_challenge(self, query: Mapping[str, str]) -> str | None:
        """The body that proves to the provider that the webhook's URL is ours, or None."""

    async def verify_webhook(self, request: WebhookRequest) -> tuple[Delivery, ...]:
        """Verify the bytes first, then read them. Raises ``WebhookRejected``."""
