"""A front of the sandbox bank, and two that are broken."""

# ruff: noqa: ARG002 - the contract gives the arguments.

import dataclasses

from batua.contract import (
    Capabilities,
    Gateway,
    GatewayRejected,
    Manifest,
    PluginSettings,
    Secret,
    WebhookRejected,
)
from batua.testing.conformance import Target
from tests.conformance.bank import BankSimulator


class FrontSettings(PluginSettings, frozen=True, kw_only=True):
    pin: Secret
    processor: str = "sandbox"


class Front(Gateway):
    """A button in front of the bank."""

    manifest = Manifest(
        code="button",
        name="Button",
        summary="A button.",
        version="1",
        author="us",
        category="Payments",
        settings=FrontSettings,
        capabilities=Capabilities(
            currencies=frozenset({"INR", "USD"}), minimums={"INR": 100, "USD": 50}, confirm=True
        ),
    )

    def __init__(self, settings, transport):
        if not settings.pin.strip(" ,"):
            raise ValueError("the pin is empty")
        self._settings = settings

    @property
    def processor(self):
        return self._settings.processor

    def connect(self, processor):
        self._behind = processor

    @property
    def mode(self):
        return self._behind.mode

    async def create_payment(self, request):
        return await self._behind.create_payment(request)

    async def fetch_payment(self, request):
        return await self._behind.fetch_payment(request)

    async def confirm(self, request):
        if request.proof.get("pin") != self._settings.pin:
            raise GatewayRejected("no pin", failure_code="proof_invalid")
        return await self._behind.confirm(request)

    async def verify_webhook(self, request):
        raise WebhookRejected("a button has no webhooks")


class FrontSimulator(BankSimulator):
    """It only has an address: the bank's is another one."""

    code = "button"

    def settings(self):
        return {"BATUA_BUTTON_PIN": "secret-pin", "BATUA_BUTTON_PROCESSOR": "sandbox"}


class AnotherProcessor(Front):
    """The setting is read, and then the first gateway that is there is named."""

    @property
    def processor(self):
        return "sandbox" if not hasattr(self, "_behind") else "button"


class OwnReference(Front):
    """It gives the payment a name of its own, which no webhook will ever name."""

    async def create_payment(self, request):
        created = await super().create_payment(request)
        own = f"button_{request.payment_id}"
        return dataclasses.replace(created, provider_reference=own)


HEALTHY = Target(Front, FrontSimulator)
BROKEN = {
    "front_has_a_processor": Target(AnotherProcessor, FrontSimulator),
    "front_creates_at_its_processor": Target(OwnReference, FrontSimulator),
}
