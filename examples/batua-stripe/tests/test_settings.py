"""Settings that can't work are told at once, and never with a secret in the text."""

import pytest
from batua.contract import Mode, PluginSettings, minor_digits, secret_fields

from batua_stripe import StripeGateway
from batua_stripe.codes import CHANGES, CURRENCIES, EVENTS, MINIMUMS, THREE_DECIMAL, ZERO_DECIMAL
from batua_stripe.form import encoded
from batua_stripe.settings import StripeSettings, check_settings, mode_of
from stripe_shop import KEYS, Clock, gateway_at

LIVE = {"secret_key": "sk_live_x", "publishable_key": "pk_live_x", "webhook_secret": "whsec_x"}


@pytest.mark.parametrize("kind", ["sk", "rk"])
def test_key_names_its_mode(kind):
    assert mode_of(f"{kind}_test_x") is Mode.TEST
    assert mode_of(f"{kind}_live_x") is Mode.LIVE


@pytest.mark.parametrize(
    "changes",
    [
        {"secret_key": "pk_test_x"},
        {"secret_key": ""},
        {"secret_key": "sk_test_\nx"},
        {"publishable_key": "pk_live_x"},
        {"publishable_key": "sk_test_x"},
        {"webhook_secret": " , "},
        {"base_url": "ftp://shop.example"},
        {"api_version": "latest\r\nx: y"},
    ],
)
def test_settings_that_can_not_work_are_refused_without_a_secret(changes):
    with pytest.raises(ValueError, match=r"secret|key|url|version") as refused:
        check_settings(StripeSettings(**(KEYS | changes)))
    assert not [
        value for value in changes.values() if len(value) > 3 and value in str(refused.value)
    ]


def test_live_key_wants_https():
    check_settings(StripeSettings(**LIVE))
    with pytest.raises(ValueError, match="https"):
        check_settings(StripeSettings(**LIVE, base_url="http://api.stripe.com"))


def test_no_secret_is_shown():
    settings = StripeSettings(**KEYS)
    assert secret_fields(StripeSettings) == {"secret_key", "webhook_secret"}
    assert KEYS["secret_key"] not in repr(settings)
    assert KEYS["webhook_secret"] not in repr(settings)


async def test_mode_is_that_of_the_key():
    async with gateway_at("https://127.0.0.1:1", Clock(), **LIVE) as (gateway, _):
        assert gateway.mode is Mode.LIVE


def test_settings_of_another_plugin_are_refused():
    with pytest.raises(TypeError):
        StripeGateway(PluginSettings(), None)


def test_form_is_nested_as_stripe_reads_it():
    fields = {"a": {"b": {"c": 1}}, "on": True, "off": False, "types": ["x", "y"], "t": "a b&c=é"}
    assert encoded(fields) == (
        "a%5Bb%5D%5Bc%5D=1&on=true&off=false&types%5B%5D=x&types%5B%5D=y&t=a+b%26c%3D%C3%A9"
    )


def test_minor_unit_of_every_currency_is_stripe_s():
    for currency in CURRENCIES:
        stripe_digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
        assert minor_digits(currency) == stripe_digits, currency
    assert set(MINIMUMS) <= CURRENCIES


def test_changes_are_known_events_and_fit_one_list():
    for subject, names in CHANGES.items():
        assert len(names) <= 20
        assert {EVENTS[name] for name in names} == {subject}
