"""Whether Google signed a token, and for us.

Lengths are four bytes, least significant first, of the UTF-8 bytes that follow; every text is
signed as it stands after one JSON decoding, never as somebody would write it again.
Source: tink-java-apps @f06b4cea PaymentMethodTokenUtil.toLengthValue and
PaymentMethodTokenRecipient, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from batua.gateways.googlepay.strict_json import parse_object
from batua.gateways.googlepay.tokens.roots import RootKey, current, public_key
from batua.gateways.googlepay.tokens.shape import (
    TOKEN_CHARS_MAX,
    IntermediateKey,
    SignedToken,
    TokenRefused,
    milliseconds,
)

__all__ = ["SENDER_ID", "length_value", "verify_signatures"]

SENDER_ID = "Google"
"""Whom the tokens of payments come from; passes have another sender, and are not ours."""


def verify_signatures(
    token: SignedToken, *, roots: Sequence[RootKey], recipient_id: str, now_ms: int
) -> None:
    """Raise ``TokenRefused`` unless a root that still counts vouches for the message.

    ``now_ms`` is in unix milliseconds.
    """
    keys = [root.key for root in current(roots, now_ms)]
    if not keys:
        raise TokenRefused("there is no root key that still counts", failure_code="no_root_keys")
    if token.intermediate is not None:
        keys = [_trusted(token.intermediate, token.version, keys, now_ms)]
    message = length_value(SENDER_ID, recipient_id, token.version, token.signed_message)
    if not _any_signed(message, (token.signature,), keys):
        raise TokenRefused("Google did not sign this message for us")


def length_value(*texts: str) -> bytes:
    """Each text behind its length."""
    parts = (text.encode() for text in texts)
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def _trusted(
    intermediate: IntermediateKey,
    version: str,
    roots: Sequence[ec.EllipticCurvePublicKey],
    now_ms: int,
) -> ec.EllipticCurvePublicKey:
    message = length_value(SENDER_ID, version, intermediate.signed_key)
    if not _any_signed(message, intermediate.signatures, roots):
        raise TokenRefused("no root key vouches for the intermediate key")
    # It may have further keys: Google reserves them.
    signed = parse_object(intermediate.signed_key, chars_max=TOKEN_CHARS_MAX)
    if signed is None:
        raise TokenRefused("the intermediate key can't be read")
    if milliseconds(signed.get("keyExpiration")) <= now_ms:
        raise TokenRefused("the intermediate key has expired", failure_code="token_expired")
    return public_key(signed.get("keyValue"))


def _any_signed(
    message: bytes, signatures: Sequence[bytes], keys: Iterable[ec.EllipticCurvePublicKey]
) -> bool:
    return any(_signed(message, signature, key) for key in keys for signature in signatures)


def _signed(message: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    try:
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
