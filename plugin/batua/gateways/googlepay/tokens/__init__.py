"""Google's sealed tokens: verified, then opened, by pure functions.

The order is Google's own (G: guides/resources/payment-data-cryptography, read 2026-11-22): the
intermediate key by the roots, its expiry, the message's signature, the message's tag, and only
then its text, whose own expiry comes last.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from batua.gateways.googlepay.tokens.roots import RootKey
from batua.gateways.googlepay.tokens.sealed import open_sealed
from batua.gateways.googlepay.tokens.shape import Version, parse_sealed, parse_token
from batua.gateways.googlepay.tokens.signatures import verify_signatures

__all__ = ["open_token"]


def open_token(
    text: str,
    *,
    version: Version,
    recipient_id: str,
    roots: Sequence[RootKey],
    private_keys: Sequence[ec.EllipticCurvePrivateKey],
    now_ms: int,
) -> str:
    """The text that Google sealed for ``recipient_id``. It may hold a card: never keep or log it.

    ``version`` is the one that we asked for, whatever the token says of itself. ``private_keys``
    are tried in turn, so that a key can be rotated. Raises ``TokenRefused``; moves no money.
    """
    token = parse_token(text, version)
    verify_signatures(token, roots=roots, recipient_id=recipient_id, now_ms=now_ms)
    return open_sealed(parse_sealed(token.signed_message), private_keys, version)
