"""Google Pay's words and addresses, each with its source.

Sources: ``G`` is developers.google.com/pay/api/web (guides and reference/request-objects),
``TINK`` is github tink-crypto/tink-java-apps @f06b4cea paymentmethodtoken; read 2026-11-22.
"""

from __future__ import annotations

from batua.contract import Mode

__all__ = [
    "API_VERSION",
    "API_VERSION_MINOR",
    "AUTH_METHODS",
    "CARD",
    "CARD_NETWORKS",
    "CRYPTOGRAM_3DS",
    "ENVIRONMENTS",
    "ROOT_KEYS_URLS",
]

API_VERSION = 2
API_VERSION_MINOR = 0
"""G: request-objects, 2026-11-22."""

CARD = "CARD"
"""The one type of ``PaymentData`` that is taken in. G: response-objects, 2026-11-22."""

CARD_NETWORKS = frozenset({"AMEX", "DISCOVER", "INTERAC", "JCB", "MASTERCARD", "VISA"})
"""G: request-objects, CardParameters.allowedCardNetworks, 2026-11-22."""

CRYPTOGRAM_3DS = "CRYPTOGRAM_3DS"
AUTH_METHODS = frozenset({"PAN_ONLY", CRYPTOGRAM_3DS})
"""``PAN_ONLY`` is the card's own number, which its bank may want to have confirmed (3-D Secure);
``CRYPTOGRAM_3DS`` is a device's number with a cryptogram. G: request-objects, 2026-11-22.
"""

ENVIRONMENTS = {Mode.TEST: "TEST", Mode.LIVE: "PRODUCTION"}
"""PaymentOptions.environment. G: reference/client, 2026-11-22."""

ROOT_KEYS_URLS = {
    Mode.TEST: "https://payments.developers.google.com/paymentmethodtoken/test/keys.json",
    Mode.LIVE: "https://payments.developers.google.com/paymentmethodtoken/keys.json",
}
"""TINK: GooglePaymentsPublicKeysManager, 2026-11-22."""
