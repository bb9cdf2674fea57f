"""An issuer of tokens with keys of its own, which it publishes over real HTTP."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from batua.testing.serving import serving

__all__ = ["Issuer", "forged_with", "serving_issuer"]

WRITERS: Mapping[str, Any] = {
    "RS256": RSAAlgorithm.to_jwk,
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
}


@functools.cache
def _key(algorithm: str, name: str) -> Any:
    """A private key, made once a run for each name."""
    del name
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


class Issuer:
    """``answer`` is what the next who ask are sent; ``asked`` counts them."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.answer = self.document("RS256", "ES256", "EdDSA")

    def jwk(self, algorithm: str, name: str = "", /, **changes: Any) -> dict[str, Any]:
        """A public key as published. Its ``kid`` is the algorithm's name unless told."""
        public = _key(algorithm, name or algorithm).public_key()
        written: dict[str, Any] = json.loads(WRITERS[algorithm](public))
        written.pop("key_ops", None)
        wanted = {**written, "kid": name or algorithm, "alg": algorithm, "use": "sig"}
        changed = wanted | changes
        return {field: value for field, value in changed.items() if value is not None}

    def document(self, *keys: str | tuple[str, str]) -> bytes:
        pairs = [(key, key) if isinstance(key, str) else key for key in keys]
        return json.dumps({"keys": [self.jwk(*pair) for pair in pairs]}).encode()

    def publish(self, *keys: str | tuple[str, str]) -> None:
        self.answer = self.document(*keys)

    def sign(
        self, claims: Mapping[str, Any], algorithm: str = "RS256", kid: str = "", **header: Any
    ) -> str:
        kid = kid or algorithm
        headers = {"kid": kid, **header}
        return jwt.encode(dict(claims), _key(algorithm, kid), algorithm, headers=headers)

    def public_bytes(self) -> list[bytes]:
        """Everything that somebody could take for a secret in the RS256 key."""
        public = _key("RS256", "RS256").public_key()
        encodings = serialization.Encoding
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = public.public_bytes(encodings.PEM, info)
        return [
            pem,
            pem.strip(),
            public.public_bytes(encodings.DER, info),
            json.dumps(self.jwk("RS256")).encode(),
            self.jwk("RS256")["n"].encode(),
        ]


def forged_with(secret: bytes, claims: Mapping[str, Any], **header: Any) -> str:
    """An HS256 token made by hand: PyJWT would refuse to take a public key as its secret."""
    parts = [_b64(json.dumps(part).encode())
             for part in ({"alg": "HS256", "typ": "JWT", **header}, claims)]  # fmt: skip
    signed = ".".join(parts)
    signature = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{_b64(signature)}"


def _b64(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@asynccontextmanager
async def serving_issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        issuer.asked += 1
        start = {"type": "http.response.start", "status": issuer.status}
        await send({**start, "headers": issuer.headers})
        await send({"type": "http.response.body", "body": issuer.answer})

    async with serving(app) as base:
        issuer.url = f"{base}/jwks.json"
        yield issuer
