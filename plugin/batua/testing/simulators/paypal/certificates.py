"""The simulator's own certificate authority, and the certificates that its webhooks name.

Root, intermediate and leaf as PayPal has them (a real leaf of 2024: RSA 2048, O=PayPal, Inc., CN
and SAN messageverificationcerts.paypal.com, below a public authority's intermediate). The
sandbox's name is not verified.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from batua.testing.simulators.paypal.errors import Document

__all__ = ["LEAF_NAME", "cert_id", "new_certificates"]

LEAF_NAME = "messageverificationcerts.sandbox.paypal.com"

_VALID = timedelta(days=3650)
"""So long that a kept store does not outlive its certificates."""


def new_certificates(now: float) -> Document:
    """New keys and certificates as PEM: ``key``, ``leaf``, ``expired``, ``intermediate``, ``root``.

    ``expired`` is an older certificate of the same key. The first ones of a process take some
    tenths of a second: the keys are made then.
    """
    at = datetime.fromtimestamp(now, UTC)
    root_key, middle_key, key = _keys()
    root_name, middle_name = _name("Simulator Root"), _name("Simulator Intermediate")
    root = _signed(root_name, root_key, root_name, root_key, at, ca_depth=1)
    middle = _signed(middle_name, middle_key, root_name, root_key, at, ca_depth=0)
    leaf_name = _name(LEAF_NAME)
    leaf = _signed(leaf_name, key, middle_name, middle_key, at)
    old = at - _VALID - timedelta(days=2)
    return {
        "id": "webhooks",
        "key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "leaf": leaf,
        "expired": _signed(leaf_name, key, middle_name, middle_key, old),
        "intermediate": middle,
        "root": root,
    }


def cert_id(pem: str) -> str:
    """The name of a certificate in its URL, in the form of real ones."""
    digest = sha256(pem.encode()).hexdigest()
    return f"CERT-{digest[:8]}-{digest[8:16]}-{digest[16:24]}"


@cache
def _keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """Root's, intermediate's and leaf's: simulators that a process starts anew share them."""
    root, middle, leaf = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    return root, middle, leaf


def _signed(
    subject: x509.Name,
    subject_key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    at: datetime,
    *,
    ca_depth: int | None = None,
) -> str:
    """A certificate in PEM; ``ca_depth`` None makes it a leaf."""
    public, parent = subject_key.public_key(), issuer_key.public_key()
    is_ca = ca_depth is not None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + _VALID)
        .add_extension(x509.BasicConstraints(is_ca, ca_depth), critical=True)
        .add_extension(_usage(is_ca=is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(parent), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(LEAF_NAME)]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    signed = builder.sign(issuer_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=not is_ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "PayPal simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
