"""What a payment is for: ``payments`` knows top-ups and orders only through this.

``bootstrap`` hands the purposes in, so that a new one is a new file and no change here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from batua.ledger import Book, Need, Record
from batua.outbox import Announcer
from batua.payments.clawbacks import Clawback, Clawed

__all__ = ["Destination", "Placement", "Purpose", "Purposes", "Refunding"]


class Destination(StrEnum):
    """Where captured money goes."""

    WALLET = "wallet"
    ORDER = "order"
    SUSPENSE = "suspense"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a capture goes, and why: ``reason`` is a word for staff, such as ``second_capture``."""

    destination: Destination
    reason: str


class Refunding(Protocol):
    """Whatever posts a refund that was reserved. All of it is pure."""

    def approved(self, book: Book, refund: Record) -> None:
        """A second person agreed: pay what can be paid at once."""

    def rejected(self, book: Book, refund: Record) -> None:
        """A second person refused: release everything that was reserved."""

    def source_refunded(self, book: Book, refund: Record) -> None:
        """The provider gave ``source_amount`` back: post it and move the subject on."""

    def source_failed(self, book: Book, refund: Record, *, was_posted: bool) -> None:
        """The provider did not give it back: release the reservation, or reverse the posting."""


class Purpose(Refunding, Protocol):
    """A top-up or an order, as its payments and refunds see it. All of it is pure."""

    @property
    def announcer(self) -> Announcer:
        """Tells the customer and the host."""

    def needs(self, subject_id: str, book: Book) -> Iterable[Need]:
        """What the other methods read: the subject and its accounts."""

    def place(self, book: Book, payment: Record) -> Placement:
        """Where a capture of the right amount and currency goes."""

    def wants(self, book: Book, payment: Record) -> bool:
        """Whether money that the payer's bank has promised for ``payment`` is to be taken."""

    def captured(self, book: Book, capture: Record) -> None:
        """A capture was posted: move the subject on, and announce it."""

    def not_paid(self, book: Book, payment: Record, *, expired: bool) -> None:
        """An attempt failed, or time is up. The payment already says so."""

    def claw_back(self, book: Book, clawback: Clawback) -> Clawed:
        """The provider took a capture back that went to the wallet or to the order."""

    def clawed_back(self, book: Book, clawback: Clawback, clawed: Clawed, *, sign: int) -> None:
        """Count it on the subject; with ``sign`` -1 it was undone. The capture says so already."""

    def disputed(self, book: Book, capture: Record, *, is_lost: bool) -> None:
        """A dispute of a capture was opened, or lost for good."""


Purposes = Mapping[str, Purpose]
"""By name, as in ``batua_payment.purpose``; a subject's id stands in the column ``{name}_id``."""
