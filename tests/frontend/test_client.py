"""The JavaScript client: what it knows of the API is so, and Node runs its own tests."""

import filecmp
import gzip
import json
import os
import re
import shutil
import subprocess

import pytest

from tests.support.bearers import token_of
from tests.support.pages import ROOT
from tests.support.processes import running_demo
from tests.support.sentences import sentences
from tools.client_api import API_FILE, OPERATIONS, openapi_document, written
from tools.client_built import BUILT, CLIENT, FRONTEND, digests, find_tool

FOLDERS = (
    "client", "client/drivers", "client/messages", "demo", "element", "element/words", "tests",
)  # fmt: skip
SOURCES = sorted(path for folder in FOLDERS for path in (FRONTEND / folder).glob("*.js"))
LINES_MAX, TEST_LINES_MAX = 210, 300
NODE_TESTS = sorted((ROOT / "frontend" / "tests").glob("*.test.js"))
HOLES = re.compile(r"\{\w+\}")
DEVANAGARI = re.compile("[\u0900-\u097f]{2}")
LOADED = re.compile(r'from"\./(parts/[^"]+)"')
LISTED = re.compile(r"^\| \d+ \| `(\w+)` ", re.MULTILINE)

NO_CUSTOMERS = {
    # What staff and services do.
    "adjustment_open", "balance_remains", "dispute_open", "invalid_amount", "key_exists",
    "last_owner", "message_sent", "not_awaiting_approval", "payment_disputed", "payment_open",
    "refund_amount_differs", "staff_refused",
    "refund_differs", "refund_exceeds_refundable", "refund_not_open", "refund_open",
    "refund_under_way", "refund_unsupported", "self_approval", "wrong_mode", "bonus_expired",
    "capture_unsupported", "encryption_key_missing", "gateway_setting_refused",
    "gateway_settings_changed", "has_second_factor", "not_authorized", "not_in_suspense",
    "not_offered", "oneself", "void_unsupported", "wrong_code", "wrong_password",
    # What the shop's webhooks and listeners meet.
    "dispute_differs", "dispute_unsupported", "dispute_was_won", "listener_changed",
    "too_many_endpoints", "too_much_to_replay", "unknown_event_type", "webhook_rejected",
    "webhook_url_refused",
    # What only code that calls the ledger itself can do.
    "accounts_must_differ", "already_reversed", "currency_mismatch", "exceeds_held_amount",
    "exists_with_different_accounts", "exists_with_different_amount",
    "exists_with_different_details", "exists_with_different_kind", "hold_already_captured",
    "hold_already_voided", "hold_expired", "hold_not_due", "hold_not_found",
    "linked_operation_refused", "lot_expired", "lots_need_a_wallet", "transfer_not_found",
}  # fmt: skip
"""Codes that no route of a customer's answers with."""


def test_the_client_knows_the_api_as_it_is():
    wrong = "run python -m tools.client_api"
    assert API_FILE.read_text(encoding="utf-8") == written(openapi_document()), wrong


def test_the_client_calls_each_route_that_it_knows():
    source = "".join(path.read_text(encoding="utf-8") for path in CLIENT.glob("*.js"))
    assert [each for each in OPERATIONS if f"'{each}'" not in source] == []


def test_there_is_a_sentence_for_every_error_that_a_customer_can_meet():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    listed = set(LISTED.findall(page))
    known = sentences("client/messages", "en", "errors")
    own = re.findall(r"^  '(\w+)',$", (CLIENT / "errors.js").read_text(), re.MULTILINE)
    assert len(own) == 6
    expected = listed - NO_CUSTOMERS | {*own, "unknown"}
    assert set(known) == expected, "a new code needs a sentence in messages, or NO_CUSTOMERS here"
    assert listed > NO_CUSTOMERS


@pytest.mark.parametrize(
    ("folder", "part"),
    [("client/messages", "errors"), ("client/messages", "outcomes"), ("client/messages", "words"),
     ("element/words", "texts"), ("element/words", "kinds")],
)  # fmt: skip
def test_every_language_says_everything(folder, part):
    languages = sorted(path.stem for path in (FRONTEND / folder).glob("*.js"))
    assert languages == ["en", "hi"]
    english = sentences(folder, "en", part)
    assert len(english) > 3
    for language in languages:
        said = sentences(folder, language, part)
        assert list(said) == list(english)
        for name, text in said.items():
            assert set(HOLES.findall(text)) == set(HOLES.findall(english[name])), name
            assert language != "hi" or DEVANAGARI.search(text), name


def test_every_module_is_read_at_once():
    modules = [path for path in SOURCES if path.parent.name != "messages"]
    assert len(modules) > 10
    for path in modules:
        lines = path.read_text(encoding="utf-8").splitlines()
        most = TEST_LINES_MAX if path in NODE_TESTS else LINES_MAX
        assert path == API_FILE or len(lines) <= most, path
        assert [line for line in lines if len(line) > 100] == [], path


@pytest.mark.parametrize("built", BUILT, ids=lambda built: built.program)
def test_what_is_built_is_of_these_sources(built):
    made_of = json.loads((built.folder / "sources.json").read_text())
    assert made_of == digests(built), "run python -m tools.client_built"


@pytest.mark.parametrize("built", BUILT, ids=lambda built: built.program)
def test_the_tools_find_nothing_wrong_and_build_the_same(built, tmp_path):
    tool = find_tool(built)
    if tool is None:
        pytest.skip(f"{built.program} is not here: run npm install in frontend/client")
    assert built.build(tool, tmp_path) == ""
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*s")]
    assert len(names) > 5
    assert filecmp.cmpfiles(built.folder, tmp_path, names, shallow=False)[1:] == ([], [])


@pytest.mark.parametrize("folder", ["element", "demo"])
def test_typescript_finds_nothing_wrong_in(folder):
    tool = find_tool(BUILT[0])
    if tool is None:
        pytest.skip("tsc is not here: run npm install in frontend/client")
    command = [tool, "--project", FRONTEND / folder]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_the_element_weighs_less_than_it_may():
    dist = FRONTEND / "dist"
    entry = dist / "batua-wallet.js"
    first = {entry, *(dist / name for name in LOADED.findall(entry.read_text(encoding="utf-8")))}
    every = set(dist.rglob("*.js"))
    assert first < every
    weights = {path: len(gzip.compress(path.read_bytes())) for path in every}
    assert sum(weights[path] for path in first) < 20_000  # what a page loads
    assert sum(weights.values()) < 30_000  # with Hindi and every driver


def test_node_runs_the_clients_own_tests(tmp_path, sqlite_url):
    node = shutil.which("node")
    if node is None:
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            pytest.fail("there is no Node: install Debian's nodejs")
        pytest.skip("there is no Node: install Debian's nodejs")
    with running_demo(sqlite_url, cwd=tmp_path) as demo:
        tokens = {who: token_of(demo, who) for who in ("asha", "ravi")}
        tokens["staff"] = token_of(demo, "sam", scope="staff", role="finance")
        said = subprocess.run(
            [node, "--test", *NODE_TESTS],
            env=os.environ | {"BATUA_SHOP": demo.base, "BATUA_TOKENS": json.dumps(tokens)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert said.returncode == 0, said.stdout + said.stderr
    summary = dict(re.findall(r"^\W+ (pass|fail|skipped) (\d+)$", said.stdout, re.MULTILINE))
    assert int(summary["pass"]) > 50
    assert summary["skipped"] == "0"
