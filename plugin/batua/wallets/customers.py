"""Customers: they exist from first use, and say themselves how they may be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from batua.clock import NewId
from batua.database import Database, Row
from batua.errors import Conflict, InvalidRequest
from batua.ledger import Book, Engine, Need, Record
from batua.outbox import Recipient
from batua.redaction import has_card_number
from batua.wallets.tables import Consent, Customer

__all__ = [
    "Customers",
    "Newcomer",
    "PutCustomer",
    "admit_customer",
    "customer_need",
    "ensure_customer",
    "require_customer_id",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """What is known of a customer who is seen for the first time: usually nothing."""

    name: str = ""
    phone: str = ""
    language: str = "en"
    consents: tuple[str, ...] = ()


ID_LENGTH_MAX = 128

Newcomers = Callable[[str], Newcomer]


def require_customer_id(id: str) -> str:
    """The one rule for customers' ids and the subjects of tokens. Raises ``InvalidRequest``.

    A ``/`` would take the customer out of every route that names them.
    """
    if not 0 < len(id) <= ID_LENGTH_MAX or not id.isprintable() or "/" in id:
        raise InvalidRequest(
            f"A customer's id is 1 to {ID_LENGTH_MAX} printable characters without a slash (/).",
            pointer="/customer",
        )
    if has_card_number(id):
        raise InvalidRequest.card_number("customer")
    return id


def customer_need(customer_id: str) -> Need:
    """What ``ensure_customer`` reads."""
    return Need(Customer, "id", customer_id)


def ensure_customer(book: Book, customer_id: str, newcomers: Newcomers, new_id: NewId) -> Record:
    """The customer, created on first use."""
    known = book.get(Customer, "id", customer_id)
    if known is not None:
        return known
    require_customer_id(customer_id)
    newcomer = newcomers(customer_id)
    customer = book.insert(
        Customer,
        id=customer_id,
        name=newcomer.name,
        phone=newcomer.phone,
        language=newcomer.language,
        created_at=book.now,
        updated_at=book.now,
    )
    for channel in newcomer.consents:
        _give_consent(book, customer, channel, source="first use", new_id=new_id)
    return customer


def admit_customer(book: Book, customer_id: str, newcomers: Newcomers, new_id: NewId) -> Record:
    """The customer, who begins something new. Raises ``Conflict`` (``customer_erased``)."""
    customer = ensure_customer(book, customer_id, newcomers, new_id)
    if customer["erased_at"] is not None:
        raise Conflict(
            "customer_erased",
            f"The customer {customer_id!r} was erased and begins nothing new. "
            "Give the person another id if they come back.",
        )
    return customer


@dataclass(frozen=True, slots=True, kw_only=True)
class PutCustomer:
    """Set what notifications need. What is None stays; a consent is given or revoked by channel."""

    id: str
    name: str | None
    phone: str | None
    consents: Mapping[str, bool]
    source: str
    newcomers: Newcomers
    new_id: NewId

    @property
    def _consents(self) -> Need:
        return Need(Consent, "customer_id", self.id, "revoked_at is null")

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield customer_need(self.id)
        yield self._consents

    def decide(self, book: Book) -> Record:
        customer = admit_customer(book, self.id, self.newcomers, self.new_id)
        changes = {
            column: value
            for column, value in (("name", self.name), ("phone", self.phone))
            if value is not None and value != customer[column]
        }
        if changes:
            book.update(customer, **changes, updated_at=book.now)
        if "phone" in changes:
            self._move_consents(book, customer)
        for channel, wanted in self.consents.items():
            self._set_consent(book, customer, channel, wanted=wanted)
        return customer

    def _set_consent(self, book: Book, customer: Record, channel: str, *, wanted: bool) -> None:
        current = [each for each in self._current(book) if each["channel"] == channel]
        if wanted and not current:
            if not customer["phone"]:
                raise InvalidRequest(
                    f"A consent for {channel} needs a phone number.", pointer="/phone"
                )
            _give_consent(book, customer, channel, source=self.source, new_id=self.new_id)
        if not wanted:
            for consent in current:
                book.update(consent, revoked_at=book.now, revoked_reason=self.source)

    def _move_consents(self, book: Book, customer: Record) -> None:
        # A consent is for the number that it was given with: the old row says so for ever.
        for consent in self._current(book):
            book.update(consent, revoked_at=book.now, revoked_reason="the phone number changed")
            if customer["phone"]:
                _give_consent(
                    book,
                    customer,
                    consent["channel"],
                    source=f"{self.source}, who changed the phone number",
                    new_id=self.new_id,
                )

    def _current(self, book: Book) -> list[Record]:
        consents = book.find(*self._consents)
        return [consent for consent in consents if consent["revoked_at"] is None]


def _give_consent(
    book: Book, customer: Record, channel: str, *, source: str, new_id: NewId
) -> None:
    book.insert(
        Consent,
        id=new_id("cns"),
        customer_id=customer["id"],
        channel=channel,
        address=customer["phone"],
        wording="Wallet and order messages, version 1",
        source=source,
        given_at=book.now,
        revoked_at=None,
        revoked_reason=None,
    )


class Customers:
    """Reads customers, and what a notifier must know of them."""

    def __init__(
        self, database: Database, engine: Engine, *, newcomers: Newcomers, new_id: NewId
    ) -> None:
        self._database = database
        self._engine = engine
        self.newcomers = newcomers
        self._new_id = new_id

    async def put(
        self,
        customer_id: str,
        *,
        name: str | None,
        phone: str | None,
        consents: Mapping[str, bool],
        source: str,
    ) -> Row:
        """Set a customer's name, phone (E.164) and consents by channel. Moves no money."""
        return await self._engine.submit(
            PutCustomer(
                id=customer_id,
                name=name,
                phone=phone,
                consents=consents,
                source=source,
                newcomers=self.newcomers,
                new_id=self._new_id,
            )
        )

    async def consents(self, customer_id: str) -> dict[str, bool]:
        """The channels on which the customer may be written to now."""
        rows = await self._database.fetch(
            "select channel from batua_consent where customer_id = $1 and revoked_at is null",
            customer_id,
        )
        return {row["channel"]: True for row in rows}

    async def find_recipient(self, customer_id: str, channel: str) -> Recipient | None:
        """Who a message goes to; None for a customer that nobody knows."""
        row = await self._database.fetch_one(
            "select * from batua_customer where id = $1", customer_id
        )
        if row is None:
            return None
        return Recipient(
            name=row["name"] or customer_id,
            phone=row["phone"],
            language=row["language"],
            has_consented=channel in await self.consents(customer_id),
        )

    async def opt_out(self, customer_id: str, channel: str) -> None:
        """The person does not want our messages on this channel."""
        with suppress(Conflict):  # who was erased gets none
            await self.put(
                customer_id, name=None, phone=None, consents={channel: False}, source="opted out"
            )
