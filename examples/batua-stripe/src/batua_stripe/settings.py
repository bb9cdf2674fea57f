"""Stripe's settings and the checks that they must pass before anything is sent."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from batua.contract import Mode, PluginSettings, Secret

from batua_stripe.signature import webhook_secrets

__all__ = ["API_VERSION", "StripeSettings", "check_settings", "mode_of"]

API_VERSION = "2026-10-28.endive"
"""What this adapter was written against: SDK:_api_version.py of stripe 16.1.0."""

_MODES = {
    "sk_test_": Mode.TEST,
    "rk_test_": Mode.TEST,
    "sk_live_": Mode.LIVE,
    "rk_live_": Mode.LIVE,
}
_PUBLISHABLE = {Mode.TEST: "pk_test_", Mode.LIVE: "pk_live_"}
_VERSION = re.compile(r"[0-9A-Za-z.-]{10,40}")


class StripeSettings(PluginSettings, frozen=True, kw_only=True):
    """``webhook_secret`` is comma separated while it is rotated: each part is accepted.

    ``checkout_url`` is a page of the shop that mounts Stripe's Payment Element, as the README
    shows; without it the shop's own front end does. ``capture_method`` ``manual`` only
    authorizes, and takes the money when it is still wanted.
    """

    secret_key: Secret
    publishable_key: str
    webhook_secret: Secret
    capture_method: Literal["automatic", "manual"] = "automatic"
    base_url: str = "https://api.stripe.com"
    checkout_url: str = ""
    api_version: str = API_VERSION


def mode_of(secret_key: str) -> Mode:
    """The mode that the key's prefix names; ``ValueError`` where it names none.

    Restricted keys (``rk_``) have the same prefixes. Source: docs.stripe.com/keys, 2026-11-22.
    """
    for prefix, mode in _MODES.items():
        if secret_key.startswith(prefix):
            return mode
    raise ValueError("secret_key must begin with sk_test_, sk_live_, rk_test_ or rk_live_")


def check_settings(settings: StripeSettings) -> None:
    """Raise ``ValueError``, without repeating a secret, for settings that can't work."""
    mode = mode_of(settings.secret_key)
    if not settings.secret_key.isascii() or not settings.secret_key.isprintable():
        raise ValueError("secret_key has characters that no key has")
    if not settings.publishable_key.startswith(_PUBLISHABLE[mode]):
        raise ValueError(f"publishable_key must begin with {_PUBLISHABLE[mode]}")
    if not webhook_secrets(settings.webhook_secret):
        raise ValueError("webhook_secret has no secret in it")
    if not _VERSION.fullmatch(settings.api_version):
        raise ValueError("api_version is no version of Stripe's API")
    scheme = urlsplit(settings.base_url).scheme
    if scheme not in {"http", "https"}:
        raise ValueError("base_url must be an http or https URL")
    if mode is Mode.LIVE and scheme != "https":
        raise ValueError("base_url must be https with a live key")
