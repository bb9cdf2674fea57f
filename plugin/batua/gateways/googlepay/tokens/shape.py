"""The shape of a sealed token: exactly the keys of its version, and nothing beside them.

Source: tink-java-apps @f06b4cea PaymentMethodTokenRecipient (validateECV1, validateECV2), read
2026-11-22.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batua.contract import GatewayRejected
from batua.gateways.googlepay.strict_json import parse_object

__all__ = [
    "TOKEN_CHARS_MAX",
    "IntermediateKey",
    "SealedMessage",
    "SignedToken",
    "TokenRefused",
    "Version",
    "bytes_of",
    "milliseconds",
    "parse_sealed",
    "parse_token",
]

TOKEN_CHARS_MAX = 16_384
"""Several times as much as the longest token that was seen."""

_SIGNATURES_MAX = 16
"""Each costs a verification by each root key."""


class TokenRefused(GatewayRejected):
    """The token is not one that Google sealed for us and that still counts. Nothing moved."""

    def __init__(self, message: str, *, failure_code: str = "token_invalid") -> None:
        super().__init__(message, failure_code=failure_code)


class Version(StrEnum):
    """The two protocols. ``ECv1`` has no intermediate key; Google's new tokens are ``ECv2``."""

    EC_V1 = "ECv1"
    EC_V2 = "ECv2"


@dataclass(frozen=True, slots=True)
class IntermediateKey:
    """A short-lived key that signs messages. The roots sign ``signed_key``, as it stands."""

    signed_key: str
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token that has the right keys; nothing of it is verified. ECv1 has no ``intermediate``."""

    version: Version
    signature: bytes
    signed_message: str
    intermediate: IntermediateKey | None


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """A message that only one of our private keys opens."""

    encrypted: bytes
    ephemeral_key: bytes
    tag: bytes


def parse_token(text: str, version: Version) -> SignedToken:
    """Read a token of this version and of no other. Raises ``TokenRefused``."""
    names = {"protocolVersion", "signature", "signedMessage"}
    if version is Version.EC_V2:
        names.add("intermediateSigningKey")
    token = parse_object(text, chars_max=TOKEN_CHARS_MAX)
    if token is None:
        raise TokenRefused("the token is not a JSON object")
    if token.get("protocolVersion") != version:
        raise TokenRefused(f"the token is not of protocol version {version}")
    if token.keys() != names:
        raise TokenRefused("the token has not exactly the keys of its version")
    intermediate = (
        _intermediate(token["intermediateSigningKey"]) if version is Version.EC_V2 else None
    )
    return SignedToken(
        version=version,
        signature=bytes_of(token["signature"]),
        signed_message=_text(token["signedMessage"]),
        intermediate=intermediate,
    )


def parse_sealed(signed_message: str) -> SealedMessage:
    """Read a signed message; call it once the signature is verified. Raises ``TokenRefused``."""
    sealed = parse_object(signed_message, chars_max=TOKEN_CHARS_MAX)
    if sealed is None or sealed.keys() != {"encryptedMessage", "ephemeralPublicKey", "tag"}:
        raise TokenRefused("the signed message has not exactly its three keys")
    return SealedMessage(
        encrypted=bytes_of(sealed["encryptedMessage"]),
        ephemeral_key=bytes_of(sealed["ephemeralPublicKey"]),
        tag=bytes_of(sealed["tag"]),
    )


def bytes_of(value: object) -> bytes:
    """The bytes of standard base64 with its padding. Raises ``TokenRefused``."""
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise TokenRefused("a part of the token is not base64")
    return found


def milliseconds(value: object) -> int:
    """Unix milliseconds, which Google writes as a string of digits. Raises ``TokenRefused``."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    raise TokenRefused("a time of the token is not a string of digits")


def _intermediate(value: Any) -> IntermediateKey:
    if not isinstance(value, dict) or value.keys() != {"signedKey", "signatures"}:
        raise TokenRefused("the intermediate key has not exactly its two keys")
    signatures = value["signatures"]
    if not isinstance(signatures, list) or not 0 < len(signatures) <= _SIGNATURES_MAX:
        raise TokenRefused("the intermediate key has no signatures, or too many")
    return IntermediateKey(
        signed_key=_text(value["signedKey"]),
        signatures=tuple(bytes_of(signature) for signature in signatures),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TokenRefused("a part of the token is not a text")
    return value
