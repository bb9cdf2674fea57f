"""The certificates that PayPal signs its webhooks with: fetched, kept, and never just believed."""

from __future__ import annotations

import asyncio
import warnings
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path

import certifi
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import (
    Certificate,
    DNSName,
    load_pem_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from batua.contract import Transport, WebhookRejected
from batua.gateways.paypal.http import NotSent, Silence, exchange
from batua.gateways.paypal.signatures import check_cert_url

__all__ = ["Authorities", "Certificates", "load_authorities"]

_BYTES_MAX = 64 * 1024
_TEXT_MAX = 200
_CHAIN_LENGTH_MAX = 8
_KEPT_MAX = 16
_FETCHES_MAX = 20
_FETCHES_SPAN = timedelta(minutes=1)
_MARK = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whom we trust, and certificates that may help to lead to them but are not trusted."""

    anchors: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...] = ()


def load_authorities(ca_file: str) -> Authorities:
    """The authorities of a PEM file; without one, the public roots that certifi ships.

    Roots in the file replace the public ones; a file of intermediates alone adds to them. Raises
    ``ValueError`` for a file that can't be read or has no certificate.
    """
    if not ca_file:
        return Authorities(_public_roots())
    try:
        found = _parsed(Path(ca_file).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise ValueError("ca_file can't be read as PEM") from error
    if not found:
        raise ValueError("ca_file holds no certificate")
    roots = tuple(one for one in found if one.subject == one.issuer)
    intermediates = tuple(one for one in found if one.subject != one.issuer)
    return Authorities(roots or _public_roots(), intermediates)


class Certificates:
    """The signing keys by their URL. ``prefixes`` is where they may be, ``name`` whose they are.

    A certificate that proved good is kept, but its chain and its dates are judged anew for every
    delivery.
    """

    def __init__(
        self,
        transport: Transport,
        authorities: Authorities,
        *,
        prefixes: tuple[str, ...],
        name: str,
    ) -> None:
        self._transport = transport
        self._authorities = authorities
        self._store = Store(list(authorities.anchors))
        self._prefixes = prefixes
        self._name = DNSName(name)
        self._kept: OrderedDict[str, list[Certificate]] = OrderedDict()
        self._fetched_at: deque[float] = deque()
        self._lock = asyncio.Lock()

    async def key(self, url: str) -> RSAPublicKey:
        """The key of the certificate at ``url``. Raises ``WebhookRejected``.

        The URL is judged before anything is sent to it.
        """
        check_cert_url(url, self._prefixes)
        # Known ones do not wait for the unknown.
        chain = self._kept.get(url)
        if chain is None:
            async with self._lock:
                chain = self._kept.get(url) or await self._fetch(url)
        try:
            key = self._judge(chain)
        except WebhookRejected:
            self._kept.pop(url, None)
            raise
        self._keep(url, chain)
        return key

    def _keep(self, url: str, chain: list[Certificate]) -> None:
        self._kept[url] = chain
        self._kept.move_to_end(url)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)

    def _judge(self, chain: Sequence[Certificate]) -> RSAPublicKey:
        leaf, *others = chain
        now = self._transport.now().astimezone(UTC).replace(tzinfo=None)
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(now)
            .max_chain_depth(_CHAIN_LENGTH_MAX)
            .build_server_verifier(self._name)
        )
        try:
            verifier.verify(leaf, [*others, *self._authorities.intermediates])
        except VerificationError as error:
            raise WebhookRejected(
                f"the webhook's certificate is not one of {self._name.value} that a trusted"
                " authority vouches for now; if its issuer is missing, put it into ca_file:"
                f" {leaf.issuer.rfc4514_string()[:_TEXT_MAX]}"
            ) from error
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise WebhookRejected("the webhook's certificate has no RSA key")
        return key

    async def _fetch(self, url: str) -> list[Certificate]:
        self._count_fetch()
        try:
            answer = await exchange(self._transport, "GET", url, bytes_max=_BYTES_MAX)
        except (NotSent, Silence) as silence:
            raise WebhookRejected(f"PayPal's certificate can't be fetched: {silence}") from silence
        if answer.status != 200:
            raise WebhookRejected(f"PayPal's certificate can't be fetched: HTTP {answer.status}")
        try:
            chain = load_pem_x509_certificates(answer.body)
        except ValueError as error:
            raise WebhookRejected("PayPal's certificate can't be read") from error
        if len(chain) > _CHAIN_LENGTH_MAX:
            raise WebhookRejected("PayPal's certificate has too long a chain")
        return chain

    def _count_fetch(self) -> None:
        # Whoever sends us made-up ids must not make us flood PayPal.
        now = self._transport.now().timestamp()
        while self._fetched_at and now - self._fetched_at[0] > _FETCHES_SPAN.total_seconds():
            self._fetched_at.popleft()
        if len(self._fetched_at) >= _FETCHES_MAX:
            raise WebhookRejected("too many unknown certificates in one minute")
        self._fetched_at.append(now)


@cache
def _public_roots() -> tuple[Certificate, ...]:
    return _parsed(certifi.contents())


def _parsed(pem: str) -> tuple[Certificate, ...]:
    with warnings.catch_warnings():
        # Some public roots are older than today's rules; they can still be trusted as they are.
        warnings.simplefilter("ignore")
        return tuple(
            load_pem_x509_certificate((_MARK + part).encode()) for part in pem.split(_MARK)[1:]
        )
