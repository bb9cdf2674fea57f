"""Packages with plugins, as pip would install them: a folder on ``sys.path``, nothing patched."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

__all__ = ["PAPER", "install"]

PAPER = '''
from batua.contract import *
from batua.contract import Mode


class Settings(PluginSettings, frozen=True, kw_only=True):
    secret: Secret


class Paper(Gateway):
    """Money in envelopes: ``pages`` of them a payment. Its webhooks are only a hint."""

    manifest = Manifest(
        code="paper", name="Paper", summary="Envelopes.", version="1", author="us",
        category="Payments", settings=Settings,
        capabilities=Capabilities(currencies=frozenset({"INR"})),
    )
    mode = Mode.TEST

    def __init__(self, settings, transport):
        if settings.secret == "weak":
            raise ValueError("the secret is weak")
        self.settings, self.transport = settings, transport
        self.pages = 2

    async def create_payment(self, request):
        return CreatedPayment(provider_reference=f"env_{request.payment_id}")

    async def fetch_payment(self, request):
        attempts = tuple(
            PaymentResult(
                provider_payment_id=f"{request.provider_reference}_{page}",
                provider_reference=request.provider_reference,
                status=ProviderPaymentStatus.CAPTURED, amount=request.amount, mode=Mode.TEST,
            )
            for page in range(self.pages)
        )
        return FetchedPayment(provider_reference=request.provider_reference, attempts=attempts)

    async def verify_webhook(self, request):
        if request.headers.get("secret") != self.settings.secret:
            raise WebhookRejected("no")
        if not request.body:
            return ()
        hint = PaymentResult(
            provider_payment_id="whatever", provider_reference=request.body.decode(),
            status=ProviderPaymentStatus.CAPTURED, amount=Money(1, "INR"), mode=Mode.TEST,
        )
        return (WebhookEvent(event_id="", event_type="paid", payload=hint, needs_fetch=True),)
'''
"""A whole gateway that trusts no webhook's body."""


def install(
    folder: Path, name: str, source: str, *, group: str = "batua.gateways", value: str = ""
) -> None:
    """Write a distribution ``name`` whose entry point loads ``value`` out of its module."""
    (folder / f"{name}.py").write_text(dedent(source))
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    entry = value or f"paper = {name}:Paper"
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
