"""What a webhook's signature is over, and whether it is right: pure functions, no I/O.

Source: DOC api/rest/webhooks/rest, checked against real deliveries of 2015, 2016 and 2024. Of the
body only a CRC-32 is signed, and anyone can make another body with the same one: a delivery that
verifies is a hint, never a fact.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from batua.contract import WebhookRejected

__all__ = ["Delivery", "check_cert_url", "check_signature", "read_delivery", "signed_message"]

_ALGORITHM = "SHA256withRSA"
_WORD = re.compile(r"[A-Za-z0-9:.+-]{1,64}")
_CERT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SIGNATURE_LENGTH_MAX = 2048


@dataclass(frozen=True, slots=True)
class Delivery:
    """The signed part of a webhook's headers."""

    transmission_id: str
    transmission_time: str
    cert_url: str
    signature: bytes = field(repr=False)


def read_delivery(headers: Mapping[str, str]) -> Delivery:
    """The headers of a delivery. Raises ``WebhookRejected`` for one that is missing or odd.

    The time is not compared with the clock: PayPal retries for three days, and whether a retry
    bears a new time is not documented.
    """
    if headers.get("paypal-auth-algo") != _ALGORITHM:
        raise WebhookRejected("PayPal's webhook is not signed with SHA256withRSA")
    return Delivery(
        transmission_id=_word(headers, "paypal-transmission-id"),
        transmission_time=_word(headers, "paypal-transmission-time"),
        cert_url=headers.get("paypal-cert-url", ""),
        signature=_signature(headers.get("paypal-transmission-sig", "")),
    )


def check_cert_url(url: str, prefixes: tuple[str, ...]) -> None:
    """Raise ``WebhookRejected`` unless ``url`` is one of ``prefixes`` and a plain certificate id.

    Nothing is parsed, so that no reader can see another host in it: what is not there to the
    letter (a port, a user, a query, an escape, a dot) is refused.
    """
    for prefix in prefixes:
        if url.startswith(prefix) and _CERT_ID.fullmatch(url.removeprefix(prefix)):
            return
    raise WebhookRejected("the webhook names a certificate that is not at PayPal")


def signed_message(delivery: Delivery, webhook_id: str, body: bytes) -> bytes:
    """``id|time|webhook id|CRC-32 of the raw body`` as an unsigned decimal."""
    checksum = zlib.crc32(body)
    return (
        f"{delivery.transmission_id}|{delivery.transmission_time}|{webhook_id}|{checksum}"
    ).encode("ascii")


def check_signature(key: RSAPublicKey, delivery: Delivery, webhook_id: str, body: bytes) -> None:
    """Raise ``WebhookRejected`` unless ``key`` signed this delivery of ``body`` to our webhook."""
    message = signed_message(delivery, webhook_id, body)
    try:
        key.verify(delivery.signature, message, PKCS1v15(), SHA256())
    except InvalidSignature as error:
        raise WebhookRejected("PayPal's webhook signature is wrong") from error


def _word(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not _WORD.fullmatch(value):
        raise WebhookRejected(f"the webhook's {name} is missing or odd")
    return value


def _signature(header: str) -> bytes:
    try:
        signature = base64.b64decode(header[:_SIGNATURE_LENGTH_MAX], validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookRejected("the webhook's signature is no base64") from error
    if not signature:
        raise WebhookRejected("the webhook has no signature")
    return signature
