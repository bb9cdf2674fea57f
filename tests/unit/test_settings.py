"""Settings: each problem names its variable and what to do, and repeats no secret."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from batua.contract import PluginSettings, Secret
from batua.errors import ConfigurationError
from batua.settings import Settings, read_plugin_settings, read_settings, unknown_variables

SECRET = "0123456789abcdef0123456789abcdef"


class BankSettings(PluginSettings, frozen=True, kw_only=True):
    key_id: str
    key_secret: Secret
    pin: Secret | None = None
    retries: int = 3
    sandbox: bool = False
    codes: Secret = ""


class Numbered(PluginSettings, frozen=True, kw_only=True):
    pin: Annotated[int, msgspec.Meta(extra={"secret": True})]


def test_everything_has_a_default():
    settings = read_settings({})
    assert settings == Settings()
    assert settings.currency == "INR"
    assert settings.rate_limit is True


def test_variables_override_defaults_and_arguments_override_variables():
    environ = {
        "BATUA_DATABASE_URL": "postgresql://h/d",
        "BATUA_JWT_SECRET": SECRET,
        "BATUA_APPROVAL_LIMIT": "500",
        "BATUA_GATEWAY_TIMEOUT_S": "2.5",
        "BATUA_CURRENCY": "USD",
        "HOME": "/root",
    }
    settings = read_settings(environ, currency="EUR", customer_orders=True)
    assert settings.database_url == "postgresql://h/d"
    assert settings.jwt_secret == SECRET
    assert settings.approval_limit == 500
    assert settings.gateway_timeout_s == 2.5
    assert settings.currency == "EUR"
    assert settings.customer_orders is True


def test_an_empty_variable_is_as_good_as_none():
    empty = {f"BATUA_{field.name.upper()}": "" for field in msgspec.structs.fields(Settings)}
    assert read_settings(empty) == Settings()


@pytest.mark.parametrize(
    ("word", "value"),
    [("on", True), ("yes", True), ("true", True), ("1", True), ("ON", True), ("Yes", True),
     ("TRUE", True), ("off", False), ("no", False), ("false", False), ("0", False),
     ("Off", False)],
)  # fmt: skip
def test_words_for_on_and_off(word, value):
    assert read_settings({"BATUA_CUSTOMER_ORDERS": word}).customer_orders is value
    assert read_settings({"BATUA_RATE_LIMIT": word}).rate_limit is value


def test_a_word_for_on_means_nothing_to_a_text():
    assert read_settings({"BATUA_JWT_ISSUER": "on"}).jwt_issuer == "on"


PROBLEMS = {
    "a currency that is none": ("BATUA_CURRENCY", "INRR", "ISO 4217 code in use, not 'INRR'"),
    "a currency in small letters": ("BATUA_CURRENCY", "inr", "not 'inr'"),
    "a limit below zero": ("BATUA_APPROVAL_LIMIT", "-1", "must not be negative"),
    "a limit that is no number": ("BATUA_APPROVAL_LIMIT", "lots", "got 'lots'"),
    "a limit with a comma": ("BATUA_APPROVAL_LIMIT", "1,000", "got '1,000'"),
    "a limit with a point": ("BATUA_APPROVAL_LIMIT", "10.5", "got '10.5'"),
    "neither on nor off": ("BATUA_CUSTOMER_ORDERS", "maybe", "got 'maybe'"),
    "a timeout that is no number": ("BATUA_GATEWAY_TIMEOUT_S", "soon", "got 'soon'"),
    "a pool of none": ("BATUA_DATABASE_POOL_SIZE", "many", "got 'many'"),
    "an expiry that is no number": ("BATUA_TOP_UP_EXPIRY_S", "1h", "got '1h'"),
}


@pytest.mark.parametrize(("name", "value", "problem"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_problem_names_its_variable(name, value, problem):
    with pytest.raises(ConfigurationError) as refused:
        read_settings({name: value})
    assert str(refused.value).startswith(name)
    assert problem in str(refused.value)


@pytest.mark.parametrize("secret", ["short", "x" * 31])
def test_a_short_secret_is_refused_and_not_repeated(secret):
    with pytest.raises(ConfigurationError, match="BATUA_JWT_SECRET must have at least 32") as no:
        read_settings({"BATUA_JWT_SECRET": secret})
    assert secret not in str(no.value)


def test_a_secret_is_measured_in_bytes():
    assert read_settings({"BATUA_JWT_SECRET": "अ" * 11}).jwt_secret == "अ" * 11


def test_settings_never_show_the_secret():
    assert SECRET not in repr(read_settings({"BATUA_JWT_SECRET": SECRET}))


# --- plugins ------------------------------------------------------------------------------------


def bank(**environ):
    given = {"BATUA_BANK_KEY_ID": "key_1", "BATUA_BANK_KEY_SECRET": "hush"} | {
        f"BATUA_BANK_{name.upper()}": value for name, value in environ.items()
    }
    return read_plugin_settings(BankSettings, "bank", given)


def test_a_plugins_variables_carry_its_code():
    assert bank(retries="5", sandbox="on", pin="1234") == BankSettings(
        key_id="key_1", key_secret="hush", retries=5, sandbox=True, pin="1234"
    )


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "BATUA_BANK_KEY_ID, BATUA_BANK_KEY_SECRET"),
        ({"BATUA_BANK_KEY_ID": "key_1"}, "BATUA_BANK_KEY_SECRET"),
        ({"BATUA_BANK_KEY_ID": "", "BATUA_BANK_KEY_SECRET": "hush"}, "BATUA_BANK_KEY_ID"),
    ],
)
def test_a_plugin_whose_settings_are_missing_is_off_and_says_which(environ, named):
    with pytest.raises(ConfigurationError) as off:
        read_plugin_settings(BankSettings, "bank", environ)
    assert str(off.value) == f"bank is off: set {named}"


def test_a_problem_of_a_plugin_names_its_variable():
    with pytest.raises(ConfigurationError, match=r"BATUA_BANK_RETRIES: .*got 'often'"):
        bank(retries="often")
    with pytest.raises(ConfigurationError, match=r"BATUA_BANK_SANDBOX: .*got 'maybe'"):
        bank(sandbox="maybe")


def test_a_problem_of_a_secret_never_repeats_it():
    with pytest.raises(ConfigurationError, match="BATUA_BANK_PIN: ") as refused:
        read_plugin_settings(Numbered, "bank", {"BATUA_BANK_PIN": "hush-hush"})
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None, "nor does its cause"


# --- misspelled ---------------------------------------------------------------------------------


def test_variables_that_nothing_reads_are_named():
    environ = {
        "BATUA_CURENCY": "INR",
        "BATUA_CURRENCY": "INR",
        "BATUA_BANK_KEY_ID": "key_1",
        "BATUA_BANK_KEYID": "key_1",
        "BATUA_TEST_SOAK": "1",
        "PATH": "/bin",
    }
    assert unknown_variables(environ, {"bank": BankSettings}) == [
        "BATUA_BANK_KEYID",
        "BATUA_CURENCY",
    ]
    assert unknown_variables({}, {}) == []
