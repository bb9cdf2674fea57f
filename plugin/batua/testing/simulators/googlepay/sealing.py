"""Sealing tokens as Google does, with keys of our own, and sealing them wrongly on purpose.

It shares no line with the gateway that opens them: both follow tink-java-apps @f06b4cea
(PaymentMethodTokenSender, PaymentMethodTokenHybridEncrypt), read 2026-11-22.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["CardDetails", "Sealer", "TokenFault"]

Protocol = Literal["ECv1", "ECv2"]

_DAY_MS = 24 * 3600 * 1000


class TokenFault(StrEnum):
    """What is wrong with a token: each makes one that must not be taken."""

    EXPIRED_MESSAGE = "expired_message"
    EXPIRED_INTERMEDIATE = "expired_intermediate"
    WRONG_RECIPIENT = "wrong_recipient"
    BAD_TAG = "bad_tag"
    DOWNGRADE = "downgrade"
    """A genuine token of the older protocol, where the newer one was asked for."""
    SWAPPED_KEYS = "swapped_keys"
    """The intermediate key vouches for itself, and the root signs the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDetails:
    """What is sealed: by default a well-known test number."""

    number: str = field(default="4111111111111111", repr=False)
    expiry_month: int = 12
    expiry_year: int = 2030
    auth_method: str = "PAN_ONLY"
    cryptogram: str = field(default="", repr=False)
    eci: str = ""


class Sealer:
    """Google's keys, as far as tokens are concerned. The three of them differ, as Google's do:
    with one key for all, a receiver that confuses them would go unnoticed.
    """

    def __init__(self) -> None:
        self._root = _new_key()
        self._old_root = _new_key()
        self._intermediate = _new_key()

    def root_keys(self, now_ms: int) -> str:
        """Google's document of root keys: of both protocols, and of passes, which are not ours."""
        expires = str(now_ms + 7 * _DAY_MS)
        keys = [
            {"keyValue": _spki(self._old_root), "protocolVersion": "ECv1"},
            {
                "keyValue": _spki(self._root),
                "protocolVersion": "ECv2",
                "keyExpiration": expires,
            },
            {
                "keyValue": _spki(self._intermediate),
                "protocolVersion": "ECv2SigningOnly",
                "keyExpiration": expires,
            },
        ]
        return json.dumps({"keys": keys})

    def seal_card(
        self,
        card: CardDetails,
        *,
        message_id: str,
        recipient_id: str,
        public_key: str,
        now_ms: int,
        protocol: Protocol = "ECv2",
        fault: TokenFault | None = None,
    ) -> str:
        """A token with this card, good for a day. ``public_key`` is a point in base64."""
        expired = fault is TokenFault.EXPIRED_MESSAGE
        message = card_message(card, message_id, now_ms if expired else now_ms + _DAY_MS)
        return self.seal(
            message,
            recipient_id=recipient_id,
            public_key=public_key,
            now_ms=now_ms,
            protocol=protocol,
            fault=fault,
        )

    def seal(
        self,
        message: str,
        *,
        recipient_id: str,
        public_key: str,
        now_ms: int,
        protocol: Protocol = "ECv2",
        fault: TokenFault | None = None,
    ) -> str:
        """A token with any text in it."""
        if fault is TokenFault.DOWNGRADE:
            protocol = "ECv1"
        sealed = _sealed(message.encode(), public_key, protocol, spoil=fault is TokenFault.BAD_TAG)
        recipient = f"{recipient_id}0" if fault is TokenFault.WRONG_RECIPIENT else recipient_id
        signed = _length_value("Google", recipient, protocol, sealed)
        if protocol == "ECv1":
            token: dict[str, object] = {"signature": _signature(self._old_root, signed)}
        else:
            token = self._signed_by_intermediate(signed, now_ms, fault)
        return _dumped({"protocolVersion": protocol, "signedMessage": sealed} | token)

    def _signed_by_intermediate(
        self, signed: bytes, now_ms: int, fault: TokenFault | None
    ) -> dict[str, object]:
        voucher, signer = self._root, self._intermediate
        if fault is TokenFault.SWAPPED_KEYS:
            voucher, signer = signer, voucher
        expired = fault is TokenFault.EXPIRED_INTERMEDIATE
        expires_ms = now_ms if expired else now_ms + _DAY_MS
        key = _dumped({"keyValue": _spki(self._intermediate), "keyExpiration": str(expires_ms)})
        vouched = _signature(voucher, _length_value("Google", "ECv2", key))
        return {
            "signature": _signature(signer, signed),
            "intermediateSigningKey": {"signedKey": key, "signatures": [vouched]},
        }


def card_message(card: CardDetails, message_id: str, expires_ms: int) -> str:
    """The text that is sealed for a card. ``expires_ms`` is in unix milliseconds."""
    details: dict[str, object] = {
        "pan": card.number,
        "expirationMonth": card.expiry_month,
        "expirationYear": card.expiry_year,
        "authMethod": card.auth_method,
    }
    if card.cryptogram:
        details["cryptogram"] = card.cryptogram
    if card.eci:
        details["eciIndicator"] = card.eci
    return _dumped(
        {
            "messageExpiration": str(expires_ms),
            "messageId": message_id,
            "paymentMethod": "CARD",
            "paymentMethodDetails": details,
        }
    )


def _sealed(message: bytes, public_key: str, protocol: Protocol, *, spoil: bool) -> str:
    ephemeral = _new_key()
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), base64.b64decode(public_key)
    )
    half = 32 if protocol == "ECv2" else 16
    secret = point + ephemeral.exchange(ec.ECDH(), receiver)
    keys = HKDF(SHA256(), 2 * half, salt=bytes(32), info=b"Google").derive(secret)
    encryptor = Cipher(algorithms.AES(keys[:half]), modes.CTR(bytes(16))).encryptor()
    encrypted = encryptor.update(message) + encryptor.finalize()
    tag = hmac.digest(keys[half:], encrypted, sha256)
    return _dumped(
        {
            "encryptedMessage": _base64(encrypted),
            "ephemeralPublicKey": _base64(point),
            "tag": _base64(bytes([tag[0] ^ 1]) + tag[1:] if spoil else tag),
        }
    )


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _spki(key: ec.EllipticCurvePrivateKey) -> str:
    return _base64(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> str:
    return _base64(key.sign(message, ec.ECDSA(SHA256())))


def _length_value(*texts: str) -> bytes:
    return b"".join(len(text.encode()).to_bytes(4, "little") + text.encode() for text in texts)


def _base64(found: bytes) -> str:
    return base64.b64encode(found).decode()


def _dumped(document: object) -> str:
    # As Google does it: an equals sign is escaped, at every level once more.
    return json.dumps(document, separators=(",", ":")).replace("=", "\\u003d")
