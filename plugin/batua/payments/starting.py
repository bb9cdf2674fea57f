"""Start a payment at its gateway: our row first, then the call, then what the provider said.

No network call happens inside a database transaction.  A lost answer leaves a payment that is
``created``; asking again with the same id is safe, because the adapter must not create a second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from batua.contract import (
    CreatedPayment,
    Gateway,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
    Money,
    PaymentRequest,
)
from batua.database import Database
from batua.errors import Conflict, GatewayFailed, InvalidRequest, TryAgain
from batua.ledger import Book, Engine, Need, Record
from batua.payments.purposes import Purposes
from batua.payments.rescheduling import FIRST_POLL_S
from batua.payments.states import PaymentStatus, advance_payment
from batua.payments.switches import GatewayState, Switches
from batua.payments.tables import Payment
from batua.redaction import redact
from batua.registry import Registry

__all__ = ["NewPayment", "PaymentStarter", "insert_payment", "require_minimum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """A payment to be, checked against what its gateway can do.

    ``front`` is the gateway that the customer chose, where another one takes the money.
    """

    id: str
    gateway: str
    mode: Mode
    purpose: str
    subject_id: str
    customer_id: str
    money: Money
    expires_s: int
    front: str | None = None

    @property
    def chosen(self) -> str:
        """The gateway that the customer sees."""
        return self.front or self.gateway


def insert_payment(book: Book, new: NewPayment) -> Record:
    """Stage our own row of a payment, before anybody outside hears of it."""
    return book.insert(
        Payment,
        id=new.id,
        gateway=new.gateway,
        front=new.front,
        mode=str(new.mode),
        purpose=new.purpose,
        top_up_id=new.subject_id if new.purpose == "top_up" else None,
        order_id=new.subject_id if new.purpose == "order" else None,
        customer_id=new.customer_id,
        amount=new.money.amount,
        currency=new.money.currency,
        status=str(PaymentStatus.CREATED),
        provider_reference=None,
        checkout="{}",
        failure="",
        expires_at=book.clock + timedelta(seconds=new.expires_s),
        polls=0,
        next_poll_at=book.clock + timedelta(seconds=FIRST_POLL_S),
        created_at=book.now,
        updated_at=book.now,
    )


@dataclass(frozen=True, slots=True)
class RecordReference:
    """The provider knows the payment now: keep its reference and the way to its checkout."""

    payment_id: str
    created: CreatedPayment

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(Payment, "id", self.payment_id)

    def decide(self, book: Book) -> Record:
        payment = book.need(Payment, "id", self.payment_id)
        if payment["provider_reference"] is None:
            checkout = {**self.created.checkout, "url": self.created.url}
            book.update(
                payment,
                status=str(advance_payment(payment["status"], PaymentStatus.PENDING)),
                provider_reference=self.created.provider_reference,
                checkout=msgspec.json.encode(checkout).decode(),
                updated_at=book.now,
            )
        return payment


@dataclass(frozen=True, slots=True)
class FailPayment:
    """The provider refused to create the payment. Nothing moved."""

    payment_id: str
    message: str
    purposes: Purposes

    def needs(self, book: Book) -> Iterable[Need]:
        need = Need(Payment, "id", self.payment_id)
        yield need
        if not book.missing([need]):
            payment = book.need(Payment, "id", self.payment_id)
            subject = payment[f"{payment['purpose']}_id"]
            yield from self.purposes[payment["purpose"]].needs(subject, book)

    def decide(self, book: Book) -> None:
        payment = book.need(Payment, "id", self.payment_id)
        status = advance_payment(payment["status"], PaymentStatus.FAILED)
        if status != payment["status"]:
            book.update(
                payment,
                status=str(status),
                failure=self.message,
                next_poll_at=None,
                updated_at=book.now,
            )
            self.purposes[payment["purpose"]].not_paid(book, payment, expired=False)


class PaymentStarter:
    """Checks a payment against its gateway, and starts it there.

    ``on_reference`` is told when a payment has learnt its provider reference: events that came
    before it are matched again.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        registry: Registry,
        switches: Switches,
        purposes: Purposes,
        *,
        on_reference: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._switches = switches
        self._purposes = purposes
        self._on_reference = on_reference

    async def usable(self, code: str, money: Money) -> Gateway:
        """The gateway, if it takes new payments of this amount.

        Raises what ``open_for`` does, and ``InvalidRequest`` (``amount_below_minimum``).
        """
        gateway = await self.open_for(code, money.currency)
        require_minimum(code, money, self.minimum(code, money.currency))
        return gateway

    async def open_for(self, code: str, currency: str) -> Gateway:
        """The gateway, if it takes new payments in this currency.

        Raises ``Conflict`` (``gateway_off``) and ``InvalidRequest`` (``unknown_gateway``,
        ``unsupported_currency``).
        """
        if code not in self._registry.gateways:
            installed = ", ".join(self._registry.gateways)
            raise InvalidRequest(
                f"There is no gateway {code!r}. Installed: {installed}.",
                pointer="/gateway",
                code="unknown_gateway",
            )
        gateway = self._registry.gateway(code)
        if await self._switches.state(code) is GatewayState.DISABLED:
            raise Conflict("gateway_off", f"The gateway {code!r} takes no new payments for now.")
        capabilities = self._processor(code).manifest.capabilities
        require_currency(code, currency, capabilities.currencies if capabilities else frozenset())
        return gateway

    def minimum(self, code: str, currency: str) -> int:
        """The least that the gateway takes, in minor units, as far as its manifest knows."""
        capabilities = self._processor(code).manifest.capabilities
        return capabilities.minimums.get(currency, 1) if capabilities else 1

    def _processor(self, code: str) -> Gateway:
        """The gateway that takes the money: what it can't, no front of it can."""
        return self._registry.gateway(self._registry.processor_of(code))

    async def start(self, payment_id: str, *, return_url: str) -> Record:
        """Create the payment at its provider and return our row with the checkout.

        May be repeated. ``return_url`` is where the payer's browser goes afterwards. Raises
        ``GatewayFailed`` when the provider refuses for good, and ``TryAgain`` when it could not be
        reached or did not answer.
        """
        row = await self._database.fetch_one(
            "select * from batua_payment where id = $1", payment_id
        )
        if row is None:
            raise InvalidRequest(f"There is no payment {payment_id!r}.")
        if row["provider_reference"] is not None:
            return Record(Payment, row)
        code = row["front"] or row["gateway"]
        gateway = self._registry.gateway(code)
        _require_mode(code, gateway, row["mode"])
        request = PaymentRequest(
            payment_id=payment_id,
            amount=Money(row["amount"], row["currency"]),
            description=f"{row['purpose'].replace('_', '-')} {row['top_up_id'] or row['order_id']}",
            return_url=return_url,
            customer=row["customer_id"],
        )
        try:
            created = await gateway.create_payment(request)
        except GatewayRejected as error:
            said = redact(str(error))  # a provider's words may repeat what it was sent
            await self._engine.submit(FailPayment(payment_id, said, self._purposes))
            raise GatewayFailed(code, said) from error
        except (GatewayUnavailable, GatewayOutcomeUnknown) as error:
            raise TryAgain(
                "gateway_unavailable",
                f"{code} did not answer. Nothing was paid; send the same request again.",
                retry_after_s=2,
            ) from error
        payment = await self._engine.submit(RecordReference(payment_id, created))
        await self._on_reference(payment["gateway"], payment["provider_reference"])
        return payment


def _require_mode(code: str, gateway: Gateway, mode: str) -> None:
    """Raises ``Conflict`` (``gateway_off``): the credentials were changed after it was opened."""
    if gateway.mode != mode:
        raise Conflict(
            "gateway_off",
            f"This payment was opened in {mode} mode, and {code} has {gateway.mode} credentials "
            "now. Open a new one.",
        )


def require_minimum(code: str, money: Money, minimum: int) -> None:
    """Raises ``InvalidRequest`` (``amount_below_minimum``)."""
    if money.amount < minimum:
        raise InvalidRequest(
            f"{code} takes no less than {Money(minimum, money.currency)} ({minimum} minor units).",
            pointer="/amount",
            code="amount_below_minimum",
        )


def require_currency(code: str, currency: str, currencies: frozenset[str]) -> None:
    """Raises ``InvalidRequest`` (``unsupported_currency``)."""
    if currency not in currencies:
        raise InvalidRequest(
            f"{code} does not collect {currency}. It collects {', '.join(sorted(currencies))}.",
            pointer="/currency",
            code="unsupported_currency",
        )
