"""Google's root keys: read from its JSON, and only those that still count are used.

Source: tink-java-apps @f06b4cea GooglePaymentsPublicKeysManager and PaymentMethodTokenRecipient,
read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from batua.gateways.googlepay.strict_json import parse_object
from batua.gateways.googlepay.tokens.shape import TokenRefused, Version, bytes_of, milliseconds

__all__ = ["ROOT_KEYS_CHARS_MAX", "RootKey", "current", "parse_root_keys", "public_key"]

ROOT_KEYS_CHARS_MAX = 65_536


@dataclass(frozen=True, slots=True)
class RootKey:
    """``expires_ms`` is in unix milliseconds; None only for ECv1, whose keys may have none."""

    key: ec.EllipticCurvePublicKey
    expires_ms: int | None


def parse_root_keys(text: str, version: Version) -> tuple[RootKey, ...]:
    """The keys of this version in ``{"keys": [...]}``, expired ones too; of others, nothing.

    Raises ``TokenRefused`` where the document or a key of this version can't be read.
    """
    document = parse_object(text, chars_max=ROOT_KEYS_CHARS_MAX)
    keys = document.get("keys") if document is not None else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise TokenRefused("the root keys can't be read")
    return tuple(
        RootKey(public_key(key.get("keyValue")), _expiry(key.get("keyExpiration"), version))
        for key in keys
        if key.get("protocolVersion") == version
    )


def current(roots: Sequence[RootKey], now_ms: int) -> tuple[RootKey, ...]:
    """Those that have not expired; one that expires this very millisecond has."""
    return tuple(root for root in roots if root.expires_ms is None or root.expires_ms > now_ms)


def public_key(value: object) -> ec.EllipticCurvePublicKey:
    """A P-256 key in SPKI and base64. Raises ``TokenRefused`` for any other."""
    try:
        key = load_der_public_key(bytes_of(value))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TokenRefused("a signing key is not a P-256 key")
    return key


def _expiry(value: object, version: Version) -> int | None:
    if value is None and version is Version.EC_V1:
        return None
    return milliseconds(value)
