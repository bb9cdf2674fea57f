"""Google Pay's settings and the checks that they must pass before anything is sent."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import urlsplit

from batua.contract import Mode, PluginSettings, Secret
from batua.gateways.googlepay.codes import AUTH_METHODS, CARD_NETWORKS

__all__ = [
    "DIRECT",
    "PAYMENT_GATEWAY",
    "GooglePaySettings",
    "check_live",
    "check_settings",
    "listed",
    "recipient_id",
]

PAYMENT_GATEWAY: Final = "PAYMENT_GATEWAY"
DIRECT: Final = "DIRECT"

_COUNTRY = re.compile("[A-Z]{2}")


class GooglePaySettings(PluginSettings, frozen=True, kw_only=True):
    """``processor`` is the code of the gateway that takes the money.

    ``card_networks`` and ``auth_methods`` are comma separated. ``checkout_url`` is a page of the
    shop that shows Google Pay's button; without it the payer is sent to the processor's page.

    With ``tokenization`` ``DIRECT`` we open tokens ourselves, and PCI DSS applies:
    ``private_keys`` are PKCS #8 in base64, comma separated while one is rotated, the newest first.
    ``recipient_id`` is ``merchant:`` with the merchant id unless told. ``root_keys`` is Google's
    JSON, or ``root_keys_url`` where it is fetched; without both it is Google's own.
    """

    processor: str
    merchant_id: str = ""
    merchant_name: str = ""
    country: str = "IN"
    card_networks: str = "AMEX,MASTERCARD,VISA"
    auth_methods: str = "PAN_ONLY,CRYPTOGRAM_3DS"
    checkout_url: str = ""
    tokenization: Literal["PAYMENT_GATEWAY", "DIRECT"] = PAYMENT_GATEWAY
    protocol_version: Literal["ECv2", "ECv1"] = "ECv2"
    recipient_id: str = ""
    gateway_merchant_id: str = ""
    private_keys: Secret = ""
    root_keys: str = ""
    root_keys_url: str = ""


def listed(text: str) -> tuple[str, ...]:
    """The parts of a comma separated setting."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def recipient_id(settings: GooglePaySettings) -> str:
    """Whom Google seals tokens for. Source: G payment-data-cryptography, 2026-11-22."""
    if settings.recipient_id:
        return settings.recipient_id
    return f"merchant:{settings.merchant_id}" if settings.merchant_id else ""


def check_settings(settings: GooglePaySettings) -> None:
    """Raise ``ValueError``, without repeating a secret, for settings that can't work."""
    if not _COUNTRY.fullmatch(settings.country):
        raise ValueError("country must be an ISO 3166-1 code of two capital letters")
    _check_listed("card_networks", settings.card_networks, CARD_NETWORKS)
    _check_listed("auth_methods", settings.auth_methods, AUTH_METHODS)
    _check_url("checkout_url", settings.checkout_url)
    _check_url("root_keys_url", settings.root_keys_url)
    if settings.tokenization == DIRECT:
        _check_direct(settings)


def check_live(settings: GooglePaySettings, mode: Mode, *, cards: bool) -> None:
    """Raise ``ValueError`` for settings that would do for a test, and not with real money.

    Google wants a merchant id in production (G: request-objects, MerchantInfo, 2026-11-22).
    """
    if mode is not Mode.LIVE:
        return
    if cards and not settings.merchant_id:
        raise ValueError("merchant_id is needed where the processor takes real money")
    for name in ("checkout_url", "root_keys_url"):
        url = getattr(settings, name)
        if url and urlsplit(url).scheme != "https":
            raise ValueError(f"{name} must be https where the processor takes real money")


def _check_direct(settings: GooglePaySettings) -> None:
    recipient = recipient_id(settings)
    if not recipient:
        raise ValueError("DIRECT needs recipient_id or merchant_id")
    if recipient.startswith("gateway:") and not settings.gateway_merchant_id:
        raise ValueError("a gateway: recipient needs gateway_merchant_id, whom it acts for")
    if not settings.private_keys:
        raise ValueError("DIRECT needs private_keys")
    if settings.root_keys and settings.root_keys_url:
        raise ValueError("root_keys and root_keys_url can't both be set")


def _check_listed(name: str, text: str, known: frozenset[str]) -> None:
    parts = listed(text)
    if not parts or not known.issuperset(parts):
        raise ValueError(f"{name} must be some of {', '.join(sorted(known))}")


def _check_url(name: str, url: str) -> None:
    if url and not (urlsplit(url).scheme in {"http", "https"} and urlsplit(url).netloc):
        raise ValueError(f"{name} must be an http or https URL")
