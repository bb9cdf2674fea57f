"""What a rule is checked on: one gateway with its provider, both new for every check."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from batua.contract import (
    Capabilities,
    CreatedPayment,
    FetchedPayment,
    FollowUpRequest,
    Fronts,
    Gateway,
    GatewayOutcomeUnknown,
    Money,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    PluginSettings,
    RefundLookup,
    RefundRequest,
    Transport,
    WebhookEvent,
    WebhookRequest,
    secret_fields,
)
from batua.settings import read_plugin_settings
from batua.testing.conformance.installed import Target, installed
from batua.testing.conformance.provider import Delivery, Provider, provided
from batua.testing.conformance.sites import Sites
from batua.testing.conformance.transport import opened_transport
from batua.testing.serving import free_port

__all__ = ["Paid", "Subject", "lookup", "lookup_of", "opened", "patiently"]

T = TypeVar("T")

_TRIES = 5
_WAIT_S = 0.05
_AMOUNT = 50_000
_RETURN_URL = "https://shop.example/return"


class Paid:
    """A payment that was created, and one try of its payer."""

    def __init__(
        self, request: PaymentRequest, created: CreatedPayment, proof: dict[str, Any]
    ) -> None:
        self.request = request
        self.created = created
        self.proof = {name: value for name, value in proof.items() if isinstance(value, str)}

    @property
    def reference(self) -> str:
        return self.created.provider_reference

    @property
    def lookup(self) -> PaymentLookup:
        return lookup(self.request, self.reference)


class Subject:
    """A gateway under test. ``environ`` is what its simulator says that it is set up with."""

    def __init__(
        self,
        target: Target,
        provider: Provider,
        transport: Transport,
        environ: Mapping[str, str],
        processor: Subject | None = None,
    ) -> None:
        self.target = target
        self.provider = provider
        self.environ = environ
        self.transport = transport
        self.processor = processor
        self._numbers = itertools.count(1)
        self.gateway = self.build()

    @property
    def code(self) -> str:
        return self.target.gateway.manifest.code

    @property
    def capabilities(self) -> Capabilities:
        return self.target.gateway.manifest.capabilities or Capabilities(currencies=frozenset())

    @property
    def amount(self) -> Money:
        """An ordinary amount in a currency that the gateway collects."""
        currencies = self.capabilities.currencies
        wished = [currency for currency in ("INR", "USD", "EUR") if currency in currencies]
        currency = [*wished, *sorted(currencies)][0]
        return Money(max(_AMOUNT, self.capabilities.minimums.get(currency, 1)), currency)

    def settings(self, environ: Mapping[str, str] | None = None) -> PluginSettings:
        """The adapter's settings, read as a shop reads them."""
        shape = self.target.gateway.manifest.settings
        return read_plugin_settings(shape, self.code, self.environ if environ is None else environ)

    def build(self, environ: Mapping[str, str] | None = None) -> Gateway:
        """An adapter with these settings, on the same transport."""
        gateway = self.target.gateway(self.settings(environ), self.transport)
        if isinstance(gateway, Fronts) and self.processor is not None:
            gateway.connect(self.processor.gateway)
        return gateway

    @property
    def money_side(self) -> Subject:
        """Who takes the money: the processor of a front, else the gateway itself."""
        return self.processor or self

    def dead_end(self) -> dict[str, str]:
        """The settings with an address that refuses connections for the provider's."""
        dead, address = f"http://127.0.0.1:{free_port()}", self.provider.simulator.public_url
        return {name: value.replace(address, dead) for name, value in self.environ.items()}

    def variable(self, field: str) -> str:
        return f"BATUA_{self.code}_{field}".upper()

    @property
    def secrets(self) -> dict[str, str]:
        """The variables whose values must never be shown."""
        names = (self.variable(field) for field in secret_fields(type(self.settings())))
        return {name: self.environ[name] for name in names if self.environ.get(name)}

    def our_id(self, prefix: str = "pay") -> str:
        """A new id of 30 characters, as the core makes them."""
        return f"{prefix}_{next(self._numbers):026d}"

    def request(self, **changes: Any) -> PaymentRequest:
        asked: dict[str, Any] = {
            "payment_id": self.our_id(),
            "amount": self.amount,
            "description": "Conformance",
            "return_url": _RETURN_URL,
            "customer": "asha",
        }
        return PaymentRequest(**(asked | changes))

    async def pay(self, outcome: str = "captured", **changes: Any) -> Paid:
        """Create a payment and let its payer try once."""
        request = self.request()
        created = await self.gateway.create_payment(request)
        return await self.try_again(request, created, outcome, **changes)

    async def try_again(
        self, request: PaymentRequest, created: CreatedPayment, outcome: str, **changes: Any
    ) -> Paid:
        proof = await self.provider.control(
            "pay", reference=created.provider_reference, outcome=outcome, **changes
        )
        return Paid(request, created, proof)

    async def fetched(self, paid: Paid) -> FetchedPayment:
        return await self.gateway.fetch_payment(paid.lookup)

    async def attempt(self, paid: Paid) -> PaymentResult:
        """The one attempt that was made on a payment."""
        (attempt,) = (await self.fetched(paid)).attempts
        return attempt

    def follow_up(self, paid: Paid, attempt: PaymentResult) -> FollowUpRequest:
        return FollowUpRequest(
            idempotency_key=paid.request.payment_id,
            provider_payment_id=attempt.provider_payment_id,
            amount=attempt.amount,
        )

    def refund_of(self, attempt: PaymentResult, amount: int | None = None) -> RefundRequest:
        asked = attempt.amount.amount if amount is None else amount
        return RefundRequest(
            refund_id=self.our_id("ref"),
            provider_payment_id=attempt.provider_payment_id,
            amount=Money(asked, attempt.amount.currency),
        )

    async def verify(self, delivery: Delivery, by: Gateway | None = None) -> list[WebhookEvent]:
        """The events of a webhook. Raises what the adapter raises."""
        request = WebhookRequest(
            body=delivery.body, headers=delivery.headers, received_at=datetime.now(UTC)
        )
        return list(await (by or self.gateway).verify_webhook(request))


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The call, made again while its outcome is unknown: the first may still be on its way."""
    for _ in range(_TRIES):
        try:
            return await call()
        except GatewayOutcomeUnknown:
            await asyncio.sleep(_WAIT_S)
    return await call()


def lookup(request: PaymentRequest, reference: str = "") -> PaymentLookup:
    """The question about a payment; without a reference, one whose answer was lost."""
    return PaymentLookup(
        payment_id=request.payment_id, provider_reference=reference, amount=request.amount
    )


def lookup_of(request: RefundRequest, provider_refund_id: str = "") -> RefundLookup:
    """The question about a refund whose answer was lost."""
    return RefundLookup(
        refund_id=request.refund_id,
        provider_refund_id=provider_refund_id,
        provider_payment_id=request.provider_payment_id,
        amount=request.amount,
    )


@asynccontextmanager
async def opened(target: Target, timeout_s: float, sites: Sites) -> AsyncIterator[Subject]:
    """Start everything that the gateway needs: for a front its processor's side as well."""
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(provided(target.simulator, sites))
        transport = await stack.enter_async_context(opened_transport(timeout_s))
        environ = provider.simulator.settings()
        if not target.is_front:
            yield Subject(target, provider, transport, environ)
            return
        alone = Subject(target, provider, transport, environ).gateway
        code = alone.processor if isinstance(alone, Fronts) else ""
        behind = await stack.enter_async_context(opened(installed(code), timeout_s, sites))
        yield Subject(target, provider, transport, environ, behind)
