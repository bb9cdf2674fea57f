"""How PayPal signs its webhooks.

``transmission id|transmission time|webhook id|CRC-32 of the raw body as unsigned decimal``, RSA
PKCS#1 v1.5 with SHA-256. DOC api/rest/webhooks/rest, and real deliveries of 2015, 2016 and 2024;
read 2026-11-22.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from batua.testing.simulators.kit.faults import Faults
from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.paypal.books import TWIN
from batua.testing.simulators.paypal.certificates import cert_id, new_certificates
from batua.testing.simulators.paypal.documents import iso
from batua.testing.simulators.paypal.errors import Document

__all__ = ["Signer"]

_MOCK_WEBHOOK_ID = "WEBHOOK_ID"
"""What events of PayPal's own webhook simulator are signed with (same page of DOC)."""


class Signer:
    """Keys and certificates are made when first needed, once for each store."""

    def __init__(
        self, store: Store, faults: Faults, *, webhook_id: str, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._faults = faults
        self._webhook_id = webhook_id
        self._clock = clock
        self._made: Document | None = None
        self._key: RSAPrivateKey | None = None

    @property
    def authorities(self) -> str:
        """The PEM to trust: the root, and the intermediate for where only the leaf is served."""
        return str(self._certificates["root"]) + str(self._certificates["intermediate"])

    def served(self, asked_id: str) -> str | None:
        """The PEM at a certificate's URL. Whether PayPal serves the chain too is not known."""
        for name in ("leaf", "expired"):
            pem = str(self._certificates[name])
            if cert_id(pem) == asked_id:
                chain = str(self._certificates["intermediate"])
                return pem + chain if self._faults["serves_chain"] else pem
        return None

    def headers(self, event_id: str, body: bytes, url: str) -> Mapping[str, str]:
        """Whether a retry has a transmission of its own is not known: a switch decides."""
        event = self._store.get("event", event_id) or {"created_at": self._clock(), "attempts": 0}
        is_new = self._faults["new_transmission_on_retry"]
        attempt, at = (event["attempts"], self._clock()) if is_new else (0, event["created_at"])
        # A body that was replaced bears the very headers of the genuine one.
        genuine_id = event_id.removesuffix(TWIN)
        transmission_id = str(uuid5(NAMESPACE_URL, f"{genuine_id}/{attempt}"))
        webhook_id = _MOCK_WEBHOOK_ID if self._faults["mock_events"] else self._webhook_id
        message = f"{transmission_id}|{iso(at)}|{webhook_id}|{zlib.crc32(body)}"
        certificate = "expired" if self._faults["expired_certificate"] else "leaf"
        name = cert_id(str(self._certificates[certificate]))
        return {
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-TIME": iso(at),
            "PAYPAL-TRANSMISSION-SIG": self._signature(message),
            "PAYPAL-CERT-URL": f"{url}/v1/notifications/certs/{name}",
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-AUTH-VERSION": "v2",
            "user-agent": "PayPal/AUHD-1.0-1",
        }

    def _signature(self, message: str) -> str:
        if self._key is None:
            key = load_pem_private_key(str(self._certificates["key"]).encode(), None)
            if not isinstance(key, RSAPrivateKey):
                raise TypeError("the store's key is not an RSA key")
            self._key = key
        return base64.b64encode(self._key.sign(message.encode(), PKCS1v15(), SHA256())).decode()

    @property
    def _certificates(self) -> Document:
        if self._made is None:
            self._made = self._store.get("certificates", "webhooks")
        if self._made is None:
            self._made = new_certificates(self._clock())
            self._store.put("certificates", self._made)
        return self._made
