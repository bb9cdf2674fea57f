"""``Stripe-Signature``: who sent these bytes, and how long ago."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from batua.contract import WebhookRejected

__all__ = ["TOLERANCE_S", "check_signature", "webhook_secrets"]

TOLERANCE_S = 300
"""``Webhook.DEFAULT_TOLERANCE`` of the SDK. One-sided: a time in the future is accepted, which was
seen by running stripe 16.1.0 on 2026-11-22."""


def webhook_secrets(setting: str) -> tuple[bytes, ...]:
    """The secrets of a comma separated setting. Empty parts are ignored: "" is no secret.

    The key is the whole ``whsec_...`` text: Stripe's is not base64, unlike others that begin so.
    """
    return tuple(part.strip().encode() for part in setting.split(",") if part.strip())


def check_signature(
    secrets: Iterable[bytes], body: bytes, header: str, received_at: datetime
) -> None:
    """Raise ``WebhookRejected`` unless one of the secrets signed ``body``, not long ago.

    ``t=<unix>,v1=<hex>[,v1=<hex>][,v0=<hex>]``: hex HMAC-SHA256 over ``"{t}.{body}"``. Any v1
    that matches is enough; v0 is ignored. Source: the SDK's ``_webhook.py``, 2026-11-22.
    """
    sent_at, signatures = _parsed(header)
    message = f"{sent_at}.".encode() + body
    # Every secret is tried, so that the time taken does not tell which one matched.
    matches = [
        hmac.compare_digest(expected, signature)
        for expected in [hmac.new(key, message, sha256).hexdigest().encode() for key in secrets]
        for signature in signatures
    ]
    if not any(matches):
        raise WebhookRejected("Stripe's webhook signature is missing or wrong")
    if received_at.timestamp() - sent_at > TOLERANCE_S:
        raise WebhookRejected(f"Stripe's webhook signature is older than {TOLERANCE_S} s")


def _parsed(header: str) -> tuple[int, list[bytes]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    # More than twelve digits are no time that will ever come.
    if not times or not times[0].isascii() or not times[0].isdigit() or len(times[0]) > 12:
        raise WebhookRejected("Stripe's webhook signature has no time")
    signatures = [value.encode() for name, _, value in pairs if name == "v1" and value.isascii()]
    return int(times[0]), signatures
