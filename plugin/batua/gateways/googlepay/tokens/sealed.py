"""Opening a sealed message with one of our private keys.

Source: tink-java-apps @f06b4cea PaymentMethodTokenHybridDecrypt and PaymentMethodTokenConstants,
read 2026-11-22.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from batua.gateways.googlepay.tokens.shape import SealedMessage, TokenRefused, Version

__all__ = ["derive_keys", "open_sealed", "parse_private_keys", "public_point"]

_KEY_BYTES = {Version.EC_V1: 16, Version.EC_V2: 32}
_POINT_BYTES = 65
_UNCOMPRESSED = 0x04
_INFO = b"Google"


def open_sealed(
    message: SealedMessage, private_keys: Sequence[ec.EllipticCurvePrivateKey], version: Version
) -> str:
    """The text of a message whose signature was verified. It may hold a card.

    Each key is tried; the tag is checked in constant time before anything is decrypted. Raises
    ``TokenRefused``.
    """
    ephemeral = _point(message.ephemeral_key)
    for private_key in private_keys:
        shared = private_key.exchange(ec.ECDH(), ephemeral)
        cipher_key, mac_key = derive_keys(message.ephemeral_key, shared, version)
        tag = hmac.digest(mac_key, message.encrypted, sha256)
        if hmac.compare_digest(tag, message.tag):
            return _text(_decrypted(message.encrypted, cipher_key))
    raise TokenRefused("none of our private keys opens this message")


def derive_keys(ephemeral_key: bytes, shared: bytes, version: Version) -> tuple[bytes, bytes]:
    """The key of the cipher and that of the tag: HKDF without salt over both secrets."""
    length = _KEY_BYTES[version]
    derived = HKDF(SHA256(), 2 * length, salt=None, info=_INFO).derive(ephemeral_key + shared)
    return derived[:length], derived[length:]


def parse_private_keys(text: str) -> tuple[ec.EllipticCurvePrivateKey, ...]:
    """The P-256 keys in PKCS #8 and base64, comma separated; the first is the newest.

    Raises ``ValueError``, whose text repeats nothing of a key.
    """
    keys = tuple(_private_key(part.strip()) for part in text.split(",") if part.strip())
    found = tuple(key for key in keys if key is not None)
    if not found or len(found) != len(keys):
        raise ValueError("private_keys must be P-256 keys in PKCS #8 and base64")
    return found


def public_point(key: ec.EllipticCurvePrivateKey) -> str:
    """What Google is told of a private key: its public point, uncompressed, in base64."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.b64encode(point).decode()


def _private_key(part: str) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = load_der_private_key(base64.b64decode(part, validate=True), password=None)
    except (binascii.Error, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


def _point(encoded: bytes) -> ec.EllipticCurvePublicKey:
    point = None
    if len(encoded) == _POINT_BYTES and encoded[0] == _UNCOMPRESSED:
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
        except ValueError:
            point = None
    if point is None:
        raise TokenRefused("the ephemeral key is not a point of P-256")
    return point


def _decrypted(encrypted: bytes, key: bytes) -> bytes:
    # A zero counter is safe here: the key is derived anew for each message.
    opened = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).decryptor()
    return opened.update(encrypted) + opened.finalize()


def _text(opened: bytes) -> str:
    try:
        return opened.decode()
    except UnicodeDecodeError:
        pass
    # Raised outside the handler: that error holds the bytes, and they may hold a card.
    raise TokenRefused("the message is not UTF-8")
