"""What plugins may rely on: declarations that are checked, settings that keep their secrets."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import ClassVar

import msgspec
import pytest

from batua import contract
from batua.contract import (
    Capabilities,
    Gateway,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Manifest,
    Mode,
    Notifier,
    NotifierError,
    NotifierRejected,
    NotifierUnavailable,
    PluginSettings,
    Secret,
    Support,
    WebhookRejected,
    check_gateway,
    secret_fields,
)


class Settings(PluginSettings, frozen=True, kw_only=True):
    key_id: str
    key_secret: Secret
    old_secret: Secret | None = None
    retries: int = 3


def manifest(**capabilities):
    return Manifest(
        code="bank", name="Bank", summary="A bank.", version="1", author="us", category="test",
        settings=Settings,
        capabilities=Capabilities(currencies=frozenset({"INR"}), **capabilities),
    )  # fmt: skip


class Plain(Gateway):
    """Implements what every adapter must, and nothing more."""

    manifest: ClassVar[Manifest] = manifest()

    def __init__(self, settings, transport):
        self.settings, self.transport = settings, transport

    @property
    def mode(self):
        return Mode.TEST

    async def create_payment(self, request):
        raise NotImplementedError

    async def fetch_payment(self, request):
        raise NotImplementedError

    async def verify_webhook(self, request):
        raise NotImplementedError


async def does(self, request):
    raise NotImplementedError


METHODS = {
    "confirm": {"confirm": does},
    "capture": {"capture": does},
    "void": {"void": does},
    "refund": {"refund": does, "fetch_refund": does},
}
GRADES = {
    "confirm": [True],
    "capture": [Support.FULL_ONLY, Support.PARTIAL],
    "void": [Support.FULL_ONLY, Support.PARTIAL],
    "refund": [Support.FULL_ONLY, Support.PARTIAL],
}
DECLARED = [(name, grade) for name, grades in GRADES.items() for grade in grades]


def gateway(methods=(), **capabilities):
    return type("Bank", (Plain,), {"manifest": manifest(**capabilities), **dict(methods)})


def test_a_plain_gateway_declares_and_implements_nothing_more():
    check_gateway(Plain)


@pytest.mark.parametrize(("name", "grade"), DECLARED)
def test_declared_and_implemented_is_fine(name, grade):
    check_gateway(gateway(METHODS[name], **{name: grade}))


@pytest.mark.parametrize(("name", "grade"), DECLARED)
def test_declared_but_not_implemented_is_refused(name, grade):
    with pytest.raises(TypeError, match=f"bank: declares {name} but does not implement"):
        check_gateway(gateway(**{name: grade}))


@pytest.mark.parametrize("name", METHODS)
def test_implemented_but_not_declared_is_refused(name):
    with pytest.raises(TypeError, match=rf"bank: implements \w+ but does not declare {name}"):
        check_gateway(gateway(METHODS[name]))


def test_a_refund_without_its_lookup_is_not_implemented():
    with pytest.raises(TypeError, match="does not implement Refunds"):
        check_gateway(gateway({"refund": does}, refund=Support.PARTIAL))


def test_a_gateway_needs_capabilities():
    bare = type("Bank", (Plain,), {"manifest": without_capabilities()})
    with pytest.raises(TypeError, match="bank: a gateway's manifest must have capabilities"):
        check_gateway(bare)


def without_capabilities():
    return Manifest(code="bank", name="Bank", summary="", version="1", author="us",
                    category="test", settings=Settings)  # fmt: skip


@pytest.mark.parametrize("missing", ["create_payment", "fetch_payment", "verify_webhook", "mode"])
def test_what_every_gateway_must_do_has_no_default(missing):
    class Half(Gateway):
        manifest = Plain.manifest

    for name in ("__init__", "mode", "create_payment", "fetch_payment", "verify_webhook"):
        if name != missing:
            setattr(Half, name, getattr(Plain, name))
    Half.__abstractmethods__ = frozenset({missing})
    with pytest.raises(TypeError, match=missing):
        Half(None, None)


def test_a_notifier_has_no_default_either():
    with pytest.raises(TypeError, match="send"):
        type("Pigeon", (Notifier,), {"__init__": Plain.__init__})(None, None)


# --- settings and manifest ----------------------------------------------------------------------


def test_settings_never_show_a_secret():
    settings = Settings(key_id="key_1", key_secret="hush", old_secret="husher")
    for shown in (repr(settings), str(settings), f"{settings}", f"{[settings]}"):
        assert "hush" not in shown
        assert "key_id='key_1'" in shown
        assert "key_secret=***" in shown
        assert "old_secret=***" in shown
        assert "retries=3" in shown


def test_secret_fields_are_found_where_they_may_be_none_too():
    assert secret_fields(Settings) == {"key_secret", "old_secret"}
    assert secret_fields(PluginSettings) == frozenset()


def test_settings_are_frozen_and_know_their_fields():
    settings = Settings(key_id="key_1", key_secret="hush")
    with pytest.raises(AttributeError):
        settings.key_id = "key_2"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"key_id": "a", "key_secret": "b", "typo": "c"}, Settings)


def test_a_manifest_is_frozen_and_by_name():
    with pytest.raises(AttributeError):
        manifest().code = "other"
    with pytest.raises(TypeError):
        Manifest("bank")
    assert manifest().depends == ()
    assert without_capabilities().capabilities is None


def test_capabilities_default_to_nothing():
    plain = Capabilities(currencies=frozenset())
    assert {plain.capture, plain.void, plain.refund} == {Support.NONE}
    assert (plain.confirm, plain.recurring, plain.settlements) == (False, False, False)
    assert plain.minimums == plain.digits == {}


# --- errors -------------------------------------------------------------------------------------


def test_errors_form_two_trees():
    for error in (GatewayRejected, GatewayUnavailable, GatewayOutcomeUnknown, WebhookRejected):
        assert issubclass(error, GatewayError)
    for error in (NotifierRejected, NotifierUnavailable):
        assert issubclass(error, NotifierError)
        assert not issubclass(error, GatewayError)
    assert not issubclass(GatewayOutcomeUnknown, GatewayUnavailable), "it must never be retried"


def test_errors_carry_what_the_core_reads():
    assert GatewayRejected("no").failure_code == ""
    assert GatewayRejected("no", failure_code="card_declined").failure_code == "card_declined"
    assert NotifierRejected("no").opted_out is False
    assert NotifierRejected("no", opted_out=True).opted_out
    assert NotifierUnavailable("later").retry_after_s is None
    assert NotifierUnavailable("later", retry_after_s=5).retry_after_s == 5
    assert str(NotifierUnavailable("later", retry_after_s=5)) == "later"


def test_all_that_is_public_is_exported_and_documented():
    public = {name for name, value in vars(contract).items()
              if not name.startswith("_") and not isinstance(value, type(contract))}  # fmt: skip
    assert public == set(contract.__all__)
    assert contract.__all__ == sorted(contract.__all__, key=by_isort)
    for name in contract.__all__:
        value = getattr(contract, name)
        if isinstance(value, type):
            assert (value.__doc__ or "").strip(), f"{name} says nothing"


def by_isort(name):
    return (0 if name.isupper() else 1 if re.match("[A-Z]", name) else 2, name)


def test_importing_the_contract_brings_nothing_of_the_core_along():
    probe = (
        "import sys, batua.contract; print(sorted(name for name in sys.modules"
        " if name.startswith('batua') and not name.startswith('batua.contract')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "['batua']"
