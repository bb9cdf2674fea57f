"""PayPal's settings: what can't work, or would let strangers in, is refused at start."""

import pytest

from batua.contract import Mode, secret_fields
from batua.gateways.paypal.settings import (
    PayPalSettings,
    api_url,
    cert_prefixes,
    check_settings,
    mode_of,
)

LIVE = {
    "client_id": "live_client",
    "client_secret": "hush",
    "webhook_id": "4JH86294D6297924G",
    "environment": "live",
}
SANDBOX = LIVE | {"environment": "sandbox"}


def test_the_environment_decides_the_mode_and_where_the_api_is():
    live, sandbox = PayPalSettings(**LIVE), PayPalSettings(**SANDBOX)
    assert (mode_of(live), api_url(live)) == (Mode.LIVE, "https://api-m.paypal.com")
    assert (mode_of(sandbox), api_url(sandbox)) == (Mode.TEST, "https://api-m.sandbox.paypal.com")
    for settings in (live, sandbox):
        check_settings(settings)


def test_the_sandbox_is_the_default():
    assert mode_of(PayPalSettings(client_id="a", client_secret="b", webhook_id="c")) is Mode.TEST


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"environment": "production"}, "environment"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": " "}, "client_secret"),
        ({"client_id": "é"}, "client_id"),
        ({"webhook_id": ""}, "webhook_id"),
        ({"webhook_id": "a|b"}, "webhook_id"),
        ({"webhook_id": "WEBHOOK_ID"}, "simulator"),
        ({"base_url": "http://api-m.paypal.com"}, "https"),
        ({"base_url": "http://127.0.0.1:8080"}, "https"),
        ({"base_url": "https://api-m.sandbox.paypal.com"}, "environment live"),
        ({"base_url": "https://"}, "environment live"),
        ({"cert_hosts": "127.0.0.1:8080"}, "cert_hosts"),
    ],
)
def test_live_settings_that_can_not_work_are_refused(change, why):
    with pytest.raises(ValueError, match=why):
        check_settings(PayPalSettings(**LIVE | change))


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "http://paypal.example"},
        {"base_url": "http://127.0.0.1.attacker.example"},
        {"base_url": "https://api-m.paypal.com"},
        {"base_url": "ftp://127.0.0.1"},
        {"cert_hosts": "attacker.example"},
        {"cert_hosts": "127.0.0.1:80@attacker.example"},
        {"cert_hosts": "127.0.0.1:8080, 169.254.169.254"},
        {"cert_hosts": "127.0.0.1.attacker.example:80"},
    ],
)
def test_sandbox_settings_that_lead_elsewhere_are_refused(change):
    with pytest.raises(ValueError, match=r"base_url|cert_hosts"):
        check_settings(PayPalSettings(**SANDBOX | change))


def test_a_sandbox_may_point_to_a_simulator_on_loopback():
    settings = PayPalSettings(
        **SANDBOX,
        base_url="http://127.0.0.1:8080/paypal/",
        cert_hosts="127.0.0.1:8080/paypal, localhost:1",
    )
    check_settings(settings)
    assert api_url(settings) == "http://127.0.0.1:8080/paypal"
    prefixes = cert_prefixes(settings)
    assert "http://127.0.0.1:8080/paypal/v1/notifications/certs/" in prefixes
    assert "https://api.sandbox.paypal.com/v1/notifications/certs/" in prefixes


def test_certificates_of_an_environment_come_from_its_own_hosts():
    assert cert_prefixes(PayPalSettings(**LIVE)) == (
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api-m.paypal.com/v1/notifications/certs/",
    )


def test_the_secret_is_never_shown():
    assert secret_fields(PayPalSettings) == {"client_secret"}
    assert "hush" not in repr(PayPalSettings(**LIVE))
