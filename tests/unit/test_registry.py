"""The registry: what is installed, what is off and why, and what must not be loaded at all."""

import threading
from datetime import UTC, datetime

import pytest

from batua.breaker import BreakerState
from batua.contract import GatewayUnavailable, Mode, NotifierUnavailable
from batua.errors import ConfigurationError, Conflict
from batua.registry import Given, Registry
from tests.support.plugins import PAPER, install

RAZORPAY = {
    "BATUA_RAZORPAY_KEY_ID": "rzp_test_1",
    "BATUA_RAZORPAY_KEY_SECRET": "one",
    "BATUA_RAZORPAY_WEBHOOK_SECRET": "two",
}

NOTIFIER = """
from batua.contract import *


class Pigeon(Notifier):
    manifest = Manifest(
        code="pigeon", name="Pigeon", summary="Slow.", version="1", author="us",
        category="Notifier", settings=PluginSettings,
    )
    channel = "air"
    needs_consent = False

    def __init__(self, settings, transport): ...
    async def send(self, notification): ...
"""  # fmt: skip


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
async def opened():
    registries = []

    def open_registry(environ=None):
        registry = Registry(environ or {}, now=lambda: datetime.now(UTC), timeout_s=1)
        registries.append(registry)
        return registry

    yield open_registry
    for registry in registries:
        await registry.close()


def test_the_built_in_plugins_are_found_by_entry_point(opened):
    registry = opened(RAZORPAY)

    assert "razorpay" in registry.gateways
    assert {"console", "whatsapp"} <= registry.notifiers.keys()
    assert registry.gateway("razorpay").mode is Mode.TEST
    assert registry.gateways["razorpay"].problem == ""


@pytest.mark.parametrize("missing", RAZORPAY)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_secret_turns_a_gateway_off_with_a_clear_line(opened, missing, value):
    environ = {name: text for name, text in RAZORPAY.items() if name != missing}
    registry = opened(environ if value is None else environ | {missing: value})

    plugin = registry.gateways["razorpay"]
    assert (plugin.instance, plugin.problem) == (None, f"razorpay is off: set {missing}")
    with pytest.raises(Conflict) as refusal:
        registry.gateway("razorpay")
    assert refusal.value.code == "gateway_off"
    assert missing in str(refusal.value)


def test_every_missing_secret_is_named_at_once(opened):
    assert opened().gateways["razorpay"].problem == f"razorpay is off: set {', '.join(RAZORPAY)}"


def test_settings_that_cant_work_turn_a_gateway_off_without_repeating_a_secret(opened):
    registry = opened(RAZORPAY | {"BATUA_RAZORPAY_KEY_ID": "abc"})

    problem = registry.gateways["razorpay"].problem
    assert problem == "razorpay is off: key_id must begin with rzp_test_ or rzp_live_"
    assert "one" not in problem.split()


def test_a_gateway_that_is_not_installed_is_said_to_be_so(opened):
    with pytest.raises(Conflict, match="is not installed"):
        opened().gateway("paytm")


def test_a_package_adds_a_gateway_without_a_change_of_the_core(packages, opened):
    install(packages, "paper_package", PAPER)

    registry = opened({"BATUA_PAPER_SECRET": "s"})

    assert registry.gateways["paper"].manifest.name == "Paper"
    assert registry.gateway("paper").mode is Mode.TEST
    assert list(registry.gateways) == sorted(registry.gateways)


def test_a_package_adds_a_notifier(packages, opened):
    install(packages, "pigeon_package", NOTIFIER, group="batua.notifiers",
            value="pigeon = pigeon_package:Pigeon")  # fmt: skip

    assert opened().notifiers["pigeon"].instance is not None


def test_a_plugin_may_say_that_its_settings_cant_work(packages, opened):
    install(packages, "paper_package", PAPER)

    registry = opened({"BATUA_PAPER_SECRET": "weak"})

    assert registry.gateways["paper"].problem == "paper is off: the secret is weak"


def refused(packages, opened, match, *changes, **options):
    source = options.pop("source", PAPER)
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    # The module's name is new in every test: Python keeps what it has imported.
    name = options.pop("name")
    install(packages, name, source, **options)
    with pytest.raises((ConfigurationError, TypeError), match=match):
        opened({"BATUA_PAPER_SECRET": "s"})


def test_two_packages_that_offer_one_code_are_refused(packages, opened):
    install(packages, "paper_first", PAPER)
    refused(packages, opened, "two installed packages offer batua.gateways 'paper'",
            name="paper_second")  # fmt: skip


def test_a_package_cant_stand_in_for_a_built_in_gateway(packages, opened):
    refused(packages, opened, "two installed packages offer batua.gateways 'razorpay'",
            ('code="paper"', 'code="razorpay"'), name="paper_impostor",
            value="razorpay = paper_impostor:Paper")  # fmt: skip


@pytest.mark.parametrize("what", ["Settings", "CODE", "make"])
@pytest.mark.parametrize("group", ["batua.gateways", "batua.notifiers"])
def test_an_entry_point_that_loads_no_plugin_is_refused(packages, opened, what, group):
    name = f"paper_{what.lower()}_{group[6:]}"
    refused(packages, opened, "entry point 'paper' is not a batua.contract",
            ("class Paper", "CODE = 'paper'\n\n\ndef make(): ...\n\n\nclass Paper"), name=name,
            group=group, value=f"paper = {name}:{what}")  # fmt: skip


def test_a_gateway_under_another_code_than_its_own_is_refused(packages, opened):
    refused(packages, opened, "manifest says 'paper'", name="paper_wrong_code",
            value="envelope = paper_wrong_code:Paper")  # fmt: skip


def test_a_notifier_under_another_code_than_its_own_is_refused(packages, opened):
    refused(packages, opened, "manifest says 'pigeon'", source=NOTIFIER, name="pigeon_wrong_code",
            group="batua.notifiers", value="dove = pigeon_wrong_code:Pigeon")  # fmt: skip


def test_a_capability_that_is_declared_and_not_there_is_refused(packages, opened):
    refused(packages, opened, "declares refund but does not implement",
            ('frozenset({"INR"})', 'frozenset({"INR"}), refund=Support.PARTIAL'),
            name="paper_declares")  # fmt: skip


def test_a_capability_that_is_there_and_not_declared_is_refused(packages, opened):
    refused(packages, opened, "implements Confirms but does not declare confirm",
            ("    async def create_payment",
             "    async def confirm(self, request): ...\n\n    async def create_payment"),
            name="paper_implements")  # fmt: skip


def test_a_gateway_without_capabilities_is_refused(packages, opened):
    refused(packages, opened, "must have capabilities",
            ('capabilities=Capabilities(currencies=frozenset({"INR"})),', ""),
            name="paper_incapable")  # fmt: skip


async def test_threads_and_connections_are_closed(packages):
    install(packages, "paper_threads", PAPER.replace("class Paper", "class Paper"),
            value="paper = paper_threads:Paper")  # fmt: skip
    registry = Registry({"BATUA_PAPER_SECRET": "s"}, now=lambda: datetime.now(UTC), timeout_s=1)
    transport = registry.gateway("paper").transport
    inside = await transport.run_blocking(threading.current_thread)
    assert inside.name.startswith("batua-paper")
    assert transport.timeout_s == 1

    await registry.close()
    inside.join(timeout=5)

    assert not inside.is_alive()
    assert transport.http.is_closed
    with pytest.raises(RuntimeError):
        await transport.run_blocking(threading.current_thread)


# --- fronts: gateways that stand before others --------------------------------------------------

FRONT = """
    processor = "paper"

    def connect(self, processor):
        if processor.settings.secret == "deaf":
            raise ValueError("Paper can't hear")
        self.connected = processor
"""


def install_front(packages, name, *, code, processor="paper"):
    """A front beside Paper. Its code decides whether it is loaded before or after it."""
    source = PAPER.replace('code="paper"', f'code="{code}"') + FRONT.replace(
        'processor = "paper"', f'processor = "{processor}"'
    )
    install(packages, name, source, value=f"{code} = {name}:Paper")


def secrets(*codes, paper="s"):
    own = {f"BATUA_{code.upper()}_SECRET": "s" for code in codes}
    return own | ({"BATUA_PAPER_SECRET": paper} if paper else {})


@pytest.mark.parametrize("code", ["envelope", "pouch"])
def test_a_front_is_connected_whichever_is_loaded_first(packages, opened, code):
    install(packages, "paper_behind", PAPER, value="paper = paper_behind:Paper")
    install_front(packages, f"front_{code}", code=code)

    registry = opened(secrets(code))

    assert registry.gateway(code).connected is registry.gateway("paper")
    assert registry.processor_of(code) == "paper"
    assert registry.processor_of("paper") == "paper"
    assert registry.processor_of("nobody") == "nobody"
    assert list(registry.gateways) == sorted(registry.gateways)


@pytest.mark.parametrize(
    ("name", "options", "paper", "problem"),
    [
        ("front_lonely", {"processor": "nobody"}, "s", "its processor 'nobody' is not installed"),
        ("front_off", {}, "", "its processor can't be used: paper is off: set BATUA_PAPER_SECRET"),
        ("front_deaf", {}, "deaf", "Paper can't hear"),
        ("front_self", {"processor": "envelope"}, "s", "it can't be its own processor"),
    ],
)
def test_a_front_without_its_processor_is_off(packages, opened, name, options, paper, problem):
    install(packages, f"paper_of_{name}", PAPER, value=f"paper = paper_of_{name}:Paper")
    install_front(packages, name, code="envelope", **options)

    registry = opened(secrets("envelope", paper=paper))

    plugin = registry.gateways["envelope"]
    assert (plugin.instance, plugin.problem) == (None, f"envelope is off: {problem}")
    assert registry.processor_of("envelope") == "envelope"


def test_a_front_of_a_front_is_off_and_the_other_is_not(packages, opened):
    install(packages, "paper_last", PAPER, value="paper = paper_last:Paper")
    install_front(packages, "front_first", code="envelope", processor="pouch")
    install_front(packages, "front_second", code="pouch")

    registry = opened(secrets("envelope", "pouch"))

    problem = "envelope is off: its processor 'pouch' takes no money itself"
    assert registry.gateways["envelope"].problem == problem
    assert registry.processor_of("pouch") == "paper"


# --- what every plugin gets ---------------------------------------------------------------------


def test_every_plugin_has_a_breaker_of_its_own(packages, opened):
    install(packages, "paper_broken", PAPER, value="paper = paper_broken:Paper")
    registry = opened({"BATUA_PAPER_SECRET": "s"} | RAZORPAY)

    assert {"paper", "razorpay"} <= registry.breakers.keys()
    breaker = registry.breakers["paper"]
    for _ in range(5):
        breaker.failed(breaker.begin())
    assert breaker.state is BreakerState.OPEN
    assert registry.breakers["razorpay"].state is BreakerState.CLOSED


async def test_an_open_breaker_is_unavailable_to_gateways_and_notifiers_alike(packages, opened):
    install(packages, "paper_calls", PAPER, value="paper = paper_calls:Paper")
    install(packages, "pigeon_calls",
            NOTIFIER.replace("transport): ...", "transport):\n        self.transport = transport"),
            group="batua.notifiers", value="pigeon = pigeon_calls:Pigeon")  # fmt: skip
    registry = opened({"BATUA_PAPER_SECRET": "s"})
    for code in ("paper", "pigeon"):
        for _ in range(5):
            registry.breakers[code].failed(registry.breakers[code].begin())

    with pytest.raises(GatewayUnavailable, match="nothing was sent"):
        await registry.gateway("paper").transport.run_blocking(lambda: None)
    with pytest.raises(NotifierUnavailable, match="nothing was sent"):
        await registry.notifiers["pigeon"].instance.transport.run_blocking(lambda: None)


# --- what staff give ----------------------------------------------------------------------------


def given(secret, code="paper"):
    return {code: Given({"secret": secret})}


def test_what_staff_give_is_beneath_the_environment(packages, opened):
    install(packages, "paper_given", PAPER, value="paper = paper_given:Paper")

    registry = opened()
    registry.give(given("theirs"))
    assert registry.gateway("paper").settings.secret == "theirs"
    assert registry.from_environment("paper") == {}

    told = opened({"BATUA_PAPER_SECRET": "the-operators"})
    told.give(given("theirs"))
    assert told.gateway("paper").settings.secret == "the-operators"
    assert told.from_environment("paper") == {"secret": "the-operators"}


def test_what_can_not_be_read_is_never_replaced_by_something_else(packages, opened):
    install(packages, "paper_sealed", PAPER.replace("secret: Secret", "secret: Secret = 'x'"),
            value="paper = paper_sealed:Paper")  # fmt: skip
    sealed = {"paper": Given({}, {"secret": "the key is lost"})}

    registry = opened()
    registry.give(sealed)
    assert registry.gateways["paper"].problem == "paper is off: the key is lost"

    told = opened({"BATUA_PAPER_SECRET": "the-operators"})
    told.give(sealed)
    assert told.gateway("paper").settings.secret == "the-operators"


async def test_an_old_gateway_works_until_its_last_user_has_gone(packages, opened):
    install(packages, "paper_old", PAPER, value="paper = paper_old:Paper")
    registry = opened({})
    registry.give(given("one"))
    user = registry.gateway("paper")
    transport = user.transport

    registry.give(given("two"))
    await registry.close_unused()
    assert registry.gateway("paper").settings.secret == "two"
    assert not transport.http.is_closed
    assert await user.transport.run_blocking(lambda: "answered") == "answered"

    del user
    await registry.close_unused()
    assert transport.http.is_closed
    assert not registry.gateway("paper").transport.http.is_closed


async def test_what_is_tried_is_used_by_nobody_and_closed(packages, opened):
    install(packages, "paper_tried", PAPER, value="paper = paper_tried:Paper")
    registry = opened()

    tried = (await registry.tried(given("one")))["paper"].instance

    assert tried.settings.secret == "one"
    assert tried.transport.http.is_closed
    assert registry.gateways["paper"].instance is None
    assert (await registry.tried(given("weak")))["paper"].problem.endswith("the secret is weak")


def test_a_front_follows_its_processor_and_the_others_stay(packages, opened):
    install(packages, "paper_moved", PAPER, value="paper = paper_moved:Paper")
    install_front(packages, "front_moved", code="envelope")
    registry = opened(secrets("envelope", paper="") | RAZORPAY)
    razorpay = registry.gateway("razorpay")
    assert "its processor can't be used" in registry.gateways["envelope"].problem

    registry.give(given("one"))
    assert registry.gateway("envelope").connected is registry.gateway("paper")
    assert registry.processor_of("envelope") == "paper"
    first = registry.gateway("envelope")
    registry.give(given("two"))
    assert registry.gateway("envelope").connected.settings.secret == "two"
    assert first.connected.settings.secret == "one"
    second = registry.gateway("envelope")
    registry.give(given("two") | given("unknown", code="nobody"))
    assert registry.gateway("envelope") is second
    registry.give({})
    assert registry.gateways["envelope"].instance is None
    assert registry.processor_of("envelope") == "envelope"
    assert registry.gateway("razorpay") is razorpay


def test_an_adapter_with_a_bug_is_off_and_takes_down_no_other(packages, opened, caplog):
    install(packages, "paper_bug", PAPER.replace('ValueError("the secret is weak")', "KeyError"),
            value="paper = paper_bug:Paper")  # fmt: skip

    registry = opened(RAZORPAY | {"BATUA_PAPER_SECRET": "weak"})

    assert "the log says why" in registry.gateways["paper"].problem
    assert "paper could not be made of its settings" in caplog.text
    assert registry.gateway("razorpay").mode is Mode.TEST
