"""Rules about what an adapter says of itself, and about its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from batua.contract import (
    Capabilities,
    Gateway,
    GatewayError,
    GatewayRejected,
    Manifest,
    Mode,
    PluginSettings,
    WebhookRejected,
    check_gateway,
    is_currency,
)
from batua.errors import ConfigurationError
from batua.testing.conformance.provider import Delivery
from batua.testing.conformance.rule import expect, outcome, rule
from batua.testing.conformance.subject import Subject

__all__ = ["shows_a_secret"]

_CODE = re.compile(r"[a-z][a-z0-9]*")
_LIVE_WORDS = {"test": ("live", "production"), "sandbox": ("live", "production")}


@rule("The manifest is complete: a code of lower-case letters and digits, and a text for every "
      "fact that staff are shown.", of_fronts=True)  # fmt: skip
async def manifest_is_complete(shop: Subject) -> None:
    manifest = shop.target.gateway.manifest
    expect(isinstance(manifest, Manifest), "the manifest is not a batua.contract.Manifest")
    expect(_CODE.fullmatch(manifest.code), f"the code is {manifest.code!r}")
    expect(manifest.code == shop.provider.simulator.code, "the simulator has another code")
    for fact in ("name", "summary", "version", "author", "category"):
        expect(str(getattr(manifest, fact)).strip(), f"the manifest's {fact} is empty")
    expect(
        isinstance(manifest.settings, type) and issubclass(manifest.settings, PluginSettings),
        "the settings are not a struct of PluginSettings",
    )
    expect(manifest.settings.__struct_config__.frozen, "the settings can be changed")


@rule("Every capability that is declared is implemented, and every one that is implemented is "
      "declared.", of_fronts=True)  # fmt: skip
async def declared_is_implemented(shop: Subject) -> None:
    try:
        check_gateway(shop.target.gateway)
    except TypeError as difference:
        raise AssertionError(str(difference)) from difference


@rule("Currencies are ISO 4217 codes in use; minimums and digits are of declared currencies "
      "and not negative.", of_fronts=True)  # fmt: skip
async def currencies_are_real(shop: Subject) -> None:
    declared = shop.target.gateway.manifest.capabilities
    expect(isinstance(declared, Capabilities) and declared.currencies, "no currency is declared")
    for currency in sorted(shop.capabilities.currencies):
        expect(is_currency(currency), f"{currency!r} is no currency in use")
    for table in (shop.capabilities.minimums, shop.capabilities.digits):
        for currency, value in table.items():
            expect(currency in shop.capabilities.currencies, f"{currency} is not declared")
            expect(type(value) is int and value >= 0, f"{currency} has {value!r}")


@rule("Without a secret the gateway is off, or at least accepts no unsigned webhook: a missing "
      'secret never means "accept".', of_fronts=True)  # fmt: skip
async def missing_secret_is_off(shop: Subject) -> None:
    expect(
        shop.secrets or shop.target.is_front, "no setting that the simulator gives is marked Secret"
    )
    for name in shop.secrets:
        for value in (None, "", " ", ","):
            less = {key: each for key, each in shop.environ.items() if key != name}
            gateway = _built(shop, less if value is None else less | {name: value})
            if gateway is None:
                continue
            answer = await outcome(shop.verify(Delivery("", "", b"{}", {}), by=gateway))
            expect(
                isinstance(answer, WebhookRejected),
                f"with {name} {value!r} it accepts an unsigned webhook: {answer}",
            )


@rule("No secret is in a repr, in an error's text, or in what staff are shown when the settings "
      "can't work.", of_fronts=True)  # fmt: skip
async def secrets_are_never_shown(shop: Subject) -> None:
    shown = [repr(shop.settings()), str(shop.settings()), repr(shop.gateway)]
    for environ in _odd_settings(shop):
        try:
            gateway = shop.build(environ)
        except (ConfigurationError, ValueError, TypeError) as problem:
            shown.append(f"{problem!r} {problem}")
        else:
            answer = await outcome(gateway.create_payment(shop.request()))
            shown += [repr(answer), str(answer)] if isinstance(answer, GatewayError) else []
    for text in shown:
        expect(not shows_a_secret(shop, text), f"a secret is shown: {text[:60]}…")


@rule("The simulator's credentials are of test mode, and no setting makes them live while the "
      "provider's address is plain http.", of_fronts=True)  # fmt: skip
async def live_never_meets_plain_http(shop: Subject) -> None:
    expect(shop.gateway.mode is Mode.TEST, f"the simulator's mode is {shop.gateway.mode!r}")
    for environ in _live_settings(shop):
        gateway = _built(shop, environ)
        expect(
            gateway is None or gateway.mode is Mode.TEST,
            "it is live at an address that begins with http://",
        )


@rule("Credentials that the provider refuses are GatewayRejected with the failure code "
      "authentication_failed.")  # fmt: skip
async def refused_credentials_are_named(shop: Subject) -> None:
    wrong = {name: f"{value}x" for name, value in shop.secrets.items()}
    gateway = _built(shop, {**shop.environ, **wrong})
    expect(gateway is not None, "it can't be built with other secrets of the same form")
    if gateway is None:
        return
    answer = await outcome(gateway.create_payment(shop.request()))
    expect(
        isinstance(answer, GatewayRejected) and answer.failure_code == "authentication_failed",
        f"create_payment with a wrong key: {answer!r}"
        f" ({getattr(answer, 'failure_code', 'no failure code')})",
    )


def shows_a_secret(shop: Subject, text: str) -> bool:
    parts = {part for value in shop.secrets.values() for part in [value, *value.split(",")]}
    return any(part in text for part in parts if len(part) > 3)


def _built(shop: Subject, environ: dict[str, str]) -> Gateway | None:
    try:
        return shop.build(environ)
    except (ConfigurationError, ValueError):
        return None


def _odd_settings(shop: Subject) -> Iterator[dict[str, str]]:
    environ = dict(shop.environ)
    yield shop.dead_end()
    for name, value in environ.items():
        if not value.startswith("http"):
            yield environ | {name: f"{value}\x7f"}
        if name not in shop.secrets:
            yield environ | {name: ""}
            yield environ | {name: "nonsense"}
    yield from _live_settings(shop)


def _live_settings(shop: Subject) -> Iterator[dict[str, str]]:
    for word, others in _LIVE_WORDS.items():
        for other in others:
            yield {
                name: value if value.startswith("http") else value.replace(word, other)
                for name, value in shop.environ.items()
            }
