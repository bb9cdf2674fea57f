"""Razorpay's settings and the checks that they must pass before anything is sent."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from batua.contract import Mode, PluginSettings, Secret
from batua.gateways.razorpay.wire import webhook_secrets

__all__ = ["RazorpaySettings", "check_settings", "mode_of"]

_MODES = {"rzp_test_": Mode.TEST, "rzp_live_": Mode.LIVE}


class RazorpaySettings(PluginSettings, frozen=True, kw_only=True):
    """``webhook_secret`` is comma separated while it is rotated: each part is accepted.

    ``checkout_url`` is a page that takes ``order_id`` and ``key_id``; without it the browser opens
    Razorpay's Standard Checkout. ``capture`` automatic has Razorpay take what is authorized, and
    manual leaves it to us. ``refund_speed`` optimum is instant where Razorpay can, for a fee.
    ``payer_email`` and ``payer_phone`` are sent where Razorpay wants those of a payer who has told
    neither.
    """

    key_id: str
    key_secret: Secret
    webhook_secret: Secret
    base_url: str = "https://api.razorpay.com"
    checkout_url: str = ""
    capture: Literal["automatic", "manual"] = "automatic"
    refund_speed: Literal["normal", "optimum"] = "normal"
    payer_email: str = ""
    payer_phone: str = ""


def mode_of(key_id: str) -> Mode:
    """The mode that the key's prefix names; ``ValueError`` where it names none.

    Source: MD:razorpay-n8n-node/installation.md, 2026-11-22; ``rzp_live_`` is not verified there.
    """
    for prefix, mode in _MODES.items():
        if key_id.startswith(prefix):
            return mode
    raise ValueError("key_id must begin with rzp_test_ or rzp_live_")


def check_settings(settings: RazorpaySettings) -> None:
    """Raise ``ValueError``, without repeating a secret, for settings that can't work."""
    mode = mode_of(settings.key_id)
    if not settings.key_secret:
        raise ValueError("key_secret is empty")
    if not webhook_secrets(settings.webhook_secret):
        raise ValueError("webhook_secret has no secret in it")
    scheme = urlsplit(settings.base_url).scheme
    if scheme not in {"http", "https"}:
        raise ValueError("base_url must be an http or https URL")
    if mode is Mode.LIVE and scheme != "https":
        raise ValueError("base_url must be https with a live key")
