"""Configuration: one struct, read once from ``BATUA_*`` environment variables."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from batua.contract import PluginSettings, Secret, is_currency
from batua.contract.manifest import secret_fields
from batua.errors import ConfigurationError
from batua.redaction import learn

__all__ = [
    "Settings",
    "own_variables",
    "read_plugin_settings",
    "read_settings",
    "unknown_variables",
    "variable",
]

PREFIX = "BATUA_"
JWT_SECRET_BYTES_MIN = 32

PATH = re.compile(r"(?:/[A-Za-z0-9_~-]+)*/?")

log = logging.getLogger(__name__)

S = TypeVar("S", bound=PluginSettings)

Limit = Annotated[int, msgspec.Meta(ge=0)] | None
"""A number of a wallet's rules; None for the profile's, 0 for no limit."""


class Settings(PluginSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the core reads. Field ``database_url`` comes from ``BATUA_DATABASE_URL``, and so on.

    Amounts are minor units, times are seconds. A plugin's settings have the plugin's code in
    front: ``BATUA_RAZORPAY_KEY_ID``.
    """

    database_url: Secret = "sqlite:///batua.sqlite"
    """``sqlite:///file``, ``sqlite:////absolute/file`` or ``postgresql://…``, with its password."""
    jwt_secret: Secret = ""
    """Signs and verifies tokens (HS256). At least 32 bytes, or the server refuses to start.

    Several with commas between them while they are rotated: the first signs, all verify."""
    jwt_jwks_url: str = ""
    """Where tokens' issuer publishes its keys (RS256, ES256, EdDSA); https but on loopback."""
    jwt_jwks_refresh_s: Annotated[int, msgspec.Meta(ge=10, le=86_400)] = 300
    """How often they are fetched again: a key that is gone is refused after this."""
    jwt_jwks_age_max_s: Annotated[int, msgspec.Meta(ge=60, le=2_592_000)] = 86_400
    """How long the last ones are used while the issuer is down."""
    jwt_issuer: str = "batua"
    jwt_audience: str = "batua"
    currency: str = "INR"
    """The currency of the wallet routes when none is named."""
    customer_orders: bool = False
    """Whether customers may create orders. Whoever creates an order sets its price."""
    approval_limit: int = 1_000_000
    """Refunds and adjustments above this wait for a second person."""
    rate_limit: bool = True
    """Whether calls are counted and limited at all. Logins to the panel always are."""
    rate_limit_customer: Annotated[int, msgspec.Meta(ge=1)] = 600
    """Requests a minute of one customer, and of one member of staff."""
    rate_limit_service: Annotated[int, msgspec.Meta(ge=1)] = 6_000
    """Requests a minute of one service."""
    rate_limit_address: Annotated[int, msgspec.Meta(ge=1)] = 6_000
    """Requests a minute from one address; of IPv6, from one /64."""
    rate_limit_routes: str = ""
    """Tighter limits of single routes, by caller: ``create_top_up=30,pay_order=120`` a minute."""
    streams_per_customer: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """From how many places at a time a customer may watch the wallet, in one process."""
    streams_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2_000
    """How many watch their wallets at a time in one process."""
    login_limit_name: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Logins to the panel in five minutes under one name."""
    login_limit_address: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Logins to the panel in five minutes from one address."""
    staff_mfa: Literal["required", "optional"] = "required"
    """Whether finance and owners need a second factor. Without one they may look only."""
    redis_url: Secret = ""
    """Where calls are counted, with its password; empty for the shop's own database."""
    redis_prefix: str = "batua"
    """What its keys begin with: another one for each shop."""
    trusted_proxies: str = ""
    """Addresses and networks of our own proxies, comma separated: they say who a client is."""
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """The one header in which they say it. The other is anybody's."""
    notifier: str = "console"
    """The code of the notifier that tells customers."""
    public_url: str = "http://127.0.0.1:8000"
    """Where customers reach this server: for links that providers send them back to.

    Its path, if it has one, is what everything is served below: ``https://shop.example/pay``."""
    allowed_origins: str = ""
    """Other origins whose pages may call the API, comma separated: ``https://shop.example``."""
    gateway_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 10.0
    """How long a provider may take to answer one call."""
    breaker_failures: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """After so many calls in a row without an answer a provider is left alone for a while."""
    webhook_silence_s: Annotated[int, msgspec.Meta(ge=60)] = 3600
    """Money is taken and a gateway's webhooks have not come for so long: alarm."""
    reconcile_every_s: Annotated[int, msgspec.Meta(ge=0)] = 3600
    """How often the worker compares our books with the providers' and heals ours; 0 for never."""
    reconcile_days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 3
    """How many days the worker looks back, today included."""
    top_up_expiry_s: Annotated[int, msgspec.Meta(ge=1)] = 3600
    """A top-up that nobody paid expires after this; money that arrives later is still credited."""
    wallet_profile: Literal["closed", "small_ppi", "full_kyc"] = "closed"
    """Which limits wallets have: none, or those of an Indian PPI. Each number can be overridden."""
    wallet_top_up_min: Limit = None
    wallet_top_up_max: Limit = None
    wallet_top_ups_per_day: Limit = None
    wallet_balance_max: Limit = None
    wallet_load_per_month: Limit = None
    wallet_load_per_year: Limit = None
    wallet_spend_per_day: Limit = None
    wallet_payments_per_hour: Limit = None
    top_up_bonus_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    """What the shop gives on top of a top-up, in percent, in ``currency`` alone; 0 for nothing."""
    top_up_bonus_from: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The smallest top-up, in minor units, that gets the bonus."""
    top_up_bonus_max: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The most of one bonus, in minor units; 0 for no limit."""
    top_up_bonus_days: Annotated[int, msgspec.Meta(ge=0, le=36_525)] = 90
    """How many days a bonus can be spent; 0 for ever."""
    encryption_key: Secret = ""
    """Seals the secrets that are stored; comma separated while rotating, the newest first."""
    hook_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0
    """How long a hook of the host's may take for one event."""
    webhook_allow_private: str = ""
    """Networks of one's own that webhooks may go to, such as ``10.1.0.0/16,fd00:1::/32``."""
    webhook_loopback_http: bool = False
    """Whether webhooks may go to this machine, and there by plain http: for development."""
    event_days: Annotated[int, msgspec.Meta(ge=0, le=36_525)] = 90
    """How many days events are kept that everybody was told of, for a replay; 0 for ever."""
    inbox_body_days: Annotated[int, msgspec.Meta(ge=1, le=36_525)] = 400
    """How many days the bytes of a webhook are kept. Its row, its ids and amounts stay."""
    anchor_path: str = ""
    """Where ``batua verify`` keeps the newest proven hash, outside the database; empty for none."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """``json``: one object a line. ``auto``: that, but for people where it is a terminal."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_token: Secret = ""
    """What a scraper of ``/metrics`` presents as bearer; empty lets everybody who reaches it."""
    otlp_endpoint: str = ""
    """Where traces go, by OTLP over HTTP: ``http://collector:4318/v1/traces``; empty for none."""
    database_pool_size: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 10
    """PostgreSQL connections per process."""

    @property
    def jwt_secrets(self) -> tuple[str, ...]:
        """The first signs, all of them verify: several while they are rotated; none where unset."""
        parts = self.jwt_secret.split(",") if self.jwt_secret else ()
        return tuple(part.strip() for part in parts)

    @property
    def path_prefix(self) -> str:
        """What everything is served below: ``/pay``, without a slash at its end, or empty."""
        return urlsplit(self.public_url).path.rstrip("/")


def read_settings(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Read and check the core's settings.

    Raises ``ConfigurationError`` naming the variable and what is wrong with it.
    """
    raw = own_variables(Settings, "", environ) | overrides
    settings = _convert(Settings, "", raw)
    if not is_currency(settings.currency):
        raise ConfigurationError(
            f"BATUA_CURRENCY must be an ISO 4217 code in use, not {settings.currency!r}"
        )
    if any(len(each.encode()) < JWT_SECRET_BYTES_MIN for each in settings.jwt_secrets):
        raise ConfigurationError(
            f"BATUA_JWT_SECRET must have at least {JWT_SECRET_BYTES_MIN} bytes, each of several "
            "between commas; "
            "make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
        )
    check_jwks_url(settings.jwt_jwks_url)
    check_public_url(settings.public_url)
    if settings.approval_limit < 0:
        raise ConfigurationError("BATUA_APPROVAL_LIMIT must not be negative (minor units)")
    return settings


def check_jwks_url(url: str) -> None:
    """Whoever can change what is fetched signs as anybody. Raises ``ConfigurationError``."""
    if not url:
        return
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise ConfigurationError("BATUA_JWT_JWKS_URL must be a URL without user and fragment")
    is_loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise ConfigurationError("BATUA_JWT_JWKS_URL must begin with https:// (but on loopback)")


def check_public_url(url: str) -> None:
    """Raises ``ConfigurationError`` for what is no address to serve at."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            "BATUA_PUBLIC_URL must begin with http:// or https://, and end with a host or a path"
        )
    if not PATH.fullmatch(parts.path):
        raise ConfigurationError(
            "BATUA_PUBLIC_URL may have a path of letters, digits, -, _ and ~: /pay or /shop/pay"
        )


def read_plugin_settings(
    settings: type[S],
    code: str,
    environ: Mapping[str, str],
    given: Mapping[str, str] = MappingProxyType({}),
) -> S:
    """Read a plugin's own settings struct: from the environment, and what it lacks from ``given``.

    Raises ``ConfigurationError`` that names every required variable that is missing or empty.
    """
    known = {field.name for field in _fields(settings)}
    raw = {name: value for name, value in given.items() if name in known}
    raw |= own_variables(settings, code, environ)
    missing = [
        variable(code, field.name)
        for field in _fields(settings)
        if field.required and not raw.get(field.name)
    ]
    if missing:
        raise ConfigurationError(f"{code} is off: set {', '.join(missing)}")
    return _convert(settings, code, raw)


def unknown_variables(
    environ: Mapping[str, str], codes: Mapping[str, type[PluginSettings]]
) -> list[str]:
    """The ``BATUA_*`` variables that nothing reads: most likely misspelled."""
    known = {variable("", field.name) for field in _fields(Settings)}
    for code, settings in codes.items():
        known |= {variable(code, field.name) for field in _fields(settings)}
    return sorted(
        name
        for name in environ
        if name.startswith(PREFIX) and name not in known and not name.startswith("BATUA_TEST_")
    )


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)


def variable(code: str, field: str) -> str:
    """The environment variable of a plugin's setting."""
    return PREFIX + "_".join(part for part in (code, field) if part).upper()


def own_variables(
    settings: type[msgspec.Struct], code: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """What the environment says of a plugin's settings, by field. Empty is as good as not set."""
    return {
        field.name: environ[variable(code, field.name)]
        for field in _fields(settings)
        if environ.get(variable(code, field.name), "") != ""
    }


_WORDS = {"on": "true", "yes": "true", "off": "false", "no": "false"}


def _convert(settings: type[S], code: str, raw: Mapping[str, Any]) -> S:
    words = {
        field.name: _WORDS.get(str(raw[field.name]).lower(), raw[field.name])
        if field.type is bool
        else raw[field.name]
        for field in _fields(settings)
        if field.name in raw
    }
    # First: what is wrong with one of them is told with the others known.
    learn(str(raw[name]) for name in secret_fields(settings) if name in raw)
    try:
        return msgspec.convert(words, settings, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
        secret = field in secret_fields(settings)
        value = "" if secret else f", got {raw.get(field)!r}"
        reason = str(error).partition(" - ")[0]
        raise ConfigurationError(f"{variable(code, field)}: {reason}{value}") from None
