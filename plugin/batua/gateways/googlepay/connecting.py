"""What a processor can do for Google Pay, as it declares itself."""

from __future__ import annotations

from batua.contract import (
    Capabilities,
    Gateway,
    OpensUpi,
    TakesCardTokens,
    TakesNetworkTokens,
    Transport,
)
from batua.gateways.googlepay.codes import ROOT_KEYS_URLS
from batua.gateways.googlepay.intake import Intake, OpenedIntake, SealedIntake
from batua.gateways.googlepay.root_keys import FetchedRootKeys, GivenRootKeys, RootKeys
from batua.gateways.googlepay.seen import SeenMessages
from batua.gateways.googlepay.settings import DIRECT, GooglePaySettings
from batua.gateways.googlepay.tokens.sealed import parse_private_keys
from batua.gateways.googlepay.tokens.shape import Version
from batua.gateways.googlepay.upi_checkout import UpiCheckout

__all__ = ["card_intake", "upi_checkout"]


def card_intake(
    processor: Gateway, settings: GooglePaySettings, transport: Transport, *, seen: SeenMessages
) -> Intake | None:
    """How tokens get to the processor; None where it takes none as they are.

    Raises ``ValueError`` where the settings want tokens opened and the processor takes no card
    numbers, or where they can't be opened.
    """
    declared = _declared(processor)
    if settings.tokenization != DIRECT:
        if isinstance(processor, TakesCardTokens) and declared.card_tokens:
            return SealedIntake(processor)
        return None
    if not (isinstance(processor, TakesNetworkTokens) and declared.network_tokens):
        raise ValueError(
            f"tokenization is {DIRECT}, and {processor.manifest.code} takes no card numbers"
        )
    return OpenedIntake(
        processor,
        settings,
        private_keys=parse_private_keys(settings.private_keys),
        root_keys=_root_keys(processor, settings, transport),
        seen=seen,
        now=transport.now,
    )


def upi_checkout(processor: Gateway, transport: Transport) -> UpiCheckout | None:
    """How UPI payments are opened at the processor; None where it opens none."""
    if isinstance(processor, OpensUpi) and _declared(processor).upi_intent:
        return UpiCheckout(processor, transport.now)
    return None


def _root_keys(processor: Gateway, settings: GooglePaySettings, transport: Transport) -> RootKeys:
    version = Version(settings.protocol_version)
    if settings.root_keys:
        return GivenRootKeys(settings.root_keys, version)
    url = settings.root_keys_url or ROOT_KEYS_URLS[processor.mode]
    return FetchedRootKeys(url, version, transport)


def _declared(processor: Gateway) -> Capabilities:
    declared = processor.manifest.capabilities
    return declared if declared is not None else Capabilities(currencies=frozenset())
