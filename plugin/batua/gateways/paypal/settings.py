"""PayPal's settings and the checks that they must pass before anything is sent."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from batua.contract import Mode, PluginSettings, Secret
from batua.gateways.paypal.codes import API_HOSTS, CERT_HOSTS, CERT_PATH, SIMULATOR_WEBHOOK_ID

__all__ = ["PayPalSettings", "api_url", "cert_prefixes", "check_settings", "mode_of"]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LOCAL_CERT_HOST = re.compile(
    r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9_/-]*)?"
)


class PayPalSettings(PluginSettings, frozen=True, kw_only=True):
    """``webhook_id`` is the id that PayPal gave to our webhook: it is part of what is signed.

    ``environment`` is ``live`` or ``sandbox``. ``ca_file`` holds CA certificates in PEM: roots in
    it replace the public ones, intermediates help to build the chain. ``cert_hosts`` is for a
    simulator on loopback: comma separated ``host:port`` from which certificates are fetched too.
    """

    client_id: str
    client_secret: Secret
    webhook_id: str
    environment: str = "sandbox"
    base_url: str = ""
    cert_hosts: str = ""
    ca_file: str = ""


def mode_of(settings: PayPalSettings) -> Mode:
    """The mode of the environment whose credentials these are."""
    return Mode.LIVE if settings.environment == "live" else Mode.TEST


def api_url(settings: PayPalSettings) -> str:
    """Where the API is, without a slash at its end."""
    return (settings.base_url or f"https://{API_HOSTS[settings.environment]}").rstrip("/")


def cert_prefixes(settings: PayPalSettings) -> tuple[str, ...]:
    """What a certificate's URL must begin with, one character after another."""
    own = tuple(f"https://{host}{CERT_PATH}" for host in CERT_HOSTS[settings.environment])
    return own + tuple(
        f"{scheme}://{host.rstrip('/')}{CERT_PATH}"
        for host in _listed(settings.cert_hosts)
        for scheme in ("https", "http")
    )


def check_settings(settings: PayPalSettings) -> None:
    """Raise ``ValueError``, without repeating a secret, for settings that can't work."""
    if settings.environment not in API_HOSTS:
        raise ValueError("environment must be live or sandbox")
    for name in ("client_id", "client_secret", "webhook_id"):
        value = getattr(settings, name)
        if not value.isascii() or not value.isprintable() or not value.strip():
            raise ValueError(f"{name} must be a non-empty word of ASCII characters")
    if "|" in settings.webhook_id:
        raise ValueError("webhook_id must not contain |")
    _check_base_url(settings)
    if not all(_LOCAL_CERT_HOST.fullmatch(host) for host in _listed(settings.cert_hosts)):
        raise ValueError("cert_hosts may name only loopback hosts, such as 127.0.0.1:8080")
    if settings.environment == "live":
        _check_live(settings)


def _check_base_url(settings: PayPalSettings) -> None:
    url = urlsplit(api_url(settings))
    is_local = url.scheme == "http" and url.hostname in _LOOPBACK
    if url.scheme != "https" and not (is_local and settings.environment == "sandbox"):
        raise ValueError("base_url must be https, or in the sandbox a loopback http URL")
    others = {host for name, host in API_HOSTS.items() if name != settings.environment}
    if not url.hostname or url.hostname in others:
        raise ValueError(f"base_url is not of the environment {settings.environment}")


def _check_live(settings: PayPalSettings) -> None:
    if settings.webhook_id == SIMULATOR_WEBHOOK_ID:
        raise ValueError(
            "webhook_id must be your webhook's own id: WEBHOOK_ID is what PayPal's simulator "
            "signs, and anyone can have that sent to himself"
        )
    if settings.cert_hosts:
        raise ValueError("cert_hosts is for a simulator: it must be empty in the live environment")


def _listed(setting: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in setting.split(",") if part.strip())
